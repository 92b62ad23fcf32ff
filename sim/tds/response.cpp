// The answer to one request.
#include "sim/tds/response.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/tds/tokens.h"

namespace tailrace::sim::tds {
namespace {

// The first packet leaves as soon as it is full; a long result then goes out in larger and larger bursts.
constexpr std::size_t largest_burst_bytes = 64 * 1024;
constexpr std::size_t kept_buffer_bytes = 256 * 1024;

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

}  // namespace

void Response::begin(std::stop_token stop) {
  pending_.clear();
  pending_.shrink(kept_buffer_bytes);
  stop_ = std::move(stop);
  held_.reset();
  burst_bytes_ = protocol_.packet_bytes;
  call_ = nullptr;
  failed_ = false;
  complete_ = false;
}

void Response::begin_call(const RpcCall& call) {
  call_ = &call;
  next_output_ = 0;
  failed_ = false;
}

void Response::end_call(bool more_calls) {
  release(true);
  std::uint16_t status = failed_ ? done_status::error : 0;
  if (more_calls) status |= done_status::more;
  put_done(pending_, protocol_, token::done_procedure, status, StatementKind::other, 0);
  call_ = nullptr;
  failed_ = false;
  complete_ = !more_calls;
}

void Response::end() {
  if (held_) {
    release(false);
  } else if (!complete_) {
    const std::uint16_t status = failed_ ? done_status::error : 0;
    put_done(pending_, protocol_, token::done, status, StatementKind::other, 0);
  }
  if (!broken_ && !channel_.send_message_end(pending_, protocol_.packet_bytes)) broken_ = true;
}

void Response::end_cancelled() {
  release(true);
  put_done(pending_, protocol_, token::done, done_status::error, StatementKind::other, 0);
  if (!broken_ && !channel_.send_message_end(pending_, protocol_.packet_bytes)) broken_ = true;
  acknowledge_attention();
}

void Response::acknowledge_attention() {
  pending_.clear();
  put_done(pending_, protocol_, token::done, done_status::attention, StatementKind::other, 0);
  if (!broken_ && !channel_.send_message_end(pending_, protocol_.packet_bytes)) broken_ = true;
}

void Response::acknowledge_reset() {
  put_reset_acknowledgement(pending_);
}

void Response::release(bool more) {
  if (!held_) return;
  const std::uint16_t status = static_cast<std::uint16_t>(held_->status | (more ? done_status::more : 0));
  put_done(pending_, protocol_, held_->token, status, held_->kind, held_->rows);
  held_.reset();
}

void Response::send_what_is_full() {
  if (broken_) {
    pending_.clear();
    return;
  }
  if (pending_.size() <= burst_bytes_) return;
  if (!channel_.send_full_packets(pending_, protocol_.packet_bytes)) broken_ = true;
  burst_bytes_ =
      std::min(burst_bytes_ * 2, std::max<std::size_t>(largest_burst_bytes, protocol_.packet_bytes));
}

void Response::columns(std::span<const ResultColumn> columns) {
  release(true);
  put_column_metadata(pending_, protocol_, columns);
  encoder_.set_columns(columns, protocol_.has_new_times());
  send_what_is_full();
}

bool Response::row(std::span<const Cell> cells) {
  if (broken_ || stop_.stop_requested()) return false;
  encoder_.put_row(pending_, cells);
  if (pending_.size() > burst_bytes_) send_what_is_full();
  return !broken_;
}

void Response::done(StatementKind kind, std::optional<std::uint64_t> rows, bool failed) {
  release(true);
  std::uint16_t status = 0;
  if (rows) status |= done_status::count;
  if (failed) status |= done_status::error;
  const std::uint8_t token = call_ != nullptr ? token::done_in_procedure : token::done;
  held_ = HeldDone{token, status, kind, rows.value_or(0)};
  failed_ = failed;
  send_what_is_full();
}

void Response::message(const ServerMessage& message) {
  release(true);
  put_message(pending_, protocol_, message);
  if (message.severity > 10) failed_ = true;
  if (message.severity >= 20) fatal_ = true;
  send_what_is_full();
}

void Response::database_changed(std::string_view from, std::string_view to) {
  release(true);
  put_text_change(pending_, environment::database, to, from);
  message({.number = 5701,
           .state = 2,
           .severity = 0,
           .text = fmt::format("Changed database context to '{}'.", to),
           .procedure = {},
           .line = 1});
}

void Response::transaction_began(std::uint64_t descriptor) {
  release(true);
  put_transaction_change(pending_, environment::transaction_began, descriptor);
}

void Response::transaction_committed(std::uint64_t descriptor) {
  release(true);
  put_transaction_change(pending_, environment::transaction_committed, descriptor);
}

void Response::transaction_rolled_back(std::uint64_t descriptor) {
  release(true);
  put_transaction_change(pending_, environment::transaction_rolled_back, descriptor);
}

void Response::return_status(std::int32_t status) {
  release(true);
  put_return_status(pending_, status);
}

void Response::return_value(const ParameterValue& value) {
  release(true);
  put_return_value(pending_, protocol_, ordinal_of(value), value);
  send_what_is_full();
}

// Where the parameter stood in the call: by its name, else the next one that wants an answer.
std::uint16_t Response::ordinal_of(const ParameterValue& value) {
  if (call_ == nullptr) return 0;
  const std::vector<ParameterValue>& parameters = call_->parameters;
  if (!value.name.empty()) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (same_name(parameters[i].name, value.name)) return static_cast<std::uint16_t>(i);
    }
  }
  for (; next_output_ < parameters.size(); ++next_output_) {
    if (parameters[next_output_].output) return static_cast<std::uint16_t>(next_output_++);
  }
  return 0;
}

void Response::reset_connection() {
  release(true);
  // What cannot be sent any more is lost with the connection all the same.
  if (!broken_) broken_ = !channel_.send_unfinished(pending_, protocol_.packet_bytes);
  channel_.reset();
  broken_ = true;
}

}  // namespace tailrace::sim::tds
