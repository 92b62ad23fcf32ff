// The border between the TDS front (sim/tds) and the engine (sim/tsql and what lies below it).
//
// Shape    The front owns one Session per connection and gives it batches and RPCs one after the other. The session
//          answers through a ResultSink, in the order in which tokens go onto the wire.
// Errors   SQL errors are messages to the sink, never exceptions; a batch goes on or ends after one as SQL Server's
//          does (severity, XACT_ABORT). tailrace::Error leaves a call only for a broken invariant of the simulator.
// Threads  A session belongs to its connection's thread. `stop` is requested from another one (attention, shutdown).
// Source   [MS-TDS] 2.2.7 (tokens), 2.2.6.6 (RPC); facts on what clients send: sim/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sim/storage/value.h"

namespace tailrace::sim {

struct ResultColumn {
  std::string name;
  TypeInfo type;
  bool nullable = true;
  bool identity = false;
  bool computed = false;
};

// An ERROR token (severity above 10) or an INFO token.
struct ServerMessage {
  std::int32_t number = 0;
  std::uint8_t state = 1;
  std::uint8_t severity = 16;
  std::string text;
  std::string procedure;
  std::int32_t line = 1;
};

// What a DONE token reports of the statement that it ends ([MS-TDS] 2.2.7.6, CurCmd).
enum class StatementKind : std::uint16_t {
  other = 0,
  select = 0xC1,
  insert = 0xC3,
  delete_ = 0xC4,
  update = 0xC5,
  merge = 0x117
};

struct ParameterValue {
  std::string name;  // With its @, or empty.
  bool output = false;
  Value value;
};

class ResultSink {
 public:
  virtual ~ResultSink() = default;

  virtual void columns(std::span<const ResultColumn> columns) = 0;
  // False: the client is gone or has cancelled; the statement ends at once.
  [[nodiscard]] virtual bool row(std::span<const Cell> cells) = 0;
  // The end of a statement. `rows` is absent under SET NOCOUNT ON and for statements that count nothing.
  // `failed` sets DONE_ERROR.
  virtual void done(StatementKind kind, std::optional<std::uint64_t> rows, bool failed) = 0;
  virtual void message(const ServerMessage& message) = 0;

  // ENVCHANGE 1 and the INFO 5701 that goes with it: the front writes both.
  virtual void database_changed(std::string_view from, std::string_view to) = 0;
  // ENVCHANGE 8, 9, 10: the descriptor is the session's own number of the transaction.
  virtual void transaction_began(std::uint64_t descriptor) = 0;
  virtual void transaction_committed(std::uint64_t descriptor) = 0;
  virtual void transaction_rolled_back(std::uint64_t descriptor) = 0;

  // RPC only, before the last done.
  virtual void return_status(std::int32_t status) = 0;
  virtual void return_value(const ParameterValue& value) = 0;

  // A fault was injected: cut the connection here, with a TCP reset, in the middle of what was written.
  virtual void reset_connection() = 0;
};

struct RpcCall {
  std::string
      procedure;  // By name; for a call by number the name that belongs to it (10: sp_executesql ...).
  std::vector<ParameterValue> parameters;
};

class Session {
 public:
  virtual ~Session() = default;
  virtual void batch(std::string_view sql_utf8, ResultSink& sink, std::stop_token stop) = 0;
  virtual void rpc(const RpcCall& call, ResultSink& sink, std::stop_token stop) = 0;
  // TDS transaction manager requests ([MS-TDS] 2.2.6.9): begin (with an isolation level, 0 = unchanged),
  // commit, rollback.
  virtual void begin_transaction(std::uint8_t isolation, ResultSink& sink) = 0;
  virtual void commit_transaction(ResultSink& sink) = 0;
  virtual void rollback_transaction(ResultSink& sink) = 0;
  // sp_reset_connection and the RESETCONNECTION bit of a packet.
  virtual void reset(ResultSink& sink) = 0;
  virtual std::string database() const = 0;
};

struct Login {
  std::string user;
  std::string password;
  std::string database;  // Empty: the user's default.
  std::string application;
  std::string host;
  bool read_only_intent = false;
};

// Everything behind the TDS front: databases on disk, logins, jobs.
class Engine {
 public:
  virtual ~Engine() = default;
  // The new session, or the messages of a refused login (18456, 4060) in `refused`.
  virtual std::unique_ptr<Session> login(const Login& login, std::vector<ServerMessage>& refused) = 0;
};

struct EngineSettings {
  std::string data_directory;  // Empty: a private temporary directory, removed at the end.
  std::string sa_password;
  std::int64_t capture_interval_ms = 100;  // 0: no wait between scans.
  std::int64_t retention_minutes = 4320;
};

std::unique_ptr<Engine> make_engine(const EngineSettings& settings);

}  // namespace tailrace::sim
