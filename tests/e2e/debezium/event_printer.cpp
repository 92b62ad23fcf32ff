// Prints what tailrace makes of the changes of a database, as Debezium's records: a JSON array a line, [topic, key, value, headers].
//
//   event-printer PORT DATABASE TOPIC_PREFIX RUN_ID LAST_TABLE      the login's password stands in SIMULATOR_PASSWORD
//
// From the start of capture to the commit in which LAST_TABLE (schema.table) has a change. JSON with schemas, spatial values and
// hierarchyids as Debezium has them, transaction metadata.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "debezium/event_stream.h"
#include "record/json_text.h"
#include "sqlserver/source.h"

namespace {

using namespace tailrace;
using record::put_json_string;
using record::Supplementary;

void put_text(ByteBuffer& out, std::optional<std::string_view> text) {
  if (text)
    put_json_string(out, *text, Supplementary::plain);
  else
    out.put_bytes("null");
}

class Printer : public debezium::RecordTaker {
 public:
  bool take(const debezium::EventRecord& record) override {
    line_.clear();
    line_.put_byte('[');
    put_text(line_, record.topic);
    line_.put_byte(',');
    put_text(line_, record.key);
    line_.put_byte(',');
    put_text(line_, record.value);
    line_.put_bytes(",[");
    for (const debezium::EventHeader& header : record.headers) {
      line_.put_bytes(&header == record.headers.data() ? "[" : ",[");
      put_text(line_, header.name);
      line_.put_byte(',');
      put_text(line_, header.value);
      line_.put_byte(']');
    }
    line_.put_bytes("]]\n");
    return std::fwrite(line_.data(), 1, line_.size(), stdout) == line_.size();
  }

 private:
  ByteBuffer line_;
};

std::int64_t now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

sqlserver::Settings source_settings(const std::vector<std::string>& words) {
  sqlserver::Settings settings;
  settings.host = "127.0.0.1";
  settings.port = static_cast<std::uint16_t>(std::stoi(words.at(1)));
  settings.user = "sa";
  settings.password = Secret(std::getenv("SIMULATOR_PASSWORD"));
  settings.encrypt = sqlserver::EncryptMode::require;
  settings.database = words.at(2);
  settings.events = true;
  settings.raw_objects = true;
  // So that windows come in parts.
  settings.commit_bytes = 1U << 20;
  return settings;
}

bool has_change_of(const ChangeBatch& batch, const std::string& table) {
  return std::any_of(batch.order.begin(), batch.order.end(), [&](const RowPlace& place) {
    return batch.tables[place.table].schema().name.str() == table;
  });
}

int run(const std::vector<std::string>& words) {
  sqlserver::SqlServerSource source(source_settings(words));
  const std::stop_source never;
  const SourceInfo info = source.open({}, never.get_token());
  StreamPlan plan;
  for (const SchemaPtr& table : info.tables)
    plan.tables.push_back({.schema = table, .low = table->instance.start_lsn, .high_mark = std::nullopt});
  source.start_stream(plan);
  debezium::EventSettings settings;
  settings.topic_prefix = words.at(3);
  settings.database = words.at(2);
  settings.converter = debezium::Converter::json;
  settings.nulls = record::NullPolicy::replace_by_default;
  settings.transaction_metadata = true;
  settings.run_id = words.at(4);
  debezium::EventStream stream(settings, nullptr, now);
  Printer printer;
  bool has_last = false;
  while (true) {
    const std::optional<ChangeBatch> batch = source.next(never.get_token());
    if (!batch || !stream.send(*batch, printer)) return 1;
    has_last = has_last || has_change_of(*batch, words.at(5));
    if (has_last && batch->end) return 0;
  }
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(std::vector<std::string>(words, words + count));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "event-printer: %s\n", failure.what());
    return 70;
  }
}
