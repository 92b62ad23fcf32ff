// The server's logins, kept in master's file and in memory.
#include <fmt/format.h>

#include <algorithm>

#include "sim/catalog/server.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {

std::optional<LoginDef> Server::check_login(std::string_view name, std::string_view password) {
  std::optional<LoginDef> login = find_login(name);
  if (!login || login->disabled || login->password != password) return {};
  return login;
}

std::optional<LoginDef> Server::find_login(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  for (const LoginDef& login : logins_) {
    if (same_name(login.name, name)) return login;
  }
  return {};
}

std::vector<LoginDef> Server::logins() {
  const std::scoped_lock lock(mutex_);
  return logins_;
}

void Server::save_login(const LoginDef& login) {
  const auto found = std::find_if(logins_.begin(), logins_.end(),
                                  [&](const LoginDef& other) { return same_name(other.name, login.name); });
  if (found == logins_.end()) {
    logins_.push_back(login);
  } else {
    *found = login;
  }
  Statement row = master_->connection().prepare("INSERT OR REPLACE INTO srv_logins VALUES(?,?,?,?,?,?,?,?)");
  row.bind(1, std::int64_t{login.principal_id}).bind(2, login.name).bind(3, login.password);
  row.bind(4, login.default_database)
      .bind(5, std::int64_t{login.sysadmin})
      .bind(6, std::int64_t{login.disabled});
  row.bind(7, std::int64_t{login.view_server_state}).bind(8, login.create_date).run();
}

Outcome Server::create_login(const LoginDef& login) {
  if (find_login(login.name)) {
    return SqlError{15025, fmt::format("The server principal '{}' already exists.", login.name), 16, 1};
  }
  const std::scoped_lock lock(mutex_);
  LoginDef added = login;
  added.principal_id = 256;
  for (const LoginDef& other : logins_)
    added.principal_id = std::max(added.principal_id, other.principal_id + 1);
  added.create_date = local_datetime_now();
  save_login(added);
  return {};
}

Outcome Server::alter_login(const LoginDef& login) {
  const std::optional<LoginDef> old = find_login(login.name);
  if (!old) {
    return SqlError{15151,
                    fmt::format("Cannot alter the login '{}', because it does not exist or you do not have "
                                "permission.",
                                login.name),
                    16, 1};
  }
  const std::scoped_lock lock(mutex_);
  LoginDef changed = login;
  changed.principal_id = old->principal_id;
  changed.create_date = old->create_date;
  save_login(changed);
  return {};
}

Outcome Server::drop_login(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::find_if(logins_.begin(), logins_.end(),
                                  [&](const LoginDef& login) { return same_name(login.name, name); });
  if (found == logins_.end() || found->principal_id == 1) {
    return SqlError{15151,
                    fmt::format("Cannot drop the login '{}', because it does not exist or you do not have "
                                "permission.",
                                name),
                    16, 1};
  }
  master_->connection()
      .prepare("DELETE FROM srv_logins WHERE principal_id = ?")
      .bind(1, std::int64_t{found->principal_id})
      .run();
  logins_.erase(found);
  return {};
}

}  // namespace tailrace::sim
