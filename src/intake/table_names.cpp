// Patterns of table names, filled.
#include "intake/table_names.h"

#include <algorithm>
#include <array>

namespace tailrace::intake {
namespace {

constexpr std::array<std::string_view, 5> name_parts{"{database}", "{schema}", "{table}", "{topic}",
                                                     "{underscored_topic}"};

// The last parts of prefix.database.schema.table.
std::array<std::string_view, 3> parts_of(std::string_view topic) {
  std::array<std::string_view, 3> out{};
  for (std::size_t i = out.size(); i-- > 0;) {
    const std::size_t dot = topic.rfind('.');
    if (dot == std::string_view::npos) {
      out[i] = topic;
      break;
    }
    out[i] = topic.substr(dot + 1);
    topic = topic.substr(0, dot);
  }
  return out;
}

void substitute(std::string& text, std::string_view name, std::string_view value) {
  const std::size_t at = text.find(name);
  if (at != std::string::npos) text.replace(at, name.size(), value);
}

}  // namespace

TableName table_of(std::string_view pattern, std::string_view topic, const Layout::Origin& origin,
                   const record::List* source) {
  std::array<std::string_view, 3> parts = parts_of(topic);
  if (source != nullptr) {
    const std::array<std::optional<std::size_t>, 3> places{origin.database, origin.schema, origin.table};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (const std::string_view said = text_at(*source, places[i]); !said.empty()) parts[i] = said;
    }
  }
  std::string underscored(topic);
  std::replace(underscored.begin(), underscored.end(), '.', '_');
  const std::array<std::string_view, name_parts.size()> values{parts[0], parts[1], parts[2], topic,
                                                               underscored};
  const std::size_t dot = pattern.find('.');
  TableName out{std::string(pattern.substr(0, dot)), std::string(pattern.substr(dot + 1))};
  for (std::string* const text : {&out.schema, &out.name}) {
    for (std::size_t i = 0; i < name_parts.size(); ++i)
      substitute(*text, name_parts[i], values[i]);
  }
  return out;
}

std::string fault_of_table_names(std::string_view pattern) {
  if (std::count(pattern.begin(), pattern.end(), '.') != 1 || pattern.front() == '.' || pattern.back() == '.')
    return "expected a schema and a name with a dot between them, such as {schema}.{table}";
  if (pattern.find('$') != std::string_view::npos)
    return "has a $; the parts of the JDBC sinks' table.name.format are written without it: {topic}";
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    const std::string_view found = pattern.substr(at, pattern.find('}', at) + 1 - at);
    if (std::find(name_parts.begin(), name_parts.end(), found) != name_parts.end()) continue;
    return "has an unknown part " + std::string(found) +
           "; expected {database}, {schema}, {table}, {topic} or {underscored_topic}";
  }
  return {};
}

}  // namespace tailrace::intake
