// The statements.
#include "postgres/partition_store.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {
namespace {

constexpr int claim_attempts = 10;

Params of_partition(const std::string& pipeline, const PartitionName& where) {
  return Params().text(pipeline).text(where.topic).integer(where.number);
}

constexpr const char* claim_columns =
    "topic, partition, epoch, next_offset, last_offset, encode(commit_lsn, 'hex'), topic_id, leader_epoch";

PartitionClaim claim_of(const Result& rows, int at) {
  const auto number = [&](int column) {
    return rows.is_null(at, column) ? std::nullopt : std::optional(rows.integer(at, column));
  };
  PartitionClaim out;
  out.where = {std::string(rows.text(at, 0)), static_cast<std::int32_t>(rows.integer(at, 1))};
  out.epoch = rows.integer(at, 2);
  out.position.next_offset = number(3);
  out.position.last_offset = number(4);
  if (!rows.is_null(at, 5)) out.position.last_lsn = Lsn::parse(rows.text(at, 5));
  out.position.topic_id = std::string(rows.text(at, 6));
  out.position.leader_epoch = static_cast<std::int32_t>(rows.integer(at, 7));
  return out;
}

// FOR UPDATE waits for an apply that has the row, and what it stores is seen then.
PartitionClaim claim_once(Connection& connection, const std::string& pipeline, const PartitionName& where,
                          const Applier& owner, std::chrono::milliseconds patience) {
  Transaction transaction(connection);
  connection.exec(fmt::format("SET LOCAL lock_timeout = {}", patience.count()));
  connection.query(
      "INSERT INTO tailrace.kafka_position (pipeline, topic, partition) VALUES ($1, $2, $3) ON CONFLICT DO "
      "NOTHING",
      of_partition(pipeline, where));
  connection.query(
      "SELECT FROM tailrace.kafka_position WHERE pipeline = $1 AND topic = $2 AND partition = $3 FOR UPDATE",
      of_partition(pipeline, where));
  const Result row = connection.query(
      fmt::format("UPDATE tailrace.kafka_position SET epoch = epoch + 1, owner_pid = $4, owner_started = $5"
                  " WHERE pipeline = $1 AND topic = $2 AND partition = $3 RETURNING {}",
                  claim_columns),
      of_partition(pipeline, where).integer(owner.backend_pid).text(owner.backend_started));
  PartitionClaim out = claim_of(row, 0);
  transaction.commit();
  return out;
}

// The process behind it may be frozen, and would hold the row for ever. Its number alone could be another backend's by now.
void end_owner(Connection& connection, const std::string& pipeline, const PartitionName& where) {
  const Result ended = connection.query(
      "SELECT a.pid, pg_terminate_backend(a.pid) FROM tailrace.kafka_position p"
      "  JOIN pg_stat_activity a ON a.pid = p.owner_pid AND a.backend_start = p.owner_started"
      " WHERE p.pipeline = $1 AND p.topic = $2 AND p.partition = $3 AND a.pid <> pg_backend_pid()",
      of_partition(pipeline, where));
  for (int row = 0; row < ended.rows(); ++row)
    log::warn("partition.owner_ended", {{"partition", where.str()}, {"pid", ended.text(row, 0)}});
}

std::vector<std::string> topics_of(const std::vector<PartitionClaim>& claims) {
  std::vector<std::string> out;
  for (const PartitionClaim& claim : claims)
    out.push_back(claim.where.topic);
  return out;
}

template <class Member>
std::vector<std::string> numbers_of(const std::vector<PartitionClaim>& claims, Member member) {
  std::vector<std::string> out;
  for (const PartitionClaim& claim : claims)
    out.push_back(std::to_string(member(claim)));
  return out;
}

template <class Member>
std::vector<std::optional<std::string>> optional_numbers_of(const std::vector<PartitionClaim>& claims,
                                                            Member member) {
  std::vector<std::optional<std::string>> out;
  for (const PartitionClaim& claim : claims) {
    const std::optional<std::int64_t> number = member(claim);
    out.push_back(number ? std::optional(std::to_string(*number)) : std::nullopt);
  }
  return out;
}

std::int32_t number_of(const PartitionClaim& claim) {
  return claim.where.number;
}
std::int64_t epoch_of(const PartitionClaim& claim) {
  return claim.epoch;
}
std::optional<std::int64_t> next_of(const PartitionClaim& claim) {
  return claim.position.next_offset;
}

}  // namespace

