// Rights of the session: what statements need, and what functions such as HAS_PERMS_BY_NAME answer.
#include <array>

#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

void SessionCore::require_owner(std::string_view what) {
  if (active_->security.is_owner(active_->principal)) return;
  raise(262, std::string(what) + " permission denied in database '" + active_->database->name + "'.");
}

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

std::optional<std::int64_t> SessionCore::has_permission(std::optional<std::string> securable,
                                                        std::string_view class_name,
                                                        std::string_view permission_name) {
  const std::string class_upper = upper(class_name);
  sim::Permission permission = sim::Permission::select;
  if (!find_permission(upper(permission_name), permission)) return std::nullopt;
  Security& security = current_->security;
  const Principal& principal = current_->principal;
  if (definition_.sysadmin) {
    if (class_upper == "OBJECT" && securable && !object_id(*securable, std::nullopt)) return std::nullopt;
    return 1;
  }
  if (class_upper.empty() || class_upper == "SERVER") {
    return definition_.view_server_state && (permission == sim::Permission::view_server_state ||
                                             permission == sim::Permission::view_server_performance_state)
               ? 1
               : 0;
  }
  if (class_upper == "DATABASE") {
    if (security.is_owner(principal)) return 1;
    const bool server_wide =
        definition_.view_server_state && (permission == sim::Permission::view_database_state ||
                                          permission == sim::Permission::view_database_performance_state);
    return server_wide || security.has(principal, permission) ? 1 : 0;
  }
  if (!securable) return std::nullopt;
  if (class_upper == "SCHEMA") {
    ObjectName name;
    try {
      name = parse_object_name(*securable);
    } catch (const StatementError&) {
      return std::nullopt;
    }
    const std::optional<std::int32_t> id = current_->catalog.schema_id(name.name);
    if (!id) return std::nullopt;
    return security.is_owner(principal) || security.has_on_object(principal, permission, 0, *id) ? 1 : 0;
  }
  if (class_upper == "OBJECT") {
    const std::optional<std::int64_t> id = object_id(*securable, std::nullopt);
    if (!id) return std::nullopt;
    const std::optional<ObjectDef> object = current_->catalog.object(static_cast<std::int32_t>(*id));
    return object && (security.is_owner(principal) ||
                      security.has_on_object(principal, permission, object->object_id, object->schema_id))
               ? 1
               : 0;
  }
  return std::nullopt;
}

std::optional<std::int64_t> SessionCore::is_server_role_member(std::string_view role,
                                                               std::optional<std::string> login) {
  static const std::array<std::string_view, 9> roles{"sysadmin",     "serveradmin", "securityadmin",
                                                     "processadmin", "setupadmin",  "bulkadmin",
                                                     "diskadmin",    "dbcreator",   "public"};
  bool known = false;
  for (const std::string_view name : roles)
    known = known || same_name(name, role);
  if (!known) return std::nullopt;
  const std::optional<LoginDef> definition = login ? state_.server.find_login(*login) : definition_;
  if (!definition) return std::nullopt;
  return definition->sysadmin || same_name(role, "public") ? 1 : 0;
}

std::optional<std::int64_t> SessionCore::is_role_member(std::string_view role,
                                                        std::optional<std::string> user) {
  if (user && !same_name(*user, current_->principal.user_name)) return std::nullopt;
  const std::optional<bool> member = current_->security.is_member(current_->principal, role);
  if (!member) return std::nullopt;
  return *member ? 1 : 0;
}

std::optional<std::string> SessionCore::user_name(std::optional<std::int64_t> id) {
  if (!id || *id == current_->principal.principal_id) return current_->principal.user_name;
  if (*id == 1) return "dbo";
  sim::Statement statement = current_->work->connection().prepare(
      "SELECT name FROM sys_database_principals WHERE principal_id = ?1");
  statement.bind(1, *id);
  if (!statement.next()) return std::nullopt;
  return std::string(statement.text(0));
}

}  // namespace tailrace::sim::tsql
