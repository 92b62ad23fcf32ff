// Changes of a pipeline's stored state: records of one transaction, and what memory has of them once that is durable.
//
// Threads  A value; settle() locks.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/channel.h"
#include "kafka/sink_shared.h"

namespace tailrace::kafka {

class StateChanges {
 public:
  explicit StateChanges(SinkShared& shared) : shared_(&shared) {}

  void set(const StoredTable& table);
  void set(const TableName& table, const ChunkProgress& chunk);
  void set(const Claim& claim);
  void set(const StoredOffset& offset);
  void set_identity(const std::string& source_identity);
  void forget(const TableName& table);
  void drop_chunks(const TableName& table);
  // Those that are open for this table; of this kind where one is named.
  void answer(const TableName& table, std::optional<Wanted> wanted, const std::string& refusal);
  void answer(std::int64_t id, const std::string& refusal);
  // Answers to requests that are older.
  void forget_answers(std::chrono::milliseconds age);
  void set(const Memo& memo);
  void add(std::string key, std::optional<std::string> value);

  bool empty() const { return changes_.empty(); }
  // False if stopped first.
  [[nodiscard]] bool put(Channel& channel, const std::stop_token& stop) const;
  // Behind the commit.
  void settle() const;

 private:
  struct Change {
    std::string key;
    std::optional<std::string> value;
    std::optional<std::int32_t> partition = {};
  };
  void close(const StoredRequest& request, const std::string& refusal);

  SinkShared* shared_;
  std::vector<Change> changes_;
};

}  // namespace tailrace::kafka
