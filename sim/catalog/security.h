// Principals and permissions of a database, as far as readers of CDC meet them.
//
// Shape    A permission is granted on the database (object and schema 0), a schema, or an object, to a user or a
//          role; DENY beats GRANT. db_owner may everything, db_datareader reads, db_datawriter writes, public is
//          everybody. `sa` and members of sysadmin are dbo everywhere.
// Errors   229, 15151, 15023, 15063, 15014 ...: as SQL Server.
// Threads  Belongs to the Catalog's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/catalog/catalog.h"
#include "sim/storage/sql_error.h"

namespace tailrace::sim {

enum class Permission : std::uint8_t {
  select,
  insert,
  update,
  delete_,
  execute,
  references,
  alter,
  control,
  connect,
  view_definition,
  view_database_state,
  view_database_performance_state,
  view_server_state,
  view_server_performance_state,
  create_table,
  create_schema,
  create_role,
  showplan,
};

// The name as GRANT writes it ("VIEW DATABASE STATE"); false: not one that is known.
bool find_permission(std::string_view name, Permission& permission);
std::string_view name_of(Permission permission);

enum class SecurableClass : std::uint8_t { database = 0, object = 1, schema = 3 };

// Who asks: a login inside a database.
struct Principal {
  std::int32_t principal_id = 0;  // In the database; 1 is dbo.
  std::string user_name;          // dbo, guest or the user.
  std::string login_name;
  bool sysadmin = false;
};

class Security {
 public:
  explicit Security(Catalog& catalog) : catalog_(catalog) {}

  // The user that a login is in this database; nothing: it has none (916, 4060 at login).
  std::optional<Principal> principal_of(std::string_view login, bool sysadmin);

  bool is_owner(const Principal& principal);  // dbo or member of db_owner.
  // IS_MEMBER, IS_ROLEMEMBER; nothing: no such role.
  std::optional<bool> is_member(const Principal& principal, std::string_view role);
  bool has(const Principal& principal, Permission permission);  // On the database.
  bool has_on_object(const Principal& principal, Permission permission, std::int32_t object_id,
                     std::int32_t schema_id);
  // Error 229 when the permission is missing. `object` and `schema` name what was asked for.
  Outcome check(const Principal& principal, Permission permission, std::int32_t object_id,
                std::int32_t schema_id, std::string_view object, std::string_view schema);

  // From now on system views on this connection show `principal` only what it has some permission on, as SQL Server
  // does. To be called again when the principal changes.
  void restrict_views(const Principal& principal);

  [[nodiscard]] Outcome create_user(std::string_view name, std::string_view login,
                                    std::string_view default_schema);
  [[nodiscard]] Outcome drop_user(std::string_view name);
  [[nodiscard]] Outcome create_role(std::string_view name);
  [[nodiscard]] Outcome drop_role(std::string_view name);
  [[nodiscard]] Outcome add_member(std::string_view role, std::string_view member);
  [[nodiscard]] Outcome drop_member(std::string_view role, std::string_view member);
  // state: 'G' grant, 'D' deny, 'R' revoke.
  [[nodiscard]] Outcome set_permission(char state, Permission permission, SecurableClass securable,
                                       std::int32_t id, std::string_view principal);
  bool role_exists(std::string_view name);

 private:
  std::vector<std::int32_t> roles_of(const Principal& principal);
  std::optional<std::int32_t> principal_id(std::string_view name, std::string_view types);

  Catalog& catalog_;
};

}  // namespace tailrace::sim
