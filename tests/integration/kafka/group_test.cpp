// Members of a group: every change of the assignment is a value, and is answered.
#include <set>

#include "kafka/failure.h"
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// A consumer that answers as the sink will: it begins what it gets at offset 0, and lets go of what it is asked for.
class Member {
 public:
  Member(const Settings& settings, const std::string& group, const std::string& topic,
         std::chrono::milliseconds session = 10s)
      : consumer(settings, {.group_id = group, .session_timeout = session}) {
    consumer.subscribe({topic});
  }

  void poll() {
    consumer.poll(batch, {.wait = 100ms}, {});
    if (!batch.rebalance()) return;
    const Rebalance& change = *batch.rebalance();
    ++changes;
    if (change.kind == RebalanceKind::assigned) {
      std::vector<PartitionOffset> starts;
      for (const TopicPartition& each : change.partitions) {
        starts.push_back({each, 0});
        held.insert(each);
      }
      consumer.accept(change, starts);
      return;
    }
    if (change.kind == RebalanceKind::lost) ++losses;
    for (const TopicPartition& each : change.partitions)
      held.erase(each);
    consumer.release(change);
  }

  Consumer consumer;
  Batch batch;
  std::set<TopicPartition> held;
  int changes = 0;
  int losses = 0;
};

class K4b_Rebalance : public KafkaCase {
 protected:
  static void until(const std::vector<Member*>& members, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "the group did not get there";
        return;
      }
      for (Member* const member : members)
        member->poll();
    }
  }
};

// Only what moves is taken away: the others' partitions are read on.
TEST_F(K4b_Rebalance, MovesPartitionsBetweenMembersAndBack) {
  const std::string topic = broker().create_topic(4);
  Member first(settings(), "moves-" + topic, topic);
  until({&first}, [&] { return first.held.size() == 4; });
  Member second(settings(), "moves-" + topic, topic);
  until({&first, &second}, [&] { return first.held.size() == 2 && second.held.size() == 2; });
  std::set<TopicPartition> all = first.held;
  all.insert(second.held.begin(), second.held.end());
  EXPECT_THAT(all, SizeIs(4));
  ASSERT_TRUE(second.consumer.close(30s, never_));
  until({&first}, [&] { return first.held.size() == 4; });
}

// A group that waits for an answer to an empty list stands still.
TEST_F(K4b_Rebalance, AnswersEmptyLists) {
  const std::string topic = broker().create_topic(1);
  Member first(settings(), "empty-" + topic, topic);
  until({&first}, [&] { return first.held.size() == 1; });
  Member second(settings(), "empty-" + topic, topic);
  until({&first, &second}, [&] { return second.changes > 0; });
  EXPECT_THAT(second.held, IsEmpty());
  ASSERT_TRUE(first.consumer.close(30s, never_));
  until({&second}, [&] { return second.held.size() == 1; });
}

// One that stood still for too long finds its partitions gone; it says so before it gives a record of theirs, or with them: the
// epoch in the target decides what may be applied.
TEST_F(K4b_Rebalance, TellsAMemberThatStoodStillThatItsPartitionsAreLost) {
  const std::string topic = broker().create_topic(2);
  Settings impatient = settings();
  impatient.properties.emplace("max.poll.interval.ms", Secret("6000"));
  Member still(impatient, "lost-" + topic, topic, 6s);
  until({&still}, [&] { return still.held.size() == 2; });
  Member other(settings(), "lost-" + topic, topic, 6s);
  until({&other}, [&] { return other.held.size() == 2; });
  // Either way it hears of it before it polls on.
  std::optional<Error> error;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!error && still.losses == 0 && std::chrono::steady_clock::now() < deadline) {
    try {
      still.poll();
    } catch (const Error& thrown) {
      error = thrown;
    }
  }
  if (error) {
    EXPECT_EQ(error->kind(), ErrorKind::conflict) << error->what();
  } else {
    EXPECT_EQ(still.losses, 1);
  }
}

// librdkafka waits for an answer for ever, at the full speed of a core: who is told to stop in the middle of a rebalance must not
// give one, and must end.
TEST_F(K4b_Rebalance, NeedsNoAnswerFromAConsumerThatGoes) {
  const std::string topic = broker().create_topic(2);
  for (const bool says_so : {false, true}) {
    Consumer consumer(settings(), {.group_id = "goes-" + topic});
    consumer.subscribe({topic});
    Batch batch;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!batch.rebalance() && std::chrono::steady_clock::now() < deadline)
      consumer.poll(batch, {.wait = 100ms}, never_);
    ASSERT_TRUE(batch.rebalance());
    EXPECT_THAT(batch.rebalance()->partitions, SizeIs(2));
    EXPECT_TRUE(!says_so || consumer.close(30s, never_));
  }
}

// And the others get its partitions at once, not after the session timeout.
TEST_F(K4b_Rebalance, GivesPartitionsOfAConsumerThatIsGoneToTheOthersAtOnce) {
  const std::string topic = broker().create_topic(2);
  auto first = std::make_unique<Member>(settings(), "gone-" + topic, topic, 300s);
  until({first.get()}, [&] { return first->held.size() == 2; });
  Member second(settings(), "gone-" + topic, topic, 300s);
  until({first.get(), &second}, [&] { return second.held.size() == 1; });
  first.reset();
  until({&second}, [&] { return second.held.size() == 2; });
}

// Lag tools read Kafka's own offsets; tailrace does not.
TEST_F(K4b_Rebalance, PublishesOffsetsForOthers) {
  const std::string topic = broker().create_topic(1);
  const std::string group = "publishes-" + topic;
  commit(topic, {"a", "b"});
  Member member(settings(), group, topic);
  until({&member}, [&] { return member.held.size() == 1; });
  member.consumer.publish_offsets({{{topic, 0}, 3}});
  ASSERT_TRUE(member.consumer.close(30s, never_));
  EXPECT_EQ(broker().committed_offset(group, topic, 0), 3);
}

}  // namespace
}  // namespace tailrace::kafka
