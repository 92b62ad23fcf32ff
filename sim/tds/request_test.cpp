// Requests: the specification's examples, every kind of parameter, and bytes that break the rules.
#include "sim/tds/request.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sim/tds/testing/bytes.h"

namespace tailrace::sim::tds {
namespace {

using testing::bytes;
using testing::wide;

constexpr std::string_view headers = "16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00";

Value parameter(std::string_view type_and_value) {
  const std::string message = bytes(headers) + bytes("FF FF 0A 00 00 00 00 00") + bytes(type_and_value);
  const std::vector<RpcCall> calls = parse_rpcs(message, Protocol{});
  EXPECT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls.at(0).parameters.size(), 1u);
  return calls.at(0).parameters.at(0).value;
}

int refusal(std::string_view type_and_value) {
  try {
    parameter(type_and_value);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::data ? std::stoi(std::string(error.context("number"))) : -1;
  }
  return 0;
}

// [MS-TDS] 4.4
TEST(Batch, ReadsTheSpecificationsExample) {
  const std::string message = bytes(headers) + wide("\nselect 'foo' as 'bar'\n        ");
  EXPECT_EQ(parse_batch(message, Protocol{}), "\nselect 'foo' as 'bar'\n        ");
}

TEST(Batch, OldClientsSendNoHeaders) {
  EXPECT_EQ(parse_batch(wide("select 1"), Protocol{.version = 0x71000001}), "select 1");
}

TEST(Batch, RefusesBrokenHeaders) {
  EXPECT_THROW(parse_batch(bytes("03 00 00 00"), Protocol{}), Error);
  EXPECT_THROW(parse_batch(bytes("FF FF FF FF 12 00 00 00"), Protocol{}), Error);
  EXPECT_THROW(parse_batch(bytes("08 00 00 00 05 00 00 00"), Protocol{}), Error);
  EXPECT_THROW(parse_batch(bytes(headers) + "x", Protocol{}), Error);
  EXPECT_THROW(parse_batch("", Protocol{}), Error);
}

// [MS-TDS] 4.8: the only parameter takes its default.
TEST(Rpc, ReadsTheSpecificationsExample) {
  const std::string message = bytes(headers) + bytes("04 00 66 00 6F 00 6F 00 33 00 00 00 00 02 26 02 00");
  const std::vector<RpcCall> calls = parse_rpcs(message, Protocol{});
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].procedure, "foo3");
  EXPECT_TRUE(calls[0].parameters.empty());
}

TEST(Rpc, NamesProceduresByTheirNumbers) {
  for (const auto& [id, name] : {std::pair{"0A", "sp_executesql"},
                                 {"0B", "sp_prepare"},
                                 {"0C", "sp_execute"},
                                 {"0D", "sp_prepexec"},
                                 {"0F", "sp_unprepare"},
                                 {"01", "sp_cursor"}}) {
    const std::string message = bytes(headers) + bytes(std::string("FF FF ") + id + " 00 00 00");
    EXPECT_EQ(parse_rpcs(message, Protocol{}).at(0).procedure, name);
  }
  EXPECT_THROW(parse_rpcs(bytes(headers) + bytes("FF FF 10 00 00 00"), Protocol{}), Error);
}

TEST(Rpc, ReadsSeveralCallsAndOutputParameters) {
  const std::string message = bytes(headers) + bytes("FF FF 0C 00 00 00 00 00 38 05 00 00 00 FF") +
                              bytes("FF FF 0F 00 00 00 02 40 00 68 00 01 26 04 04 06 00 00 00");
  const std::vector<RpcCall> calls = parse_rpcs(message, Protocol{});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].parameters.at(0).value.number, 5);
  EXPECT_FALSE(calls[0].parameters.at(0).output);
  EXPECT_EQ(calls[1].procedure, "sp_unprepare");
  EXPECT_EQ(calls[1].parameters.at(0).name, "@h");
  EXPECT_TRUE(calls[1].parameters.at(0).output);
  EXPECT_EQ(calls[1].parameters.at(0).value.number, 6);
}

TEST(RpcParameter, Integers) {
  EXPECT_EQ(parameter("30 FF").number, 255);
  EXPECT_EQ(parameter("34 00 80").number, -32768);
  EXPECT_EQ(parameter("26 08 08 FF FF FF FF FF FF FF 7F").number, 0x7FFFFFFFFFFFFFFF);
  EXPECT_EQ(parameter("26 02 02 FE FF").type.type, Type::smallint);
  EXPECT_EQ(parameter("68 01 01 05").number, 1);
  EXPECT_TRUE(parameter("26 04 00").null);
  EXPECT_TRUE(parameter("1F").null);
}

TEST(RpcParameter, Texts) {
  EXPECT_EQ(parameter("E7 40 1F 09 04 D0 00 34 02 00 E9 00").text, "é");
  EXPECT_EQ(parameter("A7 40 1F 09 04 D0 00 34 01 00 80").text, "€");
  EXPECT_TRUE(parameter("A7 40 1F 09 04 D0 00 34 FF FF").null);
  EXPECT_EQ(parameter("AF 03 00 09 04 D0 00 34 03 00 61 62 20").text, "ab ");
  EXPECT_EQ(parameter("2F 03 03 61 62 20").type.type, Type::char_);
  EXPECT_EQ(parameter("27 03 01 61").text, "a");
  EXPECT_TRUE(parameter("27 03 FF").null);
  EXPECT_EQ(parameter("23 10 00 00 00 09 04 D0 00 34 01 00 00 00 61").text, "a");
  EXPECT_EQ(parameter("63 10 00 00 00 09 04 D0 00 34 02 00 00 00 61 00").type.length, -1);
  EXPECT_EQ(parameter("A5 08 00 02 00 01 00").text, bytes("01 00"));
  EXPECT_EQ(parameter("22 10 00 00 00 02 00 00 00 01 00").text, bytes("01 00"));
}

