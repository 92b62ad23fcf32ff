// Common table expressions, recursive ones too.
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/parse/lexer.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

void Binder::add_common_table(const CommonTable& table, const std::vector<OutputColumn>& columns,
                              const std::string& sqlite_name) {
  Cte cte;
  cte.name = table.name;
  cte.sqlite_name = sqlite_name;
  cte.columns = columns;
  if (!table.columns.empty()) {
    if (table.columns.size() != columns.size()) {
      raise(table.columns.size() < columns.size() ? 8158 : 8159,
            "'" + table.name + "' has " + (table.columns.size() < columns.size() ? "more" : "fewer") +
                " columns than were specified in the column list.",
            0);
    }
    for (std::size_t i = 0; i < columns.size(); ++i)
      cte.columns[i].name = table.columns[i];
  }
  for (std::size_t i = 0; i < cte.columns.size(); ++i) {
    if (cte.columns[i].name.empty())
      raise(8155,
            "No column name was specified for column " + std::to_string(i + 1) + " of '" + table.name + "'.",
            0);
    cte.columns[i].value.constant.reset();
    cte.columns[i].value.is_null = false;
  }
  ctes_.push_back(std::move(cte));
}

// anchor UNION ALL recursive part: the types are the anchor's.
void Binder::recursive_table(const CommonTable& table) {
  const Select& select = *table.query;
  for (const SetOperator op : select.operators) {
    if (op != SetOperator::union_all)
      not_supported("recursive common table expression without UNION ALL", select.line);
  }
  const std::string sqlite_name = "w" + std::to_string(++aliases_);
  BoundBlock anchor = bind_block(*select.terms.front(), nullptr);
  std::vector<TypeInfo> types;
  for (OutputColumn& column : anchor.items) {
    types.push_back(column.value.type);
    column.value.nullable = true;
  }
  std::string sql = assemble(anchor, nullptr, nullptr);
  add_common_table(table, anchor.items, sqlite_name);
  for (std::size_t i = 1; i < select.terms.size(); ++i) {
    const BoundBlock part = bind_block(*select.terms[i], nullptr);
    if (part.items.size() != types.size()) {
      raise(205,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
            "expressions in their target lists.",
            select.line);
    }
    for (std::size_t c = 0; c < types.size(); ++c) {
      if (!part.items[c].value.is_null && !(part.items[c].value.type == types[c])) {
        raise(240,
              "Types don't match between the anchor and the recursive part in column \"" +
                  ctes_.back().columns[c].name + "\" of recursive query \"" + table.name + "\".",
              select.line);
      }
    }
    sql += " UNION ALL " + assemble(part, nullptr, nullptr);
  }
  recursive_ = true;
  cte_sql_.push_back(sqlite_name + " AS (" + sql + ")");
}

namespace {

bool mentions(const Select& select, const std::string& name);

bool mentions(const TableSource& source, const std::string& name) {
  switch (source.kind) {
    case TableSource::Kind::named: return source.name.schema.empty() && same_word(source.name.name, name);
    case TableSource::Kind::derived: return mentions(*source.query, name);
    case TableSource::Kind::join: return mentions(*source.left, name) || mentions(*source.right, name);
    default: return false;
  }
}

bool mentions(const Select& select, const std::string& name) {
  for (const auto& term : select.terms) {
    if (term->nested && mentions(*term->nested, name)) return true;
    for (const auto& source : term->from) {
      if (mentions(*source, name)) return true;
    }
  }
  return false;
}

}  // namespace

void Binder::common_tables(const std::vector<CommonTable>& tables) {
  for (const CommonTable& table : tables) {
    const std::size_t before = written_out_;
    if (table.query->terms.size() > 1 && mentions(*table.query, table.name)) {
      recursive_table(table);
      ctes_.back().weight = written_out_ - before + 1;
      continue;
    }
    const BoundQuery bound = query(*table.query);
    const std::string sqlite_name = "w" + std::to_string(++aliases_);
    add_common_table(table, bound.columns, sqlite_name);
    ctes_.back().weight = written_out_ - before + 1;
    cte_sql_.push_back(sqlite_name + " AS (" + bound.sql + ")");
  }
}

std::string Binder::with_clause() const {
  if (cte_sql_.empty()) return {};
  std::string out = recursive_ ? "WITH RECURSIVE " : "WITH ";
  for (std::size_t i = 0; i < cte_sql_.size(); ++i)
    out += (i == 0 ? "" : ",") + cte_sql_[i];
  return out + " ";
}

}  // namespace tailrace::sim::tsql
