// Messages that ask for something: batches of SQL, and statements with parameters.
//
// Source   [MS-TDS] 2.2.6.7 (SQL batch), 2.2.6.6 (RPC), 2.2.5.3 (ALL_HEADERS), 2.2.3.1 (packets).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::tds {

enum class PacketType : std::uint8_t {
  batch = 0x01,
  rpc = 0x03,
  attention = 0x06,
  login = 0x10,
  prelogin = 0x12,
};

// `message` as packets of at most `packet_bytes`, their heads included.
std::string packets_of(PacketType type, std::string_view message, std::size_t packet_bytes);

struct Parameter {
  enum class Kind : std::uint8_t { integer, text, bytes } kind = Kind::integer;
  std::int64_t integer = 0;
  std::string_view value;  // text: UTF-16LE.
};

// Every `?` outside of texts, quoted names and comments becomes @P1, @P2, ... `count` of them must be there.
std::string with_numbered_parameters(std::string_view sql, std::size_t count);

std::string batch_message(std::string_view sql, std::uint64_t transaction);
// sp_executesql. `collation` is the session's, five bytes; it belongs to texts.
std::string execute_message(std::string_view sql, const std::vector<Parameter>& parameters,
                            std::string_view collation, std::uint64_t transaction);

}  // namespace tailrace::tds
