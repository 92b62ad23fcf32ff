// BoundedQueue: bounded in bytes, ends by close and by stop.
#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace tailrace {
namespace {

TEST(BoundedQueue, LetsOneOversizedItemInAlone) {
  BoundedQueue<int> queue{/*limit_bytes=*/10};
  ASSERT_TRUE(queue.push(1, /*bytes=*/100, std::stop_token{}));
  EXPECT_EQ(queue.held_bytes(), 100u);
  EXPECT_EQ(queue.pop(std::stop_token{}), 1);
  EXPECT_EQ(queue.held_bytes(), 0u);
}

// A producer that does not wait for room would let memory grow with the backlog.
TEST(BoundedQueue, MakesTheProducerWaitForRoom) {
  BoundedQueue<int> queue{/*limit_bytes=*/10};
  ASSERT_TRUE(queue.push(1, 10, std::stop_token{}));
  std::jthread producer([&](std::stop_token stop) { EXPECT_TRUE(queue.push(2, 10, stop)); });
  EXPECT_EQ(queue.held_bytes(), 10u);
  EXPECT_EQ(queue.pop(std::stop_token{}), 1);
  EXPECT_EQ(queue.pop(std::stop_token{}), 2);
}

TEST(BoundedQueue, GivesWhatIsQueuedAfterClose) {
  BoundedQueue<int> queue{10};
  ASSERT_TRUE(queue.push(1, 1, std::stop_token{}));
  queue.close();
  EXPECT_EQ(queue.pop(std::stop_token{}), 1);
  EXPECT_EQ(queue.pop(std::stop_token{}), std::nullopt);
  EXPECT_FALSE(queue.push(2, 1, std::stop_token{}));
}

TEST(BoundedQueue, StopEndsAWait) {
  BoundedQueue<int> queue{10};
  std::stop_source stop;
  std::jthread consumer([&] { EXPECT_EQ(queue.pop(stop.get_token()), std::nullopt); });
  stop.request_stop();
}

}  // namespace
}  // namespace tailrace
