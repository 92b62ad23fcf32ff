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

// Taken for data it would end the run for good, where a new attempt would have gone through.
TEST(R11_Stop, TroubleOfTheServerIsNeverTakenForData) {
  for (const char* const conflict : {"40001", "40P01", "55P03", "57014"})
    EXPECT_EQ(error_of(failure(conflict), "stream").kind(), ErrorKind::conflict) << conflict;
  for (const char* const lost :
       {"08000", "08001", "08003", "08004", "08006", "08P01", "25P03", "40003", "53000", "53100", "53200",
        "53300", "57P01", "57P02", "57P03", "57P05", "58030"})
    EXPECT_EQ(error_of(failure(lost), "stream").kind(), ErrorKind::unavailable) << lost;
  EXPECT_EQ(error_of(failure("28P01"), "stream").kind(), ErrorKind::auth);
}

// Taken for trouble it would be tried again for ever.
TEST(R11_Stop, WhatARowCausesIsData) {
  for (const char* const bad :
       {"22001", "22003", "22021", "22P02", "22P03", "23502", "23503", "23505", "23514", "23P01", "54000"})
    EXPECT_EQ(error_of(failure(bad), "stream").kind(), ErrorKind::data) << bad;
}

TEST(R11_Stop, ADeposedRunnerIsFenced) {
  EXPECT_EQ(error_of(failure("TR001"), "stream").kind(), ErrorKind::fenced);
  EXPECT_EQ(error_of(failure("TR002"), "stream").kind(), ErrorKind::fenced);
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
