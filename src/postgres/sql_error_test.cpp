// What a SQLSTATE means: only what may pass by itself is tried again.
#include "postgres/sql_error.h"

#include <gtest/gtest.h>

namespace tailrace::postgres {
namespace {

SqlFailure failure(std::string sqlstate, std::string function = {}) {
  SqlFailure made;
  made.sqlstate = std::move(sqlstate);
  made.function = std::move(function);
  made.message = "words";
  return made;
}

// R11: taken for data, a lost connection would stop the pipeline; the other way round a bad row would be tried for ever.
TEST(SqlError, KindsOfClasses) {
  EXPECT_EQ(error_of(failure("23505"), "stream").kind(), ErrorKind::data);
  EXPECT_EQ(error_of(failure("22003"), "stream").kind(), ErrorKind::data);
  EXPECT_EQ(error_of(failure("40P01"), "stream").kind(), ErrorKind::conflict);
  EXPECT_EQ(error_of(failure("57P01"), "stream").kind(), ErrorKind::unavailable);
  EXPECT_EQ(error_of(failure("08006"), "stream").kind(), ErrorKind::unavailable);
  EXPECT_EQ(error_of(failure("28P01"), "stream").kind(), ErrorKind::auth);
  EXPECT_EQ(error_of(failure("TR001"), "stream").kind(), ErrorKind::fenced);
}

// One SQLSTATE, two meanings: a stale plan passes, an unsupported statement would be tried for ever.
TEST(SqlError, OnlyAStalePlanIsTriedAgain) {
  EXPECT_EQ(error_of(failure("0A000", "RevalidateCachedQuery"), "stream").kind(), ErrorKind::conflict);
  const Error other = error_of(failure("0A000", "DefineIndex"), "stream");
  EXPECT_EQ(other.kind(), ErrorKind::config);
  EXPECT_FALSE(other.context("remedy").empty());
}

}  // namespace
}  // namespace tailrace::postgres