Applier applier_of(Connection& connection) {
  const Result row =
      connection.query("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()", {});
  return {static_cast<int>(row.integer(0, 0)), std::string(row.text(0, 1))};
}

std::optional<PartitionClaim> claim_partition(Connection& connection, const Settings& settings,
                                              const PartitionName& where, const Applier& owner,
                                              std::chrono::milliseconds patience,
                                              const std::stop_token& stop) {
  for (int attempt = 1; !stop.stop_requested(); ++attempt) {
    try {
      const CancelOnStop cancel(connection, stop);
      return claim_once(connection, settings.pipeline, where, owner, patience);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::conflict) throw;
      if (stop.stop_requested()) return std::nullopt;
      if (attempt == claim_attempts) throw;
      log::warn("partition.claim.retry",
                {{"partition", where.str()}, {"attempt", attempt}, {"reason", error.what()}});
    }
    end_owner(connection, settings.pipeline, where);
  }
  return std::nullopt;
}

std::vector<PartitionClaim> read_claims(Connection& connection, const std::string& pipeline) {
  const Result rows = connection.query(
      fmt::format("SELECT {} FROM tailrace.kafka_position WHERE pipeline = $1", claim_columns),
      Params().text(pipeline));
  std::vector<PartitionClaim> out;
  for (int at = 0; at < rows.rows(); ++at)
    out.push_back(claim_of(rows, at));
  return out;
}

const char* const assert_partitions_sql = "SELECT tailrace.assert_partitions($1, $2, $3, $4, $5)";

Params assert_partitions_params(const std::string& pipeline, const std::vector<PartitionClaim>& claims) {
  Params params;
  params.text(pipeline)
      .texts(topics_of(claims))
      .texts(numbers_of(claims, number_of))
      .texts(numbers_of(claims, epoch_of))
      .nullable_texts(optional_numbers_of(claims, next_of));
  return params;
}

const char* const store_positions_sql =
    "UPDATE tailrace.kafka_position AS p SET next_offset = w.next_offset, last_offset = w.last_offset,"
    "   commit_lsn = decode(w.commit_lsn, 'hex'), topic_id = w.topic_id, leader_epoch = w.leader_epoch,"
    "   durable_at = clock_timestamp()"
    "  FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], "
    "$8::text[],"
    "              $9::integer[])"
    "    AS w(topic, partition, epoch, next_offset, last_offset, commit_lsn, topic_id, leader_epoch)"
    " WHERE p.pipeline = $1 AND p.topic = w.topic AND p.partition = w.partition AND p.epoch = w.epoch";

Params store_positions_params(const std::string& pipeline, const std::vector<PartitionClaim>& claims) {
  std::vector<std::optional<std::string>> lsns;
  std::vector<std::string> ids;
  for (const PartitionClaim& claim : claims) {
    const std::optional<Lsn>& lsn = claim.position.last_lsn;
    lsns.push_back(lsn ? std::optional(lsn->hex()) : std::nullopt);
    ids.push_back(claim.position.topic_id);
  }
  Params params;
  params.text(pipeline)
      .texts(topics_of(claims))
      .texts(numbers_of(claims, number_of))
      .texts(numbers_of(claims, epoch_of))
      .nullable_texts(optional_numbers_of(claims, next_of))
      .nullable_texts(
          optional_numbers_of(claims, [](const PartitionClaim& claim) { return claim.position.last_offset; }))
      .nullable_texts(lsns)
      .texts(ids)
      .texts(numbers_of(claims, [](const PartitionClaim& claim) { return claim.position.leader_epoch; }));
  return params;
}

}  // namespace tailrace::postgres
