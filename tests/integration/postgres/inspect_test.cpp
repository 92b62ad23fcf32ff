// What the commands ask of a target.
#include "postgres/inspect.h"

#include <algorithm>

#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class Inspect : public SinkTest {
 protected:
  SchemaPtr orders_ = table("orders", {column("id", int_type), column("name", text_type)});

  RowBatch rows() const {
    RowBatch batch(orders_);
    add(batch, Operation::read, {1, "one"});
    return batch;
  }
  const Finding* find(const std::vector<Finding>& findings, const std::string& name) const {
    for (const Finding& finding : findings) {
      if (finding.name == name && finding.level == FindingLevel::failure) return &finding;
    }
    return nullptr;
  }
};

TEST_F(Inspect, AnEmptyDatabaseIsFit) {
  for (const Finding& finding : check(settings(), {orders_}, {}))
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name << " " << finding.reason;
}

TEST_F(Inspect, ATargetInUseIsFit) {
  auto sink = streaming({rows()});
  for (const Finding& finding : check(settings(), {orders_}, {}))
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name << " " << finding.reason;
}

TEST_F(Inspect, EachUnfitThingIsNamedWithItsRemedy) {
  reader_.run(
      "CREATE TABLE parent (id int PRIMARY KEY);"
      "CREATE TABLE orders (id int PRIMARY KEY, name varchar(50) UNIQUE, FOREIGN KEY (id) REFERENCES parent "
      "ON DELETE CASCADE);"
      "INSERT INTO parent VALUES (1); INSERT INTO orders VALUES (1, 'x');"
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f();"
      "CREATE RULE r AS ON DELETE TO orders DO INSTEAD NOTHING;"
      "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY");
  const std::vector<Finding> findings = check(settings(), {orders_}, {});
  for (const char* const name :
       {"target.trigger", "target.rule", "target.row_security", "target.foreign_key", "target.rows"}) {
    const Finding* const finding = find(findings, name);
    ASSERT_NE(finding, nullptr) << name;
    reader_.run(finding->remedy);  // The remedy is SQL that works.
  }
  for (const Finding& finding : check(settings(), {orders_}, {}))
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name << " " << finding.reason;
}

// R10c: what the configuration says of existing rows is no failure; that rows will go is said.
TEST_F(Inspect, ExistingRowsAreWhatTheConfigurationSays) {
  reader_.run(
      "CREATE TABLE orders (id int PRIMARY KEY, name varchar(50)); INSERT INTO orders VALUES (1, 'x')");
  for (const auto& [existing, level] : {std::pair{ExistingRows::refuse, FindingLevel::failure},
                                        std::pair{ExistingRows::truncate, FindingLevel::warning},
                                        std::pair{ExistingRows::append, FindingLevel::ok},
                                        std::pair{ExistingRows::adopt, FindingLevel::ok}}) {
    Settings with = settings();
    with.existing = existing;
    const std::vector<Finding> findings = check(with, {orders_}, {});
    const auto finding = std::find_if(findings.begin(), findings.end(),
                                      [](const Finding& each) { return each.name == "target.rows"; });
    ASSERT_TRUE(finding != findings.end()) << name_of(existing);
    EXPECT_EQ(finding->level, level) << name_of(existing);
  }
  EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "1");
}

TEST_F(Inspect, MissingRightsAreNamedWithTheirGrants) {
  reader_.run("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN");
  Settings plain = settings();
  plain.user = "plain";
  const std::vector<Finding> findings = check(plain, {orders_}, {});
  const Finding* const state = find(findings, "target.state_schema");
  const Finding* const schema = find(findings, "target.schema_right");
  ASSERT_NE(state, nullptr);
  ASSERT_NE(schema, nullptr);
  std::string text;
  EXPECT_EQ(kind_of([&] { begin(*opened(plain, {orders_}), {orders_}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, ::testing::HasSubstr("GRANT"));
  reader_.run(state->remedy + schema->remedy);
  for (const Finding& finding : check(plain, {orders_}, {}))
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name << " " << finding.reason;
  // And with those rights a pipeline runs.
  auto sink = opened(plain, {orders_});
  begin(*sink, {orders_});
  load_chunk(*sink, rows());
  EXPECT_TRUE(finish_load(*sink, {orders_}, {"m"}, {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {orders_->name}), {}));
  EXPECT_TRUE(sink->finish_constraints({}));
  sink->close();
  reader_.run("DROP OWNED BY plain CASCADE");
}

TEST_F(Inspect, UnreachableIsAFindingToo) {
  Settings away = settings();
  away.url = "postgresql://127.0.0.1:1/x";
  EXPECT_NE(find(check(away, {}, {}), "target.reachable"), nullptr);
  Settings stranger = settings();
  stranger.user = "nobody_like_that";
  EXPECT_NE(find(check(stranger, {}, {}), "target.login"), nullptr);
}

TEST_F(Inspect, StatusTellsWithoutTakingOver) {
  EXPECT_FALSE(read_status(settings(), {}).known);
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  load_chunk(*sink, rows());
  PipelineStatus status = read_status(settings("runner-b"), {});
  EXPECT_TRUE(status.known);
  EXPECT_TRUE(status.runner_alive);
  EXPECT_NE(status.runner, "");
  EXPECT_EQ(status.position->lsn, lsn(1));
  EXPECT_GT(status.now_utc, 639'000'000'000'000'000);
  ASSERT_EQ(status.tables.size(), 1u);
  EXPECT_EQ(status.tables[0].state, TableState::loading);
  EXPECT_EQ(status.tables[0].chunks_done, 1u);
  EXPECT_EQ(status.tables[0].snapshot_rows, 1u);
  EXPECT_TRUE(finish_load(*sink, {orders_}, {"m"}, {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {orders_->name}), {}));
  sink->close();
  status = read_status(settings("runner-b"), {});
  EXPECT_FALSE(status.runner_alive);
  EXPECT_EQ(status.tables[0].state, TableState::streaming);
  EXPECT_EQ(status.tables[0].rows, 1u);
}

TEST_F(Inspect, MissingSchemaIsAppliedOnce) {
  const std::string sql = missing_schema(settings(), {orders_}, {});
  EXPECT_THAT(sql, ::testing::HasSubstr("CREATE TABLE \"public\".\"orders\""));
  EXPECT_THAT(sql, ::testing::HasSubstr("ADD PRIMARY KEY"));
  apply_schema(settings(), {orders_}, {});
  EXPECT_EQ(missing_schema(settings(), {orders_}, {}), "");
  auto sink = streaming({rows()});
  EXPECT_EQ(reader_.table("SELECT * FROM orders"), "1|one");
}

}  // namespace
}  // namespace tailrace::postgres
