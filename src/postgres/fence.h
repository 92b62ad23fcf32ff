// Taking a pipeline over: the fence is raised once every old backend that might still commit is gone.
//
// Source  docs/rules.md R6b, R6d.
#pragma once

#include "postgres/connection.h"
#include "postgres/settings.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {

// Raises the fence and records this runner. Old backends of the same role and pipeline that keep the row
// locked beyond `takeover_grace` are ended. When it returns, what they committed is all they ever will.
Owner raise_fence(Connection& connection, const Settings& settings, const std::string& runner_id,
                  std::stop_token stop);

}  // namespace tailrace::postgres
