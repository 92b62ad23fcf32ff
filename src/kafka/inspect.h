// What commands ask of a Kafka target without running a pipeline: fitness, status, missing topics, a request.
//
// Shape    Each call connects for itself and takes nothing over; make_topics, request_table and record_failure write, by transactional
//          ids of their own.
// Errors   check() answers findings instead of throwing for what is unfit. The others throw as the sink does.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "kafka/sink_settings.h"
#include "model/finding.h"
#include "model/table_schema.h"
#include "pipeline/status.h"

namespace tailrace::kafka {

std::vector<Finding> check(const SinkSettings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop);

PipelineStatus read_status(const SinkSettings& settings, std::stop_token stop);

// The topics that are not there yet, as commands of Kafka's own tools; empty: none.
std::string missing_topics(const SinkSettings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop);
void make_topics(const SinkSettings& settings, const std::vector<SchemaPtr>& tables, std::stop_token stop);

// Asks the running pipeline (or the next run) for something (R12); answers the request's id. Throws config where the table's
// state, or another request, speaks against it: then nothing is recorded.
std::int64_t request_table(const SinkSettings& settings, const TableName& table, Wanted wanted,
                           std::stop_token stop);
// Waits until the runner has answered, or none is alive, or the time is over.
RequestAnswer await_answer(const SinkSettings& settings, std::int64_t id, std::chrono::milliseconds time,
                           std::stop_token stop);

// Why this process's run ended, for `status` to show; nothing where another runner holds the pipeline by now.
void record_failure(const SinkSettings& settings, const Error& error, std::stop_token stop);

// The rights that the pipeline's user needs, as commands of Kafka's own tools.
std::string grants(const SinkSettings& settings, const std::vector<SchemaPtr>& tables);

}  // namespace tailrace::kafka
