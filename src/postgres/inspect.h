// What commands ask of a target without running a pipeline: fitness, status, missing DDL, a request.
//
// Shape    Each call connects for itself and takes nothing over; only apply_schema, request_table and record_failure write.
// Errors   check() answers findings instead of throwing for what is unfit. The others throw as the sink does.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/finding.h"
#include "model/table_schema.h"
#include "pipeline/status.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

std::vector<Finding> check(const Settings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop);

PipelineStatus read_status(const Settings& settings, std::stop_token stop);

// The schemas and tables that do not exist yet, as DDL; empty: none. Keys and constraints, which tailrace makes
// after the load, follow as comments. Throws config where a table exists in another shape.
std::string missing_schema(const Settings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop);
void apply_schema(const Settings& settings, const std::vector<SchemaPtr>& tables, std::stop_token stop);

// Asks the running pipeline (or the next run) for something (R12); answers the request's id. Throws config where the table's
// state, or another request, speaks against it: then nothing is recorded.
std::int64_t request_table(const Settings& settings, const TableName& table, Wanted wanted,
                           std::stop_token stop);
// Waits until the runner has answered, or none is alive, or the time is over.
RequestAnswer await_answer(const Settings& settings, std::int64_t id, std::chrono::milliseconds time,
                           std::stop_token stop);

// Why this process's run ended, for `status` to show; nothing where another runner holds the pipeline by now.
void record_failure(const Settings& settings, const Error& error, std::stop_token stop);

}  // namespace tailrace::postgres
