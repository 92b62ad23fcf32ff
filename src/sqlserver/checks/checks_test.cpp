// What no simulator is: editions, versions, tables in memory, servers that show nothing. Facts in, findings out.
#include "sqlserver/checks/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "sqlserver/checks/loose_keys.h"
#include "sqlserver/remedies.h"
#include "sqlserver/selection.h"

namespace tailrace::sqlserver::checks {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CatalogColumn column(std::int32_t id, std::string name, ColumnType type, std::string collation = {}) {
  return {id, std::move(name), type, type.sql_name(), std::move(collation), false, false};
}

CatalogTable table(std::int32_t id, std::string name, std::vector<CatalogColumn> columns) {
  CatalogTable out;
  out.object_id = id;
  out.name = {"dbo", std::move(name)};
  out.columns = std::move(columns);
  out.unique_indexes = {{"PK", true, "", {1}}};
  CatalogInstance instance;
  instance.object_id = id + 1;
  instance.source_object_id = id;
  instance.name = out.name.schema + "_" + out.name.name;
  instance.change_table = instance.name + "_CT";
  instance.has_command_id = true;
  for (const CatalogColumn& captured : out.columns)
    instance.columns.push_back({captured.id, captured.name, captured.id});
  instance.identity_columns = {1};
  out.instances = {std::move(instance)};
  return out;
}

// A database that is fit, to be made unfit.
class Checks : public ::testing::Test {
 protected:
  Checks() {
    catalog_.database.name = "shop";
    catalog_.database.version = "16.0.1000.6";
    catalog_.database.cdc_enabled = true;
    catalog_.database.snapshot_isolation = true;
    catalog_.database.collation = "Latin1_General_CI_AS";
    catalog_.tables = {table(100, "orders", {column(1, "id", {TypeKind::int_})})};
    settings_.include = {"dbo.*"};
    facts_.user = "reader";
    facts_.login = "reader";
    facts_.may_see_state = true;
    facts_.edition = "Standard Edition (64-bit)";
    facts_.engine_edition = 2;
    facts_.max_text_repl_size = -1;
    facts_.agent_running = true;
    facts_.jobs = Jobs{CaptureJob{500, 10, 5, true, true}, 4320};
    facts_.mapping = Mapping{5, 1};
    facts_.orphan_ddl_rows = 0;
    facts_.tempdb = Tempdb{1u << 30, std::numeric_limits<std::uint64_t>::max(), "tempdev"};
  }

  std::vector<Finding> run() {
    selection_ = select_tables(catalog_, settings_, {});
    return run_checks({catalog_, facts_, settings_, &selection_});
  }

  // The one finding of this name that is not ok.
  Finding trouble(std::string_view name) {
    std::vector<Finding> found;
    for (Finding& finding : run()) {
      if (finding.level != FindingLevel::ok && finding.name == name) found.push_back(std::move(finding));
    }
    EXPECT_EQ(found.size(), 1u) << name;
    return found.empty() ? Finding{} : found.front();
  }

