// Starting a Python module and reading its first line.
#include "tests/support/python_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace tailrace::testing {
namespace {

constexpr int cannot_be_had = 77;

[[noreturn]] void become_server(const std::string& module, int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (::chdir(TAILRACE_SOURCE) != 0) ::_exit(126);
  ::setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
  // Python finds its environment by the name that it is started under.
  constexpr const char* python = TAILRACE_VENV "/bin/python";
  ::execl(python, python, "-m", module.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

std::string first_line(int from) {
  std::string line;
  char byte = 0;
  while (::read(from, &byte, 1) == 1 && byte != '\n')
    line += byte;
  return line;
}

}  // namespace

PythonServer::PythonServer(const std::string& module) {
  int input[2];
  int output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  process_ = ::fork();
  if (process_ == 0) become_server(module, input[0], output[1]);
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  address_ = first_line(output[0]);
  ::close(output[0]);
  if (!address_.empty()) return;
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  ::close(input_);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != cannot_be_had) {
    throw std::runtime_error(module + " did not start: see what it said above");
  }
}

PythonServer::~PythonServer() {
  if (process_ < 0) return;
  ::close(input_);
  int status = 0;
  ::waitpid(process_, &status, 0);
}

}  // namespace tailrace::testing
