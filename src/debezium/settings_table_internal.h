// The part of the events' settings that is about single columns.
#pragma once

#include <string>
#include <vector>

#include "config/binding.h"
#include "debezium/settings.h"

namespace tailrace::debezium {

std::vector<config::Binding<EventSettings>> column_bindings(const std::string& prefix);
void check_columns(const std::string& prefix, const config::Document& document,
                   std::vector<config::Complaint>& complaints);

// Says so where a text is no regular expression.
void check_pattern(const std::string& setting, const std::string& text, const config::Entry* entry,
                   std::vector<config::Complaint>& complaints);

}  // namespace tailrace::debezium
