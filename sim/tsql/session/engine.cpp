// The engine: what all sessions share, and logins that become sessions.
#include "base/error.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {
namespace {

ServerSettings server_settings(const EngineSettings& settings) {
  ServerSettings out;
  out.data_directory = settings.data_directory;
  out.sa_password = settings.sa_password;
  return out;
}

JobSettings job_settings(const EngineSettings& settings) {
  JobSettings out;
  out.capture_interval = std::chrono::milliseconds(settings.capture_interval_ms);
  out.retention_minutes = settings.retention_minutes;
  return out;
}

}  // namespace

EngineState::EngineState(const EngineSettings& settings)
    : server(server_settings(settings)), jobs(server, job_settings(settings)) {}

namespace {

class EngineCore final : public Engine {
 public:
  explicit EngineCore(const EngineSettings& settings) : state_(settings) {}

  std::unique_ptr<Session> login(const sim::Login& login, std::vector<ServerMessage>& refused) override {
    state_.faults.count_login();
    const auto refuse = [&](std::int32_t number, std::string text, std::uint8_t severity) {
      ServerMessage message;
      message.number = number;
      message.severity = severity;
      message.text = std::move(text);
      refused.push_back(std::move(message));
      return nullptr;
    };
    const std::string failed = "Login failed for user '" + login.user + "'.";
    if (state_.faults.login_refused(login.user)) return refuse(18456, failed, 14);
    const std::optional<LoginDef> definition = state_.server.check_login(login.user, login.password);
    if (!definition) return refuse(18456, failed, 14);
    const std::string wanted = login.database.empty() ? definition->default_database : login.database;
    DatabasePtr database = state_.server.find(wanted);
    if (!database) {
      refuse(4060, "Cannot open database \"" + wanted + "\" requested by the login. The login failed.", 11);
      return refuse(18456, failed, 14);
    }
    try {
      return std::make_unique<SessionCore>(state_, login, *definition, database);
    } catch (const StatementError& error) {
      refuse(4060, "Cannot open database \"" + wanted + "\" requested by the login. The login failed.", 11);
      return refuse(18456, failed, 14);
    }
  }

 private:
  EngineState state_;
};

}  // namespace

}  // namespace tailrace::sim::tsql

namespace tailrace::sim {

std::unique_ptr<Engine> make_engine(const EngineSettings& settings) {
  return std::make_unique<tsql::EngineCore>(settings);
}

}  // namespace tailrace::sim
