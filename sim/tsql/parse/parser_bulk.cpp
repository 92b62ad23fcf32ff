// BULK INSERT.
#include "sim/tsql/parse/parser_internal.h"
#include "sim/tsql/rows/data_file.h"

namespace tailrace::sim::tsql {
namespace {

// Its number in a WITH clause: BATCHSIZE = 1000.
std::uint64_t option_number(Parser& parser) {
  parser.expect_symbol("=");
  const std::int64_t number = parser.signed_integer();
  if (number < 0) parser.fail();
  return static_cast<std::uint64_t>(number);
}

std::string option_text(Parser& parser) {
  parser.expect_symbol("=");
  return parser.string_literal();
}

std::string option_terminator(Parser& parser, const std::string& option) {
  const std::string written = option_text(parser);
  const std::optional<std::string> bytes = terminator_bytes(written);
  if (!bytes) not_supported("BULK INSERT " + option + " = '" + written + "'", parser.peek().line);
  return *bytes;
}

std::uint16_t option_code_page(Parser& parser) {
  const std::string page = option_text(parser);
  if (page == "65001") return 65001;
  if (page == "1252" || same_word(page, "ACP")) return 1252;
  not_supported("BULK INSERT CODEPAGE = '" + page + "'", parser.peek().line);
}

}  // namespace

void Parser::bulk_option(BulkInsert& node) {
  const std::int32_t line = peek().line;
  const std::string option = any_word();
  if (option == "FIELDTERMINATOR") {
    node.field_terminator = option_terminator(*this, option);
  } else if (option == "ROWTERMINATOR") {
    node.row_terminator = option_terminator(*this, option);
  } else if (option == "CODEPAGE") {
    node.code_page = option_code_page(*this);
  } else if (option == "BATCHSIZE") {
    node.batch_rows = option_number(*this);
  } else if (option == "FIRSTROW") {
    node.first_row = option_number(*this);
  } else if (option == "LASTROW") {
    node.last_row = option_number(*this);
  } else if (option == "MAXERRORS") {
    node.max_errors = option_number(*this);
  } else if (option == "KEEPNULLS") {
    node.keep_nulls = true;
  } else if (option == "CHECK_CONSTRAINTS") {
    node.check_constraints = true;
  } else if (option == "DATAFILETYPE") {
    const std::string kind = option_text(*this);
    if (!same_word(kind, "CHAR")) not_supported("BULK INSERT DATAFILETYPE = '" + kind + "'", line);
  } else if (option == "ROWS_PER_BATCH" || option == "KILOBYTES_PER_BATCH") {
    option_number(*this);  // For the optimizer.
  } else if (option != "TABLOCK" && option != "FIRE_TRIGGERS" && option != "KEEPIDENTITY") {
    // A load has the database's only writer's lock, and triggers and identity columns are refused.
    not_supported("BULK INSERT " + option, line);
  }
}

BulkInsert Parser::bulk_insert_statement() {
  BulkInsert node;
  expect_word("BULK");
  expect_word("INSERT");
  node.table = object_name();
  expect_word("FROM");
  node.file = string_literal();
  if (!accept_word("WITH")) return node;
  expect_symbol("(");
  do {
    bulk_option(node);
  } while (accept_symbol(","));
  expect_symbol(")");
  return node;
}

}  // namespace tailrace::sim::tsql
