// Brokers that are away: what waits, for how long, and what ends it.
#include <thread>

#include "base/log.h"
#include "base/wait.h"
#include "kafka/admin.h"
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class K2_Restart : public KafkaCase {};

// A commit that times out is called again: taken as failed, its records would be written a second time.
TEST_F(K2_Restart, IsWaitedForByTheCommit) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> writer = producer("restart");
  writer->begin();
  for (int i = 0; i < 100; ++i)
    put(*writer, topic, "k", "before");
  writer->check();
  broker().halt();
  for (int i = 0; i < 100; ++i)
    put(*writer, topic, "k", "during");
  std::jthread later([] { broker().start(); });
  EXPECT_TRUE(writer->commit(never_));
  later.join();
  EXPECT_THAT(broker().values(topic), SizeIs(200));
}

class K2_HeldUp : public KafkaCase {
 protected:
  // The client's own thread, which looks for its brokers again and again.
  static void hold_up(std::string_view line) {
    if (line.find("facility=METADATA") != std::string_view::npos &&
        line.find("[thrd:main]") != std::string_view::npos)
      std::this_thread::sleep_for(120ms);
  }
  void TearDown() override {
    log::redirect(nullptr);
    log::configure(log::Level::off, log::Format::text);
  }
};

// On a busy machine it comes late to what is asked of it: a call that has gone meanwhile leaves its answer to the next one, and with that
// the client commits, aborts or ends the process by chance.
TEST_F(K2_HeldUp, ACommitIsWaitedFor) {
  const std::string topic = broker().create_topic();
  Settings talking = settings();
  talking.properties["debug"] = Secret("metadata");
  talking.properties["topic.metadata.refresh.interval.ms"] = Secret("20");
  Producer writer(talking, {.transactional_id = "held-up", .transaction_timeout = 60s});
  ASSERT_TRUE(writer.init(never_));
  log::configure(log::Level::debug, log::Format::text);
  log::redirect(hold_up);
  writer.begin();
  put(writer, topic, "k", "v");
  EXPECT_TRUE(writer.commit(never_));
  log::redirect(nullptr);
  EXPECT_THAT(broker().values(topic), ElementsAre("v"));
}

// The broker is away in all of these; the producers were ready and in a transaction before.
class K2_Away : public KafkaCase {
 protected:
  static void SetUpTestSuite() {
    if (!broker().why_not().empty()) return;
    topic_ = broker().create_topic();
    stopped_ = begun("stopped", settings());
    Settings small = settings();
    small.producer_memory_bytes = std::size_t{8} << 20;
    full_ = begun("memory", small);
    Settings impatient = settings();
    impatient.patience = 1s;
    hurried_ = begun("hurried", impatient);
    broker().halt();
  }
  static void TearDownTestSuite() {
    stopped_.reset();
    full_.reset();
    hurried_.reset();
    if (broker().why_not().empty()) broker().start();
  }

  static std::unique_ptr<Producer> begun(const std::string& id, const Settings& given) {
    auto out = std::make_unique<Producer>(
        given, ProducerOptions{
                   .transactional_id = id, .transaction_timeout = 60s, .record_bytes = std::size_t{1} << 20});
    EXPECT_TRUE(out->init({}));
    out->begin();
    OutRecord record;
    record.topic = topic_;
    record.value = "first";
    EXPECT_TRUE(out->produce(record, {}));
    while (out->in_flight() > 0)
      out->check();
    return out;
  }
  // A stop that comes by itself.
  static std::jthread stop_after(std::chrono::milliseconds time, std::stop_source& source) {
    return std::jthread([time, &source] {
      static_cast<void>(wait_for(time, {}));
      source.request_stop();
    });
  }

  static inline std::string topic_;
  static inline std::unique_ptr<Producer> stopped_;
  static inline std::unique_ptr<Producer> full_;
  static inline std::unique_ptr<Producer> hurried_;
};

TEST_F(K2_Away, AStopEndsTheWaiting) {
  put(*stopped_, topic_, "k", "v");
  std::stop_source source;
  const std::jthread stopper = stop_after(300ms, source);
  EXPECT_FALSE(stopped_->commit(source.get_token()));
  EXPECT_FALSE(stopped_->abort(source.get_token()));
}

// A drain waits for what it commits: without this for as long as a transaction may live, a quarter of an hour, and whoever stops the
// program kills it.
TEST_F(K2_Away, AnEndThatIsAskedForIsNotWaitedForLong) {
  std::stop_source ending;
  hurried_->hurry(ending.get_token());
  put(*hurried_, topic_, "k", "v");
  const std::jthread stopper = stop_after(300ms, ending);
  const auto begun_at = std::chrono::steady_clock::now();
  const Error error = thrown_by([&] { static_cast<void>(hurried_->commit(never_)); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  EXPECT_LT(std::chrono::steady_clock::now() - begun_at, 20s);
}

// Without a limit in time a start would hang; without the reason nobody would know why.
TEST_F(K2_Away, AClusterThatDoesNotAnswerIsUnavailable) {
  Settings impatient = settings();
  impatient.patience = 1s;
  Producer writer(impatient, {.transactional_id = "nobody", .transaction_timeout = 60s});
  const Error error = thrown_by([&] { static_cast<void>(writer.init(never_)); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  Admin admin(impatient);
  const Error other = thrown_by([&] { admin.cluster(never_); });
  EXPECT_EQ(other.kind(), ErrorKind::unavailable) << other.what();
  Consumer consumer(impatient, {});
  EXPECT_EQ(thrown_by([&] { consumer.watermarks({"any", 0}, never_); }).kind(), ErrorKind::unavailable);
}

// What brokers do not take waits in memory: in so much of it, and then the source waits.
TEST_F(K2_Away, TheProducersMemoryIsFilledAndNoMore) {
  const std::string megabyte((std::size_t{1} << 20) - 100, 'x');
  OutRecord record;
  record.topic = topic_;
  record.key = "k";
  record.value = megabyte;
  // produce() waits for room until the stop comes; where there is room ten such records are taken at once.
  std::stop_source source;
  const std::jthread stopper = stop_after(3s, source);
  std::size_t taken = 0;
  while (full_->produce(record, source.get_token()))
    ++taken;
  EXPECT_LE(taken, 9u);
  EXPECT_GE(taken, 7u);
}

}  // namespace
}  // namespace tailrace::kafka
