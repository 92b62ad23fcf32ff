// What a pipeline tells of itself beside its rows: Debezium's notifications.
//
// Source  Debezium 3.6: Notification, SinkNotificationChannel.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tailrace {

struct Notice {
  std::string id = {};
  std::string aggregate = {};  // "Initial Snapshot", "Incremental Snapshot".
  std::string type = {};       // STARTED, IN_PROGRESS, TABLE_SCAN_COMPLETED, COMPLETED ...
  std::vector<std::pair<std::string, std::string>> data = {};
  std::int64_t time_ms = 0;  // Since 1970.
};

// One text for each name, kept with the position and answered by the sink when the pipeline starts again.
struct Memo {
  std::string name = {};
  std::string text = {};  // Empty: it goes away.
};

}  // namespace tailrace