  Catalog catalog_;
  Facts facts_;
  Settings settings_;
  Selection selection_;
};

TEST_F(Checks, HaveNothingToSayOfWhatIsFit) {
  for (const Finding& finding : run())
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name << ": " << finding.reason;
}

TEST_F(Checks, RefuseEditionsWithoutCdc) {
  facts_.edition = "Web Edition (64-bit)";
  EXPECT_EQ(trouble("source.edition").level, FindingLevel::failure);
  facts_ = {};
  facts_.edition = "Express Edition (64-bit)";
  facts_.engine_edition = 4;
  EXPECT_EQ(trouble("source.edition").level, FindingLevel::failure);
}

TEST_F(Checks, KnowTheFirstVersion) {
  catalog_.database.version = "13.0.4000.0";
  EXPECT_EQ(trouble("source.version").level, FindingLevel::failure);
  catalog_.database.version = "13.0.4001.0";
  EXPECT_EQ(run().front().level, FindingLevel::ok);
}

// Azure SQL Database has no Agent, and its jobs are said to pause for 0 seconds.
TEST_F(Checks, AskAzureForNoAgent) {
  catalog_.database.is_azure = true;
  facts_.engine_edition = 5;
  facts_.agent_running = {};
  facts_.tempdb = {};
  facts_.max_text_repl_size = {};
  facts_.jobs = Jobs{CaptureJob{500, 10, 0, true, {}}, 4320};
  facts_.mapping = Mapping{5, 1e6};
  for (const Finding& finding : run())
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name << ": " << finding.reason;
}

// What may not be seen is unknown, with the grant that shows it, and never fit.
TEST_F(Checks, SayWhatIsNotToBeSeen) {
  facts_ = {};
  facts_.user = "user]x";
  facts_.login = "DOMAIN\\login";
  facts_.engine_edition = 3;
  EXPECT_EQ(trouble("source.agent").remedy,
            "USE master; GRANT VIEW SERVER STATE TO [DOMAIN\\login]; USE [shop];");
  EXPECT_THAT(trouble("source.database_state").remedy, HasSubstr("GRANT VIEW DATABASE STATE TO [user]]x];"));
  EXPECT_THAT(trouble("source.capture_job").remedy,
              HasSubstr("GRANT SELECT ON [dbo].[cdc_jobs] TO [DOMAIN\\login]"));
  EXPECT_EQ(trouble("source.tempdb").level, FindingLevel::unknown);
}

// A managed instance has jobs, which a restore leaves behind.
TEST_F(Checks, LookForTheJobsOfAManagedInstance) {
  catalog_.database.is_azure = true;
  facts_.engine_edition = 8;
  facts_.agent_running = {};
  facts_.jobs->capture.reset();
  EXPECT_EQ(trouble("source.capture_job").level, FindingLevel::failure);
}

// The log reader captures, and there must be no capture job beside it.
TEST_F(Checks, WantNoCaptureJobBesideALogReader) {
  facts_.is_published = true;
  facts_.jobs->capture.reset();
  EXPECT_EQ(trouble("source.capture_job").level, FindingLevel::unknown);
}

// A replica's own Agent and msdb say nothing of the capture.
TEST_F(Checks, LookForNoJobsAtAReplica) {
  facts_.is_replica = true;
  facts_.agent_running = {};
  facts_.jobs = {};
  EXPECT_EQ(trouble("source.capture_job").level, FindingLevel::unknown);
  for (const Finding& finding : run())
    EXPECT_NE(finding.name, "source.agent");
}

// What runs cannot be started, and Azure SQL Database has nothing to start.
TEST_F(Checks, SayWhatBringsCaptureOnAgain) {
  facts_.mapping->newest_age_seconds = 3'600;
  EXPECT_THAT(trouble("source.capture_progress").remedy, HasSubstr("dm_cdc_errors"));
  facts_.jobs->capture->running = false;
  EXPECT_EQ(trouble("source.capture_progress").remedy, "EXEC sys.sp_cdc_start_job @job_type = N'capture';");
  catalog_.database.is_azure = true;
  facts_.engine_edition = 5;
  EXPECT_THAT(trouble("source.capture_progress").remedy, HasSubstr("sp_cdc_scan"));
}

// A file of tempdb may have any name.
TEST_F(Checks, NameTheFileOfTempdb) {
  facts_.tempdb = Tempdb{0, 0, "temp'2"};
  EXPECT_THAT(trouble("source.tempdb").remedy, HasSubstr("(NAME = N'temp''2', MAXSIZE"));
}

TEST_F(Checks, CompareTheJobsLimitWithTheBusiestMinute) {
  facts_.mapping->peak_per_second = 799;
  EXPECT_EQ(facts_.jobs->capture->maxtrans, 500);
  for (const Finding& finding : run())
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name;
  facts_.mapping->peak_per_second = 801;
  const Finding found = trouble("source.capture_throughput");
  EXPECT_THAT(found.remedy, HasSubstr("@maxtrans = 1602, @maxscans = 10, @pollinginterval = 5;"));
}

// Retention must cover the load and a stop; the load is reckoned by bytes.
TEST_F(Checks, ReckonRetentionByTheLoadAndAnOutage) {
  settings_.expected_rate = 1u << 20;
  settings_.expected_outage = std::chrono::hours(24);
  facts_.sizes[100] = {std::uint64_t{48 * 3'600 - 60} << 20, 1};
  for (const Finding& finding : run())
    EXPECT_EQ(finding.level, FindingLevel::ok)
        << finding.name << finding.reason;  // Less than 72 h by a minute.
  facts_.sizes[100].bytes += 120u << 20;
  EXPECT_THAT(trouble("source.retention").remedy, HasSubstr("@retention = 4322;"));
}

TEST_F(Checks, DoNotOfferTablesThatCdcCannotCapture) {
  catalog_.tables.front().instances.clear();
  catalog_.tables.front().kind = "a memory-optimized table";
  run();
  ASSERT_EQ(selection_.findings.size(), 1u);
  EXPECT_EQ(selection_.findings.front().name, "table.kind");
  EXPECT_EQ(selection_.findings.front().remedy, "tables: { exclude: [dbo.orders] }");
}

TEST_F(Checks, WarnOfTypesThatAreWrittenUnseen) {
  CatalogColumn note = column(2, "note", {TypeKind::nvarchar, -1}, "Greek_CI_AS");
  note.type_name = "ntext";
  note.nullable = true;
  catalog_.tables = {table(100, "orders", {column(1, "id", {TypeKind::int_}), note})};
  EXPECT_EQ(
      trouble("column.legacy_type").remedy,
      "EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'orders', @capture_instance = "
      "N'dbo_orders'; ALTER TABLE [dbo].[orders] ALTER COLUMN [note] nvarchar(max) COLLATE "
      "Greek_CI_AS NULL; EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'orders', "
      "@role_name = NULL, @capture_instance = N'dbo_orders_2';   -- a pipeline that runs already must take "
      "the table again");
}

// A key compared by code points cannot be spelled in two ways.
TEST_F(Checks, LookForSpellingsWhereTheyMayDiffer) {
  const std::string loose = "Latin1_General_CI_AS";
  CatalogTable parent = table(100, "parent", {column(1, "code", {TypeKind::varchar, 10}, loose)});
  CatalogTable child = table(
      200, "child", {column(1, "id", {TypeKind::int_}), column(2, "code", {TypeKind::varchar, 10}, loose)});
  child.foreign_keys = {{"fk", {"dbo", "parent"}, true, {2}, {"code"}}};
  catalog_.tables = {child, parent};
  run();
  ASSERT_EQ(find_loose_keys(catalog_, selection_).size(), 1u);
  const LooseForeignKey found = find_loose_keys(catalog_, selection_).front();
  const LooseForeignKey* const found_key = &found;
  // Bytes: another collation would be another code page.
  EXPECT_THAT(find_differing({&found_key, 1}),
              HasSubstr("WHERE CONVERT(varbinary(8000), c.[code]) <> CONVERT(varbinary(8000), p.[code])"));
  facts_.loose_keys = find_loose_keys(catalog_, selection_);
  EXPECT_EQ(trouble("foreign_key.spelling").level, FindingLevel::unknown);
  facts_.loose_keys.front().differs = true;
  EXPECT_EQ(trouble("foreign_key.spelling").level, FindingLevel::warning);
  facts_.loose_keys.front().differs = false;
  for (const Finding& finding : run())
    EXPECT_EQ(finding.level, FindingLevel::ok) << finding.name;
  // What is not trusted is not made in the target.
  catalog_.tables.front().foreign_keys.front().trusted = false;
  run();
  EXPECT_TRUE(find_loose_keys(catalog_, selection_).empty());
  catalog_.tables.front().foreign_keys.front().trusted = true;
  run();
  ASSERT_EQ(find_loose_keys(catalog_, selection_).size(), 1u);
  catalog_.tables.front().columns[1].collation = "Latin1_General_BIN2";
  EXPECT_TRUE(find_loose_keys(catalog_, selection_).empty());
}

// What is captured already can be, whatever its kind.
TEST_F(Checks, ReadWhatIsCapturedWhateverItsKind) {
  catalog_.tables.front().kind = "a memory-optimized table";
  run();
  EXPECT_TRUE(selection_.findings.empty());
  EXPECT_EQ(selection_.tables.size(), 1u);
}

// A third instance is refused by the server, and a name must be free.
TEST(Remedies, MakeRoomForAnInstance) {
  Catalog catalog;
  catalog.tables = {table(100, "o'x", {column(1, "id", {TypeKind::int_})})};
  CatalogTable& orders = catalog.tables.front();
  orders.instances.front().role = "readers";
  EXPECT_EQ(enable_again(orders, catalog),
            "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'o''x', @role_name = "
            "N'readers', @capture_instance = N'dbo_o''x_2';");
  CatalogInstance second = orders.instances.front();
  second.name = "dbo_o'x_2";
  orders.instances.push_back(second);
  const std::string sql = enable_again(orders, catalog);
  EXPECT_TRUE(
      sql.starts_with("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'o''x', "
                      "@capture_instance = N'dbo_o''x'; "))
      << sql;
  EXPECT_THAT(sql, HasSubstr("@capture_instance = N'dbo_o''x_3';"));
  // What the stored position is of stays.
  EXPECT_TRUE(
      enable_again(orders, catalog, {"dbo_o'x", {}})
          .starts_with("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'o''x', "
                       "@capture_instance = N'dbo_o''x_2'; "));
}

// Without the index a table that is captured by one would lose its identity.
TEST(Remedies, KeepTheIndexThatCaptureGoesBy) {
  Catalog catalog;
  catalog.tables = {table(100, "orders", {column(1, "id", {TypeKind::int_})})};
  EXPECT_THAT(enable_again(catalog.tables.front(), catalog), Not(HasSubstr("@index_name")));
  catalog.tables.front().unique_indexes = {{"UX", false, "", {1}}};
  EXPECT_THAT(enable_again(catalog.tables.front(), catalog), HasSubstr("@index_name = N'UX'"));
}

}  // namespace
}  // namespace tailrace::sqlserver::checks
