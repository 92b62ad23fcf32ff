// The private freetds.conf.
#include "sqlserver/freetds_conf.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "base/error.h"
#include "sqlserver/connect_string.h"

namespace tailrace::sqlserver {
namespace {

class ConfFile {
 public:
  ~ConfFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  std::string section_for(const Settings& settings) {
    const std::lock_guard lock(mutex_);
    const std::string key = freetds_section(settings, "");
    if (key.empty()) return {};
    const auto [entry, is_new] = names_.try_emplace(key, fmt::format("tailrace_{}", names_.size()));
    if (is_new) append(freetds_section(settings, entry->second));
    return entry->second;
  }

 private:
  void append(const std::string& section) {
    if (path_.empty()) {
      path_ = "/tmp/tailrace-freetds-XXXXXX";
      file_ = ::mkstemp(path_.data());
      if (file_ < 0) throw Error(ErrorKind::config, "cannot make a file in /tmp for FreeTDS's configuration");
      ::setenv("FREETDSCONF", path_.c_str(), 1);
    }
    const ssize_t written = ::write(file_, section.data(), section.size());
    if (written != static_cast<ssize_t>(section.size())) {
      throw Error(ErrorKind::config, "cannot write FreeTDS's configuration").with("file", path_);
    }
  }

  std::mutex mutex_;
  std::map<std::string, std::string> names_;
  std::string path_;
  int file_ = -1;
};

}  // namespace

std::string freetds_servername(const Settings& settings) {
  static ConfFile file;
  return file.section_for(settings);
}

}  // namespace tailrace::sqlserver
