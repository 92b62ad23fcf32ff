// A text's hash in its place: column.mask.hash and column.mask.hash.v2.
//
// Errors   config: a digest that OpenSSL does not have. internal: OpenSSL failed.
// Threads  One thread each.
// Source   Debezium 3.6, MaskStrings.HashValueConverter; Java Object Serialization Specification, 6.4.2 (TC_STRING, TC_LONGSTRING) and
//          java.io.DataInput, "Modified UTF-8".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "debezium/settings.h"

namespace tailrace::debezium {

// Java's names of digests, as Debezium's settings have them.
bool is_known_digest(std::string_view name);

class TextHash {
 public:
  explicit TextHash(const ColumnHash& rule);
  ~TextHash();
  TextHash(const TextHash&) = delete;
  TextHash& operator=(const TextHash&) = delete;

  // In lower-case hexadecimal digits.
  std::string of(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What Java writes of a string: its v1 form hashes this.
std::string java_serialized(std::string_view text);

}  // namespace tailrace::debezium
