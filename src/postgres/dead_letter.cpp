// Dead letters, diverged keys, and what is known of a commit point that is being done again.
#include "postgres/dead_letter.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "model/key_text.h"

namespace tailrace::postgres {
namespace {

std::string_view name_of(Operation operation) {
  switch (operation) {
    case Operation::read: return "read";
    case Operation::insert: return "insert";
    case Operation::update_before:
    case Operation::update: return "update";
    case Operation::delete_: return "delete";
  }
  return "update";
}

// What PostgreSQL would have answered, had it been given the value.
std::string_view sqlstate_of(RowFaultCode code) {
  switch (code) {
    case RowFaultCode::zero_in_text:
    case RowFaultCode::lone_surrogate:
    case RowFaultCode::invalid_text: return "22021";
    case RowFaultCode::too_large: return "54000";
    case RowFaultCode::truncated: return "22001";
    case RowFaultCode::invalid_spatial: return "22P03";
    case RowFaultCode::unfit_spatial: return "22023";
    case RowFaultCode::unfit_value:
    case RowFaultCode::unreadable: return "22000";
  }
  return "22000";
}

Params letter_params(const Owner& owner, const TableName& table) {
  Params params;
  params.text(owner.pipeline).text(table.schema).text(table.name);
  return params;
}

std::string array_of(const std::vector<std::string>& fields) {
  WireBuffer array;
  put_array_header(array, oid_bytea, fields.size());
  for (const std::string& field : fields) {
    array.put(static_cast<std::int32_t>(field.size()));
    array.put_bytes(field);
  }
  return array.str();
}

void put_value(DeadLetter& letter, const RowBatch& batch, std::size_t row, std::size_t column) {
  const CellState state = batch.state(row, column);
  if (state == CellState::absent) return;
  letter.columns.push_back(batch.schema().columns[column].name);
  if (state == CellState::value) {
    letter.values.emplace_back(key_text(batch, row, column));
  } else {
    letter.values.emplace_back();
  }
}

DeadLetter envelope(const RowBatch& batch, std::size_t row, LetterCause cause) {
  DeadLetter letter;
  letter.table = batch.schema().name;
  for (const std::size_t column : batch.schema().key) {
    const bool known = batch.state(row, column) == CellState::value;
    letter.key.push_back(known ? std::optional(key_text(batch, row, column)) : std::nullopt);
  }
  letter.operation = batch.header(row).operation;
  letter.lsn = batch.header(row).commit_lsn;
  letter.commit_time = batch.header(row).commit_time;
  letter.cause = std::move(cause);
  return letter;
}

bool is_zero(std::string_view bytes) {
  return (static_cast<unsigned char>(bytes[0]) & 0x7fu) == 0 &&
         std::all_of(bytes.begin() + 1, bytes.end(), [](char c) { return c == 0; });
}

// As FieldEncoder::encode_key has it.
void put_key(WireBuffer& out, const PgType& type, std::string_view bytes) {
  if ((type.oid == oid_float4 || type.oid == oid_float8) && is_zero(bytes)) {
    out.put<std::int32_t>(8);
    out.put<std::uint64_t>(0);
    return;
  }
  out.put(static_cast<std::int32_t>(bytes.size()));
  out.put_bytes(bytes);
}

void text_or_null(Params& params, const std::string& text) {
  text.empty() ? params.null() : params.text(text);
}

}  // namespace

LetterCause cause_of(const Error& error) {
  LetterCause cause;
  cause.sqlstate = std::string(error.context("sqlstate"));
  cause.error = error.message();
  cause.detail = std::string(error.context("detail"));
  cause.constraint = std::string(error.context("constraint"));
  cause.column = std::string(error.context("target_column"));
  return cause;
}

LetterCause cause_of(const RowFault& fault, const TableSchema& table) {
  return {.reason = "value",
          .sqlstate = std::string(sqlstate_of(fault.code)),
          .error = fault.text,
          .column = table.columns[fault.column].name};
}

DeadLetter letter_of(const Coalescer& rows, const NetChange& change, LetterCause cause) {
  const RowBatch& latest = *change.latest.batch;
  DeadLetter letter = envelope(latest, change.latest.row, std::move(cause));
  const bool is_delete = change.kind == NetChange::Kind::delete_;
  if (is_delete) letter.operation = Operation::delete_;
  for (std::size_t column = 0; column < latest.columns(); ++column) {
    // A delete says no more than its key.
    if (is_delete && !latest.schema().is_key(column)) continue;
    const RowRef ref = change.source_of(column);
    const RowFault* const fault = rows.fault_of(ref, column);
    if (fault == nullptr || fault->code == RowFaultCode::unfit_spatial)
      put_value(letter, *ref.batch, ref.row, column);
  }
  return letter;
}

DeadLetter letter_of(RowRef row, LetterCause cause) {
  const RowBatch& batch = *row.batch;
  DeadLetter letter = envelope(batch, row.row, std::move(cause));
  std::set<std::size_t> without;
  for (const RowFault& fault : batch.faults()) {
    if (fault.row == row.row) without.insert(fault.column);
  }
  for (std::size_t column = 0; column < batch.columns(); ++column) {
    if (letter.operation == Operation::delete_ && !batch.schema().is_key(column)) continue;
    if (!without.contains(column)) put_value(letter, batch, row.row, column);
  }
  return letter;
}

Params dead_letter_params(const Owner& owner, const DeadLetter& letter) {
  Params params = letter_params(owner, letter.table);
  params.nullable_texts(letter.key);
  letter.operation ? params.text(std::string(name_of(*letter.operation))) : params.null();
  params.nullable_texts({letter.columns.begin(), letter.columns.end()}).nullable_texts(letter.values);
  params.text(letter.cause.reason);
  text_or_null(params, letter.cause.sqlstate);
  params.text(letter.cause.error);
  text_or_null(params, letter.cause.detail);
  text_or_null(params, letter.cause.constraint);
  text_or_null(params, letter.cause.column);
  letter.lsn == Lsn{} ? params.null() : params.text(bytea_text(letter.lsn));
  letter.commit_time == 0 ? params.null() : params.text(timestamp_text(letter.commit_time / 10 * 10));
  return params;
}

void store_dead_letter(Connection& connection, const Owner& owner, const DeadLetter& letter) {
  connection.query(
      "INSERT INTO tailrace.dead_letter (pipeline, source_schema, source_table, key, operation, row_values,"
      "   reason, sqlstate, error, detail, constraint_name, column_name, lsn, commit_time)"
      " VALUES ($1, $2, $3, $4, $5, jsonb_object($6::text[], $7::text[]), $8, $9, $10, $11, $12, $13,"
      "   $14::bytea, $15::timestamp)",
      dead_letter_params(owner, letter));
}

std::string identity_of(const TablePlan& plan, RowRef row) {
  WireBuffer key;
  for (const std::size_t column : plan.schema->key)
    plan.encoders[column].encode_key(key, *row.batch, row.row, column);
  return key.str();
}

std::string identity_of(const TablePlan& plan, const Result& rows, int row) {
  WireBuffer key;
  for (std::size_t i = 0; i < plan.schema->key.size(); ++i)
    put_key(key, plan.encoders[plan.schema->key[i]].target(), rows.text(row, static_cast<int>(i)));
  return key.str();
}

void list_diverged(Connection& connection, const Owner& owner, const TablePlan& plan, const KeyList& keys) {
  for (std::size_t i = 0; i < keys.keys.size(); ++i)
    connection.query(
        "INSERT INTO tailrace.diverged_key (pipeline, source_schema, source_table, identity, in_shadow, key)"
        " VALUES ($1, $2, $3, sha256($4::bytea), $5, $6) ON CONFLICT DO NOTHING",
        letter_params(owner, plan.schema->name)
            .binary(keys.identities[i])
            .boolean(plan.shadow())
            .texts(keys.keys[i]));
}

void clear_diverged(Connection& connection, const Owner& owner, const TablePlan& plan,
                    const std::vector<std::string>& identities) {
  if (identities.empty()) return;
  connection.query(
      "DELETE FROM tailrace.diverged_key WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3"
      "   AND in_shadow = $4 AND identity IN (SELECT sha256(k) FROM unnest($5::bytea[]) AS k)",
      letter_params(owner, plan.schema->name).boolean(plan.shadow()).binary(array_of(identities)));
}

std::vector<std::size_t> diverged_among(Connection& connection, const Owner& owner, const TablePlan& plan,
                                        const std::vector<std::string>& identities) {
  std::vector<std::size_t> out;
  if (identities.empty()) return out;
  const Result found = connection.query(
      "SELECT k.n FROM unnest($5::bytea[]) WITH ORDINALITY AS k(identity, n)"
      "  JOIN tailrace.diverged_key d ON d.identity = sha256(k.identity)"
      " WHERE d.pipeline = $1 AND d.source_schema = $2 AND d.source_table = $3 AND d.in_shadow = $4",
      letter_params(owner, plan.schema->name).boolean(plan.shadow()).binary(array_of(identities)));
  for (int row = 0; row < found.rows(); ++row)
    out.push_back(static_cast<std::size_t>(found.integer(row, 0)) - 1);
  return out;
}

std::vector<TableName> diverged_tables(Connection& connection, const Owner& owner,
                                       const std::vector<TableName>& tables) {
  Params params;
  params.text(owner.pipeline);
  const Result rows = connection.query_again(
      "SELECT w.source_schema, w.source_table"
      "  FROM unnest($2::text[], $3::text[]) AS w(source_schema, source_table)"
      " WHERE EXISTS (SELECT FROM tailrace.diverged_key d WHERE d.pipeline = $1"
      "   AND d.source_schema = w.source_schema AND d.source_table = w.source_table)",
      add_tables(params, tables));
  std::vector<TableName> out;
  for (int at = 0; at < rows.rows(); ++at)
    out.push_back({std::string(rows.text(at, 0)), std::string(rows.text(at, 1))});
  return out;
}

bool has_diverged(Connection& connection, const Owner& owner, const TableName& table) {
  return !diverged_tables(connection, owner, {table}).empty();
}

void join_diverged(Connection& connection, const Owner& owner, const TableName& table) {
  forget_diverged(connection, owner, table, /*shadow=*/false);
  connection.query(
      "UPDATE tailrace.diverged_key SET in_shadow = false"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
      letter_params(owner, table));
}

void forget_diverged(Connection& connection, const Owner& owner, const TableName& table, bool shadow) {
  connection.query(
      "DELETE FROM tailrace.diverged_key"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND in_shadow = $4",
      letter_params(owner, table).boolean(shadow));
}

void LetterCounter::add(const TableName& table, std::uint64_t letters) {
  if (letters == 0) return;
  const std::lock_guard lock(mutex_);
  counts_[table] += letters;
}

std::map<TableName, std::uint64_t> LetterCounter::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(counts_, {});
}

