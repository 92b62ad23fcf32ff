// sp_executesql and the prepared statements: texts with parameters.
#include <algorithm>

#include "sim/tsql/parse/parser.h"
#include "sim/tsql/procedures/procedures_internal.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

constexpr int deepest_nesting = 32;

}  // namespace

void SessionCore::run_parameterised(const std::string& text, const std::string& declarations,
                                    std::span<Argument> values) {
  if (nesting_ >= deepest_nesting)
    raise(217, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).");
  const std::vector<ParameterDeclaration> parameters = parse_parameters(declarations);
  Frame frame;
  std::vector<std::pair<std::string, Argument*>> outputs;
  for (const ParameterDeclaration& parameter : parameters) {
    Variable variable;
    variable.type = parameter.type.type;
    variable.value.type = variable.type;
    frame.variables[upper(parameter.name)] = variable;
  }
  std::size_t position = 0;
  for (Argument& argument : values) {
    const ParameterDeclaration* parameter = nullptr;
    if (argument.name.empty()) {
      if (position < parameters.size()) parameter = &parameters[position];
    } else {
      for (const ParameterDeclaration& candidate : parameters) {
        if (same_word(candidate.name, argument.name)) parameter = &candidate;
      }
    }
    ++position;
    if (parameter == nullptr) {
      if (argument.name.empty()) raise(8144, "Procedure or function has too many arguments specified.", 0, 2);
      raise(8145, argument.name + " is not a parameter for procedure sp_executesql.");
    }
    Variable& variable = frame.variables[upper(parameter->name)];
    variable.value = converted(argument.value, variable.type);
    if (argument.output) outputs.emplace_back(upper(parameter->name), &argument);
  }
  if (position < parameters.size()) {
    raise(8178, "The parameterized query '(" + declarations + ")" + text.substr(0, 60) +
                    "' expects the parameter '" + parameters[position].name + "', which was not supplied.");
  }
  frames_.push_back(std::move(frame));
  ++nesting_;
  // Temporary tables that the text makes end with it.
  const auto temporary_before = temporary_;
  const auto leave = [&] {
    --nesting_;
    std::erase_if(temporary_, [&](const auto& item) {
      const auto old = temporary_before.find(item.first);
      if (old != temporary_before.end() && old->second == item.second) return false;
      drop_local_table(item.second);
      return true;
    });
    for (const auto& [name, table] : frames_.back().tables)
      drop_local_table(table);
    frames_.pop_back();
  };
  try {
    run_text(text);
  } catch (...) {
    leave();
    throw;
  }
  for (auto& [name, argument] : outputs)
    argument->value = frames_.back().variables[name].value;
  leave();
}

std::int32_t SessionCore::execute_sql(CallArguments& arguments, std::size_t) {
  // SQL Server takes the first two by their place. A client may call them anything: `stmt` without @, too.
  for (std::size_t i = 0; i < std::min<std::size_t>(arguments.items.size(), 2); ++i)
    arguments.items[i].name.clear();
  const std::optional<std::string> text = arguments.text(0, "@stmt");
  if (!text) raise(214, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.");
  const std::string declarations = arguments.text(1, "@params").value_or("");
  std::vector<Argument> rest;
  for (std::size_t i = 2; i < arguments.items.size(); ++i)
    rest.push_back(std::move(arguments.items[i]));
  run_parameterised(*text, declarations, rest);
  for (std::size_t i = 0; i < rest.size(); ++i)
    arguments.items[i + 2] = std::move(rest[i]);
  return last_error_;
}

std::int32_t SessionCore::prepare_handle(CallArguments& arguments, bool execute_too) {
  if (arguments.items.size() < 3)
    raise(201,
          "Procedure or function '" + arguments.procedure +
              "' expects parameter '@stmt', which was not supplied.",
          0, 4);
  const auto text_of = [&](std::size_t i) {
    return arguments.items[i].value.null ? std::string()
                                         : converted(arguments.items[i].value, nvarchar_type(-1)).text;
  };
  Handle handle{text_of(2), text_of(1)};
  parsed(handle.text);
  const std::int32_t number = next_handle_++;
  Value out;
  out.type = int_type();
  out.null = false;
  out.number = number;
  arguments.items[0].value = out;
  arguments.items[0].output = true;
  handles_[number] = handle;
  if (execute_too) {
    std::vector<Argument> rest;
    for (std::size_t i = 3; i < arguments.items.size(); ++i)
      rest.push_back(std::move(arguments.items[i]));
    run_parameterised(handle.text, handle.declarations, rest);
    for (std::size_t i = 0; i < rest.size(); ++i)
      arguments.items[i + 3] = std::move(rest[i]);
  }
  return 0;
}

std::int32_t SessionCore::execute_handle(CallArguments& arguments) {
  const std::int64_t number =
      arguments.items.empty() ? 0 : converted(arguments.items[0].value, bigint_type()).number;
  const auto found = handles_.find(static_cast<std::int32_t>(number));
  if (found == handles_.end())
    raise(8179, "Could not find prepared statement with handle " + std::to_string(number) + ".", 0, 2);
  const Handle handle = found->second;
  std::vector<Argument> rest;
  for (std::size_t i = 1; i < arguments.items.size(); ++i)
    rest.push_back(std::move(arguments.items[i]));
  run_parameterised(handle.text, handle.declarations, rest);
  for (std::size_t i = 0; i < rest.size(); ++i)
    arguments.items[i + 1] = std::move(rest[i]);
  return 0;
}

}  // namespace tailrace::sim::tsql
