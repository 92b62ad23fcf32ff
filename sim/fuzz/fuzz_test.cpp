// The corpus of the fuzzers, replayed, and some seconds of new inputs. Longer runs: sim_fuzz (main.cpp).
//
// What is in the corpus once found something (a crash, a hang, SQLite's words in front of a client, a broken invariant), or
// is what clients send.
#include <gtest/gtest.h>

#include <chrono>

#include "base/log.h"
#include "sim/fuzz/statements.h"
#include "sim/fuzz/streams.h"

namespace tailrace::sim::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

// Each run of the tests has its own seeds: of the same day they are the same, so that a failure can be had again.
std::uint64_t seed_of_today() {
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                    std::chrono::hours(24)) *
         1'000'000;
}

constexpr std::chrono::seconds time_for_new_inputs{4};

std::vector<Script> known_scripts() {
  std::vector<Script> out = read_scripts(TAILRACE_TSQL_TESTDATA);
  for (Script& script : read_scripts(TAILRACE_FUZZ_CORPUS "/tsql"))
    out.push_back(std::move(script));
  return out;
}

// Without it what a fuzzer found once could come back unseen.
TEST(StatementFuzz, FindsNothingInItsCorpus) {
  const std::vector<Script> corpus = read_scripts(TAILRACE_FUZZ_CORPUS "/tsql");
  ASSERT_FALSE(corpus.empty());
  Statements target;
  for (const Script& script : corpus)
    EXPECT_EQ(target.run(script), "") << script_text(script);
}

TEST(StatementFuzz, FindsNothingInNewScripts) {
  const Splicer splicer(known_scripts());
  Statements target;
  std::uint64_t seed = seed_of_today();
  for (const auto end = Clock::now() + time_for_new_inputs; Clock::now() < end; ++seed) {
    Random random(seed);
    const Script script = splicer.script(random);
    ASSERT_EQ(target.run(script), "") << "seed " << seed << "\n" << script_text(script);
  }
}

TEST(StreamFuzz, FindsNothingInItsCorpus) {
  std::vector<std::string> corpus = good_streams();
  const std::vector<std::string> found = read_streams(TAILRACE_FUZZ_CORPUS "/tds");
  ASSERT_FALSE(found.empty());
  corpus.insert(corpus.end(), found.begin(), found.end());
  Streams target;
  for (const std::string& stream : corpus)
    EXPECT_EQ(target.run(stream), "") << stream_text(stream);
}

TEST(StreamFuzz, FindsNothingInNewStreams) {
  std::vector<std::string> known = good_streams();
  Streams target;
  std::uint64_t seed = seed_of_today();
  for (const auto end = Clock::now() + time_for_new_inputs; Clock::now() < end; ++seed) {
    Random random(seed);
    const std::string stream = changed_stream(known, random);
    ASSERT_EQ(target.run(stream), "") << "seed " << seed << "\n" << stream_text(stream);
  }
}

// A fuzzer that sees nothing finds nothing.
TEST(Findings, AreBrokenInvariantsOfTheSimulator) {
  ErrorLines lines;
  EXPECT_EQ(lines.take(), "");
  log::warn("not.a.finding");
  EXPECT_EQ(lines.take(), "");
  log::error("a.finding", {{"why", "asked for"}});
  EXPECT_NE(lines.take().find("a.finding"), std::string::npos);
  EXPECT_EQ(lines.take(), "");
}

// A statement that runs without end must be stopped, and what does not stop must be told.
TEST(Watchdog, StopsWhatRunsTooLong) {
  Watchdog watchdog(std::chrono::milliseconds(10), std::chrono::milliseconds(60'000));
  bool stopped = false;
  watchdog.run("a loop", [&](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any asked;
    std::unique_lock lock(mutex);
    asked.wait(lock, stop, [] { return false; });
    stopped = stop.stop_requested();
  });
  EXPECT_TRUE(stopped);
}

TEST(WatchdogDeathTest, EndsTheProcessWhenAStatementGoesOn) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hang = [] {
    Watchdog watchdog(std::chrono::milliseconds(10), std::chrono::milliseconds(10));
    watchdog.run("deaf", [](const std::stop_token&) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable().wait(lock, [] { return false; });
    });
  };
  EXPECT_DEATH(hang(), "HANG.*deaf");
}

// Changes of tokens must be changes: an unchanged statement finds what the tests find.
TEST(Splicer, MakesTheSameStatementsOfTheSameSeed) {
  const Splicer splicer(std::vector<Script>{{"SELECT a, b FROM t WHERE a = 1", "INSERT t VALUES (1, 'x')"}});
  Random one(7);
  Random same(7);
  Random other(8);
  const std::string statement = "SELECT a FROM t";
  const std::string changed = splicer.mutated(statement, one);
  EXPECT_EQ(changed, splicer.mutated(statement, same));
  EXPECT_NE(changed, splicer.mutated(statement, other));
  EXPECT_NE(changed, statement);
}

TEST(Scripts, AreReadAsTheyWereWritten) {
  const Script script = {"SELECT 1\n", "--2\nSELECT 2\n"};
  EXPECT_EQ(script_text(script), "SELECT 1\nGO\n--2\nSELECT 2\nGO\n");
  EXPECT_EQ(parse_script(script_text(script)), script);
}

TEST(StreamFiles, AreReadAsTheyWereWritten) {
  for (const std::string& stream : good_streams())
    EXPECT_EQ(parse_stream("# a comment 00\n" + stream_text(stream)), stream);
}

}  // namespace
}  // namespace tailrace::sim::fuzz
