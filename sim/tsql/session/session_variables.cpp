// Variables and table variables: declared, looked up, assigned.
#include <utility>

#include "base/log.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

const TypeInfo* SessionCore::variable_type(std::string_view name) {
  const auto found = frames_.back().variables.find(upper(name));
  return found == frames_.back().variables.end() ? nullptr : &found->second.type;
}

TablePtr SessionCore::local_table(std::string_view name) {
  const std::string key = upper(name);
  if (name.starts_with('@')) {
    const auto found = frames_.back().tables.find(key);
    return found == frames_.back().tables.end() ? nullptr : found->second;
  }
  const auto found = temporary_.find(key);
  return found == temporary_.end() ? nullptr : found->second;
}

void SessionCore::assign(const std::string& name, Value value) {
  const auto found = frames_.back().variables.find(upper(name));
  if (found == frames_.back().variables.end())
    raise(137, "Must declare the scalar variable \"" + name + "\".", 0, 1, 15);
  Variable& variable = found->second;
  if (value.type == variable.type) {
    variable.value = std::move(value);
    return;
  }
  Value converted;
  ConversionError error;
  if (!convert(value.type, cell_of(value), variable.type, no_style, converted, error))
    raise(error.number, error.text);
  variable.value = std::move(converted);
}

void SessionCore::assign_expression(const std::string& name, const std::string& op, const Expr& expr) {
  const TypeInfo* found = variable_type(name);
  if (found == nullptr) raise(137, "Must declare the scalar variable \"" + name + "\".", expr.line, 1, 15);
  const TypeInfo type = *found;
  if (op == "=") {
    assign(name, evaluate(expr, &type));
    return;
  }
  // @x += e is @x = @x + e.
  Expr sum;
  sum.kind = ExprKind::binary;
  sum.text = op.substr(0, 1);
  sum.line = expr.line;
  auto variable = std::make_unique<Expr>();
  variable->kind = ExprKind::variable;
  variable->text = name;
  sum.args.push_back(std::move(variable));
  Expr& lent = const_cast<Expr&>(expr);
  auto right = std::make_unique<Expr>(std::move(lent));
  sum.args.push_back(std::move(right));
  const auto give_back = [&] { lent = std::move(*sum.args[1]); };
  try {
    assign(name, evaluate(sum, &type));
  } catch (...) {
    give_back();
    throw;
  }
  give_back();
}

void SessionCore::declare(const Declare& node) {
  for (const Declare::Item& item : node.items) {
    const std::string key = upper(item.name);
    Frame& frame = frames_.back();
    if (item.table) {
      // A batch may come here twice (a loop): the table starts empty once more.
      if (const auto old = frame.tables.find(key); old != frame.tables.end()) drop_local_table(old->second);
      frame.tables[key] = create_local_table(*item.table);
      continue;
    }
    Variable variable;
    variable.type = item.type.type;
    variable.value.type = variable.type;
    frame.variables[key] = variable;
    if (item.value) assign(item.name, evaluate(*item.value, &variable.type));
  }
}

}  // namespace tailrace::sim::tsql
