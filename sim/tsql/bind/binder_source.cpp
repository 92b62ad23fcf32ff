// FROM: tables, views, functions, derived tables and joins, with the columns they offer.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char byte : name) {
    out.push_back(byte);
    if (byte == '"') out.push_back('"');
  }
  return out + "\"";
}

}  // namespace

void invalid_object(const ObjectName& name) {
  raise(208, "Invalid object name '" + name.text() + "'.", name.line);
}

Typed Binder::column_value(const SourceTable& table, const ColumnDef& column) {
  Typed value;
  value.type = column.type;
  value.nullable = column.nullable;
  value.identity = column.identity.has_value();
  value.collation = column.collation.empty() ? environment_.collation() : column.collation;
  value.coercibility = Coercibility::implicit;
  if (column.computed.empty()) {
    value.bare = true;
    value.sql = table.sqlite_alias + "." + column.stored_name();
    return value;
  }
  // A computed column is its expression, over the table's own columns.
  const ExprPtr expr = parse_expression(column.computed);
  Block& block = push_block();
  SourceTable inner = table;
  block.outer = nullptr;
  block.tables.push_back(std::move(inner));
  Typed bound = cast_to(expression(*expr), column.type, no_style, false, 0);
  pop_block();
  bound.sql = "(" + bound.sql + ")";
  bound.constant.reset();
  bound.computed = true;
  bound.bare = false;
  bound.coercibility = Coercibility::implicit;
  bound.collation = value.collation;
  bound.type = column.type;
  bound.nullable = column.nullable;
  return bound;
}

SourceTable& Binder::add_table(const TablePtr& table, std::string alias) {
  SourceTable source;
  source.alias = std::move(alias);
  if (source.alias.empty()) source.alias = table->name;
  source.schema = table->schema;
  source.sqlite_alias = new_alias();
  source.table = table;
  for (const ColumnDef& column : table->columns) {
    if (column.computed.empty())
      source.columns.push_back({column.name, column_value(source, column), column.hidden});
  }
  // Computed ones come after the stored columns are known, in their places.
  for (std::size_t i = 0; i < table->columns.size(); ++i) {
    const ColumnDef& column = table->columns[i];
    if (column.computed.empty()) continue;
    SourceColumn computed{column.name, column_value(source, column), column.hidden};
    source.columns.insert(
        source.columns.begin() + static_cast<std::ptrdiff_t>(std::min(i, source.columns.size())),
        std::move(computed));
  }
  block_->tables.push_back(std::move(source));
  return block_->tables.back();
}

void Binder::require_database(const ObjectName& name) {
  if (!environment_.bound_here(name.database, name))
    not_supported("this part of a statement over several databases", name.line);
}

TablePtr Binder::find_table(const ObjectName& name, bool required) {
  TablePtr table;
  if (name.name.starts_with('#')) {
    table = environment_.local_table(name.name);
  } else {
    require_database(name);
    const std::string& schema = name.schema.empty() ? environment_.default_schema() : name.schema;
    table = environment_.catalog().table(schema, name.name);
    if (!table && name.schema.empty()) table = environment_.catalog().table("dbo", name.name);
  }
  if (!table && required) invalid_object(name);
  return table;
}

void Binder::add_source_table(SourceTable table, std::int32_t line) {
  for (const SourceTable& other : block_->tables) {
    if (!same(other.alias, table.alias) ||
        (!other.schema.empty() && !table.schema.empty() && !same(other.schema, table.schema)))
      continue;
    raise(1013,
          "The objects \"" + table.alias + "\" and \"" + other.alias +
              "\" in the FROM clause have the same exposed names. Use correlation names to distinguish them.",
          line);
  }
  block_->tables.push_back(std::move(table));
}

std::string Binder::source(const TableSource& source) {
  switch (source.kind) {
    case TableSource::Kind::named: return named_source(source);
    case TableSource::Kind::function: return function_source(source);
    case TableSource::Kind::derived: {
      // A derived table does not see its neighbours.
      std::vector<SourceTable> hidden;
      hidden.swap(block_->tables);
      const BoundQuery bound = query(*source.query);
      hidden.swap(block_->tables);
      return derived_source(bound, source);
    }
    case TableSource::Kind::values: return values_source(source);
    case TableSource::Kind::variable: {
      TablePtr table = environment_.local_table(source.text);
      if (!table) raise(1087, "Must declare the table variable \"" + source.text + "\".", source.line, 1, 15);
      local_tables_ = true;
      if (!environment_.local_bound_here(*table)) table = environment_.copied_local_table(table);
      SourceTable& added = add_table(table, source.alias.empty() ? source.text : source.alias);
      return table->stored_name() + " AS " + added.sqlite_alias;
    }
    case TableSource::Kind::join: return join_source(source);
  }
  return {};
}

