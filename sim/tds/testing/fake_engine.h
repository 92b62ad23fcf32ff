// An Engine with canned answers, for the tests of the TDS front.
//
// Shape    Batches it knows: `select types` (a row of every type with a value, one of NULLs, one of extremes),
//          `select typesnotnull`, `rows N`, `endless`, `wait` (until it is stopped), `use NAME`, `begin`, `commit`,
//          `rollback`, `fail`, `reset N` (N rows, then a TCP reset), `large N` (a value of N bytes), `set ...`,
//          `whoami`, `fatal` (severity 21), `internal` (a broken invariant). Anything else is error 102. RPCs:
//          sp_executesql, sp_prepexec, sp_execute, sp_unprepare over these batches; `echo` gives its parameters back
//          as one row and as output values.
// Threads  As the contract of Engine; counts may be read from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "sim/tsql/session.h"

namespace tailrace::sim::tds::testing {

struct FakeCounts {
  std::atomic<int> sessions = 0;  // Alive.
  std::atomic<int> stopped = 0;   // Statements that were ended by their stop token or by row() == false.
  std::atomic<int> resets = 0;
};

class FakeEngine final : public Engine {
 public:
  explicit FakeEngine(std::string sa_password = "secret") : sa_password_(std::move(sa_password)) {}
  std::unique_ptr<Session> login(const Login& login, std::vector<ServerMessage>& refused) override;
  FakeCounts& counts() { return counts_; }

 private:
  std::string sa_password_;
  FakeCounts counts_;
};

// Every type once, with names like `c_int`.
std::vector<ResultColumn> every_type(bool nullable);
// One value of each, in the same order: ordinary ones, or the ends of their ranges.
std::vector<Value> ordinary_values();
std::vector<Value> extreme_values();

}  // namespace tailrace::sim::tds::testing
