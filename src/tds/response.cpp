// Reading tokens.
#include "tds/response.h"

#include <fmt/format.h>

#include <algorithm>

#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

enum Token : std::uint8_t {
  offset_token = 0x78,
  return_status_token = 0x79,
  columns_token = 0x81,
  table_names_token = 0xA4,
  column_info_token = 0xA5,
  order_token = 0xA9,
  error_token = 0xAA,
  info_token = 0xAB,
  return_value_token = 0xAC,
  login_ack_token = 0xAD,
  feature_ack_token = 0xAE,
  row_token = 0xD1,
  row_with_bitmap_token = 0xD2,
  change_token = 0xE3,
  session_state_token = 0xE4,
  done_token = 0xFD,
  done_procedure_token = 0xFE,
  done_in_procedure_token = 0xFF,
};

enum Change : std::uint8_t {
  change_database = 1,
  change_packet_bytes = 4,
  change_collation = 7,
  change_begin = 8,
  change_commit = 9,
  change_rollback = 10,
  change_transaction_end = 17,
  change_routing = 20,
};

constexpr std::uint16_t done_and_more = 0x0001;
constexpr std::uint16_t done_with_error = 0x0002;
constexpr std::uint16_t done_with_severe_error = 0x0100;
constexpr std::uint8_t end_of_features = 0xFF;
constexpr std::uint16_t no_columns = 0xFFFF;
constexpr std::uint64_t null_chunks = ~std::uint64_t{0};
constexpr std::uint64_t unknown_total = null_chunks - 1;
constexpr std::size_t timestamp_bytes = 8;

// A decimal may leave zeros in front out; every other type has one width.
bool has_width(const TypeInfo& type, std::size_t length) {
  if (type.type == WireType::decimal_n || type.type == WireType::numeric_n) return length <= type.length;
  return length == type.length;
}

[[noreturn]] void refuse_total() {
  throw Error(ErrorKind::protocol,
              "a value of SQL Server is longer or shorter than its own head says that it is");
}

}  // namespace

void Response::begin() {
  inbox_.begin_message();
  columns_.clear();
  messages_.clear();
  has_failed_ = false;
  is_whole_ = false;
  row_at_ = 0;
}

Response::Event Response::next() {
  skip_row();
  for (;;) {
    if (inbox_.left() == 0 && !inbox_.more()) {
      if (is_whole_) return Event::end;
      throw Error(ErrorKind::protocol,
                  "a response of SQL Server ends before the server has said that it is whole");
    }
    if (inbox_.left() == 0) continue;  // A packet without data.
    const auto token = load<std::uint8_t>(inbox_.position());
    inbox_.advance(1);
    switch (token) {
      case row_token:
      case row_with_bitmap_token:
        refuse_behind_the_end();
        if (columns_.empty()) throw Error(ErrorKind::protocol, "SQL Server sends a row without columns");
        has_bitmap_ = token == row_with_bitmap_token;
        if (has_bitmap_) read_bitmap();
        row_at_ = 0;
        return Event::row;
      case columns_token:
        refuse_behind_the_end();
        read_columns();
        return Event::columns;
      case done_token:
      case done_procedure_token:
      case done_in_procedure_token:
        refuse_behind_the_end();
        read_done(token);
        return Event::done;
      case error_token: read_message(true); break;
      case info_token: read_message(false); break;
      case change_token: read_change(); break;
      case login_ack_token: read_login_ack(); break;
      case return_value_token: read_return_value(); break;
      case return_status_token:
      case offset_token: inbox_.skip(4); break;
      case feature_ack_token: read_feature_acks(); break;
      case order_token:
      case table_names_token:
      case column_info_token: sized_token(); break;
      case session_state_token:
        inbox_.need(4);
        inbox_.skip(std::uint64_t{load<std::uint32_t>(inbox_.position())} + 4);
        break;
      default:
        throw Error(ErrorKind::protocol,
                    fmt::format("SQL Server sends a token 0x{:02X}, which nobody knows", token));
    }
  }
}

std::span<const std::byte> Response::sized_token() {
  inbox_.need(2);
  const std::size_t length = load<std::uint16_t>(inbox_.position());
  inbox_.need(2 + length);
  const std::span<const std::byte> out(inbox_.position() + 2, length);
  inbox_.advance(2 + length);
  return out;
}

// It tells no length: as much as has come is tried, and more of it while that is not enough.
void Response::read_columns() {
  columns_.clear();
  inbox_.need(2);
  const std::size_t count = load<std::uint16_t>(inbox_.position());
  inbox_.advance(2);
  if (count == no_columns) return;
  while (columns_.size() < count) {
    Reader reader({inbox_.position(), inbox_.left()});
    try {
      columns_.push_back(read_column(reader));
      inbox_.advance(reader.taken());
    } catch (const Error&) {
      if (!reader.is_short() || !inbox_.more()) throw;
    }
  }
  bitmap_.resize((count + 7) / 8);
  row_at_ = count;
}

