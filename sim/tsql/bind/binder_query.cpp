// Queries: select lists, grouping, ordering, set operators.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

bool is_aggregate_name(std::string_view name) {
  for (const std::string_view known : {"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG", "STRING_AGG"}) {
    if (same_word(known, name)) return true;
  }
  return false;
}

// SQLite's compounds have 500 terms at most: longer chains are nested.
constexpr std::size_t terms_per_compound = 400;

}  // namespace

bool contains_aggregate(const Expr& expr) {
  if (expr.kind == ExprKind::function && !expr.over && expr.parts.size() == 1 &&
      is_aggregate_name(expr.parts[0]))
    return true;
  for (const ExprPtr& arg : expr.args) {
    if (contains_aggregate(*arg)) return true;
  }
  if (expr.over) {
    for (const ExprPtr& item : expr.over->partition) {
      if (contains_aggregate(*item)) return true;
    }
    for (const OrderItem& item : expr.over->order) {
      if (contains_aggregate(*item.expr)) return true;
    }
  }
  return false;
}

Block& Binder::push_block() {
  auto block = std::make_unique<Block>();
  block->outer = block_;
  block_ = block.get();
  blocks_.push_back(std::move(block));
  return *block_;
}

void Binder::pop_block() {
  blocks_.pop_back();
  block_ = blocks_.empty() ? nullptr : blocks_.back().get();
}

void Binder::expand_star(const Expr& star, std::vector<OutputColumn>& out) {
  bool any = false;
  for (const SourceTable& table : block_->tables) {
    if (!star.parts.empty() && !same(table.alias, star.parts.back())) continue;
    any = true;
    for (const SourceColumn& column : table.columns) {
      if (column.hidden) continue;
      if (block_->grouped && block_->aggregate_depth == 0 &&
          std::find(block_->groups.begin(), block_->groups.end(), column.value.sql) == block_->groups.end()) {
        raise(8120,
              "Column '" + table.alias + "." + column.name +
                  "' is invalid in the select list because it is not contained in either an aggregate "
                  "function or the GROUP BY clause.",
              star.line);
      }
      out.push_back({column.name, column.value});
    }
  }
  if (any) return;
  if (star.parts.empty()) raise(263, "Must specify table to select from.", star.line);
  raise(107,
        "The column prefix '" + star.parts.back() +
            "' does not match with a table name or alias name used in the query.",
        star.line, 1, 15);
}

void Binder::select_items(const QueryBlock& block, BoundBlock& out) {
  for (const SelectItem& item : block.items) {
    if (!item.variable.empty() && !allow_assignments_) {
      raise(141,
            "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
            "operations.",
            block.line, 1, 15);
    }
    if (item.expr->kind == ExprKind::star) {
      expand_star(*item.expr, out.items);
      continue;
    }
    const std::size_t mark = block_->violations.size();
    OutputColumn column;
    column.value = expression(*item.expr);
    if (block_->violations.size() > mark) {
      raise(8120,
            "Column '" + block_->violations.back().column +
                "' is invalid in the select list because it is not contained in either an aggregate function "
                "or the GROUP BY clause.",
            block_->violations.back().line);
    }
    column.name = item.alias;
    if (column.name.empty() && item.expr->kind == ExprKind::column) column.name = item.expr->parts.back();
    out.items.push_back(std::move(column));
  }
}

