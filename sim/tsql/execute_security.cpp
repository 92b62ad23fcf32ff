// Logins, users, roles, permissions, and the options of SET.
#include <algorithm>
#include <set>

#include "sim/tsql/session_core.h"
#include "sim/tsql/session_write.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {

void SessionCore::create_principal(const CreatePrincipal& node) {
  if (node.kind == "LOGIN") {
    if (!definition_.sysadmin) raise(15247, "User does not have permission to perform this action.");
    LoginDef login;
    login.name = node.name;
    login.password = node.password;
    if (!node.default_database.empty()) login.default_database = node.default_database;
    check(state_.server.create_login(login));
    return;
  }
  require_owner("CREATE " + node.kind);
  if (node.kind == "USER" && node.password.empty() && !state_.server.find_login(node.for_login)) {
    raise(15007, "'" + node.for_login + "' is not a valid login or you do not have permission.");
  }
  write_statement([&] {
    check(node.kind == "USER" ? active_->security.create_user(node.name, node.for_login, node.default_schema)
                              : active_->security.create_role(node.name));
    active_->catalog.touch();
  });
}

void SessionCore::alter_principal(const AlterPrincipal& node) {
  if (node.kind == "ROLE") {
    require_owner("ALTER ROLE");
    write_statement([&] {
      check(node.action == "ADD" ? active_->security.add_member(node.name, node.member)
                                 : active_->security.drop_member(node.name, node.member));
      active_->catalog.touch();
    });
    return;
  }
  if (!definition_.sysadmin)
    raise(15151, "Cannot alter the " + std::string(node.kind == "LOGIN" ? "login" : "server role") + " '" +
                     node.name + "', because it does not exist or you do not have permission.");
  const std::string login_name = node.kind == "SERVER ROLE" ? node.member : node.name;
  std::optional<LoginDef> login = state_.server.find_login(login_name);
  if (!login)
    raise(15151, "Cannot alter the login '" + login_name +
                     "', because it does not exist or you do not have permission.");
  if (node.kind == "SERVER ROLE") {
    if (!same_name(node.name, "sysadmin")) not_supported("ALTER SERVER ROLE " + node.name);
    login->sysadmin = node.action == "ADD";
  } else if (node.kind == "LOGIN") {
    if (node.action == "ENABLE" || node.action == "DISABLE")
      login->disabled = node.action == "DISABLE";
    else if (node.action == "PASSWORD")
      login->password = node.member;
    else if (node.action == "DEFAULT_DATABASE")
      login->default_database = node.member;
    else
      not_supported("ALTER LOGIN ... " + node.action);
  } else {
    not_supported("ALTER USER");
  }
  check(state_.server.alter_login(*login));
}

std::int32_t SessionCore::grantable_object(const ObjectName& name) {
  const std::string& schema = name.schema.empty() ? default_schema_ : name.schema;
  if (const SystemRelation* relation = find_system_relation(active_->database->name, schema, name.name)) {
    if (const std::optional<std::int32_t> id = grantable_id(*relation)) return *id;
  }
  const std::optional<ObjectDef> object = active_->catalog.object(schema, name.name);
  if (!object)
    raise(15151, "Cannot find the object '" + name.name +
                     "', because it does not exist or you do not have permission.");
  return object->object_id;
}

void SessionCore::change_permission(const PermissionChange& node) {
  const char state = node.action == "GRANT" ? 'G' : node.action == "DENY" ? 'D' : 'R';
  active_->catalog.refresh();
  for (const std::string& name : node.permissions) {
    sim::Permission permission = sim::Permission::select;
    if (name == "ALL" || name == "ALL PRIVILEGES") not_supported(node.action + " ALL");
    if (!find_permission(name, permission)) {
      raise(102, "Incorrect syntax near '" + name.substr(0, name.find(' ')) + "'.");
    }
    const bool of_server = permission == sim::Permission::view_server_state ||
                           permission == sim::Permission::view_server_performance_state;
    if (of_server) {
      if (!definition_.sysadmin) raise(4613, "Grantor does not have GRANT permission.");
      for (const std::string& principal : node.principals) {
        std::optional<LoginDef> login = state_.server.find_login(principal);
        if (!login)
          raise(15151, "Cannot find the login '" + principal +
                           "', because it does not exist or you do not have permission.");
        login->view_server_state = state == 'G';
        check(state_.server.alter_login(*login));
      }
      continue;
    }
    require_owner(node.action);
    SecurableClass securable = SecurableClass::database;
    std::int32_t id = 0;
    if (node.class_ == "SCHEMA") {
      securable = SecurableClass::schema;
      const std::optional<std::int32_t> schema = active_->catalog.schema_id(node.object.name);
      if (!schema)
        raise(15151, "Cannot find the schema '" + node.object.name +
                         "', because it does not exist or you do not have permission.");
      id = *schema;
    } else if (node.class_ == "OBJECT") {
      securable = SecurableClass::object;
      id = grantable_object(node.object);
    } else if (node.class_ != "DATABASE") {
      not_supported(node.action + " ON " + node.class_);
    }
    write_statement([&] {
      for (const std::string& principal : node.principals)
        check(active_->security.set_permission(state, permission, securable, id, principal));
      active_->catalog.touch();
    });
  }
}