void Response::read_bitmap() {
  inbox_.need(bitmap_.size());
  std::memcpy(bitmap_.data(), inbox_.position(), bitmap_.size());
  inbox_.advance(bitmap_.size());
}

void Response::refuse_behind_the_end() const {
  if (is_whole_)
    throw Error(ErrorKind::protocol, "SQL Server sends more behind what it has called the end of a response");
}

// Its count of rows is not held against those that came: it counts what the statement has worked on, which the
// specification leaves to the server.
void Response::read_done(std::uint8_t token) {
  inbox_.need(12);
  const auto status = load<std::uint16_t>(inbox_.position());
  inbox_.advance(12);
  // An attention is answered where it was sent (Session::cancel()); elsewhere this would pass for a short result.
  if ((status & done_attention) != 0)
    throw Error(ErrorKind::protocol, "SQL Server breaks a response off, which nobody has asked for");
  // Behind a statement of a procedure the procedure's own end has to come.
  is_whole_ = token != done_in_procedure_token && (status & done_and_more) == 0;
  has_failed_ = (status & (done_with_error | done_with_severe_error)) != 0;
  columns_.clear();
  row_at_ = 0;
}

void Response::read_message(bool is_error) {
  Reader reader(sized_token());
  ServerMessage message;
  message.number = reader.number<std::int32_t>();
  message.state = reader.u8();
  message.severity = reader.u8();
  message.text = reader.long_text();
  if (is_error) messages_.push_back(std::move(message));
}

