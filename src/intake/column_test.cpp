// What Connect's schemas say of columns.
#include "intake/column.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace::intake {
namespace {

using record::make_schema;
using record::SchemaType;

record::SchemaPtr named(SchemaType type, const std::string& name) {
  return make_schema({.type = type, .optional = true, .name = name});
}

record::SchemaPtr from_source(SchemaType type, const std::string& source, const std::string& length,
                              const std::string& scale = "", const std::string& name = "") {
  record::Schema schema{.type = type, .optional = true, .name = name};
  schema.parameters.emplace_back("__debezium.source.column.type", source);
  if (!length.empty()) schema.parameters.emplace_back("__debezium.source.column.length", length);
  if (!scale.empty()) schema.parameters.emplace_back("__debezium.source.column.scale", scale);
  return make_schema(std::move(schema));
}

std::string type_of(const record::SchemaPtr& schema) {
  return propose_column("c", *schema, false).type.sql_name();
}

TEST(Columns, PlainTypesTakeEveryValue) {
  EXPECT_EQ(type_of(record::optional_of(SchemaType::boolean)), "bit");
  EXPECT_EQ(type_of(record::optional_of(SchemaType::int16)), "smallint");
  EXPECT_EQ(type_of(record::optional_of(SchemaType::string)), "nvarchar(max)");
  EXPECT_EQ(type_of(record::optional_of(SchemaType::bytes)), "varbinary(max)");
  EXPECT_EQ(type_of(record::decimal_schema(2, 10, true)), "decimal(10,2)");
  EXPECT_EQ(type_of(record::decimal_schema(2, 0, true)), "decimal(38,2)");
}

TEST(Columns, SemanticNamesDecide) {
  EXPECT_EQ(type_of(named(SchemaType::int32, "io.debezium.time.Date")), "date");
  EXPECT_EQ(type_of(named(SchemaType::int64, "io.debezium.time.NanoTimestamp")), "datetime2(7)");
  EXPECT_EQ(type_of(named(SchemaType::int64, "org.apache.kafka.connect.data.Timestamp")), "datetime2(3)");
  EXPECT_EQ(type_of(named(SchemaType::string, "io.debezium.time.ZonedTimestamp")), "datetimeoffset(7)");
  EXPECT_EQ(type_of(named(SchemaType::string, "io.debezium.data.Xml")), "xml");
}

// A key column is NOT NULL whatever its schema says; another one as its schema does.
TEST(Columns, NullableAsTheSchemaSays) {
  EXPECT_TRUE(propose_column("c", *record::optional_of(SchemaType::int32), false).nullable);
  EXPECT_FALSE(propose_column("c", *record::schema_of(SchemaType::int32), false).nullable);
  EXPECT_FALSE(propose_column("c", *record::optional_of(SchemaType::int32), true).nullable);
}

// Without them a table that is made anew has text where direct mode has varchar(50) and uuid.
TEST(Columns, TypesThatTheSourceSentAreTaken) {
  EXPECT_EQ(type_of(from_source(SchemaType::string, "NVARCHAR", "50")), "nvarchar(50)");
  EXPECT_EQ(type_of(from_source(SchemaType::string, "NVARCHAR", "2147483647")), "nvarchar(max)");
  EXPECT_EQ(type_of(from_source(SchemaType::string, "UNIQUEIDENTIFIER", "36")), "uniqueidentifier");
  EXPECT_EQ(type_of(from_source(SchemaType::int32, "INT IDENTITY", "10", "0")), "int");
  EXPECT_EQ(type_of(from_source(SchemaType::int16, "TINYINT", "3", "0")), "tinyint");
  EXPECT_EQ(type_of(from_source(SchemaType::int64, "DATETIME2", "22", "2", "io.debezium.time.Timestamp")),
            "datetime2(2)");
  EXPECT_EQ(type_of(from_source(SchemaType::int64, "SMALLDATETIME", "16", "0", "io.debezium.time.Timestamp")),
            "smalldatetime");
}

// A type that the values are not of (another handling mode) is not taken.
TEST(Columns, TypesThatDoNotFitTheValuesAreNotTaken) {
  EXPECT_EQ(type_of(from_source(SchemaType::float64, "DECIMAL", "10", "2")), "float");
  EXPECT_EQ(type_of(from_source(SchemaType::string, "SOMETHING", "1")), "nvarchar(max)");
  EXPECT_EQ(type_of(from_source(SchemaType::string, "NVARCHAR", "x")), "nvarchar(max)");
}

TEST(Columns, ArraysAndStructsAreRefusedByName) {
  try {
    propose_column("tags", *record::array_of(record::schema_of(SchemaType::string)), false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(error.context("column"), "tags");
  }
}

}  // namespace
}  // namespace tailrace::intake
