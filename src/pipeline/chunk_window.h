// One chunk of an incremental snapshot between its read and its place in the stream: rows that are changed meanwhile fall out.
//
// Shape    open() before the chunk is read; see() every change that is given to the sink from then on; fill() with what was read;
//          take() once the stream has passed a mark that was taken after the read. What is left then is what the stream would have
//          made of those keys: everything that the read has seen lies before this place, and nothing that lies between has touched
//          them.
// Errors   A window in which too many keys change before its rows are there is spoiled: the chunk is read again.
// Threads  The applying thread's.
// Source   docs/rules.md K8a.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/row_batch.h"

namespace tailrace {

class ChunkWindow {
 public:
  // Changes of the kinds `unseen` are sent to nobody: what was read stays.
  explicit ChunkWindow(std::set<Operation> unseen = {}, std::size_t most_keys = 200'000)
      : unseen_(std::move(unseen)), most_keys_(most_keys) {}

  void open(const TableName& table);
  void close();
  bool is_open() const { return open_; }
  bool is_filled() const { return filled_; }
  bool is_spoiled() const { return spoiled_; }

  void see(const RowBatch& changes);
  void fill(std::vector<RowBatch> rows);
  // The rows that are left, in their order; closes the window.
  std::vector<RowBatch> take();
  std::uint64_t dropped() const { return dropped_; }

 private:
  void touch(const std::string& key);

  const std::set<Operation> unseen_;
  const std::size_t most_keys_;
  TableName table_;
  bool open_ = false;
  bool filled_ = false;
  bool spoiled_ = false;
  std::uint64_t dropped_ = 0;
  std::unordered_set<std::string> changed_;  // Before the rows are there.
  std::vector<RowBatch> rows_;
  std::vector<std::vector<bool>> gone_;
  struct Place {
    std::size_t batch = 0;
    std::size_t row = 0;
  };
  std::unordered_map<std::string, Place> places_;
};

}  // namespace tailrace