void Response::read_change() {
  Reader reader(sized_token());
  switch (reader.u8()) {
    case change_database: state_.database = reader.short_text(); break;
    case change_packet_bytes: {
      const std::string text = reader.short_text();
      std::size_t size = 0;
      for (const char c : text)
        size =
            c >= '0' && c <= '9' && size < 100'000 ? size * 10 + static_cast<std::size_t>(c - '0') : 100'000;
      if (size < 512 || size > 32'767)
        throw Error(ErrorKind::protocol, "SQL Server sets a packet size that no packet has")
            .with("size", text);
      state_.packet_bytes = size;
      break;
    }
    case change_collation: state_.collation = as_text(reader.bytes(reader.u8())); break;
    case change_begin: {
      Reader value(reader.bytes(reader.u8()));
      state_.transaction = value.u64();
      break;
    }
    case change_commit:
    case change_rollback:
    case change_transaction_end: state_.transaction = 0; break;
    case change_routing: {
      reader.u16();
      if (reader.u8() != 0)
        throw Error(ErrorKind::protocol, "SQL Server routes to something that is not TCP");
      state_.routed_port = reader.u16();
      state_.routed_host = reader.long_text();
      break;
    }
    default: break;  // Language, sort order, and what else changes nothing for a reader.
  }
}

void Response::read_login_ack() {
  Reader reader(sized_token());
  reader.u8();
  const std::span<const std::byte> version = reader.bytes(4);
  for (const std::byte each : version)
    state_.version = state_.version << 8 | std::to_integer<std::uint32_t>(each);
  state_.accepted = true;
}

// None is asked for. One that is granted all the same may change the form of what follows, as the encryption of columns
// does; the specification has the client end the connection (2.2.7.11).
void Response::read_feature_acks() {
  inbox_.need(1);
  const auto feature = load<std::uint8_t>(inbox_.position());
  inbox_.advance(1);
  if (feature != end_of_features)
    throw Error(ErrorKind::protocol,
                fmt::format("SQL Server grants the feature 0x{:02X}, which nobody has asked for", feature));
}

void Response::read_return_value() {
  inbox_.need(3);
  const std::size_t name_bytes = load<std::uint8_t>(inbox_.position() + 2) * std::size_t{2};
  inbox_.skip(3 + name_bytes);
  inbox_.skip(1 + 4 + 2);  // Status, user type, flags.
  for (;;) {
    Reader reader({inbox_.position(), inbox_.left()});
    try {
      const TypeInfo type = read_type_info(reader);
      inbox_.advance(reader.taken());
      return skip_value(type);
    } catch (const Error&) {
      if (!reader.is_short() || !inbox_.more()) throw;
    }
  }
}

std::optional<std::size_t> Response::value_length(const TypeInfo& type) {
  switch (type.form) {
    case LengthForm::fixed: return type.length;
    case LengthForm::byte_length: {
      inbox_.need(1);
      const std::size_t length = load<std::uint8_t>(inbox_.position());
      inbox_.advance(1);
      if (length == 0) return std::nullopt;
      if (!has_width(type, length))
        throw Error(ErrorKind::protocol, "SQL Server sends a value of a width that its type does not have");
      return length;
    }
    case LengthForm::short_length: {
      inbox_.need(2);
      const std::size_t length = load<std::uint16_t>(inbox_.position());
      inbox_.advance(2);
      if (length == 0xFFFF) return std::nullopt;
      if (length > type.length)
        throw Error(ErrorKind::protocol, "SQL Server sends a value wider than its type");
      return length;
    }
    case LengthForm::text_pointer: {
      inbox_.need(1);
      const std::size_t pointer_bytes = load<std::uint8_t>(inbox_.position());
      inbox_.advance(1);
      if (pointer_bytes == 0) return std::nullopt;
      inbox_.skip(pointer_bytes + timestamp_bytes);
      inbox_.need(4);
      const std::size_t length = load<std::uint32_t>(inbox_.position());
      inbox_.advance(4);
      return length;
    }
    case LengthForm::long_length: {
      inbox_.need(4);
      const std::size_t length = load<std::uint32_t>(inbox_.position());
      inbox_.advance(4);
      if (length == 0) return std::nullopt;
      return length;
    }
    case LengthForm::chunks: break;
  }
  TAILRACE_ASSERT(false);
}

// A value that is one chunk and lies in the window, its end as well: then nothing is copied.
std::optional<std::span<const std::byte>> Response::whole_chunk() {
  constexpr std::size_t head = 8 + 4;
  constexpr std::size_t tail = 4;
  if (inbox_.left() < head + tail || load<std::uint64_t>(inbox_.position()) == null_chunks)
    return std::nullopt;
  const auto total = load<std::uint64_t>(inbox_.position());
  const std::size_t chunk = load<std::uint32_t>(inbox_.position() + 8);
  if (chunk == 0 || inbox_.left() - head - tail < chunk) return std::nullopt;
  const std::span<const std::byte> out(inbox_.position() + head, chunk);
  if (load<std::uint32_t>(out.data() + chunk) != 0) return std::nullopt;
  if (total != unknown_total && total != chunk) refuse_total();
  inbox_.advance(head + chunk + tail);
  return out;
}

// `use` is called with the length of each chunk, and takes as much as it says.
template <class Use>
bool Response::go_through_chunks(const Use& use) {
  inbox_.need(8);
  const auto total = load<std::uint64_t>(inbox_.position());
  inbox_.advance(8);
  if (total == null_chunks) return false;
  for (std::uint64_t sum = 0;;) {
    inbox_.need(4);
    const std::size_t chunk = load<std::uint32_t>(inbox_.position());
    inbox_.advance(4);
    sum += chunk;
    if (total != unknown_total && (chunk == 0 ? sum != total : sum > total)) refuse_total();
    if (chunk == 0) return true;
    use(chunk);
  }
}

bool Response::read_chunks(std::string& out, std::size_t limit) {
  return go_through_chunks([&](std::size_t chunk) {
    // Two more show that there is more.
    const std::size_t wanted = std::min(chunk, limit + 2 - std::min(limit + 2, out.size()));
    inbox_.append_to(out, wanted);
    inbox_.skip(chunk - wanted);
  });
}

std::optional<std::span<const std::byte>> Response::read_value(const TypeInfo& type, std::string& scratch,
                                                               std::size_t limit) {
  if (type.form == LengthForm::chunks) {
    if (const std::optional<std::span<const std::byte>> whole = whole_chunk()) return whole;
    scratch.clear();
    if (!read_chunks(scratch, limit)) return std::nullopt;
    return as_bytes(scratch);
  }
  const std::optional<std::size_t> length = value_length(type);
  if (!length) return std::nullopt;
  if (type.form == LengthForm::text_pointer || type.form == LengthForm::long_length) {
    scratch.clear();
    const std::size_t wanted = std::min(*length, limit + 2);
    inbox_.append_to(scratch, wanted);
    inbox_.skip(*length - wanted);
    return as_bytes(scratch);
  }
  inbox_.need(*length);
  const std::span<const std::byte> out(inbox_.position(), *length);
  inbox_.advance(*length);
  return out;
}

void Response::skip_value(const TypeInfo& type) {
  if (type.form != LengthForm::chunks) {
    if (const std::optional<std::size_t> length = value_length(type)) inbox_.skip(*length);
    return;
  }
  go_through_chunks([&](std::size_t chunk) { inbox_.skip(chunk); });
}

std::optional<std::span<const std::byte>> Response::take_value(std::size_t column, std::string& scratch,
                                                               std::size_t limit) {
  TAILRACE_ASSERT(column >= row_at_ && column < columns_.size());
  skip_to(column);
  ++row_at_;
  if (is_left_out(column)) return std::nullopt;
  return read_value(columns_[column].type, scratch, limit);
}

void Response::skip_to(std::size_t column) {
  for (; row_at_ < column; ++row_at_) {
    if (!is_left_out(row_at_)) skip_value(columns_[row_at_].type);
  }
}

}  // namespace tailrace::tds