BoundFrom Binder::from(const std::vector<std::unique_ptr<TableSource>>& sources) {
  BoundFrom out;
  for (const auto& item : sources) {
    std::string sql = source(*item);
    const bool wrap = sources.size() > 1 && item->kind == TableSource::Kind::join;
    if (wrap) sql = "(" + sql + ")";
    out.sql += (out.sql.empty() ? "" : " JOIN ") + sql;
  }
  return out;
}

std::string Binder::named_source(const TableSource& source) {
  const ObjectName& name = source.name;
  if (name.schema.empty() && name.database.empty()) {
    for (auto cte = ctes_.rbegin(); cte != ctes_.rend(); ++cte) {
      if (!same(cte->name, name.name)) continue;
      // Forty CTEs that mention the one before twice are a query without end: preparing it cannot be stopped.
      constexpr std::size_t most_written_out = 2000;
      written_out_ += cte->weight;
      if (written_out_ > most_written_out) too_complex();
      SourceTable table;
      table.alias = source.alias.empty() ? cte->name : source.alias;
      table.sqlite_alias = new_alias();
      for (std::size_t i = 0; i < cte->columns.size(); ++i) {
        Typed value = cte->columns[i].value;
        value.sql = table.sqlite_alias + ".c" + std::to_string(i + 1);
        value.constant.reset();
        value.is_null = false;
        value.bare = true;
        table.columns.push_back({cte->columns[i].name, std::move(value), false});
      }
      const std::string sql = cte->sqlite_name + " AS " + table.sqlite_alias;
      add_source_table(std::move(table), source.line);
      return sql;
    }
  }
  // A server's own view may be asked for in any database; a database's, like its tables, only in its own.
  const DatabasePtr place = environment_.database_of(name);
  // tempdb is no database of the server's list: what it has are views of the server.
  const bool of_tempdb = place == nullptr && same_name(name.database, "tempdb");
  const std::string database = of_tempdb ? "tempdb" : place == nullptr ? std::string() : place->name;
  const bool local = name.name.starts_with('#');
  const SystemRelation* relation =
      find_system_relation(database, name.schema.empty() ? "dbo" : name.schema, name.name,
                           place == nullptr ? CollationKind::ignore_case : place->names);
  const bool of_server = relation != nullptr && relation->scope == SystemScope::server;
  const bool here = of_server || local || environment_.bound_here(name.database, name);
  local_tables_ = local_tables_ || local || !here;
  if (relation != nullptr) return system_source(*relation, source, here);
  TablePtr table = here ? find_table(name) : environment_.copied_table(name);
  if (local && !environment_.local_bound_here(*table)) table = environment_.copied_local_table(table);
  if (here) environment_.check_right(Permission::select, *table);
  const std::size_t at = block_->tables.size();
  SourceTable probe;
  probe.alias = source.alias.empty() ? table->name : source.alias;
  probe.schema = source.alias.empty() ? table->schema : "";
  for (const SourceTable& other : block_->tables) {
    if (same(other.alias, probe.alias) &&
        (other.schema.empty() || probe.schema.empty() || same(other.schema, probe.schema))) {
      raise(
          1013,
          "The objects \"" + probe.alias + "\" and \"" + other.alias +
              "\" in the FROM clause have the same exposed names. Use correlation names to distinguish them.",
          source.line);
    }
  }
  SourceTable& added = add_table(table, source.alias);
  if (!source.alias.empty()) added.schema.clear();
  if (!local) {
    const std::string counted = database + "." + table->schema + "." + table->name;
    if (std::find(counted_.begin(), counted_.end(), counted) == counted_.end()) counted_.push_back(counted);
  }
  return table->stored_name() + " AS " + block_->tables[at].sqlite_alias;
}

std::string Binder::system_source(const SystemRelation& relation, const TableSource& source, bool here) {
  if (here) environment_.check_system_right(relation);
  SourceTable table;
  table.alias = source.alias.empty() ? std::string(relation.name) : source.alias;
  table.schema = source.alias.empty() ? std::string(relation.schema) : "";
  table.sqlite_alias = new_alias();
  for (const SystemColumn& column : relation.columns) {
    Typed value;
    value.sql = table.sqlite_alias + "." + quoted(column.name);
    value.type = column.type;
    value.nullable = column.nullable;
    value.coercibility = Coercibility::implicit;
    // Names compare as the database's do, words of SQL Server's own without regard to case. The views' columns may be
    // expressions: the comparison names it.
    const bool of_database = relation.scope == SystemScope::database && column.type == nvarchar_type(128);
    value.collation =
        of_database ? environment_.database_of(source.name)->collation : std::string(default_collation);
    table.columns.push_back({std::string(column.name), std::move(value), false});
  }
  const std::string stored =
      here ? std::string(relation.stored_name) : environment_.copied_relation(relation, source.name);
  const std::string sql = stored + " AS " + table.sqlite_alias;
  add_source_table(std::move(table), source.line);
  return sql;
}

