// The connectors: one line each, and how their settings are filled. Settings are filled anew at each call, so
// that rotated secrets are seen.
#include "app/connectors.h"

#include <algorithm>
#include <chrono>

#include "app/grants.h"
#include "base/error.h"
#include "config/binding.h"
#include "kafka/inspect.h"
#include "kafka/letter_post.h"
#include "kafka/settings_table.h"
#include "kafka/sink.h"
#include "kafka/sink_settings_table.h"
#include "kafka/source.h"
#include "kafka/source_check.h"
#include "postgres/inspect.h"
#include "postgres/letter_box.h"
#include "postgres/partitions.h"
#include "postgres/settings_table.h"
#include "postgres/sink.h"
#include "sqlserver/check.h"
#include "sqlserver/settings_table.h"
#include "sqlserver/source.h"

namespace tailrace::app {
namespace {

using config::Document;

// Both sides have a part in it: the source goes on behind a value that is too long, the target keeps the letters.
bool passes_bad_rows_over(const Document& document) {
  return document.read("errors.on_row").text == "dead_letter";
}

sqlserver::Settings sqlserver_settings(const Document& document) {
  sqlserver::Settings out;
  config::fill(out, sqlserver::settings_bindings(), document);
  out.long_value_is_fault = passes_bad_rows_over(document);
  out.events = document.read("target.type").text == "kafka";
  out.raw_objects = out.events && document.read("target.events.objects").text == "raw";
  return out;
}

postgres::Settings postgres_settings(const Document& document) {
  postgres::Settings out;
  out.pipeline = document.read("pipeline").text;
  config::fill(out, postgres::settings_bindings(), document);
  out.dead_letters = passes_bad_rows_over(document);
  out.letters_wait = document.has("errors.dead_letter_topic");
  out.letters_patience = std::chrono::milliseconds(document.read("kafka.patience").number);
  out.most_waiting_letters = static_cast<std::uint64_t>(document.read("errors.dead_letter_waiting").number);
  out.existing = postgres::parse_existing(document.read("snapshot.existing").text);
  out.load_first = loads_first(snapshot_mode_of(document.read("snapshot.mode").text));
  return out;
}

std::unique_ptr<Source> make_sqlserver(const Document& document) {
  return std::make_unique<sqlserver::SqlServerSource>(sqlserver_settings(document));
}

SourceLook look_at_sqlserver(const Document& document, std::stop_token stop) {
  sqlserver::Look look = sqlserver::check(sqlserver_settings(document), std::move(stop));
  return {std::move(look.findings), std::move(look.tables)};
}

std::string sqlserver_grants(const Document& document, const std::vector<SchemaPtr>& tables) {
  const sqlserver::Settings settings = sqlserver_settings(document);
  // With integrated authentication the file does not say who it will be.
  return source_grants(settings.database, settings.user.empty() ? "DOMAIN\\user" : settings.user, tables);
}

kafka::SourceSettings kafka_source_settings(const Document& document) {
  kafka::SourceSettings out;
  config::fill(out.cluster, kafka::settings_bindings(), document);
  config::fill(out, kafka::source_settings_bindings(), document);
  if (out.group_id.empty()) out.group_id = "tailrace-" + document.read("pipeline").text;
  out.passes_over = passes_bad_rows_over(document);
  return out;
}

kafka::LetterSettings letter_settings(const Document& document) {
  kafka::LetterSettings out;
  config::fill(out.cluster, kafka::settings_bindings(), document);
  out.pipeline = document.read("pipeline").text;
  out.topic = document.read("errors.dead_letter_topic").text;
  if (document.has("errors.dead_letter_state_topic"))
    out.state_topic = document.read("errors.dead_letter_state_topic").text;
  if (document.has("errors.dead_letter_replication"))
    out.replication = static_cast<int>(document.read("errors.dead_letter_replication").number);
  out.context_headers = document.read("errors.dead_letter_headers").number != 0;
  return out;
}

std::unique_ptr<LetterPost> make_letter_post(const Document& document) {
  return std::make_unique<kafka::KafkaLetterPost>(letter_settings(document));
}

std::unique_ptr<LetterBox> make_letter_box(const Document& document) {
  return std::make_unique<postgres::PostgresLetterBox>(postgres_settings(document));
}

std::unique_ptr<PartitionSource> make_kafka_source(const Document& document) {
  return std::make_unique<kafka::KafkaSource>(kafka_source_settings(document));
}

SourceLook look_at_kafka(const Document& document, std::stop_token stop) {
  return {kafka::check_source(kafka_source_settings(document), stop), {}};
}

std::string kafka_source_grants(const Document& document, const std::vector<SchemaPtr>&) {
  std::string out = kafka::source_grants(kafka_source_settings(document));
  if (document.has("errors.dead_letter_topic")) out += kafka::letter_grants(letter_settings(document));
  return out;
}

std::unique_ptr<PartitionSink> make_postgres_partitions(const Document& document) {
  return std::make_unique<postgres::PostgresPartitions>(postgres_settings(document));
}

std::unique_ptr<Sink> make_postgres(const Document& document) {
  return std::make_unique<postgres::PostgresSink>(postgres_settings(document));
}

std::vector<Finding> check_postgres(const Document& document, const std::vector<SchemaPtr>& tables,
                                    std::stop_token stop) {
  return postgres::check(postgres_settings(document), tables, std::move(stop));
}

PipelineStatus postgres_status(const Document& document, std::stop_token stop) {
  return postgres::read_status(postgres_settings(document), std::move(stop));
}

std::string postgres_missing(const Document& document, const std::vector<SchemaPtr>& tables,
                             std::stop_token stop) {
  return postgres::missing_schema(postgres_settings(document), tables, std::move(stop));
}

void apply_to_postgres(const Document& document, const std::vector<SchemaPtr>& tables, std::stop_token stop) {
  postgres::apply_schema(postgres_settings(document), tables, std::move(stop));
}

std::int64_t request_of_postgres(const Document& document, const TableName& table, Wanted wanted,
                                 std::stop_token stop) {
  return postgres::request_table(postgres_settings(document), table, wanted, std::move(stop));
}

RequestAnswer answer_of_postgres(const Document& document, std::int64_t id, std::chrono::milliseconds time,
                                 std::stop_token stop) {
  return postgres::await_answer(postgres_settings(document), id, time, std::move(stop));
}

void record_postgres_failure(const Document& document, const Error& error, std::stop_token stop) {
  postgres::Settings settings = postgres_settings(document);
  settings.connect_timeout = std::min(settings.connect_timeout, std::chrono::milliseconds(3'000));
  postgres::record_failure(settings, error, std::move(stop));
}

std::string postgres_grants(const Document& document, const std::vector<SchemaPtr>& tables) {
  const postgres::Settings settings = postgres_settings(document);
  return target_grants(settings.url, settings.user, settings.schemas, tables);
}

std::unique_ptr<Sink> make_kafka(const Document& document) {
  return std::make_unique<kafka::KafkaSink>(kafka::sink_settings_of(document));
}

std::vector<Finding> check_kafka(const Document& document, const std::vector<SchemaPtr>& tables,
                                 std::stop_token stop) {
  return kafka::check(kafka::sink_settings_of(document), tables, std::move(stop));
}

PipelineStatus kafka_status(const Document& document, std::stop_token stop) {
  return kafka::read_status(kafka::sink_settings_of(document), std::move(stop));
}

std::string kafka_missing(const Document& document, const std::vector<SchemaPtr>& tables,
                          std::stop_token stop) {
  return kafka::missing_topics(kafka::sink_settings_of(document), tables, std::move(stop));
}

void apply_to_kafka(const Document& document, const std::vector<SchemaPtr>& tables, std::stop_token stop) {
  kafka::make_topics(kafka::sink_settings_of(document), tables, std::move(stop));
}

std::int64_t request_of_kafka(const Document& document, const TableName& table, Wanted wanted,
                              std::stop_token stop) {
  return kafka::request_table(kafka::sink_settings_of(document), table, wanted, std::move(stop));
}

RequestAnswer answer_of_kafka(const Document& document, std::int64_t id, std::chrono::milliseconds time,
                              std::stop_token stop) {
  return kafka::await_answer(kafka::sink_settings_of(document), id, time, std::move(stop));
}

void record_kafka_failure(const Document& document, const Error& error, std::stop_token stop) {
  kafka::SinkSettings settings = kafka::sink_settings_of(document);
  settings.kafka.patience = std::min(settings.kafka.patience, std::chrono::milliseconds(3'000));
  kafka::record_failure(settings, error, std::move(stop));
}

std::string kafka_grants(const Document& document, const std::vector<SchemaPtr>& tables) {
  return kafka::grants(kafka::sink_settings_of(document), tables);
}

}  // namespace

const std::vector<SourceConnector>& source_connectors() {
  static const std::vector<SourceConnector> all{
      {"sqlserver", sqlserver::settings_table, make_sqlserver, nullptr, nullptr, look_at_sqlserver,
       sqlserver_grants},
      {"kafka", kafka::source_settings_table, nullptr, make_kafka_source, make_letter_post, look_at_kafka,
       kafka_source_grants}};
  return all;
}

const std::vector<TargetConnector>& target_connectors() {
  static const std::vector<TargetConnector> all{
      {"postgres", postgres::settings_table, make_postgres, make_postgres_partitions, make_letter_box,
       check_postgres, postgres_status, postgres_missing, apply_to_postgres, request_of_postgres,
       answer_of_postgres, record_postgres_failure, postgres_grants, /*newest_wins=*/false},
      {"kafka", kafka::sink_settings_table, make_kafka, nullptr, nullptr, check_kafka, kafka_status,
       kafka_missing, apply_to_kafka, request_of_kafka, answer_of_kafka, record_kafka_failure, kafka_grants,
       /*newest_wins=*/true}};
  return all;
}

}  // namespace tailrace::app
