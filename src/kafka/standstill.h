// Partitions of which nothing comes though they have more: a client may give one up without a word, and would never read it again.
//
// Shape    Held against the offsets that are to be read next, at intervals; who stands still through a whole one is asked for its end,
//          and where that lies farther, and it stands still through another one, it is given up.
// Threads  A value.
// Source   librdkafka: where all brokers were away, the request that validates a partition's epoch goes with its broker's handle, is not
//          sent again, and the partition waits for its answer for ever (seen with 2.16 beside a real broker; also its issue 4492).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "pipeline/partitions.h"

namespace tailrace::kafka {

struct Standing {
  PartitionName where;
  std::int64_t next = 0;  // To be read.
  std::int64_t end = 0;   // For a reader of what is committed.
};

class Standstill {
 public:
  using Ends = std::function<std::map<PartitionName, std::int64_t>(const std::vector<PartitionName>&)>;

  // Nobody's records come while nobody asks for them: so many polls make an interval one.
  static constexpr std::size_t polls_needed = 10;
  // Ends are a request for each.
  static constexpr std::size_t asked_at_once = 16;

  void polled() { ++polls_; }
  // After each interval. `next` is of those whose records are wanted now. Answers one that is given up.
  std::optional<Standing> look(const std::map<PartitionName, std::int64_t>& next, const Ends& ends);

 private:
  struct Seen {
    std::int64_t next = 0;
    std::optional<std::int64_t> end = {};  // It has more, and did when it was asked.
  };

  std::vector<PartitionName> to_ask(const std::map<PartitionName, std::int64_t>& standing);

  std::size_t polls_ = 0;
  std::map<PartitionName, Seen> seen_;
  std::optional<PartitionName> last_asked_;  // The next ones come behind it.
};

}  // namespace tailrace::kafka
