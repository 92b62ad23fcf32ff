// The TDS front with the fake engine as a program, to try clients by hand: fake_tds_server PORT DIRECTORY.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stop_token>
#include <thread>

#include "sim/tds/server.h"
#include "sim/tds/testing/fake_engine.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  tailrace::sim::tds::testing::FakeEngine engine;
  tailrace::sim::tds::ServerSettings settings;
  settings.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  settings.certificate_directory = argv[2];
  tailrace::sim::tds::Server server(engine, settings);
  std::printf("ready 127.0.0.1:%u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  std::jthread accepting([&server](std::stop_token stop) { server.run(stop); });
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}
