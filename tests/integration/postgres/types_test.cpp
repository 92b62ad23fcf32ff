// Every type of docs/types.md: chunk COPY, upsert while catching up, insert and update while streaming, one
// statement or several, must give the same PostgreSQL value bit for bit, and it must be the right one.
#include <cmath>
#include <limits>

#include "postgres/types.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

constexpr std::int64_t ticks_per_day = 864'000'000'000;
constexpr std::int64_t last_day = 3'652'058;  // 9999-12-31 since 0001-01-01.
constexpr std::int64_t last_tick = (last_day + 1) * ticks_per_day - 1;

struct TypeCase {
  std::string name;
  ColumnType type;
  std::string sql;
  // A value and the text that PostgreSQL shows for it.
  std::vector<std::pair<Value, std::string>> values;
};

int128 digits38() {
  int128 value = 0;
  for (int i = 0; i < 38; ++i)
    value = value * 10 + 9;
  return value;
}

std::vector<TypeCase> numbers() {
  const std::string nines(38, '9');
  return {
      {"bit", {TypeKind::bit, 1, 1, 0}, "boolean", {{0, "false"}, {1, "true"}}},
      {"tinyint", {TypeKind::tinyint, 1, 3, 0}, "smallint", {{0, "0"}, {255, "255"}}},
      {"smallint",
       {TypeKind::smallint, 2, 5, 0},
       "smallint",
       {{-32768, "-32768"}, {0, "0"}, {32767, "32767"}}},
      {"int", int_type, "integer", {{-2147483647 - 1, "-2147483648"}, {0, "0"}, {2147483647, "2147483647"}}},
      {"bigint",
       bigint_type,
       "bigint",
       {{std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
        {std::int64_t{0}, "0"},
        {std::numeric_limits<std::int64_t>::max(), "9223372036854775807"}}},
      {"decimal_38_0",
       {TypeKind::decimal, 17, 38, 0},
       "numeric(38,0)",
       {{digits38(), nines}, {-digits38(), "-" + nines}, {int128{0}, "0"}, {int128{10'000}, "10000"}}},
      {"decimal_38_38",
       {TypeKind::decimal, 17, 38, 38},
       "numeric(38,38)",
       {{digits38(), "0." + nines},
        {int128{1}, "0." + std::string(37, '0') + "1"},
        {int128{0}, "0." + std::string(38, '0')}}},
      {"decimal_38_19",
       {TypeKind::decimal, 17, 38, 19},
       "numeric(38,19)",
       {{digits38(), std::string(19, '9') + "." + std::string(19, '9')},
        {int128{-1}, "-0.0000000000000000001"}}},
      {"decimal_5_2",
       {TypeKind::decimal, 5, 5, 2},
       "numeric(5,2)",
       {{int128{150}, "1.50"},
        {int128{-99999}, "-999.99"},
        {int128{1}, "0.01"},
        {int128{0}, "0.00"},
        {int128{10000}, "100.00"}}},
      {"decimal_9_3",
       {TypeKind::decimal, 5, 9, 3},
       "numeric(9,3)",
       {{int128{999'999'999}, "999999.999"}, {int128{100'000}, "100.000"}}},
      {"money",
       {TypeKind::money, 8, 19, 4},
       "numeric(19,4)",
       {{int128{std::numeric_limits<std::int64_t>::min()}, "-922337203685477.5808"},
        {int128{std::numeric_limits<std::int64_t>::max()}, "922337203685477.5807"},
        {int128{0}, "0.0000"}}},
      {"smallmoney",
       {TypeKind::smallmoney, 4, 10, 4},
       "numeric(10,4)",
       {{int128{-2147483648LL}, "-214748.3648"}, {int128{2147483647}, "214748.3647"}}},
      {"real",
       {TypeKind::real, 4, 24, 0},
       "real",
       {{-0.0F, "-0"},

        {std::numeric_limits<float>::denorm_min(), "1e-45"},
        {std::numeric_limits<float>::max(), "3.4028235e+38"}}},
      {"float",
       {TypeKind::float_, 8, 53, 0},
       "double precision",
       {{-0.0, "-0"},
        {0.1, "0.1"},
        {std::numeric_limits<double>::denorm_min(), "5e-324"},
        {std::numeric_limits<double>::lowest(), "-1.7976931348623157e+308"}}},
  };
}

std::vector<TypeCase> times() {
  return {
      {"date",
       {TypeKind::date, 3, 10, 0},
       "date",
       {{0, "0001-01-01"}, {std::int64_t{last_day}, "9999-12-31"}, {730'119, "2000-01-01"}}},
      {"time_0",
       {TypeKind::time, 3, 8, 0},
       "time(0) without time zone",
       {{0, "00:00:00"}, {std::int64_t{863'990'000'000}, "23:59:59"}}},
      {"time_7",
       {TypeKind::time, 5, 16, 7},
       "time(6) without time zone",
       {{std::int64_t{ticks_per_day - 1}, "23:59:59.999999"}, {9, "00:00:00"}, {10, "00:00:00.000001"}}},
      {"smalldatetime",
       {TypeKind::smalldatetime, 4, 16, 0},
       "timestamp(0) without time zone",
       {{std::int64_t{693'595} * ticks_per_day, "1900-01-01 00:00:00"}}},
      {"datetime",
       {TypeKind::datetime, 8, 23, 3},
       "timestamp(3) without time zone",
       {{std::int64_t{730'119} * ticks_per_day + 30'000, "2000-01-01 00:00:00.003"},
        {std::int64_t{730'119} * ticks_per_day + 66'667, "2000-01-01 00:00:00.007"},
        {std::int64_t{last_day} * ticks_per_day + 863'999'970'000, "9999-12-31 23:59:59.997"},
        {std::int64_t{639'905} * ticks_per_day, "1753-01-01 00:00:00"}}},
      {"datetime2_0",
       {TypeKind::datetime2, 6, 19, 0},
       "timestamp(0) without time zone",
       {{0, "0001-01-01 00:00:00"}}},
      {"datetime2_3",
       {TypeKind::datetime2, 7, 23, 3},
       "timestamp(3) without time zone",
       {{std::int64_t{last_tick - 9'999}, "9999-12-31 23:59:59.999"}}},
      {"datetime2_7",
       {TypeKind::datetime2, 8, 27, 7},
       "timestamp(6) without time zone",
       {{std::int64_t{last_tick}, "9999-12-31 23:59:59.999999"},
        {19, "0001-01-01 00:00:00.000001"},
        {0, "0001-01-01 00:00:00"}}},
      {"datetimeoffset_7",
       {TypeKind::datetimeoffset, 10, 34, 7},
       "timestamp(6) with time zone",
       {{Ticks{last_tick, 0}, "9999-12-31 23:59:59.999999+00"},
        {Ticks{730'119 * ticks_per_day, 840}, "2000-01-01 00:00:00+00"},
        {Ticks{-14 * 36'000'000'000, 840}, "0001-12-31 10:00:00+00 BC"},
        {Ticks{last_tick + 14 * 36'000'000'000, -840}, "10000-01-01 13:59:59.999999+00"}}},
      {"datetimeoffset_0",
       {TypeKind::datetimeoffset, 8, 26, 0},
       "timestamp(0) with time zone",
       {{Ticks{0, 0}, "0001-01-01 00:00:00+00"}}},
  };
}

std::vector<TypeCase> texts() {
  const std::string emoji = "\xF0\x9F\x98\x80";
  return {
      {"char", {TypeKind::char_, 5, 0, 0}, "text", {{"ab   ", "ab   "}, {"     ", "     "}}},
      {"varchar",
       {TypeKind::varchar, 5, 0, 0},
       "character varying(5)",
       {{"", ""}, {"a    ", "a    "}, {"äöüßé", "äöüßé"}}},
      {"varchar_max",
       {TypeKind::varchar, -1, 0, 0},
       "text",
       {{"", ""}, {std::string(100'000, 'x'), std::string(100'000, 'x')}}},
      {"nchar", {TypeKind::nchar, 4, 0, 0}, "text", {{emoji + "  ", emoji + "  "}}},
      {"nvarchar",
       {TypeKind::nvarchar, 4, 0, 0},
       "character varying(4)",
       {{emoji + emoji, emoji + emoji}, {"a'\"\\", "a'\"\\"}, {"{,}", "{,}"}, {"NULL", "NULL"}}},
      {"nvarchar_max", lob_type, "text", {{"\n\t\x01", "\n\t\x01"}}},
      {"binary", {TypeKind::binary, 3, 0, 0}, "bytea", {{std::string("\0\xff\x01", 3), "\\x00ff01"}}},
      {"varbinary", {TypeKind::varbinary, 8, 0, 0}, "bytea", {{"", "\\x"}, {std::string("\0", 1), "\\x00"}}},
      {"varbinary_max",
       {TypeKind::varbinary, -1, 0, 0},
       "bytea",
       {{std::string(70'000, '\0'), "\\x" + std::string(140'000, '0')}}},
      {"text", {TypeKind::text, -1}, "text", {{"", ""}, {"a  ", "a  "}}},
      {"ntext", {TypeKind::ntext, -1}, "text", {{emoji, emoji}}},
      {"image", {TypeKind::image, -1}, "bytea", {{"", "\\x"}, {std::string("\0\xff", 2), "\\x00ff"}}},
      {"rowversion",
       {TypeKind::rowversion, 8},
       "bytea",
       {{std::string("\0\0\0\0\0\0\x07\xd1", 8), "\\x00000000000007d1"}}},
      {"xml",
       {TypeKind::xml, -1},
       "xml",
       {{"", ""},
        {"<a b=\"1\">ä &amp;</a>", "<a b=\"1\">ä &amp;</a>"},
        {"<a/><b/>", "<a/><b/>"},
        {"x", "x"}}},
      {"sql_variant", {TypeKind::sql_variant, 8016}, "text", {{"1.50", "1.50"}}},
      {"hierarchyid", {TypeKind::hierarchyid, 892}, "text", {{"/1/2.1/", "/1/2.1/"}}},
      {"geometry",
       {TypeKind::geometry, -1},
       "text",
       {{std::string("\x01\x02\0\0\0\0\0\0\0", 9), "LINESTRING EMPTY"}}},
      {"uniqueidentifier",
       {TypeKind::uniqueidentifier, 16, 0, 0},
       "uuid",
       {{Uuid{std::string("\x01\x23\x45\x67\x89\xab\xcd\xef\0\x11\x22\x33\x44\x55\x66\x77", 16)},
         "01234567-89ab-cdef-0011-223344556677"},
        {Uuid{std::string(16, '\xff')}, "ffffffff-ffff-ffff-ffff-ffffffffffff"}}},
  };
}

std::vector<TypeCase> all_cases() {
  std::vector<TypeCase> out = numbers();
  for (const auto& more : {times(), texts()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

class Types : public SinkTest, public ::testing::WithParamInterface<TypeCase> {
 protected:
  void every_path();
  void as_a_key();

  // Ids 0.. of the values, the last one NULL; moved up by `base`.
  RowBatch rows(const SchemaPtr& schema, Operation operation, int base) const {
    RowBatch batch(schema);
    int id = base;
    for (const auto& [value, text] : GetParam().values)
      add(batch, operation, {id++, value});
    add(batch, operation, {id, Null{}});
    return batch;
  }
  std::string expected() const {
    std::string out;
    for (const auto& [value, text] : GetParam().values)
      out += text + "\n";
    return out + "NULL";
  }
  std::string shown(int base) {
    return reader_.table("SELECT v::text FROM t WHERE id >= " + std::to_string(base) + " AND id < " +
                         std::to_string(base + 100) + " ORDER BY id");
  }
  // The stored bytes: casts to text may hide a difference.
  std::string stored(int base) {
    return reader_.value(
        "SELECT md5(string_agg(coalesce(encode(v_send, 'hex'), 'null'), ',' ORDER BY id)) FROM (SELECT id, " +
        sender() + "(v) AS v_send FROM t WHERE id >= " + std::to_string(base) + " AND id < " +
        std::to_string(base + 100) + ") s");
  }
  std::string sender() {
    return reader_.value(
        "SELECT typsend FROM pg_type t JOIN pg_attribute a ON a.atttypid = t.oid"
        " WHERE a.attrelid = 'public.t'::regclass AND a.attname = 'v'");
  }
};

void Types::every_path() {
  const SchemaPtr schema = table("t", {column("id", int_type), column("v", GetParam().type)});
  reader_.run("SET TimeZone = 'UTC'");
  auto sink = opened(settings(), {schema});
  begin(*sink, {schema});
  load_chunk(*sink, rows(schema, Operation::read, 0));
  EXPECT_TRUE(finish_load(*sink, {schema}, {"m"}, {}));
  EXPECT_EQ(reader_.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                          " WHERE attrelid = 'public.t'::regclass AND attname = 'v'"),
            GetParam().sql);
  // Catching up: upserts of new rows and over old ones.
  RowBatch filler(schema);
  for (int id = 200; id < 220; ++id)
    add(filler, Operation::insert, {id, Null{}});
  ASSERT_TRUE(sink->write(part({rows(schema, Operation::insert, 100), filler}), {}));
  ASSERT_TRUE(sink->write(ending_at(lsn(2), {rows(schema, Operation::update, 200)}, {schema->name}), {}));
  // Streaming: inserts, and updates of rows that exist.
  ASSERT_TRUE(sink->write(ending_at(lsn(3), {rows(schema, Operation::insert, 300)}), {}));
  RowBatch empty(schema);
  for (int id = 400; id < 420; ++id)
    add(empty, Operation::insert, {id, Null{}});
  ASSERT_TRUE(sink->write(ending_at(lsn(4), {empty}), {}));
  ASSERT_TRUE(sink->write(ending_at(lsn(5), {rows(schema, Operation::update, 400)}), {}));
  reader_.run("DELETE FROM t WHERE v IS NULL AND id % 100 > " + std::to_string(GetParam().values.size()));
  sink->close();
  // The same through other statement sizes.
  Settings other = settings();
  other.statement_rows = 1;
  sink = opened(other, {schema});
  ASSERT_TRUE(sink->write(ending_at(lsn(6), {rows(schema, Operation::insert, 500)}), {}));
  for (const int base : {0, 100, 200, 300, 400, 500}) {
    EXPECT_EQ(shown(base), expected()) << "path " << base;
    EXPECT_EQ(stored(base), stored(0)) << "path " << base;
  }
}

TEST_P(Types, EveryPathGivesTheSameValue) {
  every_path();
}

// The value as a key: found again by update and delete.
void Types::as_a_key() {
  const SchemaPtr schema = table("t", {column("k", GetParam().type), column("n", int_type)});
  RowBatch loaded(schema);
  RowBatch updates(schema);
  RowBatch deletes(schema);
  for (const auto& [value, text] : GetParam().values) {
    add(loaded, Operation::read, {value, 1});
    add(updates, Operation::update, {value, 2});
    add(deletes, Operation::delete_, {value, Null{}});
  }
  auto sink = streaming({loaded});
  ASSERT_TRUE(sink->write(ending_at(lsn(3), {updates}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM t WHERE n = 2"), std::to_string(loaded.rows()));
  ASSERT_TRUE(sink->write(ending_at(lsn(4), {deletes}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM t"), "0");
}

TEST_P(Types, WorksAsAKey) {
  if (loses_digits(GetParam().type) || GetParam().type.is_max()) return;
  as_a_key();
}

// R10b: a column that was there before, of another type that takes the values without loss.
class R10_Casts : public Types {};

TEST_P(R10_Casts, EveryPathGivesTheSameValue) {
  reader_.run("CREATE TABLE public.t (id integer PRIMARY KEY, v " + GetParam().sql + ")");
  every_path();
}

TEST_P(R10_Casts, WorksAsAKey) {
  const ColumnType& type = GetParam().type;
  if (loses_digits(type) || type.is_max()) return;
  reader_.run("CREATE TABLE public.t (k " + GetParam().sql + " PRIMARY KEY, n integer)");
  as_a_key();
}

constexpr std::int64_t day_2000 = 730'119;

std::vector<TypeCase> cast_cases() {
  const std::string ewkb_point("\x01\x01\0\0\x20\xe6\x10\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40", 25);
  return {
      {"bit_smallint", {TypeKind::bit}, "smallint", {{0, "0"}, {1, "1"}}},
      {"bit_numeric", {TypeKind::bit}, "numeric(5,0)", {{0, "0"}, {1, "1"}}},
      {"tinyint_bigint", {TypeKind::tinyint}, "bigint", {{255, "255"}}},
      {"int_float8",
       int_type,
       "double precision",
       {{-2147483647 - 1, "-2147483648"}, {2147483647, "2147483647"}}},
      {"smallint_float4", {TypeKind::smallint}, "real", {{-32768, "-32768"}, {32767, "32767"}}},
      {"bigint_numeric",
       bigint_type,
       "numeric(19,0)",
       {{std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"}, {std::int64_t{0}, "0"}}},
      {"bigint_text",
       bigint_type,
       "text",
       {{std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"}}},
      {"int_varchar", int_type, "character varying(11)", {{-2147483647 - 1, "-2147483648"}}},
      {"decimal_int",
       {TypeKind::decimal, 5, 9, 0},
       "integer",
       {{int128{999'999'999}, "999999999"}, {int128{-7}, "-7"}}},
      {"decimal_bigint",
       {TypeKind::decimal, 9, 18, 0},
       "bigint",
       {{int128{-999'999'999'999'999'999}, "-999999999999999999"}}},
      {"decimal_text", {TypeKind::decimal, 5, 5, 2}, "text", {{int128{150}, "1.50"}, {int128{-1}, "-0.01"}}},
      {"money_numeric", {TypeKind::money}, "numeric(30,4)", {{int128{-1}, "-0.0001"}}},
      {"real_float8", {TypeKind::real}, "double precision", {{0.5F, "0.5"}, {-0.0F, "-0"}}},
      {"date_timestamp",
       {TypeKind::date},
       "timestamp(0) without time zone",
       {{std::int64_t{day_2000}, "2000-01-01 00:00:00"}}},
      {"date_text", {TypeKind::date}, "character varying(10)", {{std::int64_t{last_day}, "9999-12-31"}}},
      {"datetime_text",
       {TypeKind::datetime},
       "text",
       {{day_2000 * ticks_per_day + 33'333, "2000-01-01 00:00:00.003"}}},
      {"datetime2_timestamp",
       {TypeKind::datetime2, 0, 0, 3},
       "timestamp without time zone",
       {{day_2000 * ticks_per_day + 1'230'000, "2000-01-01 00:00:00.123"}}},
      {"datetimeoffset_text",
       {TypeKind::datetimeoffset, 0, 0, 7},
       "text",
       {{Ticks{day_2000 * ticks_per_day + 1, -210}, "1999-12-31 20:30:00.0000001 -03:30"}}},
      {"uuid_text",
       {TypeKind::uniqueidentifier},
       "character varying(36)",
       {{Uuid{std::string(16, '\xff')}, "ffffffff-ffff-ffff-ffff-ffffffffffff"}}},
      {"varchar_wider", {TypeKind::varchar, 5}, "character varying(20)", {{"a    ", "a    "}}},
      {"xml_text", {TypeKind::xml, -1}, "text", {{"<a/>", "<a/>"}, {"", ""}}},
      {"geography_text", {TypeKind::geography, -1}, "text", {{ewkb_point, "SRID=4326;POINT (1 2)"}}},
  };
}

INSTANTIATE_TEST_SUITE_P(All, R10_Casts, ::testing::ValuesIn(cast_cases()),
                         [](const auto& each) { return each.param.name; });

struct Refused {
  ColumnType type;
  const char* sql;
};

// What could lose something is refused by name before anything is written.
TEST_F(SinkTest, R10_TypesThatLoseSomethingAreRefused) {
  const std::vector<Refused> refused{
      {int_type, "smallint"},
      {int_type, "real"},
      {bigint_type, "double precision"},
      {int_type, "character varying(10)"},
      {{TypeKind::bit}, "text"},
      {{TypeKind::decimal, 0, 10, 0}, "integer"},
      {{TypeKind::decimal, 0, 9, 2}, "integer"},
      {{TypeKind::decimal, 0, 9, 2}, "numeric(12,4)"},
      {{TypeKind::decimal, 0, 9, 2}, "double precision"},
      {{TypeKind::float_}, "real"},
      {{TypeKind::float_}, "text"},
      {{TypeKind::datetime2, 0, 0, 6}, "timestamp(3)"},
      {{TypeKind::datetime2, 0, 0, 6}, "timestamptz"},
      {{TypeKind::datetime2, 0, 0, 6}, "date"},
      {{TypeKind::datetimeoffset, 0, 0, 6}, "timestamp"},
      {{TypeKind::date}, "timestamptz"},
      {{TypeKind::varchar, 50}, "character varying(49)"},
      {{TypeKind::varchar, -1}, "character varying(8000)"},
      {{TypeKind::nvarchar, 50}, "xml"},
      {{TypeKind::sql_variant, 8016}, "character varying(8016)"},
      {{TypeKind::rowversion, 8}, "bigint"},
      {{TypeKind::image, -1}, "text"},
      {{TypeKind::geometry, -1}, "bytea"},
  };
  for (std::size_t i = 0; i < refused.size(); ++i) {
    SCOPED_TRACE(refused[i].type.sql_name() + " into " + refused[i].sql);
    const std::string name = "r" + std::to_string(i);
    reader_.run("CREATE TABLE public." + name + " (id integer PRIMARY KEY, v " + refused[i].sql + ")");
    const SchemaPtr schema = table(name, {column("id", int_type), column("v", refused[i].type)});
    std::string text;
    EXPECT_EQ(kind_of([&] { opened(settings(), {schema}); }, &text), ErrorKind::config);
    EXPECT_NE(text.find("column v"), std::string::npos) << text;
  }
}

// The options of the created type.
TEST_F(SinkTest, OptionsMakeText) {
  Settings asked = settings();
  EXPECT_EQ(created_type({TypeKind::xml, -1}, asked).sql(), "xml");
  EXPECT_EQ(created_type({TypeKind::datetimeoffset, 0, 0, 7}, asked).sql(), "timestamp(6) with time zone");
  EXPECT_EQ(created_type({TypeKind::geometry, -1}, asked).sql(), "text");
  asked.xml_as_text = asked.datetimeoffset_as_text = true;
  EXPECT_EQ(created_type({TypeKind::xml, -1}, asked).sql(), "text");
  EXPECT_EQ(created_type({TypeKind::datetimeoffset, 0, 0, 7}, asked).sql(), "text");
  asked.postgis_schema = "gis";
  EXPECT_EQ(created_type({TypeKind::geometry, -1}, asked).sql(), "geometry");
}

INSTANTIATE_TEST_SUITE_P(All, Types, ::testing::ValuesIn(all_cases()),
                         [](const auto& each) { return each.param.name; });

// R7d: -0 and 0 are one key to the target, so they must be one when changes are merged.
TEST_F(SinkTest, R07_KeysAreComparedAsTheTargetDoes) {
  const SchemaPtr schema = table("t", {column("k", {TypeKind::float_, 8, 53, 0}), column("n", int_type)});
  RowBatch loaded(schema);
  add(loaded, Operation::read, {0.0, 1});
  auto sink = streaming({loaded});
  RowBatch changes(schema);
  add(changes, Operation::update, {-0.0, 2});
  add(changes, Operation::delete_, {0.0, Null{}});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changes}), {}));
  EXPECT_EQ(reader_.table("SELECT n FROM t"), "");
}

}  // namespace
}  // namespace tailrace::postgres
