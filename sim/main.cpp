// sqlserver-sim: the simulated SQL Server as a program.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "sim/tds/command_line.h"
#include "sim/tds/server.h"
#include "sim/tsql/session.h"

namespace {

using namespace tailrace;
using sim::tds::CommandLine;

// A directory of this process alone; gone with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "sqlserver-sim-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
      throw Error(ErrorKind::config, fmt::format("cannot make the temporary directory {}", path_));
    }
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;  // Nothing is left to do about it.
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

void make_data_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || ::access(path.c_str(), W_OK) != 0) {
    throw Error(ErrorKind::config, fmt::format("--data {}: expected a directory that can be written", path));
  }
}

// Accepts logins until a signal comes, or until accepting fails: that is thrown.
void serve(sim::tds::Server& server) {
  const sigset_t signals = end_signals();
  std::exception_ptr failed;
  {
    const std::jthread accepting([&server, &failed](std::stop_token stop) {
      try {
        server.run(stop);
      } catch (...) {
        failed = std::current_exception();
        ::kill(::getpid(), SIGTERM);
      }
    });
    int signal = 0;
    sigwait(&signals, &signal);
    log::info("sim.stopping", {{"signal", signal}});
  }
  if (failed) std::rethrow_exception(failed);
}

void run(const CommandLine& line) {
  std::unique_ptr<TemporaryDirectory> temporary;
  sim::tds::ServerSettings settings;
  settings.host = line.host;
  settings.port = line.port;
  settings.certificate_file = line.certificate_file;
  if (line.engine.data_directory.empty()) {
    temporary = std::make_unique<TemporaryDirectory>();
    settings.certificate_directory = temporary->path();
  } else {
    make_data_directory(line.engine.data_directory);
    settings.certificate_directory = line.engine.data_directory;
  }
  const std::unique_ptr<sim::Engine> engine = sim::make_engine(line.engine);
  sim::tds::Server server(*engine, settings);
  const std::string address = fmt::format("{}:{}", line.host, server.port());
  log::info("sim.ready", {{"listen", address}, {"certificate", server.certificate_file()}});
  fmt::print("ready {}\n", address);
  std::fflush(stdout);
  serve(server);
}

}  // namespace

int main(int argc, char** argv) {
  // Blocked before the first thread starts, so that only sigwait() sees them.
  const sigset_t signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  log::configure(log::Level::info, log::Format::text);
  try {
    const CommandLine line = sim::tds::parse_command_line(
        std::span<const char* const>(argv + 1, static_cast<std::size_t>(argc - 1)));
    if (line.help) {
      fmt::print("{}", sim::tds::command_line_help());
      return 0;
    }
    run(line);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "sqlserver-sim: {}\n", error.what());
    return static_cast<int>(exit_code_of(error.kind()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "sqlserver-sim: {}\n", error.what());
    return static_cast<int>(ExitCode::internal);
  }
}
