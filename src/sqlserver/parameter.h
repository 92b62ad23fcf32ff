// Values for the `?` of a statement.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/lsn.h"

namespace tailrace::sqlserver {

struct Parameter {
  enum class Kind : std::uint8_t { integer, text, bytes } kind = Kind::integer;
  std::int64_t integer = 0;
  std::string value;  // text: UTF-16LE; bytes: as they are.

  static Parameter of(std::int64_t number);
  static Parameter of(const Lsn& lsn);
  static Parameter of_text(std::string_view utf8);
};

}  // namespace tailrace::sqlserver
