// Users, roles and their members: made and dropped.
#include <fmt/format.h>

#include "sim/catalog/security.h"
#include "sim/catalog/security_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {

SqlError no_principal(std::string_view verb, std::string_view kind, std::string_view name) {
  return {15151,
          fmt::format("Cannot {} the {} '{}', because it does not exist or you do not have permission.", verb,
                      kind, name),
          16, 1};
}

Outcome Security::create_user(std::string_view name, std::string_view login,
                              std::string_view default_schema) {
  if (principal_id(name, "SR")) {
    return SqlError{
        15023, fmt::format("User, group, or role '{}' already exists in the current database.", name), 16, 1};
  }
  Statement taken = catalog_.work().connection().prepare("SELECT name FROM cat_principals WHERE login = ?");
  if (!login.empty() && taken.bind(1, login).next()) {
    return SqlError{15063, "The login already has an account under a different user name.", 16, 1};
  }
  taken.reset();
  Statement row = catalog_.work().connection().prepare(
      "INSERT INTO cat_principals SELECT max(principal_id) + 1, ?1, 'S', ?2, ?3, NULL, 0, ?4 FROM "
      "cat_principals"
      " WHERE principal_id < 16384");
  row.bind(1, name).bind(2, default_schema.empty() ? std::string_view("dbo") : default_schema);
  if (!login.empty()) row.bind(3, login);
  row.bind(4, local_datetime_now()).run();
  // Every user may connect.
  const std::optional<std::int32_t> id = principal_id(name, "S");
  catalog_.work()
      .connection()
      .prepare("INSERT OR REPLACE INTO cat_permissions VALUES(0, 0, ?, 'CONNECT', 'G')")
      .bind(1, std::int64_t{*id})
      .run();
  catalog_.touch();
  return {};
}

Outcome Security::drop_user(std::string_view name) {
  const std::optional<std::int32_t> id = principal_id(name, "S");
  if (!id || *id <= 4) return no_principal("drop", "user", name);
  Connection& connection = catalog_.work().connection();
  connection.prepare("DELETE FROM cat_principals WHERE principal_id = ?").bind(1, std::int64_t{*id}).run();
  connection.prepare("DELETE FROM cat_role_members WHERE member_id = ?").bind(1, std::int64_t{*id}).run();
  connection.prepare("DELETE FROM cat_permissions WHERE grantee_id = ?").bind(1, std::int64_t{*id}).run();
  catalog_.touch();
  return {};
}

Outcome Security::create_role(std::string_view name) {
  if (principal_id(name, "SR")) {
    return SqlError{
        15023, fmt::format("User, group, or role '{}' already exists in the current database.", name), 16, 1};
  }
  catalog_.work()
      .connection()
      .prepare(
          "INSERT INTO cat_principals SELECT max(principal_id) + 1, ?1, 'R', NULL, NULL, 1, 0, ?2"
          " FROM cat_principals WHERE principal_id < 16384")
      .bind(1, name)
      .bind(2, local_datetime_now())
      .run();
  catalog_.touch();
  return {};
}

Outcome Security::drop_role(std::string_view name) {
  const std::optional<std::int32_t> id = principal_id(name, "R");
  if (!id || *id >= first_fixed_role || *id == public_id) return no_principal("drop", "role", name);
  Connection& connection = catalog_.work().connection();
  Statement members = connection.prepare("SELECT 1 FROM cat_role_members WHERE role_id = ?");
  if (members.bind(1, std::int64_t{*id}).next()) {
    return SqlError{15144, "The role has members. It must be empty before it can be dropped.", 16, 1};
  }
  members.reset();
  connection.prepare("DELETE FROM cat_principals WHERE principal_id = ?").bind(1, std::int64_t{*id}).run();
  connection.prepare("DELETE FROM cat_role_members WHERE member_id = ?").bind(1, std::int64_t{*id}).run();
  connection.prepare("DELETE FROM cat_permissions WHERE grantee_id = ?").bind(1, std::int64_t{*id}).run();
  catalog_.touch();
  return {};
}

Outcome Security::add_member(std::string_view role, std::string_view member) {
  const std::optional<std::int32_t> role_id = principal_id(role, "R");
  if (!role_id || *role_id == public_id) return no_principal("alter", "role", role);
  const std::optional<std::int32_t> member_id = principal_id(member, "SR");
  if (!member_id) return no_principal("add", "principal", member);
  catalog_.work()
      .connection()
      .prepare("INSERT OR IGNORE INTO cat_role_members VALUES(?, ?)")
      .bind(1, std::int64_t{*role_id})
      .bind(2, std::int64_t{*member_id})
      .run();
  catalog_.touch();
  return {};
}

Outcome Security::drop_member(std::string_view role, std::string_view member) {
  const std::optional<std::int32_t> role_id = principal_id(role, "R");
  if (!role_id || *role_id == public_id) return no_principal("alter", "role", role);
  const std::optional<std::int32_t> member_id = principal_id(member, "SR");
  if (!member_id) return no_principal("drop", "principal", member);
  catalog_.work()
      .connection()
      .prepare("DELETE FROM cat_role_members WHERE role_id = ? AND member_id = ?")
      .bind(1, std::int64_t{*role_id})
      .bind(2, std::int64_t{*member_id})
      .run();
  catalog_.touch();
  return {};
}

bool Security::role_exists(std::string_view name) {
  return principal_id(name, "R").has_value();
}

}  // namespace tailrace::sim
