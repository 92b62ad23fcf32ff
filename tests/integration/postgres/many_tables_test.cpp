// Many tables: each of them gets its own answer of the questions that are asked for all, and no question of its own.
#include <fmt/format.h>

#include "postgres/connection.h"
#include "postgres/target_table.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ManyTargets : public SinkTest {
 protected:
  static std::vector<SchemaPtr> numbered(int tables) {
    std::vector<SchemaPtr> out;
    for (int i = 0; i < tables; ++i)
      out.push_back(table(fmt::format("t{}", i), {column("id", int_type, false), column("note", text_type)}));
    return out;
  }

  // Of this database, as those report them that have left it.
  std::int64_t transactions() {
    while (reader_.value("SELECT count(*) FROM pg_stat_activity, pg_sleep(0.005)"
                         " WHERE datname = current_database() AND pid <> pg_backend_pid()") != "0") {
    }
    return std::stoll(
        reader_.value("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = "
                      "current_database()"));
  }

  // What a start over these tables needs.
  std::int64_t transactions_of_a_start(const std::vector<SchemaPtr>& tables) {
    Settings calm = settings();
    calm.pipeline = fmt::format("over {}", tables.size());
    calm.heartbeat_interval = std::chrono::minutes(10);
    calm.heartbeat_stale = std::chrono::minutes(60);
    calm.existing = ExistingRows::adopt;
    {
      auto sink = opened(calm, tables);
      std::vector<TableStart> starts;
      for (const SchemaPtr& each : tables)
        starts.push_back(start(each));
      sink->begin_load("fork-1", starts, {lsn(1), "evidence", 1});
      sink->close();
    }
    const std::int64_t before = transactions();
    opened(calm, tables)->close();
    EXPECT_EQ(state_.tables.size(), tables.size());
    return transactions() - before;
  }
};

// A round trip or two for each of a thousand tables were most of what a start over them cost.
TEST_F(ManyTargets, AStartAsksForAllOfThemTogether) {
  const std::int64_t few = transactions_of_a_start(numbered(5));
  const std::int64_t many = transactions_of_a_start(numbered(105));
  EXPECT_LT(many - few, 50) << "of 100 tables more; the look at the counter is among them";
}

TEST_F(ManyTargets, EachHasItsOwnFacts) {
  reader_.run(
      "CREATE TABLE plain (id int PRIMARY KEY, note text);"
      "CREATE TABLE parent (a int, b text, PRIMARY KEY (b, a));"
      "CREATE TABLE child (id int PRIMARY KEY, a int, b text, CONSTRAINT fk FOREIGN KEY (b, a)"
      " REFERENCES parent ON DELETE CASCADE);"
      "CREATE TABLE itself (id int PRIMARY KEY, up int CONSTRAINT up REFERENCES itself);"
      "CREATE UNLOGGED TABLE meddled (id int, code int UNIQUE, later int UNIQUE DEFERRABLE INITIALLY "
      "DEFERRED);"
      "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER second BEFORE INSERT ON meddled FOR EACH ROW EXECUTE FUNCTION nothing();"
      "CREATE TRIGGER first BEFORE INSERT ON meddled FOR EACH ROW EXECUTE FUNCTION nothing();"
      "CREATE RULE aside AS ON DELETE TO meddled DO INSTEAD NOTHING;"
      "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE VIEW seen AS SELECT 1 AS one");
  const auto of = [](const char* name) { return RelationName{"public", name}; };
  Connection connection(settings(), "test", {});
  const TargetFactsByName found = read_targets(connection, {of("plain"),
                                                            of("parent"),
                                                            of("child"),
                                                            of("itself"),
                                                            of("meddled"),
                                                            of("parts"),
                                                            of("seen"),
                                                            of("missing"),
                                                            {"nowhere", "plain"}});
  ASSERT_EQ(found.size(), 9u);
  const auto facts = [&](const char* name) -> const TargetFacts& { return found.at(of(name)); };
  const auto meddlers = [&](const char* name) {
    std::vector<std::string> out;
    for (const Meddler& meddler : facts(name).meddlers)
      out.push_back(meddler.kind + " " + meddler.name);
    return out;
  };
  for (const auto& [name, each] : found) {
    const TargetTable alone = read_target(connection, name);
    EXPECT_EQ(each.table.oid, alone.oid) << name.str();
    EXPECT_EQ(each.table.columns, alone.columns) << name.str();
    EXPECT_EQ(each.table.key, alone.key) << name.str();
  }
  EXPECT_FALSE(facts("missing").table.exists());
  EXPECT_FALSE(found.at({"nowhere", "plain"}).table.exists());
  EXPECT_EQ(facts("seen").table.kind, 'v');
  ASSERT_EQ(facts("plain").table.columns.size(), 2u);
  EXPECT_EQ(facts("plain").table.columns[1].type_sql, "text");
  EXPECT_THAT(facts("plain").table.key, ElementsAre("id"));
  EXPECT_THAT(facts("parent").table.key, ElementsAre("b", "a"));
  EXPECT_THAT(facts("parts").table.partition_key, ElementsAre("id"));
  EXPECT_FALSE(facts("parts").table.has_default_partition);
  EXPECT_TRUE(facts("meddled").table.unlogged);
  EXPECT_FALSE(facts("plain").table.unlogged);
  EXPECT_THAT(facts("meddled").immediate_indexes, ElementsAre("meddled_code_key"));
  EXPECT_THAT(facts("plain").immediate_indexes, IsEmpty());
  EXPECT_THAT(meddlers("plain"), IsEmpty());
  EXPECT_THAT(meddlers("meddled"), ElementsAre("trigger first", "trigger second", "rule aside"));
  EXPECT_THAT(meddlers("child"), ElementsAre("foreign_key fk"));
  EXPECT_THAT(meddlers("parent"), ElementsAre("foreign_key fk")) << "it deletes the parent's children";
  EXPECT_THAT(meddlers("itself"), ElementsAre("foreign_key up"));
  EXPECT_EQ(facts("parent").meddlers.front().remedy, "ALTER TABLE public.child DROP CONSTRAINT fk;");
  EXPECT_EQ(facts("meddled").meddlers.front().remedy,
            "ALTER TABLE \"public\".\"meddled\" DISABLE TRIGGER first;");
}

// Parked keys wait for the row of one table.
TEST_F(ManyTargets, KeysAreThoseOfTheirTables) {
  const std::vector<SchemaPtr> tables = numbered(3);
  std::vector<RowBatch> loaded;
  for (const SchemaPtr& each : tables)
    loaded.emplace_back(each);
  catching_up(loaded)->close();
  reader_.run(
      "INSERT INTO tailrace.parked_key VALUES ('shop', 'dbo', 't1', '{7}'), ('shop', 'dbo', 't1', '{8}')");
  auto sink = opened(settings(), tables);
  const std::vector<ParkedKeys> parked = sink->parked_keys();
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked.front().schema->name.name, "t1");
  EXPECT_THAT(parked.front().keys, ElementsAre(ElementsAre("7"), ElementsAre("8")));
}

}  // namespace
}  // namespace tailrace::postgres