std::string Binder::derived_source(const BoundQuery& query, const TableSource& source) {
  SourceTable table;
  table.alias = source.alias;
  table.sqlite_alias = new_alias();
  if (!source.column_aliases.empty() && source.column_aliases.size() != query.columns.size()) {
    raise(8158,
          "'" + source.alias + "' has " +
              (source.column_aliases.size() < query.columns.size() ? "fewer" : "more") +
              " columns than were specified in the column list.",
          source.line);
  }
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    Typed value = query.columns[i].value;
    value.sql = table.sqlite_alias + ".c" + std::to_string(i + 1);
    value.constant.reset();
    value.is_null = false;
    value.bare = true;
    const std::string name = source.column_aliases.empty() ? query.columns[i].name : source.column_aliases[i];
    if (name.empty())
      raise(
          8155,
          "No column name was specified for column " + std::to_string(i + 1) + " of '" + source.alias + "'.",
          source.line);
    for (const SourceColumn& other : table.columns) {
      if (same(other.name, name))
        raise(8156, "The column '" + name + "' was specified multiple times for '" + source.alias + "'.",
              source.line);
    }
    table.columns.push_back({name, std::move(value), false});
  }
  const std::string sql = "(" + query.sql + ") AS " + table.sqlite_alias;
  add_source_table(std::move(table), source.line);
  return sql;
}

std::string Binder::values_source(const TableSource& source) {
  std::vector<std::vector<Typed>> rows;
  for (const auto& row : source.rows) {
    std::vector<Typed> values;
    for (const ExprPtr& cell : row)
      values.push_back(expression(*cell));
    rows.push_back(std::move(values));
  }
  BoundQuery query;
  for (std::size_t column = 0; column < rows.front().size(); ++column) {
    std::vector<Typed*> values;
    for (auto& row : rows)
      values.push_back(&row[column]);
    unify(values, source.line);
    OutputColumn out;
    out.value = rows.front()[column];
    for (const auto& row : rows) {
      out.value.nullable = out.value.nullable || row[column].nullable;
      if (out.value.is_null && !row[column].is_null) out.value.type = row[column].type;
    }
    query.columns.push_back(std::move(out));
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    query.sql += r == 0 ? "SELECT " : " UNION ALL SELECT ";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      query.sql += (c == 0 ? "" : ",") + collated(rows[r][c]) + " AS c" + std::to_string(c + 1);
    }
    if (r % 400 == 399 && r + 1 < rows.size())
      query.sql = "SELECT * FROM (" + query.sql + ")";  // A compound has 500 terms at most.
  }
  return derived_source(query, source);
}

void Binder::make_nullable(std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    for (SourceColumn& column : block_->tables[i].columns)
      column.value.nullable = true;
  }
}

std::string Binder::join_source(const TableSource& join) {
  if (join.join == JoinKind::cross_apply || join.join == JoinKind::outer_apply) return apply_source(join);
  const std::size_t begin = block_->tables.size();
  const std::string left = source(*join.left);
  const std::size_t middle = block_->tables.size();
  std::string right = source(*join.right);
  const std::size_t end = block_->tables.size();
  if (join.right->kind == TableSource::Kind::join) right = "(" + right + ")";
  if (join.join == JoinKind::left || join.join == JoinKind::full) make_nullable(middle, end);
  if (join.join == JoinKind::right || join.join == JoinKind::full) make_nullable(begin, middle);
  switch (join.join) {
    case JoinKind::cross: return left + " JOIN " + right;
    case JoinKind::left: return left + " LEFT JOIN " + right + " ON " + predicate(*join.on);
    case JoinKind::right: return left + " RIGHT JOIN " + right + " ON " + predicate(*join.on);
    case JoinKind::full: return left + " FULL JOIN " + right + " ON " + predicate(*join.on);
    default: return left + " JOIN " + right + " ON " + predicate(*join.on);
  }
}

