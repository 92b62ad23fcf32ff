// K7: letters on their way from their box to a post that may fail at any step.
#include "pipeline/letter_forwarder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "base/error.h"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What lives longer than a process: the box's rows and the topic.
struct World {
  std::mutex mutex;
  std::deque<std::string> waiting;
  std::map<std::string, std::string> refused;
  bool has_turn = true;
  std::vector<std::string> topic;
  std::vector<std::string> last_transaction;
  std::set<std::string> too_large;
  int failures = 0;         // So many sends fail, and nothing is sent.
  int lost_answers = 0;     // So many sends succeed, and nobody hears of it.
  int failed_removals = 0;  // So many removals of what was sent fail.
  int opened = 0;

  void put(const std::string& id) {
    const std::lock_guard lock(mutex);
    waiting.push_back(id);
  }
};

bool take_one(int& count) {
  if (count == 0) return false;
  --count;
  return true;
}

class FakeBox : public LetterBox {
 public:
  explicit FakeBox(World& world) : world_(world) {}
  bool take_turn() override {
    const std::lock_guard lock(world_.mutex);
    return world_.has_turn;
  }
  std::vector<WaitingLetter> waiting(std::size_t most) override {
    const std::lock_guard lock(world_.mutex);
    std::vector<WaitingLetter> out;
    for (std::size_t i = 0; i < std::min(most, world_.waiting.size()); ++i)
      out.push_back({.id = world_.waiting[i]});
    return out;
  }
  void sent(const std::vector<std::string>& ids) override {
    const std::lock_guard lock(world_.mutex);
    if (!ids.empty() && take_one(world_.failed_removals))
      throw Error(ErrorKind::unavailable, "the connection was lost");
    for (const std::string& id : ids)
      std::erase(world_.waiting, id);
  }
  void refused(const std::string& id, const std::string& why) override {
    const std::lock_guard lock(world_.mutex);
    std::erase(world_.waiting, id);
    world_.refused[id] = why;
  }

 private:
  World& world_;
};

class FakePost : public LetterPost {
 public:
  explicit FakePost(World& world) : world_(world) {}
  std::vector<std::string> open(const std::stop_token&) override {
    const std::lock_guard lock(world_.mutex);
    is_open_ = true;
    ++world_.opened;
    return world_.last_transaction;
  }
  bool send(const std::vector<WaitingLetter>& letters, const std::stop_token&) override {
    const std::lock_guard lock(world_.mutex);
    EXPECT_TRUE(is_open_) << "a post that has failed is of no more use";
    if (take_one(world_.failures)) {
      is_open_ = false;
      throw Error(ErrorKind::unavailable, "no broker");
    }
    for (const WaitingLetter& letter : letters) {
      if (!world_.too_large.contains(letter.id)) continue;
      is_open_ = false;
      throw Error(ErrorKind::data, "too large");
    }
    world_.last_transaction.clear();
    for (const WaitingLetter& letter : letters) {
      world_.topic.push_back(letter.id);
      world_.last_transaction.push_back(letter.id);
    }
    if (take_one(world_.lost_answers)) {
      is_open_ = false;
      throw Error(ErrorKind::unavailable, "no answer");
    }
    return true;
  }

 private:
  World& world_;
  bool is_open_ = false;
};

class K7_Forwarder : public ::testing::Test {
 protected:
  std::unique_ptr<LetterForwarder> forwarder() {
    return std::make_unique<LetterForwarder>([this] { return std::make_unique<FakeBox>(world_); },
                                             [this] { return std::make_unique<FakePost>(world_); },
                                             LetterForwarder::Times{1ms, 1ms, 1ms});
  }
  void until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      {
        const std::lock_guard lock(world_.mutex);
        if (condition()) return;
      }
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  World world_;
};

// Out of order a key's letters would say something else.
TEST_F(K7_Forwarder, SendsWhatWaitsInOrder) {
  for (const char* const id : {"a", "b", "c"})
    world_.put(id);
  EXPECT_TRUE(forwarder()->finish(20s));
  EXPECT_THAT(world_.topic, ElementsAre("a", "b", "c"));
  EXPECT_THAT(world_.waiting, IsEmpty());
}

// Nothing to send: no transactional id is taken over, no topic is made.
TEST_F(K7_Forwarder, OpensNoPostWithoutALetter) {
  EXPECT_TRUE(forwarder()->finish(20s));
  EXPECT_EQ(world_.opened, 0);
}

// A broker that is away for a while: the letters wait, and go out once.
TEST_F(K7_Forwarder, TriesAgainWhatFailed) {
  world_.put("a");
  world_.failures = 3;
  const auto running = forwarder();
  until([this] { return world_.waiting.empty(); });
  EXPECT_TRUE(running->finish(20s));
  EXPECT_THAT(world_.topic, ElementsAre("a"));
}

// The commit was done and its answer is lost: sent again, the letter would be there twice.
TEST_F(K7_Forwarder, ALostAnswerSendsNothingTwice) {
  world_.put("a");
  world_.put("b");
  world_.lost_answers = 1;
  const auto running = forwarder();
  until([this] { return world_.waiting.empty(); });
  world_.put("c");
  EXPECT_TRUE(running->finish(20s));
  EXPECT_THAT(world_.topic, ElementsAre("a", "b", "c"));
}

// The same where the process ends between the commit and the removal, and another goes on.
TEST_F(K7_Forwarder, WhatWasSentAndNotRemovedIsNotSentAgain) {
  world_.put("a");
  world_.failed_removals = 1;
  static_cast<void>(forwarder()->finish(20s));
  EXPECT_TRUE(forwarder()->finish(20s));
  EXPECT_THAT(world_.topic, ElementsAre("a"));
  EXPECT_THAT(world_.waiting, IsEmpty());
  EXPECT_EQ(world_.opened, 2);
}

// One letter that the topic refuses must not keep the others.
TEST_F(K7_Forwarder, ARefusedLetterStaysAndTheOthersGo) {
  for (const char* const id : {"a", "b", "c", "d"})
    world_.put(id);
  world_.too_large = {"b"};
  const auto running = forwarder();
  until([this] { return world_.waiting.empty(); });
  EXPECT_TRUE(running->finish(20s));
  EXPECT_THAT(world_.topic, ElementsAre("a", "c", "d"));
  EXPECT_EQ(world_.refused.at("b"), "too large");
}

// Another process has the turn: two that send would send each letter twice.
TEST_F(K7_Forwarder, SendsNothingWithoutTheTurn) {
  world_.put("a");
  world_.has_turn = false;
  EXPECT_TRUE(forwarder()->finish(20s));
  EXPECT_THAT(world_.topic, IsEmpty());
}

// At the end of a run nobody waits for a broker that is away.
TEST_F(K7_Forwarder, AnEndIsNotKeptByWhatCannotBeSent) {
  world_.put("a");
  world_.failures = 1'000'000;
  EXPECT_FALSE(forwarder()->finish(20s));
  EXPECT_THAT(world_.waiting, ElementsAre("a"));
}

}  // namespace
}  // namespace tailrace
