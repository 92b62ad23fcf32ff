// Scripts: their files.
#include "sim/fuzz/script.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"

namespace tailrace::sim::fuzz {
namespace {

// The statements of a file of cases "SQL, ----, the answer, ====".
Script parse_cases(std::string_view text) {
  Script out;
  std::string sql;
  bool in_answer = false;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line == "----") {
      in_answer = true;
    } else if (line == "====") {
      out.push_back(std::move(sql));
      sql.clear();
      in_answer = false;
    } else if (!in_answer && line != "columns on" && line != "columns off") {
      sql += line + "\n";
    }
  }
  return out;
}

// The bytes of the well-formed character at the start of `text`, lone surrogates among them; 0: there is none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  return overlong || (lead == 0xF4 && byte(1) > 0x8F) ? 0 : length;
}

}  // namespace

std::string well_formed(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0)
      out.push_back('?');
    else
      out.append(text.substr(0, bytes));
    text.remove_prefix(std::max<std::size_t>(1, bytes));
  }
  return out;
}

Script parse_script(std::string_view text) {
  Script out;
  std::string batch;
  const auto end_batch = [&] {
    if (!batch.empty()) out.push_back(std::move(batch));
    batch.clear();
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line == "GO")
      end_batch();
    else
      batch.append(line).push_back('\n');
    at = end + 1;
  }
  end_batch();
  return out;
}

std::string script_text(const Script& script) {
  std::string out;
  for (const std::string& batch : script) {
    out += batch;
    if (!batch.ends_with('\n')) out.push_back('\n');
    out += "GO\n";
  }
  return out;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::config, "a file cannot be read").with("path", path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::vector<Script> read_scripts(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (extension == ".sql" || extension == ".test") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Script> out;
  for (const std::string& path : paths) {
    const std::string text = file_text(path);
    out.push_back(path.ends_with(".test") ? parse_cases(text) : parse_script(text));
  }
  return out;
}

}  // namespace tailrace::sim::fuzz