// SQLite has no LATERAL. APPLY over a source that does not look at its neighbours is a join; over a VALUES constructor
// of one row, or a query without FROM, its columns are expressions of the left side.
std::string Binder::apply_source(const TableSource& apply) {
  const std::string left = source(*apply.left);
  const TableSource& right = *apply.right;
  const bool outer = apply.join == JoinKind::outer_apply;
  const bool plain_query = right.kind == TableSource::Kind::derived && right.query->terms.size() == 1 &&
                           right.query->ctes.empty() && right.query->order_by.empty() &&
                           right.query->terms[0]->from.empty() && !right.query->terms[0]->where &&
                           !right.query->terms[0]->nested && !right.query->terms[0]->top &&
                           right.query->terms[0]->group_by.empty();
  const bool one_row = right.kind == TableSource::Kind::values && right.rows.size() == 1;
  if (plain_query || one_row) {
    SourceTable table;
    table.alias = right.alias;
    table.sqlite_alias = new_alias();
    const std::size_t count = one_row ? right.rows[0].size() : right.query->terms[0]->items.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Expr& expr = one_row ? *right.rows[0][i] : *right.query->terms[0]->items[i].expr;
      Typed value = expression(expr);
      std::string name = i < right.column_aliases.size() ? right.column_aliases[i] : "";
      if (name.empty() && plain_query) {
        name = right.query->terms[0]->items[i].alias;
        if (name.empty() && expr.kind == ExprKind::column) name = expr.parts.back();
      }
      if (name.empty())
        raise(
            8155,
            "No column name was specified for column " + std::to_string(i + 1) + " of '" + right.alias + "'.",
            right.line);
      table.columns.push_back({name, std::move(value), false});
    }
    add_source_table(std::move(table), right.line);
    return left;
  }
  if (right.kind == TableSource::Kind::function || right.kind == TableSource::Kind::derived) {
    // Bound without its neighbours: a reference to them is then an unbound name, and APPLY is refused for what it is.
    std::vector<SourceTable> hidden;
    hidden.swap(block_->tables);
    std::string sql;
    std::vector<SourceTable> added;
    try {
      sql = source(right);
      added.swap(block_->tables);
      hidden.swap(block_->tables);
    } catch (const StatementError& error) {
      if (error.message.number == 4104 || error.message.number == 207)
        not_supported("APPLY with a correlated query", apply.line);
      throw;
    }
    const std::size_t begin = block_->tables.size();
    for (SourceTable& table : added)
      add_source_table(std::move(table), right.line);
    if (outer) make_nullable(begin, block_->tables.size());
    return left + (outer ? " LEFT JOIN " : " JOIN ") + sql + (outer ? " ON 1" : "");
  }
  not_supported("APPLY", apply.line);
}

std::string Binder::function_source(const TableSource& source) {
  const std::string name = upper(source.name.name);
  if (source.name.schema.empty()) {
    if (name == "STRING_SPLIT" || name == "OPENJSON" || name == "GENERATE_SERIES")
      not_supported(name, source.line);
    raise(208, "Invalid object name '" + source.name.name + "'.", source.line, 3);
  }
  require_database(source.name);
  const bool cdc = same_word(source.name.schema, "cdc");
  std::optional<ChangeFunction> function;
  if (cdc) function = environment_.cdc().change_function(source.name.name);
  if (!function) invalid_object(source.name);
  if (source.args.size() != 3) {
    raise(source.args.size() < 3 ? 313 : 8144,
          source.args.size() < 3
              ? "An insufficient number of arguments were supplied for the procedure or function " +
                    source.name.text() + "."
              : "Procedure or function " + source.name.text() + " has too many arguments specified.",
          source.line);
  }
  environment_.check_change_function_right(*function);
  const std::vector<TypeInfo> types{text_type(Type::binary, 10), text_type(Type::binary, 10),
                                    nvarchar_type(30)};
  const std::vector<std::string> names{":from", ":to", ":option"};
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < 3; ++i)
    arguments.push_back(cast_to(expression(*source.args[i]), types[i], no_style, false, source.line).sql);
  FunctionCheck check;
  check.function = *function;
  check.arguments_sql = "SELECT " + arguments[0] + "," + arguments[1] + "," + arguments[2];
  checks_.push_back(std::move(check));
  std::string select = function->select;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t at = select.find(names[i]); at != std::string::npos; at = select.find(names[i], at)) {
      select.replace(at, names[i].size(), arguments[i]);
      at += arguments[i].size();
    }
  }
  SourceTable table;
  table.alias = source.alias.empty() ? source.name.name : source.alias;
  table.sqlite_alias = new_alias();
  for (std::size_t i = 0; i < function->columns.size(); ++i) {
    const CdcResult::Column& column = function->columns[i];
    Typed value;
    value.sql = table.sqlite_alias + "." + quoted(function->stored_names[i]);
    value.type = column.type;
    value.nullable = column.nullable;
    value.coercibility = Coercibility::implicit;
    value.collation = environment_.database_of(source.name)->collation;
    value.bare = !is_text(column.type.type);
    table.columns.push_back({column.name, std::move(value), false});
  }
  const std::string sql = "(" + select + ") AS " + table.sqlite_alias;
  add_source_table(std::move(table), source.line);
  return sql;
}

}  // namespace tailrace::sim::tsql
