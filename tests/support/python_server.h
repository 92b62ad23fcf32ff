// A server that a module of tests/support starts: it prints its address, and ends when its input ends.
//
// Shape    PythonServer server("tests.support.registry"): started by the Python environment of tools/setup, in this source tree.
// Errors   std::runtime_error, with what it said: a test cannot go on without it. What cannot be had is no error: available() is false.
#pragma once

#include <string>

namespace tailrace::testing {

class PythonServer {
 public:
  explicit PythonServer(const std::string& module);
  ~PythonServer();
  PythonServer(const PythonServer&) = delete;
  PythonServer& operator=(const PythonServer&) = delete;

  // False: a part of it is not on this machine, as it said on stderr.
  bool available() const { return !address_.empty(); }
  const std::string& address() const { return address_; }

 private:
  int process_ = -1;
  int input_ = -1;
  std::string address_;
};

}  // namespace tailrace::testing
