// Byte streams of clients, run against the front with the real engine behind it; and how they are made and changed.
//
// Shape    A stream is what one client sends, packet after packet. After each whole message the reply is awaited, unless
//          the header's last byte (`window`, always 0 on the wire) is not 0: then the next message follows at once, as an
//          attention does. In a file a stream is hexadecimal, with comments from # on.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fuzz/splicer.h"

namespace tailrace::sim::fuzz {

class Streams {
 public:
  Streams();
  ~Streams();
  // The finding; empty: none. Crashes and hangs end the process.
  std::string run(std::string_view stream);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Streams of good clients: every kind of request, parameters of every type.
std::vector<std::string> good_streams();
// The streams of a folder: *.hex.
std::vector<std::string> read_streams(const std::string& folder);
std::string parse_stream(std::string_view text);
std::string stream_text(std::string_view stream);

// One of the known streams with messages and bytes exchanged, cut, doubled, changed.
std::string changed_stream(const std::vector<std::string>& known, Random& random);

}  // namespace tailrace::sim::fuzz
