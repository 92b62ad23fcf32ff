// Quoting and target names.
#include "postgres/names.h"

#include <fmt/format.h>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    out += c;
    if (c == quote) out += c;
  }
  return out + quote;
}

void check_name(std::string_view what, std::string_view name, const TableSchema& table) {
  if (name.size() <= longest_name) return;
  throw Error(ErrorKind::config, fmt::format("the name of {} {} has {} bytes; PostgreSQL keeps {}", what,
                                             name, name.size(), longest_name))
      .with("table", table.name.str())
      .with("remedy", "exclude it, or rename it at the source");
}

}  // namespace

std::string quote_name(std::string_view name) {
  return doubled(name, '"');
}

// standard_conforming_strings is on in every session of ours.
std::string quote_literal(std::string_view text) {
  return doubled(text, '\'');
}

std::string RelationName::quoted() const {
  return quote_name(schema) + "." + quote_name(name);
}

RelationName target_of(const Settings& settings, const TableName& table) {
  const auto mapped = settings.schemas.find(table.schema);
  return {mapped == settings.schemas.end() ? table.schema : mapped->second, table.name};
}

void check_names(const Settings& settings, const TableSchema& table) {
  const RelationName target = target_of(settings, table.name);
  check_name("schema", target.schema, table);
  check_name("table", target.name, table);
  for (const Column& column : table.columns)
    check_name("column", column.name, table);
}

std::string constraint_name(std::string_view name) {
  if (name.size() <= longest_name) return std::string(name);
  std::uint32_t hash = 2166136261U;  // FNV-1a: the same name in every run.
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  std::size_t keep = longest_name - 9;
  // Not within a UTF-8 sequence.
  while (keep > 0 && (static_cast<unsigned char>(name[keep]) & 0xC0U) == 0x80U)
    --keep;
  return fmt::format("{}_{:08x}", name.substr(0, keep), hash);
}

}  // namespace tailrace::postgres
