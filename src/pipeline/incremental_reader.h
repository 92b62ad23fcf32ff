// Reads chunks for incremental snapshots, on a thread and over connections of its own, beside the stream.
//
// Shape    One order at a time: ask(), and once `woken` has been called, take(). A mark is taken after the read (rule R3).
// Errors   What can be retried is, until it is stopped; everything else is part of the answer.
// Threads  ask(), forget() and take(): the applying thread. The destructor joins the reader's thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/runner.h"
#include "pipeline/source.h"

namespace tailrace {

struct ChunkOrder {
  std::uint64_t number = 0;  // Each order has its own.
  SchemaPtr table = {};
  std::vector<std::string> after = {};
  std::uint32_t chunk = 0;
  std::string filter = {};
};

struct ChunkAnswer {
  std::uint64_t number = 0;
  std::vector<RowBatch> rows = {};
  std::uint64_t read = 0;
  std::vector<std::string> upto = {};  // Empty: nothing lies behind.
  HighMark mark = {};
  std::string error = {};  // The table cannot be read.
};

class IncrementalReader {
 public:
  struct Limits {
    std::uint64_t rows = 0;
    std::size_t bytes = 0;
  };

  // `woken` is called on the reader's thread.
  IncrementalReader(const RunSettings& settings, const SourceFactory& make_source, Progress& progress,
                    std::string source_identity, Limits limits, std::function<void()> woken);
  ~IncrementalReader();
  IncrementalReader(const IncrementalReader&) = delete;
  IncrementalReader& operator=(const IncrementalReader&) = delete;

  // Takes the place of an order that is under way.
  void ask(ChunkOrder order);
  std::optional<ChunkAnswer> take();

 private:
  void work();
  std::optional<ChunkOrder> next_order();
  std::optional<ChunkAnswer> answer(const ChunkOrder& order);
  std::optional<ChunkAnswer> read(const ChunkOrder& order);
  bool open(const TableName& table);
  bool is_current(std::uint64_t number) const;

  const RunSettings& settings_;
  const SourceFactory& make_source_;
  Progress& progress_;
  const std::string source_identity_;
  const Limits limits_;
  const std::function<void()> woken_;
  std::stop_source stop_;
  // The reader's; the reader of rows goes before its source.
  std::unique_ptr<Source> source_;
  std::unique_ptr<SnapshotReader> reader_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<ChunkOrder> asked_;
  std::uint64_t current_ = 0;
  std::optional<ChunkAnswer> answer_;
  std::jthread thread_;
};

}  // namespace tailrace
