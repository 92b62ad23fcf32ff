// Storing them.
#include "postgres/record_letter.h"

#include "base/utf.h"

namespace tailrace::postgres {
namespace {

// What a message quotes of a record may be any bytes.
std::string shown(std::string text) {
  if (is_valid_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

void bytes_or_null(Params& params, const OptionalBytes& bytes) {
  bytes ? params.binary(*bytes) : params.null();
}

void put_bytes(WireBuffer& array, const std::string& bytes) {
  array.put(static_cast<std::int32_t>(bytes.size()));
  array.put_bytes(bytes);
}

std::string array_of_headers(const OriginalRecord& record) {
  WireBuffer array;
  put_array_header(array, oid_bytea, 2 * record.headers.size());
  for (const auto& [name, value] : record.headers) {
    put_bytes(array, name);
    value ? put_bytes(array, *value) : array.put<std::int32_t>(-1);
  }
  return array.str();
}

}  // namespace

void store_record_letter(Connection& connection, const Owner& owner, const DeadLetter& letter,
                         const RecordLetter& of) {
  DeadLetter readable = letter;
  readable.cause.error = shown(letter.cause.error);
  Params params = dead_letter_params(owner, readable);
  params.text(of.where.topic).integer(of.where.number).integer(of.record.offset);
  of.record.timestamp_ms ? params.integer(*of.record.timestamp_ms) : params.null();
  bytes_or_null(params, of.record.key);
  bytes_or_null(params, of.record.value);
  params.binary(array_of_headers(of.record));
  params.text(of.stage).text(of.error_kind).integer(of.attempt).boolean(of.waits);
  connection.query(
      "INSERT INTO tailrace.dead_letter (pipeline, source_schema, source_table, key, operation, row_values,"
      "   reason, sqlstate, error, detail, constraint_name, column_name, lsn, commit_time,"
      "   record_topic, record_partition, record_offset, record_time_ms, record_key, record_value, "
      "record_headers,"
      "   stage, error_kind, attempt, waits)"
      " VALUES ($1, $2, $3, $4, $5, jsonb_object($6::text[], $7::text[]), $8, $9, $10, $11, $12, $13,"
      "   $14::bytea, $15::timestamp, $16, $17, $18, $19, $20::bytea, $21::bytea, $22::bytea[], $23, $24, "
      "$25, $26)",
      params);
}

void store_record_letter(Connection& connection, const Owner& owner, const UnreadableRecord& record,
                         const RecordLetter& of) {
  DeadLetter letter;
  letter.table = record.table;
  letter.key = record.key;
  letter.cause.reason = "unreadable";
  letter.cause.error = record.error;
  store_record_letter(connection, owner, letter, of);
}

}  // namespace tailrace::postgres
