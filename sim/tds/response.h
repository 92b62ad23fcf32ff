// The answer to one request: what the engine tells, as tokens in packets, sent while it grows.
//
// Shape    A DONE is held back until it is known whether another statement follows (DONE_MORE). Inside an RPC
//          statements end with DONEINPROC and the call with DONEPROC.
// Errors   A client that is gone makes row() answer false and is seen by broken().
// Threads  Belongs to the connection's thread.
// Source   [MS-TDS] 2.2.7.6-8 (DONE, DONEINPROC, DONEPROC).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sim/tds/channel.h"
#include "sim/tds/row_encoder.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

class Response final : public ResultSink {
 public:
  Response(Channel& channel, const Protocol& protocol) : channel_(channel), protocol_(protocol) {}

  // A new answer begins; `stop` ends its rows.
  void begin(std::stop_token stop);
  // The statements up to end_call() are those of this call.
  void begin_call(const RpcCall& call);
  void end_call(bool more_calls);
  // Everything that was held back, with the end of the message.
  void end();
  // The same for a request that the client cancelled: the answer ends with an error, then the attention is
  // acknowledged in a message of its own, as SQL Server does (Microsoft's JDBC driver waits for both).
  void end_cancelled();
  // The answer to an attention that found nothing running.
  void acknowledge_attention();
  void acknowledge_reset();

  // The client is gone.
  bool broken() const { return broken_; }
  // An error ends the connection with this answer (severity 20 and above).
  bool fatal() const { return fatal_; }

  void columns(std::span<const ResultColumn> columns) override;
  [[nodiscard]] bool row(std::span<const Cell> cells) override;
  void done(StatementKind kind, std::optional<std::uint64_t> rows, bool failed) override;
  void message(const ServerMessage& message) override;
  void database_changed(std::string_view from, std::string_view to) override;
  void transaction_began(std::uint64_t descriptor) override;
  void transaction_committed(std::uint64_t descriptor) override;
  void transaction_rolled_back(std::uint64_t descriptor) override;
  void return_status(std::int32_t status) override;
  void return_value(const ParameterValue& value) override;
  void reset_connection() override;

  ByteBuffer& bytes() { return pending_; }

 private:
  struct HeldDone {
    std::uint8_t token;
    std::uint16_t status;
    StatementKind kind;
    std::uint64_t rows;
  };

  void release(bool more);
  void send_what_is_full();
  std::uint16_t ordinal_of(const ParameterValue& value);

  Channel& channel_;
  const Protocol& protocol_;
  ByteBuffer pending_;
  RowEncoder encoder_;
  std::stop_token stop_;
  std::optional<HeldDone> held_;
  std::size_t burst_bytes_ = 0;  // So much is gathered before it is sent.
  const RpcCall* call_ = nullptr;
  std::size_t next_output_ = 0;
  bool failed_ = false;    // An error since the last done.
  bool complete_ = false;  // The last token is the DONEPROC of the last call.
  bool broken_ = false;
  bool fatal_ = false;
};

}  // namespace tailrace::sim::tds
