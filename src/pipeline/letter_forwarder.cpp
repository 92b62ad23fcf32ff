// The forwarder's loop.
#include "pipeline/letter_forwarder.h"

#include <algorithm>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"

namespace tailrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Of one transaction; the box bounds their bytes.
constexpr std::size_t most_letters = 500;
constexpr milliseconds longest_letter_retry{30'000};
constexpr milliseconds tell_waiting_every{10'000};

std::vector<std::string> ids_of(const std::vector<WaitingLetter>& letters) {
  std::vector<std::string> out;
  for (const WaitingLetter& letter : letters)
    out.push_back(letter.id);
  return out;
}

}  // namespace

LetterForwarder::LetterForwarder(LetterBoxFactory make_box, LetterPostFactory make_post, Times times)
    : make_box_(std::move(make_box)),
      make_post_(std::move(make_post)),
      times_(times),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

LetterForwarder::~LetterForwarder() {
  thread_.request_stop();
}

bool LetterForwarder::finish(milliseconds time) {
  std::unique_lock lock(mutex_);
  ends_ = true;
  news_.notify_all();
  news_.wait_for(lock, time, [this] { return ended_; });
  if (!ended_ || !empty_)
    log::warn("letters.still_wait", {{"reason", "they could not be sent before the end; the next run does"}});
  return ended_ && empty_;
}

void LetterForwarder::pause(milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  news_.wait_for(lock, stop, time, [this] { return ends_; });
}

void LetterForwarder::ended(bool is_empty) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  empty_ = is_empty;
  news_.notify_all();
}

void LetterForwarder::failed(const std::exception& error, milliseconds wait) {
  box_.reset();
  post_.reset();
  if (steady_clock::now() < told_ + tell_waiting_every) return;
  told_ = steady_clock::now();
  log::warn("letters.wait", {{"reason", error.what()}, {"wait_ms", wait.count()}});
}

void LetterForwarder::run(const std::stop_token& stop) {
  milliseconds wait = times_.shortest_retry;
  while (!stop.stop_requested()) {
    const bool is_last = [this] {
      const std::lock_guard lock(mutex_);
      return ends_;
    }();
    try {
      const Step made = step(stop);
      wait = times_.shortest_retry;
      if (made == Step::sent) continue;
      // Another process has the turn: what waits is that one's business.
      if (is_last) return ended(true);
      pause(made == Step::empty ? times_.look_every : times_.ask_turn_every, stop);
    } catch (const Error& error) {
      if (stop.stop_requested()) return;
      failed(error, wait);
      if (is_last) return ended(false);
      pause(wait, stop);
      wait = std::min(2 * wait, longest_letter_retry);
    }
  }
}

LetterForwarder::Step LetterForwarder::step(const std::stop_token& stop) {
  if (box_ == nullptr) {
    post_.reset();  // Another may have had the turn in between.
    box_ = make_box_();
  }
  if (!box_->take_turn()) {
    post_.reset();
    return Step::not_ours;
  }
  std::vector<WaitingLetter> letters = next_letters();
  if (letters.empty()) return Step::empty;
  if (post_ == nullptr) {
    std::unique_ptr<LetterPost> post = make_post_();
    const std::vector<std::string> sent = post->open(stop);
    crash_point("letters.opened");
    box_->sent(sent);
    post_ = std::move(post);
    letters = next_letters();
    if (letters.empty()) return Step::empty;
  }
  return send(letters, stop) ? Step::sent : Step::empty;
}

std::vector<WaitingLetter> LetterForwarder::next_letters() {
  return box_->waiting(one_by_one_ ? 1 : most_letters);
}

bool LetterForwarder::send(const std::vector<WaitingLetter>& letters, const std::stop_token& stop) {
  try {
    if (!post_->send(letters, stop)) {
      post_.reset();
      return false;
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    post_.reset();
    if (letters.size() == 1) {
      box_->refused(letters.front().id, error.message());
      log::error("letters.refused", {{"letter", letters.front().id},
                                     {"topic", letters.front().topic},
                                     {"partition", letters.front().partition},
                                     {"offset", letters.front().record.offset},
                                     {"reason", error.what()}});
      one_by_one_ = false;
    } else {
      one_by_one_ = true;
    }
    return true;
  }
  crash_point("letters.after_commit");
  box_->sent(ids_of(letters));
  crash_point("letters.after_delete");
  log::info("letters.sent", {{"letters", letters.size()}});
  return true;
}

}  // namespace tailrace
