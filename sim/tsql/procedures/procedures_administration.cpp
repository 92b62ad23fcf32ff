// Procedures of administration: sp_rename, sp_configure, sp_addrolemember.
#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/procedures/procedures_internal.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

// sp_rename 'schema.table', 'new' and sp_rename 'schema.table.column', 'new', 'COLUMN'.
std::int32_t SessionCore::rename(CallArguments& arguments) {
  arguments.known({"@objname", "@newname", "@objtype"});
  const std::string old_name = arguments.text(0, "@objname").value_or("");
  const std::string new_name = arguments.text(1, "@newname").value_or("");
  const std::string type = upper(arguments.text(2, "@objtype").value_or("OBJECT"));
  const ObjectName parsed = parse_object_name(old_name);
  require_owner("sp_rename");
  active_->catalog.refresh();
  const bool column = type == "COLUMN";
  ObjectName table_name = parsed;
  if (column) {
    table_name.name = parsed.schema;
    table_name.schema = parsed.database;
    table_name.database.clear();
  } else if (type != "OBJECT") {
    not_supported("sp_rename of type " + type);
  }
  Binder binder(*this);
  const TablePtr table = binder.find_table(table_name, false);
  if (!table)
    raise(15225, "No item by the name of '" + old_name + "' could be found in the current database '" +
                     active_->database->name + "', given that @itemtype was input as '" + type + "'.");
  const ColumnDef* renamed = column ? table->column(parsed.name) : nullptr;
  if (renamed != nullptr && has_dependents(*table, renamed->name)) {
    raise(15336, "Object '" + old_name +
                     "' cannot be renamed because the object participates in enforced dependencies.");
  }
  write_statement([&] {
    check(active_->cdc.before_alter(*table, column ? parsed.name : "", false, true));
    check(column ? active_->catalog.rename_column(*table, parsed.name, new_name)
                 : active_->catalog.rename_table(*table, new_name));
    active_->catalog.touch();
  });
  return 0;
}

std::int32_t SessionCore::administration_procedure(const std::string& name, CallArguments& arguments) {
  if (name == "sp_addrolemember" || name == "sp_droprolemember") {
    AlterPrincipal change;
    change.kind = "ROLE";
    change.name = arguments.text(0, "@rolename").value_or("");
    change.member = arguments.text(1, "@membername").value_or("");
    change.action = name == "sp_addrolemember" ? "ADD" : "DROP";
    alter_principal(change);
    return 0;
  }
  if (name == "sp_configure") {
    if (!definition_.sysadmin) raise(15247, "User does not have permission to perform this action.");
    const std::string option = arguments.text(0, "@configname").value_or("");
    const std::optional<std::int64_t> value = arguments.number(1, "@configvalue");
    if (same_word(option, "show advanced options")) return 0;
    if (!option.starts_with("max text repl size") || !value)
      raise(15123,
            "The configuration option '" + option + "' does not exist, or it may be an advanced option.");
    state_.server.set_max_text_repl_size(*value);
    return 0;
  }
  if (name == "sp_rename") return rename(arguments);
  unknown_procedure(name, arguments.procedure);
}

}  // namespace tailrace::sim::tsql
