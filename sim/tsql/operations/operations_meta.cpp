// Functions that the session answers, of metadata and of CDC: arguments out, its answer in.
#include <algorithm>
#include <map>

#include "sim/tsql/operations/operations.h"

namespace tailrace::sim::tsql {
namespace {

bool answer(OperationCall& call, const std::optional<std::string>& text) {
  if (!text) return call.null();
  call.out.text = *text;
  return true;
}
bool answer(OperationCall& call, const std::optional<std::int64_t>& number) {
  if (!number) return call.null();
  call.out.number = *number;
  return true;
}
// Becomes a sql_variant, or what else the binder chose.
bool answer(OperationCall& call, const std::optional<Value>& value) {
  if (!value || value->null) return call.null();
  return convert(value->type,
                 Cell{.null = false,
                      .offset_minutes = value->offset_minutes,
                      .number = value->number,
                      .text = value->text},
                 call.op.result, no_style, call.out, call.context.error);
}

std::optional<std::string> text_at(const OperationCall& call, std::size_t i) {
  if (i >= call.args.size() || call.args[i].null) return std::nullopt;
  return std::string(call.args[i].text);
}
std::optional<std::int64_t> number_at(const OperationCall& call, std::size_t i) {
  if (i >= call.args.size() || call.args[i].null) return std::nullopt;
  return call.args[i].number;
}

// One part of a name, which begins at `at` and may be in brackets or quotes; `at` is behind it then.
std::optional<std::string> name_part(std::string_view text, std::size_t& at) {
  std::string part;
  if (at == text.size() || (text[at] != '[' && text[at] != '"')) {
    const std::size_t end = std::min(text.find_first_of(".[]\"", at), text.size());
    part = text.substr(at, end - at);
    at = end;
    return part;
  }
  const char close = text[at++] == '[' ? ']' : '"';
  while (true) {
    const std::size_t end = text.find(close, at);
    if (end == std::string_view::npos) return std::nullopt;
    part.append(text.substr(at, end - at));
    at = end + 1;
    if (at == text.size() || text[at] != close) return part;
    part.push_back(text[at++]);  // Doubled: it belongs to the name.
  }
}

// The parts of server.database.schema.object from the right; nothing where the text is no name.
std::vector<std::string> name_parts(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0;; ++at) {
    std::optional<std::string> part = name_part(text, at);
    if (!part || utf16_length(*part) > 128) return {};
    parts.insert(parts.begin(), std::move(*part));
    if (at == text.size()) break;
    if (text[at] != '.') return {};
  }
  if (parts.size() > 4 || parts.front().empty()) return {};
  return parts;
}

std::optional<std::string> parse_name(std::string_view name, std::int64_t piece) {
  const std::vector<std::string> parts = name_parts(name);
  if (piece < 1 || piece > static_cast<std::int64_t>(parts.size())) return std::nullopt;
  const std::string& part = parts[static_cast<std::size_t>(piece) - 1];
  if (part.empty()) return std::nullopt;
  return part;
}

using Call = bool (*)(OperationCall& call, FunctionHost& host);

const std::map<std::string, Call, std::less<>>& calls() {
  static const std::map<std::string, Call, std::less<>> table{
      {"PARSENAME", [](OperationCall& c,
                       FunctionHost&) { return answer(c, parse_name(c.args[0].text, c.args[1].number)); }},
      {"OBJECT_NAME",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.object_name(c.args[0].number, number_at(c, 1)));
       }},
      {"OBJECT_SCHEMA_NAME",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.object_schema_name(c.args[0].number, number_at(c, 1)));
       }},
      {"OBJECT_ID", [](OperationCall& c,
                       FunctionHost& h) { return answer(c, h.object_id(c.args[0].text, text_at(c, 1))); }},
      {"SCHEMA_NAME",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.schema_name(c.args[0].number)); }},
      {"SCHEMA_ID", [](OperationCall& c, FunctionHost& h) { return answer(c, h.schema_id(c.args[0].text)); }},
      {"DB_NAME",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.database_name(c.args[0].number)); }},
      {"DB_ID", [](OperationCall& c, FunctionHost& h) { return answer(c, h.database_id(c.args[0].text)); }},
      {"COL_NAME",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.column_name(c.args[0].number, c.args[1].number));
       }},
      {"COLUMNPROPERTY",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.column_property(c.args[0].number, c.args[1].text, c.args[2].text));
       }},
      {"OBJECTPROPERTY",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.object_property(c.args[0].number, c.args[1].text));
       }},
      {"SERVERPROPERTY",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.server_property(c.args[0].text)); }},
      {"DATABASEPROPERTYEX",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.database_property(c.args[0].text, c.args[1].text));
       }},
      {"SESSIONPROPERTY",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.session_property(c.args[0].text)); }},
      {"TYPE_NAME",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.name_of_type(c.args[0].number)); }},
      {"TYPE_ID", [](OperationCall& c, FunctionHost& h) { return answer(c, h.id_of_type(c.args[0].text)); }},
      {"COL_LENGTH",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.column_length(c.args[0].text, c.args[1].text));
       }},
      {"HAS_DBACCESS",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.has_database_access(c.args[0].text)); }},
      {"INDEX_COL",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.index_column(c.args[0].text, c.args[1].number, c.args[2].number));
       }},
      {"INDEXPROPERTY",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.index_property(c.args[0].number, c.args[1].text, c.args[2].text));
       }},
      {"IDENT_CURRENT",
       [](OperationCall& c, FunctionHost& h) {
         const std::optional<std::int64_t> value = h.current_identity(c.args[0].text);
         if (!value) return c.null();
         c.out.decimal = *value;
         return true;
       }},
      {"HAS_PERMS_BY_NAME",
       [](OperationCall& c, FunctionHost& h) {
         return answer(
             c, h.has_permission(text_at(c, 0), text_at(c, 1).value_or(""), text_at(c, 2).value_or("")));
       }},
      {"IS_SRVROLEMEMBER",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.is_server_role_member(c.args[0].text, text_at(c, 1)));
       }},
      {"IS_MEMBER",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.is_role_member(c.args[0].text, std::nullopt));
       }},
      {"IS_ROLEMEMBER",
       [](OperationCall& c, FunctionHost& h) {
         return answer(c, h.is_role_member(c.args[0].text, text_at(c, 1)));
       }},
      {"USER_NAME",
       [](OperationCall& c, FunctionHost& h) { return answer(c, h.user_name(number_at(c, 0))); }},
  };
  return table;
}

}  // namespace

bool op_meta(OperationCall& call) {
  const auto found = calls().find(call.op.text);
  if (found == calls().end()) return call.null();
  return found->second(call, *call.context.host);
}

bool op_cdc(OperationCall& call) {
  return call.context.host->cdc_function(call.op.text, call.args, call.out, call.context.error);
}

}  // namespace tailrace::sim::tsql
