// tailrace check
#include <fmt/format.h>

#include <regex>

#include "app/check_view.h"
#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/terminal.h"
#include "app/text_table.h"

namespace tailrace::app {
namespace {

// A password written within a URL or a keyword string.
bool holds_password(const std::string& text) {
  static const std::regex written(R"(://[^/@:]*:[^/@$]+@|password\s*=\s*[^\s$])");
  return std::regex_search(text, written);
}

// What the file itself gives away.
void check_file(const PipelineFile& pipeline, std::vector<Finding>& findings) {
  const config::Document& document = *pipeline.document;
  findings.push_back({FindingLevel::ok, "config.file", document.file(), "", ""});
  for (const config::Entry& entry : document.entries()) {
    const std::string& text = entry.value.text;
    const bool plain = entry.setting->secret && text.find("${") == std::string::npos;
    if (!plain && !holds_password(text)) continue;
    findings.push_back({FindingLevel::warning, "config.secret", entry.dotted(),
                        fmt::format("{}:{} holds the secret itself; whoever reads the file has it",
                                    document.file(), entry.place.line),
                        "put it into a password setting as ${file:/run/secrets/...} or ${env:...}"});
  }
}

// How much there is to load, as the source's statistics have it.
void estimate(const PipelineFile& pipeline, const std::vector<SchemaPtr>& tables,
              std::vector<Finding>& findings) {
  std::uint64_t rows = 0;
  for (const SchemaPtr& table : tables)
    rows += table->estimated_rows;
  findings.push_back({FindingLevel::ok, "pipeline.estimate", pipeline.name,
                      fmt::format("{} tables, about {} rows", tables.size(), grouped(rows)), ""});
}

}  // namespace

ExitCode run_check(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  std::vector<Finding> findings;
  check_file(pipeline, findings);
  SourceLook source = pipeline.source->look(*pipeline.document, {});
  findings.insert(findings.end(), source.findings.begin(), source.findings.end());
  if (!source.tables.empty()) estimate(pipeline, source.tables, findings);
  const std::vector<Finding> target = pipeline.target->check(*pipeline.document, source.tables, {});
  findings.insert(findings.end(), target.begin(), target.end());
  print(invocation.value("format") == "json" ? check_json(pipeline.name, findings)
                                             : check_text(pipeline.name, findings, stdout_terminal().colour));
  return all_fit(findings) ? ExitCode::done : ExitCode::no;
}

}  // namespace tailrace::app
