// Catalog procedures that drivers call: sp_tables, sp_columns, sp_pkeys and their like.
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

using Column = CdcResult::Column;

Value null_of(const TypeInfo& type) {
  Value out;
  out.type = type;
  return out;
}

// ODBC's number for a type, its size, length, digits, radix.
struct OdbcType {
  int code;
  std::int64_t precision;
  std::int64_t length;
  std::optional<int> scale;
  std::optional<int> radix;
  int sql_type;
  std::optional<int> sub;
  int ss_type;
};

constexpr std::int64_t longest_bytes = 2'147'483'647;
constexpr std::int64_t longest_units = 1'073'741'823;

// ODBC and Microsoft's driver have codes of their own for these: sqlext.h, msodbcsql.h (SQL_SS_VARIANT, SQL_SS_UDT, SQL_SS_XML).
std::optional<OdbcType> odbc_type_in_guise(Guise guise) {
  switch (guise) {
    case Guise::text: return OdbcType{-1, longest_bytes, longest_bytes, {}, {}, -1, {}, 35};
    case Guise::ntext: return OdbcType{-10, longest_units, 2 * longest_units, {}, {}, -10, {}, 35};
    case Guise::image: return OdbcType{-4, longest_bytes, longest_bytes, {}, {}, -4, {}, 34};
    case Guise::xml: return OdbcType{-152, 0, 0, {}, {}, -152, {}, 0};
    case Guise::sql_variant: return OdbcType{-150, 8000, 8000, {}, {}, -150, {}, 39};
    case Guise::hierarchyid: return OdbcType{-151, 892, 892, {}, {}, -151, {}, 23};
    case Guise::geometry:
    case Guise::geography: return OdbcType{-151, 0, 0, {}, {}, -151, {}, 23};
    case Guise::rowversion:
    case Guise::none: break;
  }
  return std::nullopt;
}

OdbcType odbc_type(const TypeInfo& type, bool old_dates) {
  if (const std::optional<OdbcType> guise = odbc_type_in_guise(type.guise)) return *guise;
  const std::int64_t units = units_of(type);
  switch (type.type) {
    case Type::bit: return {-7, 1, 1, {}, {}, -7, {}, 50};
    case Type::tinyint: return {-6, 3, 1, 0, 10, -6, {}, 38};
    case Type::smallint: return {5, 5, 2, 0, 10, 5, {}, 38};
    case Type::int_: return {4, 10, 4, 0, 10, 4, {}, 38};
    case Type::bigint: return {-5, 19, 8, 0, 10, -5, {}, 63};
    case Type::decimal:
      return {type.numeric ? 2 : 3,
              type.precision,
              type.precision + 2,
              type.scale,
              10,
              type.numeric ? 2 : 3,
              {},
              106};
    case Type::smallmoney: return {3, 10, 12, 4, 10, 3, {}, 110};
    case Type::money: return {3, 19, 21, 4, 10, 3, {}, 60};
    case Type::real: return {7, 24, 4, {}, 2, 7, {}, 109};
    case Type::float_: return {6, 53, 8, {}, 2, 6, {}, 109};
    case Type::date:
      return old_dates ? OdbcType{-9, 10, 20, {}, {}, -9, {}, 0} : OdbcType{91, 10, 6, {}, {}, 9, 1, 0};
    case Type::time: return {-154, type.scale == 0 ? 8 : 9 + type.scale, 10, type.scale, {}, -154, {}, 0};
    case Type::smalldatetime: return {93, 16, 16, 0, {}, 9, 3, 111};
    case Type::datetime: return {93, 23, 16, 3, {}, 9, 3, 61};
    case Type::datetime2: return {93, type.scale == 0 ? 19 : 20 + type.scale, 16, type.scale, {}, 9, 3, 0};
    case Type::datetimeoffset:
      return {-155, type.scale == 0 ? 26 : 27 + type.scale, 20, type.scale, {}, -155, {}, 0};
    case Type::char_: return {1, units, units, {}, {}, 1, {}, 47};
    case Type::varchar: return {12, units < 0 ? 0 : units, units < 0 ? 0 : units, {}, {}, 12, {}, 39};
    case Type::nchar: return {-8, units, 2 * units, {}, {}, -8, {}, 47};
    case Type::nvarchar: return {-9, units < 0 ? 0 : units, units < 0 ? 0 : 2 * units, {}, {}, -9, {}, 39};
    case Type::binary: return {-2, units, units, {}, {}, -2, {}, 45};
    case Type::varbinary: return {-3, units < 0 ? 0 : units, units < 0 ? 0 : units, {}, {}, -3, {}, 37};
    case Type::uniqueidentifier: return {-11, 36, 16, {}, {}, -11, {}, 37};
  }
  return {12, 0, 0, {}, {}, 12, {}, 39};
}

