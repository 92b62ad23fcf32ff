// K4e, whole: keys, modes and shapes from a topic to its table, and what a restart makes of them.
#include "tests/integration/kafka_source/pipeline_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::HasSubstr;

class K4e_Pipeline : public PipelineCase {
 protected:
  Error ended(const SourceSettings& source, const postgres::Settings& target) {
    return thrown_by([&] { Member(source, target, caught_up()).wait(); });
  }
  static EventTable with_column(EventTable table, const std::string& name, record::SchemaType type) {
    table.columns.push_back({name, record::optional_of(type)});
    return table;
  }
  static Change wide(std::int64_t id, const std::string& note, std::int64_t more, std::uint64_t commit) {
    List values = row(id, note);
    values.push_back(Value::integer(more));
    return {.op = "c", .after = values, .commit = commit};
  }
};

// Each record once, also over a restart: appended rows have nothing that would tell a second one.
TEST_F(K4e_Pipeline, RecordsAreAppendedOnce) {
  const EventTable table = new_table();
  SourceSettings source = settings({table});
  source.intake.pk_mode = intake::PkMode::kafka;
  source.intake.deletes = intake::Deletes::ignore;
  postgres::Settings target = sink();
  target.insert_mode = postgres::InsertMode::insert;
  write(table, {insert(1, "one", 1), {.op = "u", .after = row(1, "changed"), .commit = 2}});
  write_tombstone(table, row(1, ""));
  EXPECT_EQ(Member(source, target, caught_up()).wait(), RunEnd::caught_up);
  write(table, {{.op = "d", .before = row(1, "changed"), .commit = 3}, insert(1, "again", 4)});
  EXPECT_EQ(Member(source, target, caught_up()).wait(), RunEnd::caught_up);
  EXPECT_EQ(target_->table("SELECT __connect_partition, __connect_offset, id, note FROM orders ORDER BY 2"),
            "0|0|1|one\n0|1|1|changed\n0|6|1|again");
  EXPECT_EQ(target_->value("SELECT __connect_topic FROM orders LIMIT 1"), table.topic);
}

// Records of one row in several partitions, because their key is none of the row's: the row's own fields are.
TEST_F(K4e_Pipeline, TheRowsFieldsAreTheKey) {
  const EventTable table = new_table();
  SourceSettings source = settings({table});
  source.intake.pk_mode = intake::PkMode::record_value;
  source.intake.pk_fields = {"note"};
  source.intake.deletes = intake::Deletes::ignore;
  write(table, {insert(1, "a", 1), insert(2, "b", 2), insert(3, "a", 3)});
  EXPECT_EQ(Member(source, sink(), caught_up()).wait(), RunEnd::caught_up);
  EXPECT_EQ(rows(), "2|b\n3|a");
}

TEST_F(K4e_Pipeline, AnInsertOfARowThatIsThereEndsWithItsKey) {
  const EventTable table = new_table();
  postgres::Settings target = sink();
  target.insert_mode = postgres::InsertMode::insert;
  write(table, {insert(1, "one", 1)});
  EXPECT_EQ(Member(settings({table}), target, caught_up()).wait(), RunEnd::caught_up);
  write(table, {insert(1, "another", 2)});
  const Error error = ended(settings({table}), target);
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("sqlstate"), "23505");
  EXPECT_EQ(error.context("key"), "(id)=(1)");
  EXPECT_EQ(rows(), "1|one");
}

// In the middle of what one poll brings: rows of the old shape are applied as it, those of the new one with their column.
TEST_F(K4e_Pipeline, ANewColumnComesAmidABatch) {
  const EventTable table = new_table();
  const EventTable more = with_column(table, "more", record::SchemaType::int32);
  write(table, {insert(1, "one", 1), insert(2, "two", 2)});
  write(more, {wide(2, "two", 5, 3), wide(3, "three", 6, 4)});
  const Error stopped = ended(settings({table}), sink());
  EXPECT_EQ(stopped.kind(), ErrorKind::schema);
  EXPECT_THAT(stopped.what(), HasSubstr("more"));
  EXPECT_EQ(stopped.context("offset"), "3");
  postgres::Settings target = sink();
  target.add_columns = true;
  EXPECT_EQ(Member(settings({table}), target, caught_up()).wait(), RunEnd::caught_up);
  EXPECT_EQ(rows(), "1|one|NULL\n2|two|5\n3|three|6");
}

