// Values of every type as they lie on the wire, at the ends of their ranges and NULL, and rows cut at every byte.
#include "sqlserver/tds_rows.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "model/key_text.h"
#include "tds/response.h"
#include "tds/testing/feed.h"

namespace tailrace::sqlserver {
namespace {

using tds::testing::bytes;
using tds::testing::Feed;
using tds::testing::message;
using ::testing::HasSubstr;

// A column: how the server describes it, and values with the text of the cell that each becomes. `NULL` comes last.
struct Case {
  ColumnType type;
  const char* info;
  std::vector<std::pair<const char*, std::string>> values;
};

constexpr const char* done = "FD 10 00 C1 00 01 00 00 00 00 00 00 00";

std::vector<Case> every_type() {
  const std::string collation = "09 04 D0 00 34";
  static const std::string nvarchar = "E7 14 00 " + collation;
  static const std::string nchar = "EF 04 00 " + collation;
  static const std::string varchar = "A7 0A 00 " + collation;
  static const std::string char_ = "AF 02 00 " + collation;
  static const std::string nvarchar_max = "E7 FF FF " + collation;
  static const std::string ntext = "63 FE FF FF 7F " + collation + " 01 01 00 74 00";
  return {
      {{TypeKind::bit}, "68 01", {{"01 00", "0"}, {"01 01", "1"}, {"00", "NULL"}}},
      {{TypeKind::bit}, "32", {{"01", "1"}, {"00", "0"}}},
      {{TypeKind::tinyint}, "26 01", {{"01 00", "0"}, {"01 FF", "255"}, {"00", "NULL"}}},
      {{TypeKind::tinyint}, "30", {{"FF", "255"}}},
      {{TypeKind::smallint}, "26 02", {{"02 00 80", "-32768"}, {"02 FF 7F", "32767"}, {"00", "NULL"}}},
      {{TypeKind::smallint}, "34", {{"00 80", "-32768"}}},
      {{TypeKind::int_},
       "26 04",
       {{"04 00 00 00 80", "-2147483648"}, {"04 FF FF FF 7F", "2147483647"}, {"00", "NULL"}}},
      {{TypeKind::int_}, "38", {{"FF FF FF FF", "-1"}}},
      {{TypeKind::bigint},
       "26 08",
       {{"08 00 00 00 00 00 00 00 80", "-9223372036854775808"},
        {"08 FF FF FF FF FF FF FF 7F", "9223372036854775807"},
        {"00", "NULL"}}},
      {{TypeKind::bigint}, "7F", {{"00 00 00 00 01 00 00 00", "4294967296"}}},
      {{TypeKind::decimal, 0, 38, 0},
       "6A 11 26 00",
       {{"11 01 FF FF FF FF 3F 22 8A 09 7A C4 86 5A A8 4C 3B 4B", std::string(38, '9')},
        {"11 00 FF FF FF FF 3F 22 8A 09 7A C4 86 5A A8 4C 3B 4B", "-" + std::string(38, '9')},
        {"11 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "0"},
        {"00", "NULL"}}},
      {{TypeKind::decimal, 0, 5, 2},
       "6C 05 05 02",
       {{"05 00 96 00 00 00", "-1.50"}, {"05 01 00 00 00 00", "0.00"}, {"00", "NULL"}}},
      {{TypeKind::decimal, 0, 12, 3},
       "6A 09 0C 03",
       {{"09 01 01 00 00 00 00 00 00 00", "0.001"}, {"00", "NULL"}}},
      // As its column was before it was altered: the value is the same.
      {{TypeKind::decimal, 0, 12, 4},
       "6A 09 0C 02",
       {{"09 01 96 00 00 00 00 00 00 00", "1.5000"}, {"00", "NULL"}}},
      {{TypeKind::decimal, 0, 12, 1}, "6A 09 0C 02", {{"09 00 96 00 00 00 00 00 00 00", "-1.5"}}},
      {{TypeKind::money},
       "6E 08",
       {{"08 00 00 00 80 00 00 00 00", "-922337203685477.5808"},
        {"08 FF FF FF 7F FF FF FF FF", "922337203685477.5807"},
        {"08 00 00 00 00 01 00 00 00", "0.0001"},
        {"00", "NULL"}}},
      {{TypeKind::money}, "3C", {{"FF FF FF FF FF FF FF FF", "-0.0001"}}},
      {{TypeKind::smallmoney},
       "6E 04",
       {{"04 00 00 00 80", "-214748.3648"}, {"04 FF FF FF 7F", "214748.3647"}, {"00", "NULL"}}},
      {{TypeKind::smallmoney}, "7A", {{"10 27 00 00", "1.0000"}}},
      {{TypeKind::real},
       "6D 04",
       {{"04 00 00 80 3F", "1"},
        {"04 00 00 00 80", "-0"},
        {"04 01 00 00 00", "1.40129846e-45"},
        {"00", "NULL"}}},
      {{TypeKind::real}, "3B", {{"FF FF 7F 7F", "3.40282347e+38"}}},
      {{TypeKind::float_},
       "6D 08",
       {{"08 18 2D 44 54 FB 21 09 40", "3.1415926535897931"},
        {"08 00 00 00 00 00 00 00 80", "-0"},
        {"08 01 00 00 00 00 00 00 00", "4.9406564584124654e-324"},
        {"00", "NULL"}}},
      {{TypeKind::float_}, "3E", {{"00 00 00 00 00 00 F0 BF", "-1"}}},
      {{TypeKind::date},
       "28",
       {{"03 00 00 00", "0001-01-01"}, {"03 DA B9 37", "9999-12-31"}, {"00", "NULL"}}},
      {{TypeKind::time, 0, 0, 0}, "29 00", {{"03 7F 51 01", "23:59:59.0000000"}, {"00", "NULL"}}},
      {{TypeKind::time, 0, 0, 3}, "29 03", {{"04 FF 5B 26 05", "23:59:59.9990000"}, {"00", "NULL"}}},
      {{TypeKind::time, 0, 0, 7},
       "29 07",
       {{"05 00 00 00 00 00", "00:00:00.0000000"},
        {"05 FF BF 69 2A C9", "23:59:59.9999999"},
        {"00", "NULL"}}},
      {{TypeKind::smalldatetime},
       "6F 04",
       {{"04 00 00 00 00", "1900-01-01T00:00:00.0000000"},
        {"04 FF FF 9F 05", "2079-06-06T23:59:00.0000000"},
        {"00", "NULL"}}},
      {{TypeKind::smalldatetime}, "3A", {{"01 00 01 00", "1900-01-02T00:01:00.0000000"}}},
      {{TypeKind::datetime},
       "6F 08",
       {{"08 46 2E FF FF 00 00 00 00", "1753-01-01T00:00:00.0000000"},
        {"08 7F 24 2D 00 FF 81 8B 01", "9999-12-31T23:59:59.9970000"},
        {"08 00 00 00 00 01 00 00 00", "1900-01-01T00:00:00.0030000"},
        {"08 00 00 00 00 02 00 00 00", "1900-01-01T00:00:00.0070000"},
        {"08 00 00 00 00 03 00 00 00", "1900-01-01T00:00:00.0100000"},
        {"00", "NULL"}}},
      {{TypeKind::datetime}, "3D", {{"FF FF FF FF 00 00 00 00", "1899-12-31T00:00:00.0000000"}}},
      {{TypeKind::datetime2, 0, 0, 7},
       "2A 07",
       {{"08 00 00 00 00 00 00 00 00", "0001-01-01T00:00:00.0000000"},
        {"08 FF BF 69 2A C9 DA B9 37", "9999-12-31T23:59:59.9999999"},
        {"00", "NULL"}}},
      {{TypeKind::datetime2, 0, 0, 3},
       "2A 03",
       {{"07 FF 5B 26 05 90 40 0B", "2020-01-01T23:59:59.9990000"}, {"00", "NULL"}}},
      {{TypeKind::datetime2, 0, 0, 0},
       "2A 00",
       {{"06 01 00 00 90 40 0B", "2020-01-01T00:00:01.0000000"}, {"00", "NULL"}}},
      {{TypeKind::datetimeoffset, 0, 0, 7},
       "2B 07",
       {{"0A 00 00 00 00 00 90 40 0B 48 03", "2020-01-01T14:00:00.0000000+14:00"},
        {"0A 01 00 00 00 00 90 40 0B B8 FC", "2019-12-31T10:00:00.0000001-14:00"},
        {"00", "NULL"}}},
      {{TypeKind::datetimeoffset, 0, 0, 0},
       "2B 00",
       {{"08 01 00 00 90 40 0B 00 00", "2020-01-01T00:00:01.0000000+00:00"}, {"00", "NULL"}}},
      {{TypeKind::uniqueidentifier},
       "24 10",
       {{"10 33 22 11 00 55 44 77 66 88 99 AA BB CC DD EE FF", "00112233-4455-6677-8899-aabbccddeeff"},
        {"00", "NULL"}}},
      {{TypeKind::nvarchar, 10},
       nvarchar.c_str(),
       {{"02 00 41 00", "A"},
        {"00 00", ""},
        {"04 00 3D D8 42 DE", "\xF0\x9F\x99\x82"},
        {"06 00 E5 65 2C 67 9E 8A", "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"},
        {"14 00 61 00 62 00 63 00 64 00 65 00 66 00 67 00 68 00 69 00 E9 00", "abcdefghi\xC3\xA9"},
        {"FF FF", "NULL"}}},
      {{TypeKind::varchar, 10},
       varchar.c_str(),
       {{"01 00 41", "A"},
        {"00 00", ""},
        {"03 00 FC 80 81", "\xC3\xBC\xE2\x82\xAC\xC2\x81"},
        {"FF FF", "NULL"}}},
      {{TypeKind::char_, 2}, char_.c_str(), {{"02 00 41 20", "A "}, {"FF FF", "NULL"}}},
      {{TypeKind::nchar, 2}, nchar.c_str(), {{"04 00 41 00 20 00", "A "}, {"FF FF", "NULL"}}},
      {{TypeKind::binary, 3}, "AD 03 00", {{"03 00 00 FF 01", "0x00ff01"}, {"FF FF", "NULL"}}},
      {{TypeKind::rowversion},
       "AD 08 00",
       {{"08 00 00 00 00 00 00 00 07 D1", "0x00000000000007d1"}, {"FF FF", "NULL"}}},
      {{TypeKind::varbinary, 10},
       "A5 0A 00",
       {{"00 00", "0x"}, {"02 00 00 FF", "0x00ff"}, {"FF FF", "NULL"}}},
      // The long ones, behind all others as a select list has them.
      {{TypeKind::nvarchar, -1},
       nvarchar_max.c_str(),
       {{"04 00 00 00 00 00 00 00 04 00 00 00 41 00 42 00 00 00 00 00", "AB"},
        {"FE FF FF FF FF FF FF FF 03 00 00 00 41 00 42 03 00 00 00 00 43 00 00 00 00 00", "ABC"},
        {"00 00 00 00 00 00 00 00 00 00 00 00", ""},
        {"FF FF FF FF FF FF FF FF", "NULL"}}},
      {{TypeKind::varbinary, -1},
       "A5 FF FF",
       {{"FE FF FF FF FF FF FF FF 01 00 00 00 00 01 00 00 00 FF 00 00 00 00", "0x00ff"},
        {"00 00 00 00 00 00 00 00 00 00 00 00", "0x"},
        {"FF FF FF FF FF FF FF FF", "NULL"}}},
      {{TypeKind::ntext, -1},
       ntext.c_str(),
       {{"10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 00 00 00 00 00 00 00 00 02 00 00 00 44 00", "D"},
        {"00", "NULL"}}},
      {{TypeKind::image, -1},
       "22 FF FF FF 7F 01 01 00 74 00",
       {{"01 00 00 00 00 00 00 00 00 00 02 00 00 00 44 00", "0x4400"}, {"00", "NULL"}}},
  };
}

SchemaPtr schema_of(const std::vector<Case>& cases) {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"dbo", "t"};
  for (std::size_t i = 0; i < cases.size(); ++i)
    schema->columns.push_back({fmt::format("c{}", i), cases[i].type, true, ""});
  schema->key = {0};
  return schema;
}

std::string columns_of(const std::vector<Case>& cases) {
  std::string out = bytes("81") + static_cast<char>(cases.size()) + '\0';
  for (const Case& each : cases)
    out += bytes("00 00 00 00 01 00") + bytes(each.info) + bytes("01 63 00");
  return out;
}

// Row `row`: each column's value of that number; where it has no more, the last one.
const std::pair<const char*, std::string>& value_of(const Case& each, std::size_t row) {
  return each.values[std::min(row, each.values.size() - 1)];
}

constexpr std::size_t most_values = 6;

std::string rows_of(const std::vector<Case>& cases, bool with_bitmap) {
  std::string out;
  for (std::size_t row = 0; row < most_values; ++row) {
    std::string bitmap((cases.size() + 7) / 8, '\0');
    std::string values;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const auto& [raw, text] = value_of(cases[i], row);
      if (with_bitmap && text == "NULL") {
        bitmap[i / 8] = static_cast<char>(bitmap[i / 8] | 1 << i % 8);
      } else {
        values += bytes(raw);
      }
    }
    out += with_bitmap ? bytes("D2") + bitmap : bytes("D1");
    out += values;
  }
  return out;
}

std::string shown(const RowBatch& batch, std::size_t row, std::size_t column) {
  return batch.state(row, column) == CellState::value ? key_text(batch, row, column) : "NULL";
}

// Reads a response of one result into a batch.
RowBatch decoded(const SchemaPtr& schema, std::string packets, std::size_t limit = 1 << 20,
                 bool is_fault = false, bool only_key = false) {
  Feed feed(std::move(packets));
  tds::Inbox inbox(feed);
  tds::SessionState state;
  tds::Response response(inbox, state);
  response.begin();
  RowBatch batch(schema);
  if (response.next() != tds::Response::Event::columns) throw Error(ErrorKind::protocol, "no columns");
  TdsRowDecoder decoder(response.columns(), {*schema, {}, limit, is_fault});
  for (tds::Response::Event event; (event = response.next()) != tds::Response::Event::end;) {
    if (event != tds::Response::Event::row) continue;
    const std::size_t row = batch.add_row({});
    if (only_key) {
      decoder.decode_key(response, batch, row);
    } else {
      decoder.decode(response, batch, row);
    }
  }
  return batch;
}

void expect_all(const RowBatch& batch, const std::vector<Case>& cases) {
  ASSERT_EQ(batch.rows(), most_values);
  EXPECT_TRUE(batch.faults().empty());
  for (std::size_t row = 0; row < most_values; ++row) {
    for (std::size_t i = 0; i < cases.size(); ++i)
      EXPECT_EQ(shown(batch, row, i), value_of(cases[i], row).second) << cases[i].info << " row " << row;
  }
}

TEST(TdsRows, DecodeEveryType) {
  const std::vector<Case> cases = every_type();
  const SchemaPtr schema = schema_of(cases);
  for (const bool with_bitmap : {false, true})
    expect_all(
        decoded(schema, message(columns_of(cases) + rows_of(cases, with_bitmap) + bytes(done), 30'000)),
        cases);
}

// A row that lies across two packets is no other row: cut at every byte, and into packets of a few bytes.
TEST(TdsRows, DecodeAcrossPackets) {
  const std::vector<Case> cases = every_type();
  const SchemaPtr schema = schema_of(cases);
  for (const bool with_bitmap : {false, true}) {
    const std::string columns = columns_of(cases);
    const std::string data = columns + rows_of(cases, with_bitmap) + bytes(done);
    for (std::size_t cut = columns.size(); cut < data.size(); ++cut) {
      expect_all(decoded(schema, message(data, 30'000, cut)), cases);
      if (HasFailure()) FAIL() << "cut at " << cut;
    }
    for (const std::size_t size : {1u, 3u, 7u, 64u})
      expect_all(decoded(schema, message(data, size)), cases);
  }
}

TEST(TdsRows, ReadTheKeyAlone) {
  const std::vector<Case> cases = every_type();
  auto schema = std::make_shared<TableSchema>(*schema_of(cases));
  schema->key = {6, 40};
  const RowBatch batch = decoded(
      schema, message(columns_of(cases) + rows_of(cases, false) + bytes(done), 100), 1 << 20, false, true);
  ASSERT_EQ(batch.rows(), most_values);
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(shown(batch, 0, i), i == 6 || i == 40 ? value_of(cases[i], 0).second : "NULL") << i;
}

std::string one_row(const char* info, const char* value) {
  return message(bytes("81 02 00 00 00 00 00 00 00 38 01 69 00 00 00 00 00 01 00") + bytes(info) +
                     bytes("01 63 00") + bytes("D1 07 00 00 00") + bytes(value) + bytes(done),
                 1'000);
}

SchemaPtr id_and(const ColumnType& type, TextPolicy policy = TextPolicy::error) {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"dbo", "t"};
  schema->columns = {{"id", {TypeKind::int_}, false, ""}, {"c", type, true, "", policy}};
  schema->key = {0};
  return schema;
}

const char* const text_info = "E7 14 00 09 04 D0 00 34";

// What PostgreSQL cannot hold is a fault of its row, or is mended where the column says so.
TEST(TdsRows, TellWhatTextCannotBe) {
  const ColumnType type{TypeKind::nvarchar, 10};
  const RowBatch with_zero = decoded(id_and(type), one_row(text_info, "04 00 41 00 00 00"));
  ASSERT_EQ(with_zero.faults().size(), 1u);
  EXPECT_EQ(with_zero.faults()[0].code, RowFaultCode::zero_in_text);
  EXPECT_EQ(with_zero.state(0, 1), CellState::null);
  // The same of bytes of a code page.
  const ColumnType narrow{TypeKind::varchar, 10};
  const char* const narrow_info = "A7 0A 00 09 04 D0 00 34";
  const RowBatch narrow_zero = decoded(id_and(narrow), one_row(narrow_info, "02 00 FC 00"));
  ASSERT_EQ(narrow_zero.faults().size(), 1u);
  EXPECT_EQ(narrow_zero.faults()[0].code, RowFaultCode::zero_in_text);
  EXPECT_EQ(narrow_zero.state(0, 1), CellState::null);
  const RowBatch narrow_stripped =
      decoded(id_and(narrow, TextPolicy::strip), one_row(narrow_info, "03 00 FC 00 80"));
  EXPECT_TRUE(narrow_stripped.faults().empty());
  EXPECT_EQ(narrow_stripped.text(0, 1), "\xC3\xBC\xE2\x82\xAC");
  const RowBatch half = decoded(id_and(type), one_row(text_info, "04 00 3D D8 41 00"));
  ASSERT_EQ(half.faults().size(), 1u);
  EXPECT_EQ(half.faults()[0].code, RowFaultCode::lone_surrogate);
  const RowBatch mended =
      decoded(id_and(type, TextPolicy::strip), one_row(text_info, "06 00 41 00 00 00 42 00"));
  EXPECT_TRUE(mended.faults().empty());
  EXPECT_EQ(mended.text(0, 1), "AB");
}

TEST(TdsRows, HoldLongValuesAgainstTheLimit) {
  const SchemaPtr schema = id_and({TypeKind::varbinary, -1});
  const char* const value = "04 00 00 00 00 00 00 00 04 00 00 00 01 02 03 04 00 00 00 00";
  EXPECT_EQ(decoded(schema, one_row("A5 FF FF", value), 4).text(0, 1).size(), 4u);
  const RowBatch fault = decoded(schema, one_row("A5 FF FF", value), 3, true);
  ASSERT_EQ(fault.faults().size(), 1u);
  EXPECT_EQ(fault.faults()[0].code, RowFaultCode::too_large);
  try {
    decoded(schema, one_row("A5 FF FF", value), 3);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_THAT(error.what(), HasSubstr("id=7"));
  }
}

// A column that became another one since the catalog was read must not become wrong values.
TEST(TdsRows, RefuseColumnsThatHaveBecomeOthers) {
  const auto kind = [](const ColumnType& type, const char* info, const char* value) {
    try {
      decoded(id_and(type), one_row(info, value));
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "nothing was thrown: " << info;
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind({TypeKind::int_}, text_info, "00 00"), ErrorKind::schema);
  EXPECT_EQ(kind({TypeKind::nvarchar, 10}, "26 04", "00"), ErrorKind::schema);
  EXPECT_EQ(kind({TypeKind::varchar, 10}, "A7 0A 00 08 04 D0 00 00", "00 00"), ErrorKind::schema) << "Greek";
  EXPECT_EQ(kind({TypeKind::varchar, 10}, "A7 0A 00 09 04 D0 04 00", "00 00"), ErrorKind::schema) << "UTF-8";
  EXPECT_EQ(kind({TypeKind::nvarchar, 10}, "A7 0A 00 09 04 D0 00 34", "00 00"), ErrorKind::schema)
      << "no code pages";
  EXPECT_EQ(kind({TypeKind::real}, "6D 08", "00"), ErrorKind::schema) << "digits would be lost";
  EXPECT_EQ(kind({TypeKind::date}, "2A 07", "00"), ErrorKind::schema);
  EXPECT_EQ(kind({TypeKind::decimal, 0, 5, 1}, "6A 05 05 02", "05 01 7D 00 00 00"), ErrorKind::protocol)
      << "1.25 is none of one digit";
}

TEST(TdsRows, RefuseValuesThatDoNotExist) {
  const auto refuses = [](const ColumnType& type, const char* info, const char* value) {
    try {
      decoded(id_and(type), one_row(info, value));
    } catch (const Error& error) {
      return error.kind() == ErrorKind::protocol;
    }
    return false;
  };
  EXPECT_TRUE(refuses({TypeKind::date}, "28", "03 DB B9 37")) << "after 9999";
  EXPECT_TRUE(refuses({TypeKind::date}, "28", "02 DB B9")) << "of another width";
  EXPECT_TRUE(refuses({TypeKind::time, 0, 0, 7}, "29 07", "05 00 C0 69 2A C9")) << "24:00";
  EXPECT_TRUE(refuses({TypeKind::datetime}, "6F 08", "08 00 00 00 00 00 82 8B 01")) << "24:00";
  EXPECT_TRUE(refuses({TypeKind::datetime}, "6F 08", "08 00 00 00 80 00 00 00 00"));
  EXPECT_TRUE(refuses({TypeKind::smalldatetime}, "6F 04", "04 00 00 A0 05")) << "24:00";
  EXPECT_TRUE(refuses({TypeKind::datetimeoffset, 0, 0, 0}, "2B 00", "08 01 00 00 90 40 0B 49 03"))
      << "+14:01";
  EXPECT_TRUE(refuses({TypeKind::decimal, 0, 38, 0}, "6A 11 26 00",
                      "11 01 00 00 00 00 40 22 8A 09 7A C4 86 5A A8 4C 3B 4B"))
      << "10^38";
  EXPECT_TRUE(refuses({TypeKind::decimal, 0, 38, 0}, "6A 11 26 00", "01 01")) << "a sign alone";
  EXPECT_TRUE(refuses({TypeKind::int_}, "26 04", "02 01 00"));
  EXPECT_TRUE(refuses({TypeKind::nvarchar, 10}, text_info, "16 00 41 00")) << "longer than its column";
}

// A response that stops, at whichever byte, is none: neither as a message that ends there nor as a connection that does.
TEST(TdsRows, RefuseEveryResponseThatStops) {
  const std::vector<Case> cases = every_type();
  const SchemaPtr schema = schema_of(cases);
  const std::string data = columns_of(cases) + rows_of(cases, true) + rows_of(cases, false) + bytes(done);
  const auto kind = [&](std::string packets) -> std::optional<ErrorKind> {
    try {
      decoded(schema, std::move(packets));
      return std::nullopt;
    } catch (const Error& error) {
      return error.kind();
    }
  };
  EXPECT_EQ(kind(tds::testing::packet(data, /*is_last=*/true)), std::nullopt);
  for (std::size_t cut = 0; cut < data.size(); ++cut) {
    const std::string begin = data.substr(0, cut);
    ASSERT_EQ(kind(tds::testing::packet(begin, /*is_last=*/true)), ErrorKind::protocol) << cut;
    ASSERT_EQ(kind(tds::testing::packet(begin, /*is_last=*/false)), ErrorKind::unavailable) << cut;
  }
}

// Changes that break lengths and the order of things: single bytes, numbers at the ends of their ranges, stretches left
// out, repeated, or put where others were.
void change(std::string& data, const std::string& original, std::mt19937& random) {
  const std::size_t at = random() % data.size();
  const std::size_t from = random() % original.size();
  const std::size_t size = 1 + random() % (random() % 4 == 0 ? 200 : 12);
  switch (random() % 9) {
    case 0: data[at] = static_cast<char>(random()); break;
    case 1: data[at] = static_cast<char>(random() % 2 == 0 ? 0xFF : 0); break;
    case 2: data.erase(at, 1 + random() % 4); break;
    case 3: data.insert(at, 1 + random() % 4, static_cast<char>(random())); break;
    case 4: data.resize(at); break;
    case 5: data.erase(at, size); break;
    case 6: data.insert(at, original, from, size); break;
    case 7: data.replace(at, size, original, from, size); break;
    default:
      data.replace(at, 1u << random() % 4, 1u << random() % 4, random() % 2 == 0 ? '\xFF' : '\x7F');
      break;
  }
}

// Bytes from outside never crash a decoder: good responses that are changed, as are their packets. With --gtest_repeat
// each run has changes of its own.
TEST(TdsRowsFuzz, SurvivesChangedResponses) {
  static unsigned seed = 20261123;
  ++seed;
  constexpr int rounds = 5'000;
  std::mt19937 random(seed);
  const std::vector<Case> cases = every_type();
  const SchemaPtr schema = schema_of(cases);
  std::string data = columns_of(cases);
  for (const bool with_bitmap : {false, true})
    data += rows_of(cases, with_bitmap);
  data += bytes("AA 16 00 12 48 00 00 01 0E 03 00 6E 00 6F 00 21 00 01 73 00 00 01 00 00 00") + bytes(done);
  for (int round = 0; round < rounds; ++round) {
    const bool in_packets = random() % 4 == 0;
    const std::size_t size = 1 + random() % 900;
    const std::string original = in_packets ? message(data, size) : data;
    std::string changed = original;
    for (std::size_t changes = 1 + random() % 4; changes > 0 && !changed.empty(); --changes)
      change(changed, original, random);
    try {
      decoded(schema, in_packets ? changed : message(changed, size), 50, random() % 2 == 0,
              random() % 4 == 0);
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::internal)
          << error.what() << " round " << round << " of seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tailrace::sqlserver
