// Names of client properties: the one that librdkafka knows for either spelling, and those that are tailrace's own.
#pragma once

#include <string>
#include <string_view>

namespace tailrace::kafka {

// librdkafka's first name of what Kafka, or librdkafka by an alias, calls `name`; else the name itself.
std::string_view canonical_name(std::string_view name);

// Why a property (by its canonical name) is not taken from the user, or "" where it is.
std::string_view refusal_of(std::string_view canonical);

// Whether its value must never be shown, not even by librdkafka's own words about a wrong one.
bool is_sensitive(std::string_view canonical);

}  // namespace tailrace::kafka
