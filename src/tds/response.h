// The tokens of a response: columns, rows, what the server says beside them.
//
// Shape    next() goes on to the next thing that a caller has to know of. At a row its values are then taken column by
//          column, in order; what is not taken is skipped. Rows may also be read from the inbox's window directly
//          (row_bitmap() says what is left out), and are then declared taken.
// Errors   protocol, above all for a message that ends before the server has said that its response is whole: the end
//          of the packets alone proves nothing. What the server itself complains of is no exception here: messages()
//          holds it.
// Source   [MS-TDS] 2.2.7 (token definitions), 2.2.7.6 to 2.2.7.8 (what completes a response).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tds/inbox.h"
#include "tds/types.h"

namespace tailrace::tds {

struct ServerMessage {
  std::int32_t number = 0;
  std::uint8_t state = 0;
  std::uint8_t severity = 0;
  std::string text;
};

// What the server told about the session, beside any result.
struct SessionState {
  std::size_t packet_bytes = 4096;
  std::string database;
  std::string collation;  // Five bytes.
  std::uint64_t transaction = 0;
  bool accepted = false;  // LOGINACK came.
  std::uint32_t version = 0;
  std::string routed_host;  // Where to go instead.
  std::uint16_t routed_port = 0;
};

class Response {
 public:
  enum class Event : std::uint8_t {
    columns,  // A result begins.
    row,
    done,  // A statement, or a result, is over.
    end,   // Nothing more comes, as the server has said itself.
  };

  // Borrows both, which must outlive this.
  Response(Inbox& inbox, SessionState& state) : inbox_(inbox), state_(state) {}

  // The next message of the server is a response.
  void begin();
  Event next();

  Inbox& inbox() { return inbox_; }
  // Of the result that is being read.
  const std::vector<Column>& columns() const { return columns_; }

  // The row's null bitmap, or nothing where the row has none: then each value tells it itself.
  std::span<const std::uint8_t> row_bitmap() const {
    return {bitmap_.data(), has_bitmap_ ? bitmap_.size() : std::size_t{0}};
  }
  bool is_left_out(std::size_t column) const {
    return has_bitmap_ && (bitmap_[column / 8] >> column % 8 & 1) != 0;
  }
  // The next column whose value was not taken.
  std::size_t row_at() const { return row_at_; }
  void set_row_at(std::size_t column) { row_at_ = column; }

  // The value of a column that was not taken yet; nothing: NULL. It lies in the window or in `scratch`, until the next
  // call. Of one longer than `limit` more than `limit` bytes come, but perhaps not all.
  std::optional<std::span<const std::byte>> take_value(std::size_t column, std::string& scratch,
                                                       std::size_t limit = std::size_t{1} << 30);
  // Values in front of `column` that were not taken are passed over.
  void skip_to(std::size_t column);
  void skip_row() { skip_to(columns_.size()); }

  // Errors of the server since they were last taken.
  const std::vector<ServerMessage>& messages() const { return messages_; }
  std::vector<ServerMessage> take_messages() { return std::exchange(messages_, {}); }
  // The last done said that something failed.
  bool has_failed() const { return has_failed_; }

 private:
  void read_columns();
  void read_bitmap();
  void read_done(std::uint8_t token);
  void refuse_behind_the_end() const;
  void read_message(bool is_error);
  void read_change();
  void read_login_ack();
  void read_return_value();
  void read_feature_acks();
  void skip_value(const TypeInfo& type);
  // A token whose length is told in two bytes.
  std::span<const std::byte> sized_token();
  std::optional<std::span<const std::byte>> read_value(const TypeInfo& type, std::string& scratch,
                                                       std::size_t limit);
  std::optional<std::size_t> value_length(const TypeInfo& type);
  std::optional<std::span<const std::byte>> whole_chunk();
  template <class Use>
  bool go_through_chunks(const Use& use);
  bool read_chunks(std::string& out, std::size_t limit);

  Inbox& inbox_;
  SessionState& state_;
  std::vector<Column> columns_;
  std::vector<std::uint8_t> bitmap_;
  bool has_bitmap_ = false;
  bool has_failed_ = false;
  bool is_whole_ = false;  // The server has said that nothing more comes.
  std::size_t row_at_ = 0;
  std::vector<ServerMessage> messages_;
};

}  // namespace tailrace::tds