Binder::BoundBlock Binder::bind_block(const QueryBlock& block, const Select* order_owner) {
  BoundBlock out;
  if (block.nested) {
    const BoundQuery nested = query(*block.nested);
    out.items = nested.columns;
    for (std::size_t i = 0; i < out.items.size(); ++i) {
      out.items[i].value.sql = "c" + std::to_string(i + 1);
      out.items[i].value.constant.reset();
      out.items[i].value.bare = true;
    }
    out.from = "(" + nested.sql + ")";
    return out;
  }
  Block& scope = push_block();
  out.from = from(block.from).sql;
  if (block.where) out.where = predicate(*block.where);
  const bool has_aggregate =
      std::any_of(block.items.begin(), block.items.end(),
                  [](const SelectItem& item) { return contains_aggregate(*item.expr); }) ||
      (block.having && contains_aggregate(*block.having)) || block.having != nullptr;
  for (const ExprPtr& group : block.group_by) {
    if (contains_aggregate(*group))
      raise(144,
            "Cannot use an aggregate or a subquery in an expression used for the group by list of a GROUP BY "
            "clause.",
            group->line, 1, 15);
    const Typed value = expression(*group);
    if (value.constant)
      raise(164, "Each GROUP BY expression must contain at least one column that is not an outer reference.",
            group->line, 1, 15);
    scope.groups.push_back(value.sql);
    out.group_by += (out.group_by.empty() ? "" : ",") + ordered(value);
  }
  scope.grouped = has_aggregate || !block.group_by.empty();
  scope.allow_aggregates = true;
  select_items(block, out);
  if (block.having) {
    const std::size_t mark = scope.violations.size();
    out.having = predicate(*block.having);
    if (scope.violations.size() > mark) {
      raise(8121,
            "Column '" + scope.violations.back().column +
                "' is invalid in the HAVING clause because it is not contained in either an aggregate "
                "function or the GROUP BY clause.",
            scope.violations.back().line);
    }
  }
  out.distinct = block.distinct;
  if (order_owner != nullptr) {
    out.order_by = order_clause(*order_owner, block, out);
    out.limit = limit_clause(*order_owner, &block);
  } else if (block.top) {
    out.limit = " LIMIT " + row_count(*block.top->count, "TOP");
  }
  out.single_row = (has_aggregate && block.group_by.empty()) || (block.from.empty());
  if (block.top && !out.single_row) {
    const Expr& count = *block.top->count;
    out.single_row = count.kind == ExprKind::literal && (count.text == "1" || count.text == "0");
  }
  pop_block();
  return out;
}

std::string Binder::order_clause(const Select& select, const QueryBlock& block, const BoundBlock& bound) {
  std::string out;
  for (const OrderItem& item : select.order_by) {
    const Expr& expr = *item.expr;
    std::string key;
    if (expr.kind == ExprKind::literal && expr.token_kind == TokenKind::integer) {
      const auto position = static_cast<std::size_t>(std::strtoull(expr.text.c_str(), nullptr, 10));
      if (position < 1 || position > bound.items.size()) {
        raise(108,
              "The ORDER BY position number " + expr.text +
                  " is out of range of the number of items in the select list.",
              expr.line, 1, 15);
      }
      key = ordered(bound.items[position - 1].value);
    } else {
      if (expr.kind == ExprKind::column && expr.parts.size() == 1) {
        // An alias of the select list comes before a column of the tables.
        for (std::size_t i = 0; i < block.items.size() && key.empty(); ++i) {
          if (!block.items[i].alias.empty() && same(block.items[i].alias, expr.parts[0])) {
            for (const OutputColumn& column : bound.items) {
              if (same(column.name, expr.parts[0])) key = ordered(column.value);
            }
          }
        }
      }
      if (key.empty()) {
        const std::size_t mark = block_->violations.size();
        const Typed value = expression(expr);
        if (block_->violations.size() > mark) {
          raise(8127,
                "Column \"" + block_->violations.back().column +
                    "\" is invalid in the ORDER BY clause because it is not contained in either an aggregate "
                    "function or the GROUP BY clause.",
                expr.line);
        }
        if (value.constant || value.is_null) {
          raise(408,
                "A constant expression was encountered in the ORDER BY list, position " +
                    std::to_string(&item - select.order_by.data() + 1) + ".",
                expr.line);
        }
        key = ordered(value);
        if (bound.distinct &&
            std::none_of(bound.items.begin(), bound.items.end(),
                         [&](const OutputColumn& column) { return ordered(column.value) == key; })) {
          raise(145, "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
                expr.line, 1, 15);
        }
      }
    }
    out += (out.empty() ? "" : ",") + key + (item.descending ? " DESC" : "");
  }
  return out;
}

std::string Binder::limit_clause(const Select& select, const QueryBlock* block) {
  if (block != nullptr && block->top) {
    if (select.offset)
      raise(10741, "A TOP can not be used in the same query or sub-query as a OFFSET.", select.line);
    return " LIMIT " + row_count(*block->top->count, "TOP");
  }
  if (!select.offset) return {};
  const std::string limit = select.fetch ? row_count(*select.fetch, "FETCH") : "-1";
  return " LIMIT " + limit + " OFFSET " + row_count(*select.offset, "OFFSET");
}

std::string Binder::assemble(const BoundBlock& block, const std::vector<TypeInfo>* types,
                             const std::vector<std::string>*) {
  std::string sql = block.distinct ? "SELECT DISTINCT " : "SELECT ";
  for (std::size_t i = 0; i < block.items.size(); ++i) {
    const Typed& item = block.items[i].value;
    if (i != 0) sql += ",";
    const bool convert = types != nullptr && !(item.type == (*types)[i]);
    sql += collated(convert ? convert_to(item, (*types)[i]) : item);
    sql += " AS c" + std::to_string(i + 1);
  }
  if (!block.from.empty()) sql += " FROM " + block.from;
  if (!block.where.empty()) sql += " WHERE " + block.where;
  if (!block.group_by.empty()) sql += " GROUP BY " + block.group_by;
  if (!block.having.empty()) sql += " HAVING " + block.having;
  if (!block.order_by.empty()) sql += " ORDER BY " + block.order_by;
  return sql + block.limit;
}

