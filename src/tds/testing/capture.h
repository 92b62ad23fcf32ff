// What others have sent, from the files of testdata/: named sections of hexadecimal digits behind a head of comments.
#pragma once

#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "tds/testing/feed.h"

namespace tailrace::tds::testing {

// The bytes of each section, by its name.
using Capture = std::map<std::string, std::string>;

inline Capture read_capture(const std::string& name) {
  std::ifstream file(std::string(TAILRACE_TDS_TESTDATA) + "/" + name + ".hex");
  if (!file) throw std::runtime_error("there is no capture " + name);
  Capture out;
  std::string* section = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      section = &out[line.substr(1, line.find(']') - 1)];
    } else {
      section->append(bytes(line));
    }
  }
  return out;
}

}  // namespace tailrace::tds::testing
