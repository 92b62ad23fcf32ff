// The meeting of joiner and stream.
#include "pipeline/handover.h"

#include <utility>

namespace tailrace {

bool Handover::ask(Change change, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  asked_ = std::move(change);
  refused_ = nullptr;
  durable_ = false;
  const auto is_answered = [&] { return durable_ || refused_ != nullptr || closed_; };
  if (!changed_.wait(lock, stop, is_answered) && !asked_) changed_.wait(lock, is_answered);
  asked_.reset();
  if (refused_ != nullptr) std::rethrow_exception(std::exchange(refused_, nullptr));
  return durable_;
}

bool Handover::join(const StreamTable& table, const std::stop_token& stop) {
  return ask({table, std::nullopt}, stop);
}

bool Handover::leave(const TableName& table, const std::stop_token& stop) {
  return ask({std::nullopt, table}, stop);
}

Lsn Handover::position() const {
  const std::lock_guard lock(mutex_);
  return position_;
}

void Handover::moved(const Lsn& position) {
  const std::lock_guard lock(mutex_);
  position_ = position;
}

std::optional<Handover::Change> Handover::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(asked_, std::nullopt);
}

void Handover::refuse() {
  const std::lock_guard lock(mutex_);
  refused_ = std::current_exception();
  changed_.notify_all();
}

void Handover::durable() {
  const std::lock_guard lock(mutex_);
  durable_ = true;
  changed_.notify_all();
}

void Handover::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace tailrace
