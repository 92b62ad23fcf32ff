// Statements and their answers, from the files of testdata/: each file is one session in a database of its own.
//
// A file has cases "SQL, a line of ----, the answer, a line of ====". `columns on` and `columns off` as a case's first line
// switch the column line. TAILRACE_TESTDATA_UPDATE=1 writes the answers anew, to be reviewed as a diff.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sim/tsql/testing/collect.h"

namespace tailrace::sim::tsql {
namespace {

struct Case {
  std::string sql;
  std::string answer;
};

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  return text;
}

std::vector<Case> read_cases(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::vector<Case> out;
  Case item;
  bool in_answer = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "----") {
      in_answer = true;
    } else if (line == "====") {
      item.sql = trimmed(item.sql);
      item.answer = trimmed(item.answer);
      out.push_back(std::move(item));
      item = {};
      in_answer = false;
    } else {
      (in_answer ? item.answer : item.sql) += line + "\n";
    }
  }
  return out;
}

class Statements : public testing::TestWithParam<const char*> {};

TEST_P(Statements, AnswerAsWritten) {
  const std::string path = std::string(TAILRACE_TSQL_TESTDATA) + "/" + GetParam() + ".test";
  std::vector<Case> cases = read_cases(path);
  ASSERT_FALSE(cases.empty());
  EngineSettings settings;
  settings.sa_password = "secret";
  settings.capture_interval_ms = 3'600'000;  // The files say when to scan.
  const std::unique_ptr<Engine> engine = make_engine(settings);
  std::vector<ServerMessage> refused;
  const std::unique_ptr<Session> session = engine->login(
      {.user = "sa", .password = "secret", .database = "", .application = "test", .host = "here"}, refused);
  ASSERT_TRUE(session);
  const auto run = [&](const std::string& sql, bool columns) {
    CollectingSink sink;
    sink.show_columns = columns;
    session->batch(sql, sink, {});
    return sink.text;
  };
  run("CREATE DATABASE shop; ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON", false);
  run("USE shop", false);
  const bool update = std::getenv("TAILRACE_TESTDATA_UPDATE") != nullptr;
  bool columns = false;
  for (Case& item : cases) {
    std::string sql = item.sql;
    if (sql.starts_with("columns on\n") || sql.starts_with("columns off\n")) {
      columns = sql.starts_with("columns on\n");
      sql = sql.substr(sql.find('\n') + 1);
    }
    const std::string answer = trimmed(run(sql, columns));
    if (update)
      item.answer = answer;
    else
      EXPECT_EQ(answer, item.answer) << sql;
  }
  if (!update) return;
  std::ofstream file(path);
  for (const Case& item : cases)
    file << item.sql << "\n----\n" << item.answer << "\n====\n";
}

INSTANTIATE_TEST_SUITE_P(Files, Statements,
                         testing::Values("expressions", "conversions", "queries", "dml", "constraints", "ddl",
                                         "control", "databases", "case_sensitive", "procedures", "properties",
                                         "cdc_faults", "cdc_ddl", "cdc", "refused", "types"),
                         [](const testing::TestParamInfo<const char*>& file) {
                           return std::string(file.param);
                         });

}  // namespace
}  // namespace tailrace::sim::tsql
