// Values of a signal topic. The topic itself: tests/e2e/kafka/signals_test.py.
#include "kafka/signal_topic.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace tailrace::kafka {
namespace {

// Debezium's users write the data as an object, tools that fill a signal table's column as text.
TEST(K8b_SignalValues, DataIsAnObjectOrItsText) {
  log::configure(log::Level::off, log::Format::text);
  for (const char* value : {R"({"id":"7","type":"log","data":{"message":"x"}})",
                            R"({"id":"7","type":"log","data":"{\"message\":\"x\"}"})"}) {
    const std::optional<Signal> signal = signal_of(value);
    ASSERT_TRUE(signal.has_value()) << value;
    EXPECT_EQ(signal->id, "7");
    EXPECT_EQ(signal->type, "log");
    EXPECT_EQ(signal->data, R"({"message":"x"})");
  }
  EXPECT_EQ(signal_of(R"({"type":"pause-snapshot"})")->data, "");
  EXPECT_EQ(signal_of(R"({"type":"pause-snapshot","data":null})")->data, "");
}

// Whoever may write into the topic must not be able to stop the pipeline.
TEST(K8b_SignalValues, WhatIsNoneIsPassedBy) {
  log::configure(log::Level::off, log::Format::text);
  for (const char* value : {"", "no json", "[]", "{}", R"({"type":7})", "\xff\xfe"})
    EXPECT_FALSE(signal_of(value).has_value()) << value;
}

}  // namespace
}  // namespace tailrace::kafka