Value optional_number(const std::optional<int>& number, Type type) {
  return number ? number_value(*number, type) : null_of(make_type(type));
}

// sp_tables and its like match with LIKE patterns; NULL matches all.
bool pattern_matches(const std::optional<std::string>& pattern, const std::string& name,
                     const std::string& collation) {
  if (!pattern || *pattern == "%") return true;
  Operation operation;
  operation.args = {nvarchar_type(128), nvarchar_type(128), nvarchar_type(1)};
  operation.result = make_type(Type::bit);
  operation.text = collation;
  Value out;
  out.null = false;
  FunctionContext context;
  Cell cells[3];
  cells[0].null = cells[1].null = cells[2].null = false;
  cells[0].text = name;
  cells[1].text = *pattern;
  cells[2].text = "\\";
  OperationCall call{operation, cells, out, context};
  return op_like(call) && out.number != 0;
}

const TypeInfo name_type = nvarchar_type(128);
const TypeInfo small_type = make_type(Type::smallint);

}  // namespace

// The user tables of the session's database, with those of schema cdc.
std::vector<TablePtr> SessionCore::all_tables() {
  std::vector<TablePtr> out;
  active_->catalog.refresh();
  sim::Statement ids =
      active_->work->connection().prepare("SELECT object_id FROM sys_tables ORDER BY schema_id, name");
  std::vector<std::int32_t> numbers;
  while (ids.next())
    numbers.push_back(static_cast<std::int32_t>(ids.number(0)));
  for (const std::int32_t id : numbers) {
    if (active_->work->visible && !active_->work->visible(id)) continue;
    if (TablePtr table = active_->catalog.table(id)) out.push_back(std::move(table));
  }
  return out;
}

CdcResult SessionCore::procedure_tables(CallArguments& arguments) {
  arguments.known({"@table_name", "@table_owner", "@table_qualifier", "@table_type", "@fUsePattern"});
  CdcResult result;
  result.columns = {{"TABLE_QUALIFIER", name_type, true},
                    {"TABLE_OWNER", name_type, true},
                    {"TABLE_NAME", name_type, true},
                    {"TABLE_TYPE", text_type(Type::varchar, 32), true},
                    {"REMARKS", text_type(Type::varchar, 254), true}};
  const std::optional<std::string> types = arguments.text(3, "@table_type");
  for (const TablePtr& table : all_tables()) {
    const std::string type = table->schema == "cdc" || table->ms_shipped ? "SYSTEM TABLE" : "TABLE";
    if (types && types->find("'" + type + "'") == std::string::npos && !types->empty()) continue;
    if (!pattern_matches(arguments.text(0, "@table_name"), table->name, collation()) ||
        !pattern_matches(arguments.text(1, "@table_owner"), table->schema, collation()))
      continue;
    result.rows.push_back({text_value(active_->database->name), text_value(table->schema),
                           text_value(table->name), text_value(type),
                           null_of(text_type(Type::varchar, 254))});
  }
  return result;
}

