// tailrace check
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "app/check_view.h"
#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/terminal.h"
#include "app/text_table.h"

namespace tailrace::app {
namespace {

// user:secret@ behind the :// of a URL, where the secret is no reference.
bool holds_password_in_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view authority = text.substr(scheme + 3, text.find('/', scheme + 3) - (scheme + 3));
  const std::size_t at = authority.find('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon + 1 >= at) return false;
  return authority.substr(colon + 1, at - colon - 1).find('$') == std::string_view::npos;
}

// password = secret, as keyword strings have it.
bool holds_password_keyword(std::string_view text) {
  constexpr std::string_view keyword = "password";
  for (std::size_t at = text.find(keyword); at != std::string_view::npos; at = text.find(keyword, at + 1)) {
    std::string_view rest = text.substr(at + keyword.size());
    const auto skip_blanks = [&] {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    };
    skip_blanks();
    if (!rest.starts_with('=')) continue;
    rest.remove_prefix(1);
    skip_blanks();
    if (!rest.empty() && rest.front() != '$') return true;
  }
  return false;
}

bool holds_password(std::string_view text) {
  return holds_password_in_url(text) || holds_password_keyword(text);
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

}  // namespace

ExitCode run_check(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  std::vector<Finding> findings;
  check_file(pipeline, findings);
  SourceLook source = pipeline.source->look(*pipeline.document, {});
  findings.insert(findings.end(), source.findings.begin(), source.findings.end());
  const std::vector<Finding> target = pipeline.target->check(*pipeline.document, source.tables, {});
  findings.insert(findings.end(), target.begin(), target.end());
  print(invocation.value("format") == "json" ? check_json(pipeline.name, findings)
                                             : check_text(pipeline.name, findings, stdout_terminal().colour));
  return all_fit(findings) ? ExitCode::done : ExitCode::no;
}

}  // namespace tailrace::app
