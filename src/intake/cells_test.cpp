// Each meaning into its cell: extremes, and what the column's type does not hold.
#include "intake/cells.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "record/decimal.h"

namespace tailrace::intake {
namespace {

using record::Value;

constexpr std::int64_t ticks_1970 = 621'355'968'000'000'000;

ColumnType scaled(TypeKind kind, int scale) {
  return {kind, 0, 0, static_cast<std::uint8_t>(scale)};
}

struct Put {
  explicit Put(const ColumnType& type) : batch(schema_of(type)) { batch.add_row({}); }
  static SchemaPtr schema_of(const ColumnType& type) {
    auto schema = std::make_shared<TableSchema>();
    schema->columns = {{"c", type, true, ""}};
    return schema;
  }
  std::optional<RowFaultCode> operator()(const FieldMeaning& field, const Value& value) {
    return CellWriter(field, batch.schema().columns[0]).put(batch, 0, 0, value);
  }
  const Cell& cell() const { return batch.cell(0, 0); }
  RowBatch batch;
};

TEST(Cells, NumbersKeepTheirExtremes) {
  Put bigint({TypeKind::bigint});
  EXPECT_FALSE(bigint({Meaning::integer}, Value::integer(INT64_MIN)));
  EXPECT_EQ(bigint.cell().integer, INT64_MIN);
  Put real({TypeKind::real});
  EXPECT_FALSE(real({Meaning::float32}, Value::float32(-0.0F)));
  EXPECT_TRUE(std::signbit(real.cell().float32));
  Put bit({TypeKind::bit});
  EXPECT_FALSE(bit({Meaning::boolean}, Value::boolean(true)));
  EXPECT_EQ(bit.cell().integer, 1);
  Put tinyint({TypeKind::tinyint});
  EXPECT_FALSE(tinyint({Meaning::integer}, Value::integer(255)));
  EXPECT_EQ(tinyint({Meaning::integer}, Value::integer(256)), RowFaultCode::unfit_value);
}

TEST(Cells, DecimalsKeepScaleAndAllDigits) {
  Put decimal({TypeKind::decimal, 0, 38, 10});
  const int128 largest =
      static_cast<int128>(9'999'999'999'999'999'999ULL) * 1'000'000'000'000'000'000LL * 10 +
      static_cast<int128>(9'999'999'999'999'999'999ULL);
  EXPECT_FALSE(decimal({Meaning::decimal, 10}, Value::bytes(record::decimal_bytes(largest))));
  EXPECT_TRUE(decimal.cell().decimal == largest);
  Put money({TypeKind::money});
  EXPECT_FALSE(money({Meaning::decimal, 4}, Value::bytes(record::decimal_bytes(INT64_MIN))));
  EXPECT_TRUE(money.cell().decimal == INT64_MIN);
}

// 1.50 of a wider column is 1.5 of a narrower one, and 1.55 is no value of that.
TEST(Cells, DecimalsOfAnotherScaleAreExactOrFaults) {
  Put one_digit({TypeKind::decimal, 0, 4, 1});
  EXPECT_FALSE(one_digit({Meaning::decimal, 2}, Value::bytes(record::decimal_bytes(150))));
  EXPECT_TRUE(one_digit.cell().decimal == 15);
  EXPECT_EQ(one_digit({Meaning::decimal, 2}, Value::bytes(record::decimal_bytes(155))),
            RowFaultCode::unfit_value);
  EXPECT_EQ(one_digit({Meaning::decimal, 0}, Value::bytes(record::decimal_bytes(1000))),
            RowFaultCode::unfit_value);
  EXPECT_FALSE(one_digit({Meaning::text}, Value::text("-999.9")));
  EXPECT_TRUE(one_digit.cell().decimal == -9999);
  EXPECT_EQ(one_digit({Meaning::text}, Value::text("abc")), RowFaultCode::unfit_value);
}

TEST(Cells, TimesAreTicks) {
  Put seven(scaled(TypeKind::datetime2, 7));
  EXPECT_FALSE(seven({Meaning::nanoseconds}, Value::integer(1'531'481'025'340'000'000)));
  EXPECT_EQ(seven.cell().integer, ticks_1970 + 15'314'810'253'400'000);
  EXPECT_FALSE(seven({Meaning::microseconds}, Value::integer(-62'135'596'800'000'000)));
  EXPECT_EQ(seven.cell().integer, 0);
  EXPECT_EQ(seven({Meaning::microseconds}, Value::integer(-62'135'596'800'000'001)),
            RowFaultCode::unfit_value);
  EXPECT_EQ(seven({Meaning::milliseconds}, Value::integer(INT64_MAX)), RowFaultCode::unfit_value);
  EXPECT_EQ(seven({Meaning::nanoseconds}, Value::integer(1)), RowFaultCode::unfit_value);
  Put time(scaled(TypeKind::time, 7));
  EXPECT_FALSE(time({Meaning::time_nanoseconds}, Value::integer(86'399'999'999'900)));
  EXPECT_EQ(time.cell().integer, 863'999'999'999);
  EXPECT_EQ(time({Meaning::time_milliseconds}, Value::integer(86'400'000)), RowFaultCode::unfit_value);
  Put date({TypeKind::date});
  EXPECT_FALSE(date({Meaning::days}, Value::integer(-719'162)));
  EXPECT_EQ(date.cell().integer, 0);
  EXPECT_EQ(date({Meaning::days}, Value::integer(2'932'897)), RowFaultCode::unfit_value);
}

// A target's timestamp(0) takes whole seconds of what comes in milliseconds, and no others: none is rounded.
TEST(Cells, DigitsThatTheTypeDoesNotHaveAreFaults) {
  Put whole(scaled(TypeKind::datetime2, 0));
  EXPECT_FALSE(whole({Meaning::milliseconds}, Value::integer(1'000)));
  EXPECT_EQ(whole({Meaning::milliseconds}, Value::integer(1'001)), RowFaultCode::unfit_value);
}

TEST(Cells, MomentsWithOffsetsAreInstants) {
  Put moment(scaled(TypeKind::datetimeoffset, 7));
  EXPECT_FALSE(moment({Meaning::moment_text}, Value::text("1970-01-01T01:00:00+01:00")));
  EXPECT_EQ(moment.cell().offset_time.ticks, ticks_1970);
  EXPECT_EQ(moment.cell().offset_time.minutes, 60);
  EXPECT_EQ(moment({Meaning::moment_text}, Value::text("1970-01-01T01:00:00")), RowFaultCode::unfit_value);
}

TEST(Cells, UuidsAreReadInEitherCase) {
  Put uuid({TypeKind::uniqueidentifier});
  EXPECT_FALSE(uuid({Meaning::text}, Value::text("6F9619FF-8b86-D011-B42D-00C04FC964FF")));
  EXPECT_EQ(uuid.cell().uuid[0], 0x6f);
  EXPECT_EQ(uuid.cell().uuid[15], 0xff);
  for (const char* const text :
       {"", "6F9619FF-8B86-D011-B42D-00C04FC964F", "6F9619FF-8B86-D011-B42D-00C04FC964FG",
        "6F9619FF8-B86-D011-B42D-00C04FC964FF"})
    EXPECT_EQ(uuid({Meaning::text}, Value::text(text)), RowFaultCode::unfit_value) << text;
}

TEST(Cells, TextIsCheckedAndNotCut) {
  Put text({TypeKind::nvarchar, 3});
  EXPECT_FALSE(text({Meaning::text}, Value::text("日本語")));
  EXPECT_EQ(text.batch.text(0, 0), "日本語");
  EXPECT_EQ(text({Meaning::text}, Value::text("日本語 ")), RowFaultCode::unfit_value);
  EXPECT_EQ(text({Meaning::text}, Value::text(std::string("a\0b", 3))), RowFaultCode::zero_in_text);
  EXPECT_EQ(text({Meaning::text}, Value::text("\xff")), RowFaultCode::invalid_text);
  EXPECT_EQ(text.batch.state(0, 0), CellState::null);
}

TEST(Cells, ATypeOfAnotherKindIsRefused) {
  const Column column{"c", {TypeKind::int_}, true, ""};
  EXPECT_FALSE(can_write({Meaning::text}, column.type));
  EXPECT_THROW(CellWriter({Meaning::text}, column), Error);
}

}  // namespace
}  // namespace tailrace::intake
