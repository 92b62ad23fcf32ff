// The numbers of the TDS protocol that more than one file of this folder needs.
//
// Source  [MS-TDS] 2.2.3.1.1 (packet types), 2.2.4 and 2.2.7 (tokens), 2.2.5.4 (data types).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tailrace::sim::tds {

enum class PacketType : std::uint8_t {
  batch = 0x01,
  old_login = 0x02,
  rpc = 0x03,
  reply = 0x04,
  attention = 0x06,
  bulk = 0x07,
  transaction_manager = 0x0E,
  login7 = 0x10,
  sspi = 0x11,
  prelogin = 0x12,
};

namespace packet_status {
inline constexpr std::uint8_t end_of_message = 0x01;
inline constexpr std::uint8_t ignore = 0x02;
inline constexpr std::uint8_t reset_connection = 0x08;
inline constexpr std::uint8_t reset_connection_keep_transaction = 0x10;
}  // namespace packet_status

// The engine's moments are counted in these.
inline constexpr std::int64_t ticks_a_day = 864'000'000'000;      // of 100 ns
inline constexpr std::int64_t datetime_ticks_a_day = 25'920'000;  // of 1/300 s

inline constexpr std::size_t packet_header_bytes = 8;
inline constexpr std::uint32_t default_packet_bytes = 4096;
inline constexpr std::uint32_t smallest_packet_bytes = 512;
inline constexpr std::uint32_t largest_packet_bytes = 32767;
// A TDS packet in TLS stays inside one TLS record.
inline constexpr std::uint32_t largest_encrypted_packet_bytes = 16383;

namespace token {
inline constexpr std::uint8_t return_status = 0x79;
inline constexpr std::uint8_t column_metadata = 0x81;
inline constexpr std::uint8_t error = 0xAA;
inline constexpr std::uint8_t info = 0xAB;
inline constexpr std::uint8_t return_value = 0xAC;
inline constexpr std::uint8_t login_ack = 0xAD;
inline constexpr std::uint8_t row = 0xD1;
inline constexpr std::uint8_t row_with_null_bitmap = 0xD2;
inline constexpr std::uint8_t environment_change = 0xE3;
inline constexpr std::uint8_t done = 0xFD;
inline constexpr std::uint8_t done_procedure = 0xFE;
inline constexpr std::uint8_t done_in_procedure = 0xFF;
}  // namespace token

namespace done_status {
inline constexpr std::uint16_t more = 0x01;
inline constexpr std::uint16_t error = 0x02;
inline constexpr std::uint16_t count = 0x10;
inline constexpr std::uint16_t attention = 0x20;
}  // namespace done_status

namespace environment {
inline constexpr std::uint8_t database = 1;
inline constexpr std::uint8_t language = 2;
inline constexpr std::uint8_t packet_size = 4;
inline constexpr std::uint8_t collation = 7;
inline constexpr std::uint8_t transaction_began = 8;
inline constexpr std::uint8_t transaction_committed = 9;
inline constexpr std::uint8_t transaction_rolled_back = 10;
inline constexpr std::uint8_t connection_was_reset = 18;
}  // namespace environment

namespace wire_type {
inline constexpr std::uint8_t null = 0x1F;
inline constexpr std::uint8_t image = 0x22;
inline constexpr std::uint8_t text = 0x23;
inline constexpr std::uint8_t guid = 0x24;
inline constexpr std::uint8_t old_varbinary = 0x25;
inline constexpr std::uint8_t intn = 0x26;
inline constexpr std::uint8_t old_varchar = 0x27;
inline constexpr std::uint8_t daten = 0x28;
inline constexpr std::uint8_t timen = 0x29;
inline constexpr std::uint8_t datetime2n = 0x2A;
inline constexpr std::uint8_t datetimeoffsetn = 0x2B;
inline constexpr std::uint8_t old_binary = 0x2D;
inline constexpr std::uint8_t old_char = 0x2F;
inline constexpr std::uint8_t int1 = 0x30;
inline constexpr std::uint8_t bit = 0x32;
inline constexpr std::uint8_t int2 = 0x34;
inline constexpr std::uint8_t old_decimal = 0x37;
inline constexpr std::uint8_t int4 = 0x38;
inline constexpr std::uint8_t datetime4 = 0x3A;
inline constexpr std::uint8_t float4 = 0x3B;
inline constexpr std::uint8_t money = 0x3C;
inline constexpr std::uint8_t datetime = 0x3D;
inline constexpr std::uint8_t float8 = 0x3E;
inline constexpr std::uint8_t old_numeric = 0x3F;
inline constexpr std::uint8_t variant = 0x62;
inline constexpr std::uint8_t ntext = 0x63;
inline constexpr std::uint8_t bitn = 0x68;
inline constexpr std::uint8_t decimaln = 0x6A;
inline constexpr std::uint8_t numericn = 0x6C;
inline constexpr std::uint8_t floatn = 0x6D;
inline constexpr std::uint8_t moneyn = 0x6E;
inline constexpr std::uint8_t datetimen = 0x6F;
inline constexpr std::uint8_t money4 = 0x7A;
inline constexpr std::uint8_t int8 = 0x7F;
inline constexpr std::uint8_t varbinary = 0xA5;
inline constexpr std::uint8_t varchar = 0xA7;
inline constexpr std::uint8_t binary = 0xAD;
inline constexpr std::uint8_t char_ = 0xAF;
inline constexpr std::uint8_t nvarchar = 0xE7;
inline constexpr std::uint8_t nchar = 0xEF;
inline constexpr std::uint8_t udt = 0xF0;
inline constexpr std::uint8_t xml = 0xF1;
}  // namespace wire_type

// SQL_Latin1_General_CP1_CI_AS: LCID 0x0409, ignore case, kana and width, sort id 52.
inline constexpr unsigned char collation_bytes[5] = {0x09, 0x04, 0xD0, 0x00, 0x34};

// The length of a partially length-prefixed (max) value that is NULL, and of one that does not tell.
inline constexpr std::uint64_t plp_null = ~std::uint64_t{0};
inline constexpr std::uint64_t plp_unknown = ~std::uint64_t{1};

// What the two ends agreed upon at login, as far as bytes depend on it.
struct Protocol {
  std::uint32_t version = 0x74000004;  // As in LOGIN7; comparable: 7.2 is 0x72...
  std::uint32_t packet_bytes = default_packet_bytes;
  bool has_all_headers() const { return version >= 0x72000000; }
  bool has_new_times() const { return version >= 0x73000000; }
};

}  // namespace tailrace::sim::tds