bool Isolation::reject(const TableName& table, const std::string& identity, const Rejection& rejection) {
  const auto [known, fresh] = rejected[table].try_emplace(identity, rejection);
  if (fresh) return true;
  // By an earlier commit point: after another reading they may end elsewhere.
  if (rejection.upto <= known->second.upto) return false;
  known->second = rejection;
  return true;
}

const Rejection* Isolation::find(const TableName& table, const std::string& identity, const Lsn& lsn) const {
  const auto keys = rejected.find(table);
  if (keys == rejected.end()) return nullptr;
  const auto found = keys->second.find(identity);
  return found == keys->second.end() || found->second.upto < lsn ? nullptr : &found->second;
}

Isolation read_isolation(Connection& connection, const Owner& owner) {
  Isolation isolation;
  const Result until =
      connection.query("SELECT encode(careful_until, 'hex') FROM tailrace.pipeline WHERE pipeline = $1",
                       Params().text(owner.pipeline));
  if (until.rows() == 1 && !until.is_null(0, 0)) isolation.careful_until = Lsn::parse(until.text(0, 0));
  const Result keys = connection.query(
      "SELECT source_schema, source_table, encode(upto, 'hex'), sqlstate, error, detail, constraint_name,"
      "       column_name FROM tailrace.rejected_key WHERE pipeline = $1 ORDER BY ctid",
      Params().text(owner.pipeline));
  const Result identities =
      connection.query("SELECT identity FROM tailrace.rejected_key WHERE pipeline = $1 ORDER BY ctid",
                       Params().text(owner.pipeline), /*binary_results=*/true);
  for (int row = 0; row < keys.rows(); ++row) {
    const auto text = [&](int column) { return std::string(keys.text(row, column)); };
    isolation.rejected[{text(0), text(1)}][std::string(identities.text(row, 0))] = {
        Lsn::parse(keys.text(row, 2)), {"constraint", text(3), text(4), text(5), text(6), text(7)}};
  }
  return isolation;
}