BoundQuery Binder::compound(const Select& select, bool) {
  std::vector<BoundBlock> blocks;
  for (const auto& term : select.terms)
    blocks.push_back(bind_block(*term, nullptr));
  const std::size_t width = blocks.front().items.size();
  for (const BoundBlock& block : blocks) {
    if (block.items.size() != width) {
      raise(205,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
            "expressions in their target lists.",
            select.line);
    }
  }
  BoundQuery out;
  std::vector<TypeInfo> types;
  for (std::size_t i = 0; i < width; ++i) {
    OutputColumn column = blocks.front().items[i];
    column.value.constant.reset();
    column.value.identity = false;
    std::optional<TypeInfo> type;
    for (const BoundBlock& block : blocks) {
      const Typed& value = block.items[i].value;
      column.value.nullable = column.value.nullable || value.nullable;
      if (value.is_null) continue;
      if (!type) {
        type = value.type;
        continue;
      }
      const std::optional<TypeInfo> both = common_type(*type, value.type);
      if (!both) {
        raise(206,
              "Operand type clash: " + std::string(type_name(*type)) + " is incompatible with " +
                  std::string(type_name(value.type)),
              select.line, 2);
      }
      type = both;
    }
    column.value.type = type.value_or(int_type());
    column.value.is_null = false;
    types.push_back(column.value.type);
    out.columns.push_back(std::move(column));
  }
  static constexpr const char* words[] = {" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    std::string term = assemble(blocks[i], &types, nullptr);
    if (!blocks[i].limit.empty()) term = "SELECT * FROM (" + term + ")";
    if (i == 0) {
      out.sql = std::move(term);
      continue;
    }
    if (i % terms_per_compound == 0) out.sql = "SELECT * FROM (" + out.sql + ")";
    out.sql += words[static_cast<std::size_t>(select.operators[i - 1])] + term;
  }
  std::string order;
  for (const OrderItem& item : select.order_by) {
    std::size_t position = 0;
    if (item.expr->kind == ExprKind::literal && item.expr->token_kind == TokenKind::integer) {
      position = static_cast<std::size_t>(std::strtoull(item.expr->text.c_str(), nullptr, 10));
    } else if (item.expr->kind == ExprKind::column) {
      for (std::size_t i = 0; i < width; ++i) {
        if (same(out.columns[i].name, item.expr->parts.back())) position = i + 1;
      }
    }
    if (position < 1 || position > width) {
      raise(104,
            "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or "
            "EXCEPT operator.",
            item.expr->line, 1, 15);
    }
    order += (order.empty() ? "" : ",") + std::to_string(position) + (item.descending ? " DESC" : "");
  }
  if (!order.empty()) out.sql += " ORDER BY " + order;
  out.sql += limit_clause(select, nullptr);
  return out;
}

BoundQuery Binder::query(const Select& select, bool top_level) {
  const std::size_t ctes_before = ctes_.size();
  if (!select.ctes.empty() && !top_level && !cte_sql_.empty())
    not_supported("WITH inside of a query that has one", select.line);
  common_tables(select.ctes);
  BoundQuery out;
  if (select.terms.size() > 1) {
    out = compound(select, top_level);
  } else {
    BoundBlock block;
    const QueryBlock& term = *select.terms.front();
    if (term.nested && (!select.order_by.empty() || select.offset)) {
      block = bind_block(term, nullptr);
      push_block();
      SourceTable table;
      for (const OutputColumn& column : block.items)
        table.columns.push_back({column.name, column.value, false});
      block_->tables.push_back(std::move(table));
      block.order_by = order_clause(select, term, block);
      block.limit = limit_clause(select, nullptr);
      pop_block();
    } else {
      block = bind_block(term, term.nested ? nullptr : &select);
    }
    if (!top_level && !select.order_by.empty() && !term.top && !select.offset) {
      raise(1033,
            "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and "
            "common table expressions, unless TOP, OFFSET or FOR XML is also specified.",
            select.line, 1, 15);
    }
    out.sql = assemble(block, nullptr, nullptr);
    out.columns = block.items;
    out.single_row = block.single_row;
  }
  if (!top_level) {
    ctes_.resize(ctes_before);
  }
  return out;
}

}  // namespace tailrace::sim::tsql
