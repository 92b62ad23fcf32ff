// Permissions over the catalog's tables: granted, asked for, and what the system views show by them.
#include "sim/catalog/security.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "sim/catalog/security_internal.h"

namespace tailrace::sim {
namespace {

constexpr std::array<std::pair<std::string_view, Permission>, 18> permissions{{
    {"SELECT", Permission::select},
    {"INSERT", Permission::insert},
    {"UPDATE", Permission::update},
    {"DELETE", Permission::delete_},
    {"EXECUTE", Permission::execute},
    {"REFERENCES", Permission::references},
    {"ALTER", Permission::alter},
    {"CONTROL", Permission::control},
    {"CONNECT", Permission::connect},
    {"VIEW DEFINITION", Permission::view_definition},
    {"VIEW DATABASE STATE", Permission::view_database_state},
    {"VIEW DATABASE PERFORMANCE STATE", Permission::view_database_performance_state},
    {"VIEW SERVER STATE", Permission::view_server_state},
    {"VIEW SERVER PERFORMANCE STATE", Permission::view_server_performance_state},
    {"CREATE TABLE", Permission::create_table},
    {"CREATE SCHEMA", Permission::create_schema},
    {"CREATE ROLE", Permission::create_role},
    {"SHOWPLAN", Permission::showplan},
}};

bool is_write(Permission permission) {
  return permission == Permission::insert || permission == Permission::update ||
         permission == Permission::delete_;
}

// Whether holding `held` is holding `wanted`.
bool covers(Permission held, Permission wanted) {
  return held == wanted || held == Permission::control ||
         (held == Permission::view_database_state && wanted == Permission::view_database_performance_state) ||
         (held == Permission::view_server_state && wanted == Permission::view_server_performance_state);
}

}  // namespace

bool find_permission(std::string_view name, Permission& permission) {
  for (const auto& [text, value] : permissions) {
    if (same_name(text, name)) {
      permission = value;
      return true;
    }
  }
  return false;
}

std::string_view name_of(Permission permission) {
  for (const auto& [text, value] : permissions) {
    if (value == permission) return text;
  }
  return "";
}

std::optional<Principal> Security::principal_of(std::string_view login, bool sysadmin) {
  if (sysadmin) return Principal{dbo_id, "dbo", std::string(login), true};
  Statement row = catalog_.work().connection().prepare(
      "SELECT principal_id, name FROM cat_principals WHERE login = ? AND type = 'S'");
  if (!row.bind(1, login).next()) return {};
  return Principal{static_cast<std::int32_t>(row.number(0)), std::string(row.text(1)), std::string(login),
                   false};
}

std::optional<std::int32_t> Security::principal_id(std::string_view name, std::string_view types) {
  Statement row =
      catalog_.work().connection().prepare("SELECT principal_id, type FROM cat_principals WHERE name = ?");
  if (!row.bind(1, name).next() || types.find(row.text(1)) == std::string_view::npos) return {};
  return static_cast<std::int32_t>(row.number(0));
}

std::vector<std::int32_t> Security::roles_of(const Principal& principal) {
  std::vector<std::int32_t> ids{principal.principal_id, public_id};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Statement rows =
        catalog_.work().connection().prepare("SELECT role_id FROM cat_role_members WHERE member_id = ?");
    rows.bind(1, std::int64_t{ids[i]});
    while (rows.next()) {
      const auto role = static_cast<std::int32_t>(rows.number(0));
      if (std::find(ids.begin(), ids.end(), role) == ids.end()) ids.push_back(role);
    }
  }
  return ids;
}

bool Security::is_owner(const Principal& principal) {
  if (principal.sysadmin || principal.principal_id == dbo_id) return true;
  const std::vector<std::int32_t> ids = roles_of(principal);
  return std::find(ids.begin(), ids.end(), db_owner) != ids.end();
}

std::optional<bool> Security::is_member(const Principal& principal, std::string_view role) {
  const std::optional<std::int32_t> id = principal_id(role, "R");
  if (!id) return {};
  if (principal.principal_id == dbo_id && *id < first_fixed_role && *id != public_id) {
    // dbo is member of no role but db_owner, though it may everything.
    return false;
  }
  const std::vector<std::int32_t> ids = roles_of(principal);
  return std::find(ids.begin(), ids.end(), *id) != ids.end();
}