// --- Rights that the binder asks for -----------------------------------------------------------------------

void SessionCore::check_right(sim::Permission permission, const TableDef& table) {
  if (table.name.starts_with('#') || table.name.starts_with('@')) return;
  if (table.ms_shipped && permission != sim::Permission::select &&
      !active_->security.is_owner(active_->principal)) {
    raise(229,
          "The " + std::string(name_of(permission)) + " permission was denied on the object '" + table.name +
              "', database '" + active_->database->name + "', schema '" + table.schema + "'.",
          0, 5);
  }
  check(active_->security.check(active_->principal, permission, table.object_id, table.schema_id, table.name,
                                table.schema));
}

// The login's own user in msdb, or guest, who is there and may read none of these tables.
void SessionCore::check_msdb_right(const SystemRelation& relation) {
  constexpr std::int32_t dbo_schema = 1;
  const std::unique_ptr<Work> work = state_.server.open(state_.server.find("msdb"), /*session=*/false);
  Catalog catalog(*work);
  Security security(catalog);
  const std::optional<Principal> principal = security.principal_of(definition_.name, definition_.sysadmin);
  if (principal && security.has_on_object(*principal, sim::Permission::select,
                                          grantable_id(relation).value_or(0), dbo_schema)) {
    return;
  }
  raise(229,
        "The SELECT permission was denied on the object '" + std::string(relation.name) +
            "', database 'msdb', schema 'dbo'.",
        0, 5, 14);
}

void SessionCore::check_system_right(const SystemRelation& relation) {
  if (relation.right == SystemRight::none || definition_.sysadmin) return;
  if (relation.right == SystemRight::msdb_select) return check_msdb_right(relation);
  if (definition_.view_server_state) return;
  Security& security = active_->security;
  const Principal& principal = active_->principal;
  if (relation.right == SystemRight::view_database_state &&
      (security.is_owner(principal) || security.has(principal, sim::Permission::view_database_state) ||
       security.has(principal, sim::Permission::view_database_performance_state))) {
    return;
  }
  if (relation.right == SystemRight::view_server_state) {
    raise(300, "VIEW SERVER PERFORMANCE STATE permission was denied on object 'server', database 'master'.",
          0, 1, 14);
  }
  raise(262,
        "VIEW DATABASE PERFORMANCE STATE permission denied in database '" + active_->database->name + "'.");
}

void SessionCore::check_change_function_right(const ChangeFunction& function) {
  // An early look with no bounds would answer 313; the rights are checked with the arguments.
  (void)function;
}

// --- SET ---------------------------------------------------------------------------------------------------

namespace {

// LOW, NORMAL, HIGH, or -10 to 10.
int deadlock_priority(const SetOption& node, const Value& value) {
  if (node.value == "LOW") return -5;
  if (node.value == "NORMAL") return 0;
  if (node.value == "HIGH") return 5;
  const std::int64_t number = node.expr ? value.number : std::strtoll(node.value.c_str(), nullptr, 10);
  if (number < -10 || number > 10) not_supported("SET DEADLOCK_PRIORITY " + std::to_string(number));
  return static_cast<int>(number);
}

}  // namespace