CdcResult SessionCore::procedure_columns(CallArguments& arguments, bool version_100) {
  arguments.known({"@table_name", "@table_owner", "@table_qualifier", "@column_name",
                   version_100 ? "@NameScope" : "@ODBCVer", version_100 ? "@ODBCVer" : "@fUsePattern",
                   "@fUsePattern"});
  CdcResult result;
  result.columns = {{"TABLE_QUALIFIER", name_type, true},
                    {"TABLE_OWNER", name_type, true},
                    {"TABLE_NAME", name_type, false},
                    {"COLUMN_NAME", name_type, false},
                    {"DATA_TYPE", small_type, false},
                    {"TYPE_NAME", name_type, false},
                    {"PRECISION", int_type(), true},
                    {"LENGTH", int_type(), true},
                    {"SCALE", small_type, true},
                    {"RADIX", small_type, true},
                    {"NULLABLE", small_type, false},
                    {"REMARKS", text_type(Type::varchar, 254), true},
                    {"COLUMN_DEF", nvarchar_type(4000), true},
                    {"SQL_DATA_TYPE", small_type, false},
                    {"SQL_DATETIME_SUB", small_type, true},
                    {"CHAR_OCTET_LENGTH", int_type(), true},
                    {"ORDINAL_POSITION", int_type(), false},
                    {"IS_NULLABLE", text_type(Type::varchar, 254), true}};
  if (version_100) {
    for (const char* name : {"SS_IS_SPARSE", "SS_IS_COLUMN_SET", "SS_IS_COMPUTED", "SS_IS_IDENTITY"})
      result.columns.push_back({name, small_type, true});
    for (const char* name : {"SS_UDT_CATALOG_NAME", "SS_UDT_SCHEMA_NAME", "SS_UDT_ASSEMBLY_TYPE_NAME",
                             "SS_XML_SCHEMACOLLECTION_CATALOG_NAME", "SS_XML_SCHEMACOLLECTION_SCHEMA_NAME",
                             "SS_XML_SCHEMACOLLECTION_NAME"}) {
      result.columns.push_back({name, name_type, true});
    }
  }
  result.columns.push_back({"SS_DATA_TYPE", make_type(Type::tinyint), true});
  for (const TablePtr& table : all_tables()) {
    if (!pattern_matches(arguments.text(0, "@table_name"), table->name, collation()) ||
        !pattern_matches(arguments.text(1, "@table_owner"), table->schema, collation()))
      continue;
    std::int64_t ordinal = 0;
    for (const ColumnDef& column : table->columns) {
      ++ordinal;
      if (!pattern_matches(arguments.text(3, "@column_name"), column.name, collation())) continue;
      const OdbcType odbc = odbc_type(column.type, false);
      const bool has_octets = is_text(column.type.type) || is_bytes(column.type.type);
      std::string type_text = column.sysname ? "sysname" : std::string(type_name(column.type));
      if (column.identity) type_text += column.type.type == Type::decimal ? "() identity" : " identity";
      std::vector<Value> row{text_value(active_->database->name),
                             text_value(table->schema),
                             text_value(table->name),
                             text_value(column.name),
                             number_value(odbc.code, Type::smallint),
                             text_value(type_text),
                             number_value(odbc.precision),
                             number_value(odbc.length),
                             optional_number(odbc.scale, Type::smallint),
                             optional_number(odbc.radix, Type::smallint),
                             number_value(column.nullable ? 1 : 0, Type::smallint),
                             null_of(text_type(Type::varchar, 254)),
                             column.default_value ? text_value("(" + column.default_value->text + ")")
                                                  : null_of(nvarchar_type(4000)),
                             number_value(odbc.sql_type, Type::smallint),
                             optional_number(odbc.sub, Type::smallint),
                             has_octets ? number_value(odbc.length) : null_of(int_type()),
                             number_value(ordinal),
                             text_value(column.nullable ? "YES" : "NO")};
      if (version_100) {
        row.push_back(number_value(0, Type::smallint));
        row.push_back(number_value(0, Type::smallint));
        row.push_back(number_value(column.computed.empty() ? 0 : 1, Type::smallint));
        row.push_back(number_value(column.identity ? 1 : 0, Type::smallint));
        for (int i = 0; i < 6; ++i)
          row.push_back(null_of(name_type));
      }
      row.push_back(number_value(odbc.ss_type, Type::tinyint));
      result.rows.push_back(std::move(row));
    }
  }
  return result;
}

CdcResult SessionCore::procedure_keys(CallArguments& arguments) {
  arguments.known({"@table_name", "@table_owner", "@table_qualifier"});
  CdcResult result;
  result.columns = {{"TABLE_QUALIFIER", name_type, true}, {"TABLE_OWNER", name_type, true},
                    {"TABLE_NAME", name_type, false},     {"COLUMN_NAME", name_type, false},
                    {"KEY_SEQ", small_type, false},       {"PK_NAME", name_type, true}};
  const std::string schema = arguments.text(1, "@table_owner").value_or(default_schema_);
  active_->catalog.refresh();
  const TablePtr table = active_->catalog.table(schema, arguments.text(0, "@table_name").value_or(""));
  const IndexDef* key = table ? table->primary_key() : nullptr;
  if (key == nullptr) return result;
  std::int64_t position = 0;
  for (const IndexColumn& column : key->columns) {
    if (column.included) continue;
    result.rows.push_back({text_value(active_->database->name), text_value(table->schema),
                           text_value(table->name), text_value(table->column(column.column_id)->name),
                           number_value(++position, Type::smallint), text_value(key->name)});
  }
  return result;
}

