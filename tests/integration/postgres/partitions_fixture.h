// What the tests of partitions share: a sink of them, and stretches to write.
#pragma once

#include "postgres/partitions.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {

inline const PartitionName first{"orders", 0};
inline const PartitionName second{"orders", 1};

class PartitionsTest : public SinkTest {
 protected:
  SchemaPtr orders_ = table("orders", {column("id", int_type, false), column("note", lob_type)});

  std::unique_ptr<PostgresPartitions> opened_partitions() { return opened_partitions(settings()); }
  std::unique_ptr<PostgresPartitions> opened_partitions(Settings with) {
    with.pipeline = "kafka";
    auto sink = std::make_unique<PostgresPartitions>(with);
    sink->open({});
    return sink;
  }

  // A stretch of one partition that ends at a boundary behind `next`.
  Stretch stretch(const SchemaPtr& schema, const PartitionName& where, std::int64_t next, Operation operation,
                  std::vector<std::vector<Value>> rows) {
    Stretch out;
    out.where = where;
    out.ends = true;
    out.records = rows.size();
    out.upto = {next, next - 1, lsn(static_cast<std::uint8_t>(next)), "topic-id", 3};
    if (rows.empty()) return out;
    RowBatch& batch = out.rows.emplace_back(schema);
    for (const std::vector<Value>& row : rows)
      add(batch, operation, row);
    return out;
  }

  std::string rows(const std::string& name = "orders") {
    return reader_.table("SELECT * FROM public." + name + " ORDER BY 1");
  }
  std::string stored() {
    return reader_.table(
        "SELECT topic, partition, epoch, next_offset, last_offset, encode(commit_lsn, 'hex'), topic_id, "
        "leader_epoch"
        "  FROM tailrace.kafka_position ORDER BY 1, 2");
  }
};

}  // namespace tailrace::postgres
