// A client of bare packets: it says what no library would say, and when.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim::tds::testing {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient();

  void send(std::string_view bytes);
  void send_packet(std::uint8_t type, std::string_view payload, std::uint8_t status = 1);
  // A LOGIN7 without PRELOGIN before it, as sa; the answer must be a LOGINACK.
  void log_in(std::string_view password = "secret");
  void send_batch(std::string_view ascii, std::uint8_t status = 1);
  void send_attention() { send_packet(6, ""); }

  // The payload of the next message, whole. Empty: the server has hung up.
  std::string read_message();
  // The payload of the next packet alone.
  std::string read_packet(bool& last);
  // What ended the last read: 0 for a plain end, else errno.
  int error() const { return error_; }
  void hang_up();

 private:
  bool read_exactly(char* out, std::size_t bytes);

  int socket_ = -1;
  int error_ = 0;
};

// The status of a DONE at the end of an answer's payload.
std::uint16_t last_done_status(std::string_view payload);

}  // namespace tailrace::sim::tds::testing
