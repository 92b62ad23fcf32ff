// The table of connectors, and a pipeline's file bound to its two: the one place that knows every connector.
//
// Errors   What the connectors throw passes through.
// Threads  Values; the functions may be called from any thread. Each call connects for itself.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/document.h"
#include "config/loader.h"
#include "model/finding.h"
#include "model/table_schema.h"
#include "pipeline/letters.h"
#include "pipeline/partition_runner.h"
#include "pipeline/runner.h"
#include "pipeline/status.h"

namespace tailrace::app {

// What a look at the source answers: findings, and the tables that are fit.
struct SourceLook {
  std::vector<Finding> findings;
  std::vector<SchemaPtr> tables;
};

struct SourceConnector {
  std::string type;
  config::Table (*settings)();
  // One of the two: its changes are one stream, or those of partitions.
  std::unique_ptr<Source> (*make)(const config::Document& document);
  std::unique_ptr<PartitionSource> (*make_partitions)(const config::Document& document);
  // Of a source of partitions: who sends letters to a topic.
  std::unique_ptr<LetterPost> (*make_letter_post)(const config::Document& document);
  // Never throws for what is unfit: that is a finding.
  SourceLook (*look)(const config::Document& document, std::stop_token stop);
  // SQL for an administrator of the source.
  std::string (*grants)(const config::Document& document, const std::vector<SchemaPtr>& tables);
};

struct TargetConnector {
  std::string type;
  config::Table (*settings)();
  std::unique_ptr<Sink> (*make)(const config::Document& document);
  // nullptr: it takes no partitions.
  std::unique_ptr<PartitionSink> (*make_partitions)(const config::Document& document);
  // Of a target of partitions: where letters wait.
  std::unique_ptr<LetterBox> (*make_letter_box)(const config::Document& document);
  std::vector<Finding> (*check)(const config::Document& document, const std::vector<SchemaPtr>& tables,
                                std::stop_token stop);
  PipelineStatus (*status)(const config::Document& document, std::stop_token stop);
  // What the target lacks, as DDL; empty: nothing. Throws config where a table is of another shape.
  std::string (*missing_schema)(const config::Document& document, const std::vector<SchemaPtr>& tables,
                                std::stop_token stop);
  // Makes schemas and tables; keys and constraints follow the load.
  void (*apply_schema)(const config::Document& document, const std::vector<SchemaPtr>& tables,
                       std::stop_token stop);
  // Records what is asked for a table; answers the request's id.
  std::int64_t (*request_table)(const config::Document& document, const TableName& table, Wanted wanted,
                                std::stop_token stop);
  // Waits for its answer while a runner lives.
  RequestAnswer (*await_answer)(const config::Document& document, std::int64_t id,
                                std::chrono::milliseconds time, std::stop_token stop);
  // Keeps for `status` why a run ended.
  void (*record_failure)(const config::Document& document, const Error& error, std::stop_token stop);
  std::string (*grants)(const config::Document& document, const std::vector<SchemaPtr>& tables);
  // A sink that is opened deposes whoever lives, asked to or not: a command that only changes something looks first.
  bool newest_wins;
};

const std::vector<SourceConnector>& source_connectors();
const std::vector<TargetConnector>& target_connectors();

}  // namespace tailrace::app
