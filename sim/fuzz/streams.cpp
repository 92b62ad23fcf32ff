// Byte streams of clients, run against the front with the real engine behind it.
#include "sim/fuzz/streams.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "sim/fuzz/findings.h"
#include "sim/fuzz/watchdog.h"
#include "sim/tds/certificate.h"
#include "sim/tds/connection.h"
#include "sim/tds/testing/bytes.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::fuzz {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds stream_patience{2'000};
constexpr milliseconds stream_grace{20'000};
constexpr int reply_ms = 150;  // A message that ends in the middle gets none.
constexpr int streams_an_engine = 200;

// What the server sends, read so far that the end of each message is seen.
class Replies {
 public:
  explicit Replies(int socket) : socket_(socket) {}

  // False: the server has hung up.
  bool await_message() {
    for (;;) {
      pollfd watched{.fd = socket_, .events = POLLIN, .revents = 0};
      if (::poll(&watched, 1, reply_ms) <= 0) return true;
      char bytes[16384];
      const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      if (take({bytes, static_cast<std::size_t>(got)})) return true;
    }
  }
  void drain() {
    char bytes[16384];
    while (::recv(socket_, bytes, sizeof bytes, 0) > 0) {
    }
  }

 private:
  // True when a message's last packet is complete.
  bool take(std::string_view bytes) {
    bool ended = false;
    held_ += bytes;
    while (held_.size() >= tds::packet_header_bytes) {
      const auto at = [this](std::size_t i) { return static_cast<std::uint8_t>(held_[i]); };
      const std::size_t length =
          std::max<std::size_t>(tds::packet_header_bytes, static_cast<std::size_t>(at(2)) << 8 | at(3));
      if (held_.size() < length) break;
      ended = (at(1) & tds::packet_status::end_of_message) != 0;
      held_.erase(0, length);
    }
    return ended;
  }

  int socket_;
  std::string held_;
};

// The first packets of `stream` up to the end of a message; all of it where it ends before.
std::string_view first_message(std::string_view stream) {
  std::size_t at = 0;
  while (at + tds::packet_header_bytes <= stream.size()) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(stream[at + i]); };
    const std::size_t length = static_cast<std::size_t>(byte(2)) << 8 | byte(3);
    const bool last = (byte(1) & tds::packet_status::end_of_message) != 0;
    at += std::max(length, tds::packet_header_bytes);
    if (last) return stream.substr(0, std::min(at, stream.size()));
  }
  return stream;
}

std::unique_ptr<Engine> prepared_engine() {
  EngineSettings settings;
  settings.sa_password = "secret";
  settings.capture_interval_ms = 20;
  return make_engine(settings);
}

}  // namespace

struct Streams::State {
  ErrorLines errors;
  Watchdog watchdog{stream_patience, stream_grace};
  tds::AttentionWatch watch;
  tds::TlsContext tls;
  std::unique_ptr<Engine> engine;
  int left = 0;  // Streams until the next engine.
};

Streams::Streams() : state_(std::make_unique<State>()) {
  std::string folder = (std::filesystem::temp_directory_path() / "sim-fuzz-XXXXXX").string();
  TAILRACE_ASSERT(::mkdtemp(folder.data()) != nullptr);
  tds::ensure_self_signed(folder + "/server.pem");
  state_->tls = tds::make_tls_context(folder + "/server.pem");
  std::filesystem::remove_all(folder);
}

Streams::~Streams() = default;

std::string Streams::run(std::string_view stream) {
  if (state_->left-- == 0) {
    state_->engine.reset();
    state_->engine = prepared_engine();
    state_->left = streams_an_engine - 1;
  }
  (void)state_->errors.take();
  int ends[2];
  TAILRACE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const int client = ends[0];
  tds::Connection connection(ends[1], 51, *state_->engine, state_->tls.get(), state_->watch);
  state_->watchdog.run("a stream", [&](const std::stop_token& stop) {
    const std::stop_callback abort(stop, [&] { connection.abort(); });
    std::jthread server([&] {
      connection.run();
      connection.abort();
    });
    Replies replies(client);
    for (bool alive = true; alive && !stream.empty();) {
      const std::string_view message = first_message(stream);
      stream.remove_prefix(message.size());
      const bool at_once = message.size() >= tds::packet_header_bytes && message[7] != 0;
      alive = ::send(client, message.data(), message.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(message.size());
      if (alive && !at_once) alive = replies.await_message();
    }
    ::shutdown(client, SHUT_WR);
    replies.drain();
  });
  ::close(client);
  return state_->errors.take();
}

std::string parse_stream(std::string_view text) {
  std::string hex;
  bool comment = false;
  for (const char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (!comment) hex.push_back(c);
  }
  return tds::testing::bytes(hex);
}

std::string stream_text(std::string_view stream) {
  std::string out;
  while (!stream.empty()) {
    std::string_view message = first_message(stream);
    stream.remove_prefix(message.size());
    while (!message.empty()) {
      const std::string_view line = message.substr(0, 32);
      message.remove_prefix(line.size());
      out += tds::testing::hex(line) + "\n";
    }
    out += "\n";
  }
  return out;
}

std::vector<std::string> read_streams(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".hex") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> out;
  for (const std::string& path : paths)
    out.push_back(parse_stream(file_text(path)));
  return out;
}

}  // namespace tailrace::sim::fuzz
