// Dead letters of records of Kafka: rows of the store that have their record with them.
//
// Shape    As dead_letter.h: inside the caller's transaction, the one that moves the record's partition behind it.
// Threads  Stateless; the connection's thread.
// Source   docs/decisions/018.
#pragma once

#include <string>

#include "pipeline/partitions.h"
#include "postgres/dead_letter.h"

namespace tailrace::postgres {

// Kafka Connect's name for what a sink's task does with a record.
inline constexpr const char* put_stage = "TASK_PUT";

struct RecordLetter {
  const PartitionName& where;
  const OriginalRecord& record;
  std::string stage = {};
  std::string error_kind = {};
  int attempt = 1;     // At applying it.
  bool waits = false;  // For a topic.
};

void store_record_letter(Connection& connection, const Owner& owner, const DeadLetter& letter,
                         const RecordLetter& of);
// Of a record without a row.
void store_record_letter(Connection& connection, const Owner& owner, const UnreadableRecord& record,
                         const RecordLetter& of);

}  // namespace tailrace::postgres