CdcResult SessionCore::procedure_statistics(CallArguments& arguments) {
  arguments.known(
      {"@table_name", "@table_owner", "@table_qualifier", "@index_name", "@is_unique", "@accuracy"});
  CdcResult result;
  result.columns = {{"TABLE_QUALIFIER", name_type, true},
                    {"TABLE_OWNER", name_type, true},
                    {"TABLE_NAME", name_type, false},
                    {"NON_UNIQUE", small_type, true},
                    {"INDEX_QUALIFIER", name_type, true},
                    {"INDEX_NAME", name_type, true},
                    {"TYPE", small_type, false},
                    {"SEQ_IN_INDEX", small_type, true},
                    {"COLUMN_NAME", name_type, true},
                    {"COLLATION", text_type(Type::char_, 1), true},
                    {"CARDINALITY", int_type(), true},
                    {"PAGES", int_type(), true},
                    {"FILTER_CONDITION", text_type(Type::varchar, 128), true}};
  const std::string schema = arguments.text(1, "@table_owner").value_or(default_schema_);
  active_->catalog.refresh();
  const TablePtr table = active_->catalog.table(schema, arguments.text(0, "@table_name").value_or(""));
  if (!table) return result;
  const bool unique_only = same_word(arguments.text(4, "@is_unique").value_or("N"), "Y");
  const auto null_name = null_of(name_type);
  const std::int64_t rows =
      active_->work->connection().single_number("SELECT count(*) FROM " + table->stored_name());
  result.rows.push_back({text_value(active_->database->name), text_value(table->schema),
                         text_value(table->name), null_of(small_type), null_name, null_name,
                         number_value(0, Type::smallint), null_of(small_type), null_name,
                         null_of(text_type(Type::char_, 1)), number_value(rows), number_value(1),
                         null_of(text_type(Type::varchar, 128))});
  for (const IndexDef& index : table->indexes) {
    if (unique_only && !index.unique && !index.primary_key) continue;
    std::int64_t position = 0;
    for (const IndexColumn& column : index.columns) {
      if (column.included) continue;
      result.rows.push_back(
          {text_value(active_->database->name), text_value(table->schema), text_value(table->name),
           number_value(index.unique || index.primary_key ? 0 : 1, Type::smallint), text_value(table->name),
           text_value(index.name), number_value(index.clustered ? 1 : 3, Type::smallint),
           number_value(++position, Type::smallint), text_value(table->column(column.column_id)->name),
           text_value(column.descending ? "D" : "A"), null_of(int_type()), null_of(int_type()),
           null_of(text_type(Type::varchar, 128))});
    }
  }
  return result;
}

CdcResult SessionCore::procedure_special_columns(CallArguments& arguments) {
  arguments.known(
      {"@table_name", "@table_owner", "@qualifier", "@col_type", "@scope", "@nullable", "@ODBCVer"});
  CdcResult result;
  result.columns = {{"SCOPE", small_type, true},      {"COLUMN_NAME", name_type, false},
                    {"DATA_TYPE", small_type, false}, {"TYPE_NAME", name_type, false},
                    {"PRECISION", int_type(), true},  {"LENGTH", int_type(), true},
                    {"SCALE", small_type, true},      {"PSEUDO_COLUMN", small_type, false}};
  const std::string schema = arguments.text(1, "@table_owner").value_or(default_schema_);
  active_->catalog.refresh();
  const TablePtr table = active_->catalog.table(schema, arguments.text(0, "@table_name").value_or(""));
  if (!table) return result;
  const bool versions = same_word(arguments.text(3, "@col_type").value_or("R"), "V");
  const auto add = [&](const ColumnDef& column) {
    const OdbcType odbc = odbc_type(column.type, false);
    result.rows.push_back({versions ? null_of(small_type) : number_value(0, Type::smallint),
                           text_value(column.name), number_value(odbc.code, Type::smallint),
                           text_value(column.sysname ? "sysname" : std::string(type_name(column.type))),
                           number_value(odbc.precision), number_value(odbc.length),
                           optional_number(odbc.scale, Type::smallint), number_value(1, Type::smallint)});
  };
  if (versions) {
    for (const ColumnDef& column : table->columns) {
      if (column.type.guise == Guise::rowversion) add(column);
    }
    return result;
  }
  const IndexDef* key = table->primary_key();
  for (const IndexDef& index : table->indexes) {
    if (key == nullptr && index.unique && index.filter.empty()) key = &index;
  }
  if (key == nullptr) return result;
  for (const IndexColumn& column : key->columns) {
    if (!column.included) add(*table->column(column.column_id));
  }
  return result;
}

