// The topic of schema changes: with a table's first events, once, and before the first that look otherwise.
#include <nlohmann/json.hpp>

#include "kafka/consumer.h"
#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;

class SchemaChanges : public SinkCase {
 protected:
  SinkSettings with_topic(bool enabled = true) const {
    SinkSettings out = settings();
    out.events.schema_changes = enabled;
    return out;
  }
  // `CREATE 2`: what was said, and of how many columns.
  std::vector<std::string> said() const {
    std::vector<std::string> out;
    for (const std::string& value : broker().values(settings().events.schema_change_topic())) {
      const nlohmann::json change = nlohmann::json::parse(value).at("tableChanges").at(0);
      out.push_back(change.at("type").get<std::string>() + " " +
                    std::to_string(change.at("table").at("columns").size()));
    }
    return out;
  }
  void alter() {
    table_ = tailrace::testing::table("items", {tailrace::testing::column("id", {TypeKind::int_}, false),
                                                tailrace::testing::column("text", {TypeKind::nvarchar, 4000}),
                                                tailrace::testing::column("more", {TypeKind::int_})});
  }
};

// Said twice it would be two changes to whoever follows the topic.
TEST_F(SchemaChanges, AreSaidOnceForATableThatStaysAsItIs) {
  static_cast<void>(streaming(with_topic()));
  EXPECT_THAT(said(), ElementsAre("CREATE 2"));
  static_cast<void>(reopened(with_topic()));
  static_cast<void>(reopened(with_topic()));
  EXPECT_THAT(said(), ElementsAre("CREATE 2"));
}

TEST_F(SchemaChanges, AreSaidOfATableThatAStartFindsAltered) {
  static_cast<void>(streaming(with_topic()));
  alter();
  static_cast<void>(reopened(with_topic()));
  EXPECT_THAT(said(), ElementsAre("CREATE 2", "ALTER 3"));
  static_cast<void>(reopened(with_topic()));
  EXPECT_THAT(said(), ElementsAre("CREATE 2", "ALTER 3"));
}

// What is not in the topic was never said, whenever the setting came.
TEST_F(SchemaChanges, AreSaidWhenTheyAreAskedForLater) {
  static_cast<void>(streaming(with_topic(false)));
  static_cast<void>(reopened(with_topic()));
  EXPECT_THAT(said(), ElementsAre("CREATE 2"));
}

// Half of it would be a table that was described and is not there, or one that is read and was never described.
TEST_F(SchemaChanges, AreInTheTransactionThatBeginsTheTable) {
  static_cast<void>(streaming(with_topic()));
  EXPECT_EQ(stored().tables.at(table_->name).shape, debezium::shape_of(*table_));
  const std::string value = stored_value(keys().table(table_->name));
  EXPECT_NE(value.find(debezium::shape_of(*table_)), std::string::npos);
}

// A reader of one partition sees all changes in their order.
TEST_F(SchemaChanges, AreInPartitionZero) {
  SinkSettings many = with_topic();
  many.topics.partitions = 5;
  static_cast<void>(streaming(many));
  Consumer looker(cluster(), {.isolation = Isolation::read_uncommitted});
  EXPECT_GT(looker.watermarks({settings().events.schema_change_topic(), 0}, never_)->high, 0);
}

}  // namespace
}  // namespace tailrace::kafka
