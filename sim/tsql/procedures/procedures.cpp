// Procedures by name: EXEC, INSERT ... EXEC, and which file's procedure is called.
#include "sim/tsql/procedures/procedures_internal.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

Value converted(const Value& value, const TypeInfo& type) {
  Value out;
  ConversionError error;
  if (!convert(value.type, cell_of(value), type, no_style, out, error)) raise(error.number, error.text);
  return out;
}

namespace {

std::string lower(std::string text) {
  for (char& byte : text)
    byte = static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  return text;
}

}  // namespace

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
