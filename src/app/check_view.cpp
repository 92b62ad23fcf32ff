// Rendering of findings.
#include "app/check_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/terminal.h"
#include "app/text_table.h"

namespace tailrace::app {
namespace {

Colour colour_of(FindingLevel level) {
  switch (level) {
    case FindingLevel::ok: return Colour::green;
    case FindingLevel::failure: return Colour::red;
    default: return Colour::yellow;
  }
}

std::size_t count_of(const std::vector<Finding>& findings, FindingLevel level) {
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [level](const Finding& each) { return each.level == level; }));
}

// Every line of the text, moved to the right.
std::string indented(std::string_view text, std::string_view margin) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out += fmt::format("{}{}\n", margin, text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string detail_of(const Finding& finding) {
  std::string out = fmt::format("\n{}: {} ({})\n", name_of(finding.level), finding.subject, finding.name);
  out += indented(finding.reason, "  ");
  if (!finding.remedy.empty()) out += "  remedy:\n" + indented(finding.remedy, "    ");
  return out;
}

}  // namespace

std::string_view name_of(FindingLevel level) {
  switch (level) {
    case FindingLevel::ok: return "ok";
    case FindingLevel::warning: return "warning";
    case FindingLevel::failure: return "failure";
    case FindingLevel::unknown: return "unknown";
  }
  return "unknown";
}

bool all_fit(const std::vector<Finding>& findings) {
  return count_of(findings, FindingLevel::failure) == 0;
}

std::string check_text(const std::string& pipeline, const std::vector<Finding>& findings, bool colour) {
  TextTable table;
  table.head = {"RESULT", "CHECK", "SUBJECT", ""};
  std::string details;
  for (const Finding& finding : findings) {
    const bool ok = finding.level == FindingLevel::ok;
    table.rows.push_back({coloured(name_of(finding.level), colour_of(finding.level), colour), finding.name,
                          finding.subject, ok ? finding.reason : std::string()});
    if (!ok) details += detail_of(finding);
  }
  const std::size_t failures = count_of(findings, FindingLevel::failure);
  return table.text() + details +
         fmt::format("\n{}: {} ok, {} warnings, {} failures, {} unknown: {}\n", pipeline,
                     count_of(findings, FindingLevel::ok), count_of(findings, FindingLevel::warning),
                     failures, count_of(findings, FindingLevel::unknown),
                     failures == 0 ? "can run" : "cannot run");
}

std::string check_json(const std::string& pipeline, const std::vector<Finding>& findings) {
  nlohmann::ordered_json out;
  out["pipeline"] = pipeline;
  out["fit"] = all_fit(findings);
  out["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    out["findings"].push_back({{"level", name_of(finding.level)},
                               {"check", finding.name},
                               {"subject", finding.subject},
                               {"reason", finding.reason},
                               {"remedy", finding.remedy}});
  }
  return out.dump(2) + "\n";
}

}  // namespace tailrace::app
