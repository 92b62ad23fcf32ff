// Orders of faults, matched by text, and counters.
#include "sim/faults/faults.h"

#include <condition_variable>

#include "sim/storage/collation.h"

namespace tailrace::sim {
namespace {

void wait(std::chrono::milliseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::move(stop), duration, [] { return false; });
}

}  // namespace

StatementFault Faults::before_statement(std::string_view sql, std::stop_token stop) {
  StatementFault fault;
  if (order_count_.load(std::memory_order_relaxed) == 0) return fault;
  {
    const std::scoped_lock lock(mutex_);
    const std::string folded = fold_text(sql);
    for (auto order = orders_.begin(); order != orders_.end();) {
      if (folded.find(order->text) == std::string::npos) {
        ++order;
        continue;
      }
      if (order->skip > 0) {
        --order->skip;
        ++order;
        continue;
      }
      switch (order->kind) {
        case Order::Kind::error: fault.error = order->error; break;
        case Order::Kind::delay: fault.delay += order->delay; break;
        case Order::Kind::reset: fault.reset_after_rows = order->after_rows; break;
        case Order::Kind::reset_after_statement: fault.reset_after_statement = true; break;
        case Order::Kind::before: fault.before.push_back(order->batch); break;
      }
      order = --order->times <= 0 ? orders_.erase(order) : std::next(order);
    }
    order_count_.store(static_cast<std::int64_t>(orders_.size()));
  }
  if (fault.delay.count() > 0) wait(fault.delay, std::move(stop));
  return fault;
}

bool Faults::login_refused(std::string_view user) {
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(refusals_, [&](const Refusal& refusal) { return refusal.until <= now; });
  for (const Refusal& refusal : refusals_) {
    if (refusal.user.empty() || same_name(refusal.user, user)) return true;
  }
  return false;
}

void Faults::add(Order order) {
  order.text = fold_text(order.text);
  const std::scoped_lock lock(mutex_);
  orders_.push_back(std::move(order));
  order_count_.store(static_cast<std::int64_t>(orders_.size()));
}

void Faults::order_error(const SqlError& error, std::string_view text, std::int64_t times) {
  add({Order::Kind::error, std::string(text), times, error, {}, 0, {}, 0});
}

void Faults::order_delay(std::chrono::milliseconds delay, std::string_view text, std::int64_t times) {
  add({Order::Kind::delay, std::string(text), times, {}, delay, 0, {}, 0});
}

void Faults::order_reset(std::uint64_t after_rows, std::string_view text, std::int64_t times) {
  add({Order::Kind::reset, std::string(text), times, {}, {}, after_rows, {}, 0});
}

void Faults::order_reset_after_statement(std::string_view text, std::int64_t times) {
  add({Order::Kind::reset_after_statement, std::string(text), times, {}, {}, 0, {}, 0});
}

void Faults::order_before(std::string_view text, std::string_view database, std::string_view sql,
                          std::int64_t times, std::int64_t skip) {
  add({Order::Kind::before,
       std::string(text),
       times,
       {},
       {},
       0,
       {std::string(database), std::string(sql)},
       skip});
}

void Faults::disconnect_others(std::uint64_t own_session) {
  kept_session_ = own_session;
  oldest_session_ = next_session_.load();
}

void Faults::refuse_logins(std::string_view user, std::chrono::milliseconds duration) {
  const std::scoped_lock lock(mutex_);
  refusals_.push_back({std::string(user), std::chrono::steady_clock::now() + duration});
}

void Faults::clear() {
  const std::scoped_lock lock(mutex_);
  orders_.clear();
  refusals_.clear();
  order_count_.store(0);
}

void Faults::count_rows(std::string_view object, std::uint64_t rows) {
  const std::scoped_lock lock(mutex_);
  const auto found = rows_.find(object);
  if (found == rows_.end()) {
    rows_.emplace(std::string(object), rows);
  } else {
    found->second += rows;
  }
}

std::vector<Faults::Counter> Faults::counters() {
  std::vector<Counter> all{{"statements", statements_.load()},
                           {"batches", batches_.load()},
                           {"rpcs", rpcs_.load()},
                           {"logins", logins_.load()}};
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, value] : rows_)
    all.push_back({"rows " + name, value});
  return all;
}

void Faults::reset_counters() {
  statements_ = 0;
  batches_ = 0;
  rpcs_ = 0;
  logins_ = 0;
  const std::scoped_lock lock(mutex_);
  rows_.clear();
}

}  // namespace tailrace::sim
