// Bytes as nobody means them: good ones with a few changes, and noise. For the fuzz tests of the front.
#pragma once

#include <random>
#include <string>

namespace tailrace::sim::tds::testing {

inline std::string changed(std::string message, std::mt19937& random) {
  const std::size_t changes = 1 + random() % 4;
  for (std::size_t i = 0; i < changes && !message.empty(); ++i) {
    const std::size_t at = random() % message.size();
    switch (random() % 5) {
      case 0: message[at] = static_cast<char>(random()); break;
      case 1: message[at] = static_cast<char>(random() % 2 == 0 ? 0xFF : 0); break;
      case 2: message.erase(at, 1 + random() % 4); break;
      case 3: message.insert(at, 1 + random() % 4, static_cast<char>(random())); break;
      default: message.resize(at); break;
    }
  }
  return message;
}

inline std::string noise(std::mt19937& random) {
  std::string bytes(random() % 300, '\0');
  for (char& c : bytes)
    c = static_cast<char>(random());
  return bytes;
}

}  // namespace tailrace::sim::tds::testing
