// The engine without its front: batches from stdin, separated by GO, answers as text. For looking at the simulator's
// T-SQL.
#include <iostream>

#include "sim/tsql/testing/collect.h"

int main() {
  using namespace tailrace::sim;
  EngineSettings settings;
  settings.sa_password = "x";
  settings.capture_interval_ms = 10;
  const std::unique_ptr<Engine> engine = make_engine(settings);
  std::vector<ServerMessage> refused;
  const std::unique_ptr<Session> session = engine->login(
      {.user = "sa", .password = "x", .database = "", .application = "shell", .host = "here"}, refused);
  if (!session) return 1;
  std::string line;
  std::string batch;
  const auto run = [&] {
    if (batch.empty()) return;
    tsql::CollectingSink sink;
    sink.show_columns = true;
    session->batch(batch, sink, {});
    std::cout << sink.text << "\n";
    batch.clear();
  };
  while (std::getline(std::cin, line)) {
    if (line == "GO" || line == "go")
      run();
    else
      batch += line + "\n";
  }
  run();
}
