// Names of topics, and what follows from the settings.
#include "debezium/settings.h"

#include "debezium/names.h"

namespace tailrace::debezium {
namespace {

std::string filled(std::string_view format,
                   const std::vector<std::pair<std::string_view, std::string_view>>& words) {
  std::string out;
  while (!format.empty()) {
    bool found = false;
    for (const auto& [word, value] : words) {
      if (!format.starts_with(word)) continue;
      out += value;
      format.remove_prefix(word.size());
      found = true;
      break;
    }
    if (found) continue;
    out += format.front();
    format.remove_prefix(1);
  }
  return out;
}

}  // namespace

const std::string& EventSettings::prefix() const {
  static const std::string none = "sqlserver";
  return topic_prefix.empty() ? none : topic_prefix;
}

std::string EventSettings::topic_of(std::string_view schema, std::string_view table) const {
  std::string_view format = topic_format;
  if (format.empty()) {
    format = topic_prefix.empty() ? "{prefix}.{schema}.{table}" : "{prefix}.{database}.{schema}.{table}";
  }
  return sanitized_topic(filled(
      format, {{"{prefix}", prefix()}, {"{database}", database}, {"{schema}", schema}, {"{table}", table}}));
}

std::string EventSettings::transaction_topic() const {
  return prefix() + ".transaction";
}

std::string EventSettings::heartbeat_topic() const {
  return "__debezium-heartbeat." + prefix();
}

std::string EventSettings::schema_change_topic() const {
  return prefix();
}

std::vector<std::pair<std::string, std::string>> EventSettings::headers() const {
  if (!extended_headers) return {};
  return {{"__debezium.context.connectorLogicalName", prefix()},
          {"__debezium.context.taskId", task_id},
          {"__debezium.context.connectorName", connector_name},
          {"__debezium.context.runId", run_id}};
}

}  // namespace tailrace::debezium
