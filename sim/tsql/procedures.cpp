// Procedures by name: dispatch, arguments, sp_executesql and the prepared statements.
#include <algorithm>

#include "sim/tsql/parser.h"
#include "sim/tsql/row_writer.h"
#include "sim/tsql/session_core.h"
#include "sim/tsql/session_write.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {
namespace {

constexpr int deepest_nesting = 32;

Value converted(const Value& value, const TypeInfo& type) {
  Value out;
  ConversionError error;
  if (!convert(value.type, cell_of(value), type, no_style, out, error)) raise(error.number, error.text);
  return out;
}

std::string lower(std::string text) {
  for (char& byte : text)
    byte = static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  return text;
}

}  // namespace

SessionCore::Argument* SessionCore::CallArguments::find(std::size_t position, std::string_view name) {
  for (Argument& item : items) {
    if (!item.name.empty() && same_word(item.name, name)) return item.is_default ? nullptr : &item;
  }
  if (position < items.size() && items[position].name.empty())
    return items[position].is_default ? nullptr : &items[position];
  return nullptr;
}

std::optional<std::string> SessionCore::CallArguments::text(std::size_t position, std::string_view name) {
  const Argument* found = find(position, name);
  if (found == nullptr || found->value.null) return std::nullopt;
  return converted(found->value, nvarchar_type(-1)).text;
}

std::optional<std::int64_t> SessionCore::CallArguments::number(std::size_t position, std::string_view name) {
  const Argument* found = find(position, name);
  if (found == nullptr || found->value.null) return std::nullopt;
  return converted(found->value, bigint_type()).number;
}

void SessionCore::CallArguments::known(std::initializer_list<std::string_view> names) const {
  if (items.size() > names.size())
    raise(8144, "Procedure or function " + procedure + " has too many arguments specified.", 0, 2);
  for (const Argument& item : items) {
    if (item.name.empty()) continue;
    if (std::none_of(names.begin(), names.end(),
                     [&](std::string_view name) { return same_word(name, item.name); })) {
      raise(8145, item.name + " is not a parameter for procedure " + procedure + ".");
    }
  }
}

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

std::int32_t SessionCore::call_procedure(const std::string& name, CallArguments& arguments) {
  const std::string key = lower(name);
  if (key == "sp_executesql") return execute_sql(arguments, 0);
  if (key == "sp_prepare") return prepare_handle(arguments, false);
  if (key == "sp_prepexec") return prepare_handle(arguments, true);
  if (key == "sp_execute") return execute_handle(arguments);
  if (key == "sp_unprepare") {
    const std::int64_t number =
        arguments.items.empty() ? 0 : converted(arguments.items[0].value, bigint_type()).number;
    if (handles_.erase(static_cast<std::int32_t>(number)) == 0)
      raise(8179, "Could not find prepared statement with handle " + std::to_string(number) + ".", 0, 2);
    return 0;
  }
  if (key == "sp_reset_connection") {
    reset(*sink_);
    return 0;
  }
  if (key == "sp_sim_control") {
    if (!definition_.sysadmin) raise(15247, "User does not have permission to perform this action.");
    if (tran_count_ > 0) raise(50000, "sp_sim_control cannot be called inside of a transaction.");
    std::vector<std::string> texts;
    for (const Argument& item : arguments.items)
      texts.push_back(item.value.null ? std::string() : converted(item.value, nvarchar_type(-1)).text);
    if (texts.empty())
      raise(201,
            "Procedure or function 'sp_sim_control' expects parameter '@command', which was not supplied.", 0,
            4);
    ControlContext context{state_.server, state_.jobs, state_.faults, current_->database, session_number_};
    CdcResult result;
    const std::string command = texts.front();
    texts.erase(texts.begin());
    check(run_control(context, command, texts, result));
    send_result(result);
    return 0;
  }
  if (key.starts_with("sp_cdc_")) return cdc_procedure(key, arguments);
  return catalog_procedure(key, arguments);
}

void SessionCore::send_result(const CdcResult& result) {
  for (const std::string& text : result.info) {
    ServerMessage message;
    message.severity = 0;
    message.text = text;
    sink_->message(message);
  }
  if (result.columns.empty()) return;
  std::vector<ResultColumn> columns;
  for (const CdcResult::Column& column : result.columns) {
    ResultColumn out;
    out.name = column.name;
    out.type = column.type;
    out.nullable = column.nullable;
    columns.push_back(std::move(out));
  }
  if (insert_rows_ != nullptr) {
    for (const std::vector<Value>& row : result.rows)
      insert_rows_->push_back(row);
    return;
  }
  sink_->columns(columns);
  std::vector<Cell> cells(columns.size());
  for (const std::vector<Value>& row : result.rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      cells[i] = cell_of(row[i]);
    if (!sink_->row(cells)) throw Cancelled{};
  }
  row_count_ = static_cast<std::int64_t>(result.rows.size());
  done(StatementKind::select, result.rows.size());
}

