// What commands ask of a running pipeline: requests that come into its topic behind what was read at the start.
//
// Errors   As of Consumer.
// Threads  One thread.
#pragma once

#include <memory>
#include <vector>

#include "kafka/consumer.h"
#include "kafka/sink_shared.h"

namespace tailrace::kafka {

class RequestTail {
 public:
  // From these offsets on: the ends as they were before the state was read, so that nothing lies between.
  RequestTail(std::shared_ptr<SinkShared> shared, const std::vector<PartitionOffset>& starts);

  // Takes what is there, without a wait.
  void look(const std::stop_token& stop);

 private:
  std::shared_ptr<SinkShared> shared_;
  Consumer consumer_;
  Batch batch_;
};

}  // namespace tailrace::kafka