void SessionCore::set_option(const SetOption& node) {
  static const std::set<std::string, std::less<>> harmless{"ANSI_NULLS",
                                                           "ANSI_PADDING",
                                                           "ANSI_WARNINGS",
                                                           "ANSI_NULL_DFLT_ON",
                                                           "ANSI_NULL_DFLT_OFF",
                                                           "ANSI_DEFAULTS",
                                                           "ARITHABORT",
                                                           "ARITHIGNORE",
                                                           "CONCAT_NULL_YIELDS_NULL",
                                                           "NUMERIC_ROUNDABORT",
                                                           "CURSOR_CLOSE_ON_COMMIT",
                                                           "LANGUAGE",
                                                           "DATEFIRST",
                                                           "CONTEXT_INFO",
                                                           "FMTONLY",
                                                           "FORCEPLAN",
                                                           "NOEXEC",
                                                           "PARSEONLY",
                                                           "SHOWPLAN_ALL",
                                                           "SHOWPLAN_TEXT",
                                                           "SHOWPLAN_XML",
                                                           "STATISTICS",
                                                           "QUERY_GOVERNOR_COST_LIMIT",
                                                           "REMOTE_PROC_TRANSACTIONS"};
  // Without these T-SQL means something else.
  static const std::set<std::string, std::less<>> meaning{
      "ANSI_NULLS",        "ANSI_PADDING", "ANSI_WARNINGS", "ANSI_DEFAULTS", "CONCAT_NULL_YIELDS_NULL",
      "NUMERIC_ROUNDABORT"};
  const bool on = node.value == "ON";
  for (const std::string& name : node.names) {
    if (name == "NOCOUNT") {
      options_.no_count = on;
    } else if (name == "XACT_ABORT") {
      options_.xact_abort = on;
    } else if (name == "IMPLICIT_TRANSACTIONS") {
      options_.implicit_transactions = on;
    } else if (name == "QUOTED_IDENTIFIER") {
      options_.quoted_identifier = on;
    } else if (name == "LOCK_TIMEOUT") {
      const std::int64_t ms =
          node.expr ? evaluate(*node.expr).number : std::strtoll(node.value.c_str(), nullptr, 10);
      options_.lock_timeout.reset();
      if (ms >= 0) options_.lock_timeout = std::chrono::milliseconds(ms);
    } else if (name == "DEADLOCK_PRIORITY") {
      gate_owner_.priority = deadlock_priority(node, node.expr ? evaluate(*node.expr) : Value{});
    } else if (name == "ROWCOUNT") {
      options_.row_limit =
          node.expr ? evaluate(*node.expr).number : std::strtoll(node.value.c_str(), nullptr, 10);
    } else if (name == "TEXTSIZE") {
      const std::int64_t bytes =
          node.expr ? evaluate(*node.expr).number : std::strtoll(node.value.c_str(), nullptr, 10);
      options_.text_size = static_cast<std::int32_t>(bytes <= 0 ? 2147483647 : bytes);
    } else if (name == "DATEFORMAT") {
      if (node.value != "MDY" && node.value != "mdy") not_supported("SET DATEFORMAT " + node.value);
    } else if (name == "TRANSACTION ISOLATION LEVEL") {
      if (node.value == "READ UNCOMMITTED")
        options_.isolation = Isolation::read_uncommitted;
      else if (node.value == "READ COMMITTED")
        options_.isolation = Isolation::read_committed;
      else if (node.value == "REPEATABLE READ")
        options_.isolation = Isolation::repeatable_read;
      else if (node.value == "SERIALIZABLE")
        options_.isolation = Isolation::serializable;
      else if (node.value == "SNAPSHOT")
        options_.isolation = Isolation::snapshot;
      else
        syntax_error(node.value, 0);
      if (tran_count_ > 0 && options_.isolation == Isolation::snapshot &&
          std::any_of(uses_.begin(), uses_.end(), [](const auto& item) { return item.second->begun; })) {
        raise(3951, "Transaction failed in database '" + current_->database->name +
                        "' because the statement was run under snapshot isolation but the transaction did "
                        "not start in snapshot isolation. You cannot change the isolation level of the "
                        "transaction to snapshot after the transaction has started unless the transaction "
                        "was originally started under snapshot isolation level.");
      }
    } else if (name == "IDENTITY_INSERT") {
      in_named_database([&] { set_identity_insert(node, on); });
    } else if (name == "FMTONLY" || name == "NOEXEC" || name == "PARSEONLY" || name == "SHOWPLAN_ALL" ||
               name == "SHOWPLAN_TEXT" || name == "SHOWPLAN_XML") {
      if (on) not_supported("SET " + name + " ON");
    } else if (name == "DATEFIRST") {
      if (node.value != "7") not_supported("SET DATEFIRST " + node.value);
    } else if (meaning.contains(name) && on == (name == "NUMERIC_ROUNDABORT")) {
      not_supported("SET " + name + " " + node.value);
    } else if (name == "LANGUAGE") {
      if (!same_word(node.value, "us_english") && !same_word(node.value, "english"))
        not_supported("SET LANGUAGE " + node.value);
    } else if (!harmless.contains(name) && node.names[0] != "STATISTICS") {
      raise(195, "'" + name + "' is not a recognized SET option.", 0, 5, 15);
    }
  }
}

void SessionCore::set_identity_insert(const SetOption& node, bool on) {
  active_->catalog.refresh();
  Binder binder(*this);
  const TablePtr table = binder.find_table(node.table, false);
  if (!table)
    raise(1088,
          "Cannot find the object \"" + node.table.text() +
              "\" because it does not exist or you do not have permissions.",
          node.table.line, 11);
  const bool has_identity = std::any_of(table->columns.begin(), table->columns.end(),
                                        [](const ColumnDef& column) { return column.identity.has_value(); });
  if (!has_identity)
    raise(8106,
          "Table '" + node.table.text() +
              "' does not have the identity property. Cannot perform SET operation.",
          node.table.line);
  const bool same =
      identity_insert_ == table->object_id && identity_insert_database_ == active_->database->id;
  if (on && identity_insert_ != 0 && !same) {
    const DatabasePtr where = state_.server.find(identity_insert_database_);
    const TablePtr other = where ? use(where).catalog.table(identity_insert_) : nullptr;
    raise(8107,
          "IDENTITY_INSERT is already ON for table '" + (where ? where->name : "") + "." +
              (other ? other->schema + "." + other->name : "") +
              "'. Cannot perform SET operation for table '" + node.table.text() + "'.",
          node.table.line);
  }
  if (on) {
    identity_insert_ = table->object_id;
    identity_insert_database_ = active_->database->id;
  } else if (same) {
    identity_insert_ = 0;
  }
}

}  // namespace tailrace::sim::tsql