bool Security::has(const Principal& principal, Permission permission) {
  return has_on_object(principal, permission, 0, 0);
}

bool Security::has_on_object(const Principal& principal, Permission permission, std::int32_t object_id,
                             std::int32_t schema_id) {
  if (is_owner(principal)) return true;
  const std::vector<std::int32_t> ids = roles_of(principal);
  const auto in_role = [&](std::int32_t role) {
    return std::find(ids.begin(), ids.end(), role) != ids.end();
  };
  if (permission == Permission::select && in_role(db_denydatareader)) return false;
  if (is_write(permission) && in_role(db_denydatawriter)) return false;
  bool granted = (permission == Permission::select && in_role(db_datareader)) ||
                 (is_write(permission) && in_role(db_datawriter));
  Statement rows = catalog_.work().connection().prepare(
      "SELECT grantee_id, permission, state FROM cat_permissions WHERE (class = 0) OR (class = 1 AND "
      "major_id = ?)"
      " OR (class = 3 AND major_id = ?)");
  rows.bind(1, std::int64_t{object_id}).bind(2, std::int64_t{schema_id});
  while (rows.next()) {
    Permission held{};
    if (!in_role(static_cast<std::int32_t>(rows.number(0))) || !find_permission(rows.text(1), held)) continue;
    if (!covers(held, permission)) continue;
    if (rows.text(2) == "D") return false;
    granted = true;
  }
  return granted;
}

Outcome Security::check(const Principal& principal, Permission permission, std::int32_t object_id,
                        std::int32_t schema_id, std::string_view object, std::string_view schema) {
  if (has_on_object(principal, permission, object_id, schema_id)) return {};
  return SqlError{229,
                  fmt::format("The {} permission was denied on the object '{}', database '{}', schema '{}'.",
                              name_of(permission), object, catalog_.work().file().name, schema),
                  14, 5};
}

void Security::restrict_views(const Principal& principal) {
  struct Seen {
    std::int64_t version = -1;
    bool owner = false;
    std::unordered_map<std::int32_t, bool> objects;
  };
  catalog_.work().visible = [&catalog = catalog_, principal, seen = Seen{}](std::int32_t object_id) mutable {
    Security security(catalog);
    if (const std::int64_t version = catalog.version(); version != seen.version) {
      seen.version = version;
      seen.owner = security.is_owner(principal);
      seen.objects.clear();
    }
    if (seen.owner) return true;
    const auto found = seen.objects.find(object_id);
    if (found != seen.objects.end()) return found->second;
    const auto object = catalog.object(object_id);
    bool shown = false;
    for (const Permission permission :
         {Permission::select, Permission::view_definition, Permission::insert, Permission::update,
          Permission::delete_, Permission::execute, Permission::references, Permission::alter}) {
      shown =
          shown || (object && security.has_on_object(principal, permission, object_id, object->schema_id));
    }
    seen.objects.emplace(object_id, shown);
    return shown;
  };
}

Outcome Security::set_permission(char state, Permission permission, SecurableClass securable, std::int32_t id,
                                 std::string_view principal) {
  const std::optional<std::int32_t> grantee = principal_id(principal, "SR");
  if (!grantee) return no_principal("find", "user", principal);
  Connection& connection = catalog_.work().connection();
  const auto key = [&](Statement& statement) {
    statement.bind(1, static_cast<std::int64_t>(securable))
        .bind(2, std::int64_t{id})
        .bind(3, std::int64_t{*grantee});
    statement.bind(4, name_of(permission));
  };
  if (state == 'R') {
    Statement remove = connection.prepare(
        "DELETE FROM cat_permissions WHERE class = ? AND major_id = ? AND grantee_id = ? AND permission = ?");
    key(remove);
    remove.run();
  } else {
    Statement put = connection.prepare("INSERT OR REPLACE INTO cat_permissions VALUES(?, ?, ?, ?, ?)");
    key(put);
    put.bind(5, std::string_view(&state, 1)).run();
  }
  catalog_.touch();
  return {};
}

}  // namespace tailrace::sim
