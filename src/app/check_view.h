// The answer of `tailrace check` as text or JSON.
#pragma once

#include <string>
#include <vector>

#include "model/finding.h"

namespace tailrace::app {

std::string_view name_of(FindingLevel level);
// False if one of them is a failure.
bool all_fit(const std::vector<Finding>& findings);
// A line for each, then the reason and remedy of those that are not ok, then a summary.
std::string check_text(const std::string& pipeline, const std::vector<Finding>& findings, bool colour);
std::string check_json(const std::string& pipeline, const std::vector<Finding>& findings);

}  // namespace tailrace::app