// Keys that lead to a table (pktable_name), that a table has (fktable_name), or both.
CdcResult SessionCore::procedure_foreign_keys(CallArguments& arguments) {
  arguments.known({"@pktable_name", "@pktable_owner", "@pktable_qualifier", "@fktable_name", "@fktable_owner",
                   "@fktable_qualifier"});
  CdcResult result;
  for (const char* name : {"PKTABLE_QUALIFIER", "PKTABLE_OWNER", "PKTABLE_NAME", "PKCOLUMN_NAME",
                           "FKTABLE_QUALIFIER", "FKTABLE_OWNER", "FKTABLE_NAME", "FKCOLUMN_NAME"})
    result.columns.push_back({name, name_type, true});
  for (const char* name : {"KEY_SEQ", "UPDATE_RULE", "DELETE_RULE"})
    result.columns.push_back({name, small_type, true});
  result.columns.push_back({"FK_NAME", name_type, true});
  result.columns.push_back({"PK_NAME", name_type, true});
  result.columns.push_back({"DEFERRABILITY", small_type, true});
  const std::optional<std::string> referenced_name = arguments.text(0, "@pktable_name");
  const std::optional<std::string> referencing_name = arguments.text(3, "@fktable_name");
  if (!referenced_name && !referencing_name)
    raise(15252, "The primary or foreign key table name must be given.");
  const auto is = [&](const TableDef& table, const std::optional<std::string>& name,
                      const std::optional<std::string>& owner) {
    return (!name || same_name(names(), *name, table.name)) &&
           (!owner || same_name(names(), *owner, table.schema));
  };
  // ODBC counts them otherwise than sys.foreign_keys does.
  const auto rule = [](ForeignKeyAction action) {
    return number_value(action == ForeignKeyAction::cascade     ? 0
                        : action == ForeignKeyAction::no_action ? 1
                        : action == ForeignKeyAction::set_null  ? 2
                                                                : 3,
                        Type::smallint);
  };
  for (const TablePtr& referencing : all_tables()) {
    if (!is(*referencing, referencing_name, arguments.text(4, "@fktable_owner"))) continue;
    for (const ForeignKeyDef& key : referencing->foreign_keys) {
      const TablePtr referenced = active_->catalog.table(key.referenced_id);
      if (!referenced || !is(*referenced, referenced_name, arguments.text(1, "@pktable_owner"))) continue;
      const IndexDef* primary = referenced->primary_key();
      std::int64_t position = 0;
      for (const auto& [own, other] : key.columns) {
        result.rows.push_back({text_value(active_->database->name), text_value(referenced->schema),
                               text_value(referenced->name), text_value(referenced->column(other)->name),
                               text_value(active_->database->name), text_value(referencing->schema),
                               text_value(referencing->name), text_value(referencing->column(own)->name),
                               number_value(++position, Type::smallint), rule(key.on_update),
                               rule(key.on_delete), text_value(key.name),
                               primary == nullptr ? null_of(name_type) : text_value(primary->name),
                               number_value(7, Type::smallint)});
      }
    }
  }
  return result;
}

// Drivers change to the database first.
void SessionCore::require_qualifier(CallArguments& arguments, std::string_view parameter) {
  const std::optional<std::string> qualifier = arguments.text(2, parameter);
  if (qualifier && !same_name(*qualifier, active_->database->name))
    raise(15250,
          "The database name component of the object qualifier must be the name of the current database.");
}

std::int32_t SessionCore::catalog_procedure(const std::string& name, CallArguments& arguments) {
  const auto convert_rows = [](CdcResult& result) {
    for (auto& row : result.rows) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        Value out;
        ConversionError error;
        if (!convert(row[i].type, cell_of(row[i]), result.columns[i].type, no_style, out, error))
          raise(error.number, error.text);
        row[i] = std::move(out);
      }
    }
  };
  const auto answer = [&](CdcResult result) {
    convert_rows(result);
    send_result(result);
    return 0;
  };
  const bool special =
      name == "sp_special_columns" || name == "sp_special_columns_100" || name == "sp_special_columns_90";
  if (name == "sp_fkeys" || special || name.starts_with("sp_tables") || name.starts_with("sp_columns") ||
      name == "sp_pkeys" || name.starts_with("sp_statistics")) {
    require_qualifier(arguments, name == "sp_fkeys" ? "@pktable_qualifier"
                                 : special          ? "@qualifier"
                                                    : "@table_qualifier");
  }
  if (name == "sp_fkeys") return answer(procedure_foreign_keys(arguments));
  if (special) return answer(procedure_special_columns(arguments));
  if (name == "sp_tables") return answer(procedure_tables(arguments));
  if (name == "sp_columns" || name == "sp_columns_100" || name == "sp_columns_90")
    return answer(procedure_columns(arguments, name != "sp_columns"));
  if (name == "sp_pkeys") return answer(procedure_keys(arguments));
  if (name == "sp_statistics" || name == "sp_statistics_100") return answer(procedure_statistics(arguments));
  return administration_procedure(name, arguments);
}

}  // namespace tailrace::sim::tsql
