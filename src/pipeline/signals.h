// What goes on beside a stream's changes because somebody has sent a signal.
//
// Shape    Signals are rows of a captured table, which are acted on at the end of their commit point, and what the target's own channel
//          has. Everything that comes of them is added to ends, so that it is durable together with the position, or with the channel's
//          place, that says that they were taken: none is lost, none is done twice.
// Errors   config from the constructor: the signal table is not captured, or is of another shape. What is wrong with a signal is a
//          warning, as Debezium's.
// Threads  The applying thread's, but for take_watch(): the reading thread.
// Source   docs/rules.md K8; Debezium 3.6 SignalProcessor, SourceSignalChannel.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/incremental.h"

namespace tailrace {

class Signals {
 public:
  explicit Signals(IncrementalTask task);

  // Every batch, before the sink has it.
  void see(const ChangeBatch& batch);
  // Into a batch with an end, behind see().
  void add_to(ChangeBatch& batch);
  // What the target's channel has.
  void take(ChannelSignals channel);
  // Between commit points: an end of its own is wanted.
  bool wants_end();
  bool is_busy() const { return snapshots_.is_busy(); }

  std::optional<WatchedMark> take_watch() { return snapshots_.take_watch(); }

 private:
  void act(const Signal& signal);
  void do_as_asked(const Signal& signal);

  const std::optional<TableName> table_;
  IncrementalSnapshots snapshots_;
  std::vector<Signal> seen_;  // In the open commit point.
  std::vector<Memo> taken_;
};

}  // namespace tailrace
