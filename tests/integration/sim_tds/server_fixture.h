// The TDS front with the fake engine on a free port, for one test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "sim/tds/server.h"
#include "sim/tds/testing/fake_engine.h"

namespace tailrace::sim::tds::testing {

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() {
    std::string directory = (std::filesystem::temp_directory_path() / "sim-tds-XXXXXX").string();
    TAILRACE_ASSERT(::mkdtemp(directory.data()) != nullptr);
    directory_ = directory;
    ServerSettings settings;
    settings.certificate_directory = directory;
    settings.most_connections = 16;
    server_ = std::make_unique<Server>(engine_, settings);
    accepting_ = std::jthread([this](std::stop_token stop) { server_->run(stop); });
  }
  ~ServerFixture() override {
    stop_server();
    std::filesystem::remove_all(directory_);
  }

  void stop_server() { accepting_ = std::jthread(); }

  FakeEngine engine_;
  std::filesystem::path directory_;
  std::unique_ptr<Server> server_;
  std::jthread accepting_;
};

}  // namespace tailrace::sim::tds::testing
