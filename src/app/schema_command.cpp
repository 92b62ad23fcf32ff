// tailrace schema
#include <fmt/format.h>

#include "app/check_view.h"
#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/terminal.h"

namespace tailrace::app {
namespace {

// DDL for half of the tables would look like the whole.
void refuse_unfit(const std::string& name, const std::vector<Finding>& findings) {
  std::vector<Finding> failures;
  for (const Finding& finding : findings) {
    if (finding.level == FindingLevel::failure) failures.push_back(finding);
  }
  if (failures.empty()) return;
  for (const Finding& finding : failures) {
    const bool login = finding.name == "source.login";
    if (!login && finding.name != "source.reachable") continue;
    throw Error(login ? ErrorKind::auth : ErrorKind::unavailable, finding.reason)
        .with("server", finding.subject)
        .with("remedy", finding.remedy);
  }
  std::string message = "the source is not fit for replication:";
  for (const Finding& finding : failures)
    message += fmt::format("\n  {}: {}", finding.subject, finding.reason);
  throw Error(ErrorKind::config, message)
      .with("pipeline", name)
      .with("remedy", "run `tailrace check`: it gives the SQL that mends each");
}

// Rights are asked for before there are any: what the login cannot see yet has no line among the grants.
std::string not_listed(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (finding.level != FindingLevel::failure) continue;
    const std::string reason = finding.reason.substr(0, finding.reason.find('\n'));
    out += fmt::format("--   {}: {}\n", finding.subject, reason);
  }
  return out.empty()
             ? out
             : "-- Not all of the source can be seen yet, so tables may be missing below:\n" + out + "\n";
}

}  // namespace

ExitCode run_schema(const Invocation& invocation) {
  if (invocation.flag("apply") && invocation.flag("grants")) {
    throw Error(ErrorKind::config, "--apply and --grants exclude each other; see `tailrace schema --help`");
  }
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  const SourceLook source = pipeline.source->look(*pipeline.document, {});
  if (invocation.flag("grants")) {
    print(not_listed(source.findings) + pipeline.source->grants(*pipeline.document, source.tables) + "\n" +
          pipeline.target->grants(*pipeline.document, source.tables));
    return ExitCode::done;
  }
  refuse_partitions(pipeline, "schema");
  refuse_unfit(pipeline.name, source.findings);
  const std::string missing = pipeline.target->missing_schema(*pipeline.document, source.tables, {});
  if (missing.empty()) {
    print("-- The target has everything that it needs.\n");
    return ExitCode::done;
  }
  if (invocation.flag("apply")) pipeline.target->apply_schema(*pipeline.document, source.tables, {});
  print(missing);
  return ExitCode::done;
}

}  // namespace tailrace::app
