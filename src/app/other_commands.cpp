// tailrace docs, tailrace completion, tailrace version
#include "app/commands.h"
#include "app/documents.h"
#include "app/pipeline_file.h"
#include "app/terminal.h"
#include "app/type_lines.h"
#include "app/version.h"

namespace tailrace::app {

ExitCode run_docs(const Invocation& invocation) {
  if (invocation.action == "configuration") print(configuration_document(all_settings().settings));
  if (invocation.action == "cli") print(cli_document(commands()));
  if (invocation.action == "types") print(types_document(type_lines()));
  return ExitCode::done;
}

ExitCode run_completion(const Invocation& invocation) {
  print(completion_script(invocation.action, commands()));
  return ExitCode::done;
}

ExitCode run_version(const Invocation&) {
  print(version_text() + "\n");
  return ExitCode::done;
}

}  // namespace tailrace::app
