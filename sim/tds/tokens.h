// The tokens of a response, except rows.
//
// Source  [MS-TDS] 2.2.7.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sim/tds/byte_buffer.h"
#include "sim/tds/wire.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

inline constexpr std::string_view server_name = "sqlserver-sim";

void put_column_metadata(ByteBuffer& out, const Protocol& protocol, std::span<const ResultColumn> columns);
// ERROR above severity 10, else INFO.
void put_message(ByteBuffer& out, const Protocol& protocol, const ServerMessage& message);
void put_done(ByteBuffer& out, const Protocol& protocol, std::uint8_t token, std::uint16_t status,
              StatementKind kind, std::uint64_t rows);
void put_text_change(ByteBuffer& out, std::uint8_t kind, std::string_view now, std::string_view before);
void put_collation_change(ByteBuffer& out);
// ENVCHANGE 8 has the descriptor as its new value, 9 and 10 as the old one.
void put_transaction_change(ByteBuffer& out, std::uint8_t kind, std::uint64_t descriptor);
void put_reset_acknowledgement(ByteBuffer& out);
void put_login_acknowledgement(ByteBuffer& out, const Protocol& protocol);
void put_return_status(ByteBuffer& out, std::int32_t status);
void put_return_value(ByteBuffer& out, const Protocol& protocol, std::uint16_t ordinal,
                      const ParameterValue& parameter);

}  // namespace tailrace::sim::tds
