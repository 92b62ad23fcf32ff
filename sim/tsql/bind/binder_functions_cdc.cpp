// Functions of change data capture, and what else is called by a qualified name.
#include <algorithm>
#include <cctype>
#include <map>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

const TypeInfo bit_type = make_type(Type::bit);

struct CdcRow {
  std::vector<TypeInfo> args;
  TypeInfo result;
};

const std::map<std::string, CdcRow, std::less<>>& cdc_rows() {
  static const TypeInfo lsn = text_type(Type::binary, 10);
  static const TypeInfo name_type = nvarchar_type(128);
  static const TypeInfo mask = text_type(Type::varbinary, 128);
  static const std::map<std::string, CdcRow, std::less<>> rows{
      {"FN_CDC_GET_MAX_LSN", {{}, lsn}},
      {"FN_CDC_GET_MIN_LSN", {{name_type}, lsn}},
      {"FN_CDC_INCREMENT_LSN", {{lsn}, lsn}},
      {"FN_CDC_DECREMENT_LSN", {{lsn}, lsn}},
      {"FN_CDC_MAP_LSN_TO_TIME", {{lsn}, make_type(Type::datetime)}},
      {"FN_CDC_MAP_TIME_TO_LSN", {{nvarchar_type(64), make_type(Type::datetime)}, lsn}},
      {"FN_CDC_GET_COLUMN_ORDINAL", {{name_type, name_type}, int_type()}},
      {"FN_CDC_IS_BIT_SET", {{int_type(), mask}, bit_type}},
      {"FN_CDC_HAS_COLUMN_CHANGED", {{name_type, name_type, mask}, bit_type}},
      {"FN_VARBINTOHEXSTR", {{text_type(Type::varbinary, 8000)}, nvarchar_type(-1)}},
  };
  return rows;
}

}  // namespace

Typed qualified_function(Binder& binder, const Expr& expr, const std::string& name) {
  const bool in_sys = same_word(expr.parts[expr.parts.size() - 2], "sys") ||
                      same_word(expr.parts[expr.parts.size() - 2], "master");
  const auto row = cdc_rows().find(name);
  if (!in_sys || row == cdc_rows().end()) {
    if (std::optional<Typed> method = method_of_column(binder, expr)) return *std::move(method);
    std::string full;
    for (const std::string& part : expr.parts)
      full += (full.empty() ? "" : ".") + part;
    raise(4121,
          "Cannot find either column \"" + expr.parts[0] + "\" or the user-defined function or aggregate \"" +
              full + "\", or the name is ambiguous.",
          expr.line);
  }
  ObjectName where;
  where.database = expr.parts.size() == 3 ? expr.parts[0] : "";
  where.schema = "sys";
  where.name = expr.parts.back();
  where.line = expr.line;
  const std::int32_t database_id = binder.environment().foreign_database_id(where.database, where);
  binder.arguments(expr, row->second.args.size(), row->second.args.size());
  std::vector<Typed> args;
  for (std::size_t i = 0; i < expr.args.size(); ++i)
    args.push_back(
        binder.cast_to(binder.expression(*expr.args[i]), row->second.args[i], no_style, false, expr.line));
  std::string key = name;
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  if (database_id != 0) key = std::to_string(database_id) + ":" + key;
  Typed out = binder.call(op_cdc, std::move(args), row->second.result, key, no_style, false, true);
  out.nullable = true;
  return out;
}

}  // namespace tailrace::sim::tsql