// A max value: known length, unknown length in several chunks, empty, NULL.
TEST(RpcParameter, LargeValues) {
  const std::string type = "A5 FF FF ";
  EXPECT_EQ(parameter(type + "02 00 00 00 00 00 00 00 02 00 00 00 61 62 00 00 00 00").text, "ab");
  EXPECT_EQ(parameter(type + "FE FF FF FF FF FF FF FF 01 00 00 00 61 01 00 00 00 62 00 00 00 00").text, "ab");
  EXPECT_FALSE(parameter(type + "00 00 00 00 00 00 00 00 00 00 00 00").null);
  EXPECT_TRUE(parameter(type + "FF FF FF FF FF FF FF FF").null);
  EXPECT_EQ(parameter(type + "FF FF FF FF FF FF FF FF").type.length, -1);
  EXPECT_EQ(refusal(type + "03 00 00 00 00 00 00 00 02 00 00 00 61 62 00 00 00 00"), -1);
}

TEST(RpcParameter, DecimalsAndMoney) {
  EXPECT_TRUE(parameter("6A 05 05 02 05 00 39 30 00 00").decimal == -12345);
  EXPECT_TRUE(parameter("6C 11 26 00 05 01 39 30 00 00").decimal == 12345);
  EXPECT_TRUE(parameter("6A 11 26 03 03 00 39 30").decimal == -12345);  // Microsoft's JDBC driver.
  EXPECT_EQ(refusal("6A 05 04 00 05 01 39 30 00 00"), 8023);
  EXPECT_EQ(refusal("6A 05 27 00 05 01 39 30 00 00"), 8016);
  EXPECT_TRUE(parameter("6E 08 08 FF FF FF FF FF FF FF FF").decimal == -1);
  EXPECT_TRUE(parameter("6E 04 04 10 27 00 00").decimal == 10'000);
}

TEST(RpcParameter, Times) {
  EXPECT_EQ(parameter("28 03 DA B9 37").number, 3'652'058);
  EXPECT_EQ(parameter("29 03 04 FF 5B 26 05").number, 863'999'990'000);
  EXPECT_EQ(parameter("2A 07 08 FF BF 69 2A C9 00 00 00").number, 863'999'999'999);
  EXPECT_EQ(parameter("2B 00 08 00 00 00 01 00 00 3C 00").offset_minutes, 60);
  EXPECT_EQ(parameter("6F 08 08 FF FF FF FF FF 81 8B 01").number, -1);
  EXPECT_EQ(parameter("6F 04 04 01 00 9F 05").number, 1440 + 1439);
  EXPECT_TRUE(parameter("29 07 00").null);
}

TEST(RpcParameter, RefusesInvalidValues) {
  EXPECT_EQ(refusal("28 03 DB B9 37"), 8023);                          // 10000-01-01
  EXPECT_EQ(refusal("29 00 03 80 51 01"), 8023);                       // 24:00:00
  EXPECT_EQ(refusal("6F 04 04 01 00 A0 05"), 8023);                    // 24:00
  EXPECT_EQ(refusal("6F 08 08 45 2E FF FF 00 00 00 00"), 8023);        // 1752-12-31
  EXPECT_EQ(refusal("2B 00 08 00 00 00 01 00 00 49 03"), 8023);        // +14:01
  EXPECT_EQ(refusal("6D 08 08 00 00 00 00 00 00 F8 7F"), 8023);        // NaN
  EXPECT_EQ(refusal("E7 08 00 09 04 D0 00 34 03 00 61 00 62"), 8023);  // Half a unit.
  EXPECT_EQ(refusal("A7 08 00 19 04 D0 00 00 01 00 E0"), 8023);        // A code page nobody knows here.
  EXPECT_EQ(refusal("26 03 03 01 00 00"), 8016);
  EXPECT_EQ(refusal("26 04 02 01 00"), 8016);
  EXPECT_EQ(refusal("29 08 03 00 00 00"), 8016);
  EXPECT_EQ(refusal("A5 02 00 03 00 61 62 63"), 8016);  // Longer than it says.
  EXPECT_EQ(refusal("62 04 00 00 00"), 8009);           // sql_variant
  EXPECT_EQ(refusal("F1 00"), 8009);                    // xml
  EXPECT_EQ(refusal("26 04 04 01 00"), -1);             // Ends too early.
}

TEST(TransactionManager, ReadsItsRequests) {
  TransactionManagerCall call = parse_transaction_request(bytes(headers) + bytes("05 00 05 00"), Protocol{});
  EXPECT_EQ(call.request, TransactionRequest::begin);
  EXPECT_EQ(call.isolation, 5);
  call = parse_transaction_request(bytes(headers) + bytes("07 00 00 01 02 00"), Protocol{});
  EXPECT_EQ(call.request, TransactionRequest::commit);
  EXPECT_TRUE(call.begins_again);
  EXPECT_EQ(call.isolation, 2);
  call = parse_transaction_request(bytes(headers) + bytes("09 00 01 73 00"), Protocol{});
  EXPECT_EQ(call.name, "s");
  EXPECT_THROW(parse_transaction_request(bytes(headers) + bytes("00 00"), Protocol{}), Error);
}

}  // namespace
}  // namespace tailrace::sim::tds
