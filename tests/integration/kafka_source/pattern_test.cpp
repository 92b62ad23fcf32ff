// K4c with topics that a pattern names: they come while we run, and what is one of them stays that one.
#include "kafka/source_check.h"
#include "tests/integration/kafka_source/source_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class K4c_Pattern : public SourceCase {
 protected:
  // Names of this test alone.
  std::string prefix_ =
      std::string("pattern.") + ::testing::UnitTest::GetInstance()->current_test_info()->name();

  EventTable made(const std::string& name) {
    EventTable table;
    table.topic = prefix_ + "." + name;
    broker().create_topic_named(table.topic, 1);
    return table;
  }
  SourceSettings matching() const {
    SourceSettings out;
    out.cluster.bootstrap_servers = {broker().address()};
    out.intake.format = intake::Format::json;
    out.topics_pattern = prefix_ + R"(\.[a-z]+)";
    out.group_id = "group-of-" + prefix_;
    out.look_at_topics_every = 200ms;
    return out;
  }
  static Change insert(std::int64_t id) {
    return {.op = "c", .after = row(id, "x"), .commit = static_cast<std::uint64_t>(id)};
  }
};

// The pipeline is started before its first table is.
TEST_F(K4c_Pattern, TopicsThatComeLaterAreTaken) {
  Reading reading(matching());
  reading.open();
  reading.step();
  write(made("one"), {insert(1)});
  reading.until([&] { return reading.whole() == std::vector<std::int64_t>{1}; });
  write(made("other1"), {insert(2)});  // Does not match as a whole.
  write(made("two"), {insert(3)});
  reading.until([&] { return reading.whole().size() == 2; });
  EXPECT_THAT(reading.whole(), ElementsAre(1, 3));
  std::vector<std::string> ends;
  for (const auto& [name, end] : reading.source.ends(PartitionSource::Ends::committed, {}))
    ends.push_back(name.topic);
  EXPECT_THAT(ends, UnorderedElementsAre(prefix_ + ".one", prefix_ + ".two"));
}

// Nothing of it was applied: that it is gone is no loss, and nobody's mistake.
TEST_F(K4c_Pattern, ATopicThatWasNeverAppliedMayGo) {
  const EventTable passing = made("passing");
  Reading reading(matching());
  reading.open();
  reading.until([&] { return reading.boundaries == 1; });  // Its end.
  broker().delete_topic(passing.topic);
  write(made("other"), {insert(1)});
  reading.until([&] { return reading.whole().size() == 1; });
}

// K4c: a pattern would pass over a topic that is gone, and with it what it still had.
TEST_F(K4c_Pattern, ATopicThatWasAppliedIsMissed) {
  const EventTable table = made("table");
  write(table, {insert(1)});
  Reading reading(matching());
  reading.open();
  reading.until([&] { return reading.whole().size() == 1; });
  reading.source.durable({{{table.topic, 0}, *reading.next_offset()}});
  const PartitionPosition position = reading.reached.at({table.topic, 0});
  broker().delete_topic(table.topic);
  const Error error = thrown_by([&] { reading.until([] { return false; }); });
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("topic"), table.topic);
  // Also by a process that finds it stored.
  Reading again(matching());
  again.stored[{table.topic, 0}] = position;
  EXPECT_EQ(thrown_by([&] { again.open(); }).kind(), ErrorKind::gap);
}

TEST_F(K4c_Pattern, ATopicThatWasMadeAnewIsAnother) {
  const EventTable table = made("table");
  write(table, {insert(1)});
  Reading reading(matching());
  reading.open();
  reading.until([&] { return reading.whole().size() == 1; });
  const PartitionPosition position = reading.reached.at({table.topic, 0});
  reading.source.close({});
  broker().delete_topic(table.topic);
  made("table");
  Reading again(matching());
  again.stored[{table.topic, 0}] = position;
  const Error error = thrown_by([&] {
    again.open();
    again.until([] { return false; });
  });
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_THAT(error.what(), HasSubstr("made anew"));
}

TEST_F(K4c_Pattern, TheCheckNamesWhatMatches) {
  const auto subjects = [&] {
    std::vector<std::string> out;
    for (const Finding& finding : check_source(matching(), never_)) {
      if (finding.name == "source.topic") out.push_back(finding.subject);
    }
    return out;
  };
  EXPECT_THAT(subjects(), ElementsAre(matching().topics_pattern));
  made("one");
  EXPECT_THAT(subjects(), ElementsAre(prefix_ + ".one"));
}

}  // namespace
}  // namespace tailrace::kafka
