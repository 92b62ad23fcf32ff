// Writing events, and reading stretches.
#include "tests/integration/kafka_source/source_case.h"

namespace tailrace::kafka {

List row(std::int64_t id, const std::string& note) {
  return {Value::integer(id), Value::text(note)};
}

void SourceCase::SetUp() {
  if (!broker().why_not().empty()) GTEST_SKIP() << broker().why_not();
}

EventTable SourceCase::new_table(int partitions) {
  EventTable table;
  table.topic = broker().create_topic(partitions);
  return table;
}

SourceSettings SourceCase::settings(const std::vector<EventTable>& tables) {
  SourceSettings out;
  out.cluster.bootstrap_servers = {broker().address()};
  out.intake.format = intake::Format::json;
  for (const EventTable& table : tables)
    out.topics.push_back(table.topic);
  out.group_id = "group-of-" + out.topics.front();
  out.look_at_topics_every = 200ms;
  return out;
}

std::unique_ptr<Producer> SourceCase::begin(const std::string& topic, int partition, const Records& records) {
  Settings cluster;
  cluster.bootstrap_servers = {broker().address()};
  auto producer = std::make_unique<Producer>(
      cluster, ProducerOptions{.transactional_id = "writer-of-" + topic, .transaction_timeout = 60s});
  EXPECT_TRUE(producer->init(never_));
  producer->begin();
  for (const auto& [key, value] : records) {
    OutRecord record;
    record.topic = topic;
    record.partition = partition;
    record.key = key;
    if (value) record.value = *value;
    EXPECT_TRUE(producer->produce(record, never_));
  }
  return producer;
}

void SourceCase::commit(const std::string& topic, int partition, const Records& records) {
  ASSERT_TRUE(begin(topic, partition, records)->commit(never_));
}

SourceCase::Records SourceCase::records_of(const EventTable& table, const std::vector<Change>& changes) {
  Records records;
  for (const Change& change : changes) {
    const List& key_row = change.after ? *change.after : *change.before;
    records.emplace_back(
        intake::testing::json_of(*table.key_schema(), intake::testing::key_value(table, key_row)),
        intake::testing::json_of(*table.envelope_schema(), intake::testing::envelope_value(table, change)));
  }
  return records;
}

void SourceCase::write(const EventTable& table, const std::vector<Change>& changes, int partition) {
  commit(table.topic, partition, records_of(table, changes));
}

std::unique_ptr<Producer> SourceCase::begin_writing(const EventTable& table,
                                                    const std::vector<Change>& changes) {
  std::unique_ptr<Producer> producer = begin(table.topic, 0, records_of(table, changes));
  while (producer->in_flight() != 0)
    producer->check();
  return producer;
}

void SourceCase::write_tombstone(const EventTable& table, const List& key_row, int partition) {
  commit(table.topic, partition,
         {{intake::testing::json_of(*table.key_schema(), intake::testing::key_value(table, key_row)),
           std::nullopt}});
}

void SourceCase::write_raw(const std::string& topic, const std::string& key, const std::string& value,
                           int partition) {
  commit(topic, partition, {{key, value}});
}

void Reading::open() {
  source.open([](const TableSchema& proposed, bool) { return std::make_shared<const TableSchema>(proposed); },
              stored, {});
}

void Reading::step() {
  const PartitionBatch batch = source.next(100ms, {});
  for (const Stretch& stretch : batch.stretches) {
    std::vector<std::int64_t>& rest = rest_[stretch.where.number];
    for (const RowBatch& rows : stretch.rows) {
      for (std::size_t i = 0; i < rows.rows(); ++i) {
        rest.push_back(rows.cell(i, 0).integer);
        operations.push_back(rows.header(i).operation);
      }
    }
    if (!stretch.ends) continue;
    ++boundaries;
    std::vector<std::int64_t>& whole = whole_[stretch.where.number];
    whole.insert(whole.end(), rest.begin(), rest.end());
    rest.clear();
    reached[stretch.where] = stretch.upto;
  }
  if (!batch.change) return;
  if (batch.change->kind != AssignmentChange::Kind::assigned) return source.release(*batch.change);
  std::vector<PartitionClaim> claims;
  for (const PartitionName& name : batch.change->partitions)
    claims.push_back({name, 1, stored[name]});
  source.begin(*batch.change, claims, {});
}

void Reading::until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "it did not come";
      return;
    }
    step();
  }
}

std::vector<std::int64_t> Reading::ids(const Rows& rows, int partition) {
  const auto found = rows.find(partition);
  return found == rows.end() ? std::vector<std::int64_t>{} : found->second;
}

std::optional<std::int64_t> Reading::next_offset(int partition) const {
  for (const auto& [name, position] : reached) {
    if (name.number == partition) return position.next_offset;
  }
  return std::nullopt;
}

Error thrown_by(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "nothing was thrown");
}

}  // namespace tailrace::kafka
