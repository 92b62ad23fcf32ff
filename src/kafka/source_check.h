// What `tailrace check` says of Kafka as a source, and the rights that reading takes.
//
// Errors   None for what is unfit: that is a finding.
// Threads  Each call connects for itself.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "kafka/source_settings.h"
#include "model/finding.h"

namespace tailrace::kafka {

std::vector<Finding> check_source(const SourceSettings& settings, const std::stop_token& stop);
std::string source_grants(const SourceSettings& settings);

}  // namespace tailrace::kafka