void SessionCore::execute(const Execute& node) {
  if (!node.texts.empty()) {
    const TypeInfo type = nvarchar_type(-1);
    const std::string text = evaluate(*node.texts.front(), &type).text;
    run_parameterised(text, "", {});
    return;
  }
  CallArguments arguments;
  arguments.procedure = node.procedure.name;
  for (const ExecuteArgument& item : node.arguments) {
    Argument argument;
    argument.name = item.name;
    argument.output = item.output;
    argument.is_default = item.value->kind == ExprKind::default_;
    if (!argument.is_default) argument.value = evaluate(*item.value);
    if (item.output && item.value->kind == ExprKind::variable) argument.variable = item.value->text;
    arguments.items.push_back(std::move(argument));
  }
  // [db].sys.sp_...: in that database.
  DatabaseUse* const before = current_;
  const auto restore = [&] {
    current_ = before;
    active_ = before;
  };
  if (!node.procedure.database.empty() && !same_name(node.procedure.database, current_->database->name)) {
    const bool of_server =
        same_name(node.procedure.database, "master") || same_name(node.procedure.database, "msdb");
    const DatabasePtr database = state_.server.find(node.procedure.database);
    if (!database)
      raise(2812, "Could not find stored procedure '" + node.procedure.text() + "'.", node.procedure.line,
            62);
    if (!of_server) current_ = active_ = &use(database);
  }
  std::int32_t status = 0;
  try {
    status = call_procedure(node.procedure.name, arguments);
  } catch (StatementError& error) {
    restore();
    if (error.message.number == 2812 && error.message.procedure.empty())
      error.message.text = "Could not find stored procedure '" + node.procedure.text() + "'.";
    if (error.message.procedure.empty() && node.procedure.name != "sp_executesql")
      error.message.procedure = node.procedure.name;
    throw;
  } catch (...) {
    restore();
    throw;
  }
  restore();
  for (Argument& argument : arguments.items) {
    if (argument.output && !argument.variable.empty()) assign(argument.variable, argument.value);
  }
  if (!node.return_variable.empty()) {
    Value value;
    value.type = int_type();
    value.null = false;
    value.number = status;
    assign(node.return_variable, value);
  }
}

// INSERT ... EXEC: the rows of the procedure's results, gathered and inserted.
void SessionCore::insert_execute(const Insert& insert, const TablePtr& table) {
  std::vector<std::vector<Value>> rows;
  const Execute& node = std::get<Execute>(insert.execute->body);
  if (!node.texts.empty() || same_word(node.procedure.name, "sp_executesql"))
    not_supported("INSERT ... EXEC of a text");
  insert_rows_ = &rows;
  try {
    execute(node);
  } catch (...) {
    insert_rows_ = nullptr;
    throw;
  }
  insert_rows_ = nullptr;
  std::vector<const ColumnDef*> columns;
  if (insert.columns.empty()) {
    for (const ColumnDef& column : table->columns) {
      if (column.computed.empty() && !column.identity) columns.push_back(&column);
    }
  }
  for (const std::string& name : insert.columns) {
    const ColumnDef* column = table->column(name);
    if (column == nullptr) raise(207, "Invalid column name '" + name + "'.");
    columns.push_back(column);
  }
  const bool local = table->name.starts_with('#') || table->name.starts_with('@');
  std::uint64_t count = 0;
  change_table(local, [&] {
    RowWriter writer(*this, table);
    writer.prepare_insert(columns);
    std::vector<Cell> cells(columns.size());
    for (const std::vector<Value>& row : rows) {
      if (row.size() != columns.size())
        raise(213, "Column name or number of supplied values does not match table definition.", 0, 7);
      std::vector<Value> values(row.size());
      for (std::size_t i = 0; i < row.size(); ++i) {
        values[i] = converted(row[i], columns[i]->type);
        cells[i] = cell_of(values[i]);
      }
      writer.insert(cells);
    }
    writer.finish();
    count = writer.rows();
  });
  row_count_ = static_cast<std::int64_t>(count);
  done(StatementKind::insert, count);
}

}  // namespace tailrace::sim::tsql
