// The stream: a thread reads and decodes ahead, the calling thread applies; beside it tables outside the stream are brought
// into it (joiner.h).
//
// Errors   The first error of either side wins and leaves run_stream after the other is joined.
// Threads  The source belongs to the reading thread while run_stream runs; the sink stays with the calling thread.
#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "pipeline/joiner.h"
#include "pipeline/runner.h"

namespace tailrace {

enum class StreamEnd {
  stopped,    // Drained or abandoned.
  caught_up,  // The run mark is passed and every table streams.
  again,      // Something asks for a new start of the pipeline: parked keys, a table's other columns.
};

struct StreamTask {
  StreamPlan plan;
  std::set<TableName> catching_up;  // Shrinks as tables start to stream.
  bool until_caught_up = false;
  std::size_t queue_bytes = 0;
  std::vector<JoinJob> jobs;  // Tables that an earlier run, or a command, left to be brought in.
  std::string source_identity;
  std::map<std::string, std::string> memos;  // As they are stored.
};

StreamEnd run_stream(StreamTask task, Source& source, JoinerTask joins, std::stop_token drain,
                     std::stop_token abandon);

}  // namespace tailrace
