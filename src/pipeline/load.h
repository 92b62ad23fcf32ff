// The load of tables: chunks planned by the calling thread, read and written by `readers` threads.
//
// Errors   The first error of any thread wins, stops the others, and leaves load_tables after all are joined.
// Threads  Owns its workers; source and sink stay with the calling thread, each worker has a reader and a writer of
//          its own.
#pragma once

#include <stop_token>
#include <vector>

#include "pipeline/runner.h"

namespace tailrace {

struct LoadTable {
  SchemaPtr schema;
  std::vector<ChunkProgress> chunks;  // What an earlier run planned and did.
};

// False if it was drained or abandoned before every chunk was done; what is done is durable.
[[nodiscard]] bool load_tables(const RunSettings& settings, const std::vector<LoadTable>& tables,
                               Source& source, Sink& sink, Progress& progress, std::stop_token drain,
                               std::stop_token abandon);

}  // namespace tailrace