void store_isolation(Connection& connection, const Owner& owner, const Isolation& isolation) {
  TAILRACE_ASSERT(isolation.careful_until.has_value());
  connection.query("UPDATE tailrace.pipeline SET careful_until = $2::bytea WHERE pipeline = $1",
                   Params().text(owner.pipeline).text(bytea_text(*isolation.careful_until)));
  connection.query("DELETE FROM tailrace.rejected_key WHERE pipeline = $1", Params().text(owner.pipeline));
  for (const auto& [table, keys] : isolation.rejected) {
    for (const auto& [identity, rejection] : keys) {
      const LetterCause& cause = rejection.cause;
      connection.query(
          "INSERT INTO tailrace.rejected_key (pipeline, source_schema, source_table, identity, upto, "
          "sqlstate,"
          "   error, detail, constraint_name, column_name)"
          " VALUES ($1, $2, $3, $4::bytea, $5::bytea, $6, $7, $8, $9, $10)",
          letter_params(owner, table)
              .binary(identity)
              .text(bytea_text(rejection.upto))
              .text(cause.sqlstate)
              .text(cause.error)
              .text(cause.detail)
              .text(cause.constraint)
              .text(cause.column));
    }
  }
}

void settle_isolation(Connection& connection, const Owner& owner, const Lsn& position) {
  connection.query("DELETE FROM tailrace.rejected_key WHERE pipeline = $1 AND upto <= $2::bytea",
                   Params().text(owner.pipeline).text(bytea_text(position)));
}

}  // namespace tailrace::postgres
