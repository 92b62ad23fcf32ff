// Resolving references from the environment and from files.
#include "config/references.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace tailrace::config {
namespace {

// A secret is a line; a larger file was meant for something else.
constexpr std::size_t secret_file_limit = 64 * 1024;

Resolved from_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return {{}, fmt::format("environment variable {} is not set", name)};
  return {value, {}};
}

Resolved from_file(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) {
    return {{}, fmt::format("file {} cannot be read: {}", path, std::strerror(errno))};
  }
  if (S_ISDIR(about.st_mode)) return {{}, fmt::format("{} is a directory, not a file", path)};
  std::ifstream in(path, std::ios::binary);
  if (!in) return {{}, fmt::format("file {} cannot be read: {}", path, std::strerror(errno))};
  std::string text(secret_file_limit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > secret_file_limit) {
    return {{}, fmt::format("file {} is larger than 64KiB: that is no secret", path)};
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  if (text.empty()) return {{}, fmt::format("file {} is empty", path)};
  return {std::move(text), {}};
}

Resolved resolve_one(std::string_view reference) {
  const std::size_t colon = reference.find(':');
  const std::string scheme(reference.substr(0, colon));
  const std::string rest(colon == std::string_view::npos ? std::string_view{} : reference.substr(colon + 1));
  if (scheme == "vault") {
    return {{}, "${vault:...} is not served by this version; use ${env:NAME} or ${file:/path}"};
  }
  if ((scheme == "env" || scheme == "file") && rest.empty()) {
    return {{}, fmt::format("${{{}:}} names nothing; expected ${{env:NAME}} or ${{file:/path}}", scheme)};
  }
  if (scheme == "env") return from_environment(rest);
  if (scheme == "file") return from_file(rest);
  return {{},
          fmt::format("${{{}}} is not a reference; expected ${{env:NAME}} or ${{file:/path}} "
                      "(a literal ${{ is written $${{)",
                      reference)};
}

}  // namespace

bool has_reference(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
    if (at == 0 || text[at - 1] != '$') return true;
  }
  return false;
}

Resolved resolve_references(std::string_view text) {
  Resolved out;
  while (!text.empty()) {
    if (text.substr(0, 3) == "$${") {
      out.text += "${";
      text.remove_prefix(3);
      continue;
    }
    if (text.substr(0, 2) != "${") {
      out.text += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return {{}, "a reference that begins with ${ has no closing }"};
    const Resolved one = resolve_one(text.substr(2, end - 2));
    if (!one.mistake.empty()) return one;
    out.text += one.text;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace tailrace::config
