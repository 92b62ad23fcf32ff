// TYPE_INFO: how a column's or a parameter's type stands on the wire.
//
// Errors   What a client sends: `protocol` where the bytes end too early, `data` with the context `number`
//          (SQL Server's error number) where the type is unknown to the simulator or contradicts itself.
// Source   [MS-TDS] 2.2.5.4 (data types), 2.2.5.5 (their values), 2.2.5.6 (TYPE_INFO).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sim/storage/value.h"
#include "sim/tds/byte_buffer.h"
#include "sim/tds/byte_reader.h"
#include "sim/tds/wire.h"

namespace tailrace::sim::tds {

// Decimal's length on the wire, with its sign, by precision.
std::uint8_t decimal_bytes(std::uint8_t precision);
// The bytes of a time of day by scale.
std::uint8_t time_bytes(std::uint8_t scale);
// 10 to the power of (7 - scale): from 100 ns to the units of the wire.
std::int64_t time_divisor(std::uint8_t scale);

// A NOT NULL type has its fixed form where there is one, as SQL Server sends it.
void put_type_info(ByteBuffer& out, const TypeInfo& type, bool nullable);

// The `data` error for a request that SQL Server answers with this number.
Error refused_request(int number, std::string text);

// How the length of a value is told.
enum class LengthForm : std::uint8_t { fixed, byte, ushort, ulong, plp };

struct WireType {
  std::uint8_t code = 0;
  LengthForm form = LengthForm::fixed;
  std::uint32_t most_bytes = 0;  // Or the size of a fixed type.
  TypeInfo type;
  char collation[5] = {};
};

WireType read_wire_type(ByteReader& in, const Protocol& protocol, std::string_view parameter);
Value read_value(ByteReader& in, const WireType& wire, std::string_view parameter);

}  // namespace tailrace::sim::tds
