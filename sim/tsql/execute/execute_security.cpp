// Logins, users, roles and permissions: CREATE, ALTER, GRANT, DENY, REVOKE.
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

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

}  // namespace tailrace::sim::tsql
