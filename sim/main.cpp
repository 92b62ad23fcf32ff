// sqlserver-sim: the simulated SQL Server as a program (sim/README.md).
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stop_token>
#include <thread>

#include "base/error.h"
#include "sim/tds/command_line.h"
#include "sim/tds/server.h"

namespace {

using tailrace::sim::tds::CommandLine;

int serve(const CommandLine& options, const sigset_t& signals) {
  const auto engine = tailrace::sim::make_engine(options.engine);
  tailrace::sim::tds::ServerSettings settings;
  settings.host = options.host;
  settings.port = options.port;
  settings.certificate_file = options.certificate_file;
  settings.certificate_directory = options.engine.data_directory;
  tailrace::sim::tds::Server server(*engine, settings);
  fmt::print("ready {}:{}\n", options.host, server.port());
  std::fflush(stdout);
  std::stop_source stop;
  std::jthread waiter([&] {
    int number = 0;
    sigwait(&signals, &number);
    stop.request_stop();
  });
  server.run(stop.get_token());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Signals are taken by one thread alone: every other one is made after they are blocked.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const CommandLine options = tailrace::sim::tds::parse_command_line({argv + 1, argv + argc});
    if (options.help) {
      fmt::print("{}", tailrace::sim::tds::command_line_help());
      return 0;
    }
    return serve(options, signals);
  } catch (const tailrace::Error& error) {
    fmt::print(stderr, "sqlserver-sim: {}\n", error.what());
    return static_cast<int>(exit_code_of(error.kind()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "sqlserver-sim: {}\n", error.what());
    return static_cast<int>(tailrace::ExitCode::internal);
  }
}
