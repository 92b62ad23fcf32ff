// One attempt to bring a table that is outside the stream into it, or out of it (R12): from where its sink says that it stands.
//
// Errors   unavailable, conflict and the like: try again with a new attempt. gap, data, schema, config: the table's own.
// Threads  The joiner's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pipeline/joiner.h"

namespace tailrace {

// `early`: end at the next durable step. `over`: drop what is under way.
struct JoinStops {
  std::stop_token early;
  std::stop_token over;
};

class JoinAttempt {
 public:
  // Without a handover the table is loaded and no more.
  JoinAttempt(const JoinerTask& task, const TableName& table, Handover* handover, JoinStops stops)
      : task_(task),
        name_(table),
        handover_(handover),
        stops_(std::move(stops)),
        request_{0, table, Wanted::nothing},
        chunks_before_(task.progress.chunks(table)) {}

  // Done, or stopped: the stop tokens tell. False: to be begun again, by another attempt.
  [[nodiscard]] bool run();
  // Something of this table became durable, whatever came behind it.
  bool has_moved() const { return has_moved_ || task_.progress.chunks(name_) != chunks_before_; }
  // What it was asked; id 0: nothing. It may be answered by now.
  const TableRequest& request() const { return request_; }
  // Behind a failure: both sides go, with them a transaction that is open; it holds the table's state.
  void let_go();

 private:
  enum class Replay { close, again, stopped, anew };

  TableRequest open_request() const;
  TableProgress* known();
  bool leave_stream();
  bool open_source();
  void begin_load();
  Lsn low_of_load(bool again);
  bool load();
  // Nothing: to be begun again.
  std::optional<bool> join();
  Replay replay();
  void finish();
  void set_state(TableState state);

  const JoinerTask& task_;
  const TableName name_;
  Handover* const handover_;
  const JoinStops stops_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
  ResumeState state_;
  SchemaPtr schema_;
  TableRequest request_;
  std::uint64_t chunks_before_ = 0;
  bool constraints_made_ = false;
  bool has_moved_ = false;
};

}  // namespace tailrace