// A wider type than the column's: values that happen to fit would go in, and the first that does not would end it in the middle.
TEST_F(K4e_Pipeline, AnotherTypeAmidABatchEndsByName) {
  const EventTable table = with_column(new_table(), "n", record::SchemaType::int32);
  EventTable wider = table;
  wider.columns.back() = {"n", record::optional_of(record::SchemaType::int64)};
  write(table, {wide(1, "one", 1, 1), wide(2, "two", 2, 2)});
  write(wider, {wide(3, "three", 3, 3)});
  postgres::Settings target = sink();
  target.add_columns = true;
  const Error error = ended(settings({table}), target);
  EXPECT_EQ(error.kind(), ErrorKind::schema);
  EXPECT_THAT(error.what(), HasSubstr("column n: is integer, expected bigint"));
  EXPECT_EQ(error.context("offset"), "3");
  EXPECT_EQ(rows(), "1|one|1");  // The second's commit may go on in the record that does not fit.
}

// schemas.enable=false: the table that is there says what the values are.
TEST_F(K4e_Pipeline, RecordsWithoutASchemaAreTakenByTheirTable) {
  const EventTable table = new_table();
  SourceSettings source = settings({table});
  source.intake.table_names = "public.orders";
  const auto put = [&](const std::string& fields, int commit) {
    write_raw(table.topic, R"({"id":1})",
              R"({"before":null,"after":{"id":1,)" + fields +
                  R"(},"source":{"commit_lsn":"00000000:00000000:000)" + std::to_string(commit) +
                  R"("},"op":"u"})");
  };
  put(R"("price":12.50,"at":"2024-02-03T04:05:06.5Z","who":"6F9619FF-8B86-D011-B42D-00C04FC964FF")", 1);
  const Error error = ended(source, sink());
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.what(), HasSubstr("public.orders"));
  target_->run("CREATE TABLE orders (id int PRIMARY KEY, price numeric(10,2), at timestamp, who uuid)");
  EXPECT_EQ(Member(source, sink(), caught_up()).wait(), RunEnd::caught_up);
  EXPECT_EQ(rows(), "1|12.50|2024-02-03 04:05:06.5|6f9619ff-8b86-d011-b42d-00c04fc964ff");
  // Its unit is said nowhere.
  put(R"("at":1700000000000)", 2);
  const Error refused = ended(source, sink());
  EXPECT_EQ(refused.kind(), ErrorKind::data);
  EXPECT_EQ(refused.context("column"), "at");
}

// Two processes of a pipeline meet the new column at the same moment, each in a partition of its own.
TEST_F(K4e_Pipeline, TwoMembersAddAColumn) {
  const EventTable table = new_table(2);
  const EventTable more = with_column(table, "more", record::SchemaType::int32);
  postgres::Settings target = sink();
  target.add_columns = true;
  write(table, {insert(1, "one", 1)}, 0);
  write(table, {insert(2, "two", 1)}, 1);
  Member first(settings({table}), target, {});
  until([&] { return first.progress.commits > 0; }, "the first commit");
  Member second(settings({table}), target, {});
  until(
      [&] { return target_->value("SELECT count(DISTINCT owner_pid) FROM tailrace.kafka_position") == "2"; },
      "each has a partition");
  write(more, {wide(3, "three", 5, 2)}, 0);
  write(more, {wide(4, "four", 6, 2)}, 1);
  until([&] { return target_->value("SELECT count(*) FROM orders") == "4"; }, "every row");
  EXPECT_EQ(rows(), "1|one|NULL\n2|two|NULL\n3|three|5\n4|four|6");
  EXPECT_EQ(first.drain(), RunEnd::drained);
  EXPECT_EQ(second.drain(), RunEnd::drained);
}

}  // namespace
}  // namespace tailrace::kafka
