// Requests of commands.
#include "kafka/request_tail.h"

#include <optional>
#include <string>

namespace tailrace::kafka {

RequestTail::RequestTail(std::shared_ptr<SinkShared> shared, const std::vector<PartitionOffset>& starts)
    : shared_(std::move(shared)),
      consumer_(shared_->settings().kafka, {.isolation = Isolation::read_committed}) {
  consumer_.assign(starts);
}

void RequestTail::look(const std::stop_token& stop) {
  const std::string prefix = shared_->keys().request_prefix();
  for (;;) {
    consumer_.poll(batch_, {.wait = std::chrono::milliseconds(0)}, stop);
    if (batch_.records().empty()) return;
    for (const InRecord& record : batch_.records()) {
      if (!record.key() || !record.key()->starts_with(prefix) || !record.value()) continue;
      const StoredRecord stored{std::string(*record.value()), record.partition(), record.offset(),
                                record.timestamp_ms()};
      shared_->with([&](SharedState& state) {
        StoredState read;
        apply_record(read, shared_->keys(), std::string(*record.key()), stored);
        // What we have answered comes by here, too; a request that is known stays as we know it.
        for (const auto& [id, request] : read.requests)
          state.stored.requests.try_emplace(id, request);
      });
    }
  }
}

}  // namespace tailrace::kafka
