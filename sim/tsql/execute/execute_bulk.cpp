// BULK INSERT: the fields of a data file straight into rows, without SQL for each row.
//
// Source   Transact-SQL reference: BULK INSERT; "Keep nulls or default values during bulk import". The errors from memory.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/utf.h"
#include "sim/storage/code_page.h"
#include "sim/storage/codec.h"
#include "sim/tsql/rows/data_file.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/convert.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

constexpr std::uint16_t utf8_page = 65001;

bool whole_number(std::string_view text, std::int64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

bool fits(Type type, std::int64_t number) {
  switch (type) {
    case Type::bigint: return true;
    case Type::int_: return number == static_cast<std::int32_t>(number);
    case Type::smallint: return number == static_cast<std::int16_t>(number);
    case Type::tinyint: return number >= 0 && number <= 255;
    default: return false;
  }
}

// YYYY-MM-DD as days since 0001-01-01.
bool iso_date(std::string_view text, std::int64_t& days) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!whole_number(text.substr(0, 4), year) || !whole_number(text.substr(5, 2), month) ||
      !whole_number(text.substr(8, 2), day))
    return false;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<int>(month)))
    return false;
  days = days_of({year, static_cast<int>(month), static_cast<int>(day)});
  return true;
}

// One column's fields as its values.
class FieldReader {
 public:
  FieldReader(const ColumnDef& column, std::uint16_t code_page) : type_(column.type), code_page_(code_page) {}

  // 0, or the number of the error that SQL Server has for the field. The cell borrows from the field or from here.
  std::int32_t read(std::string_view field, Cell& cell) {
    cell = Cell{};
    cell.null = false;
    if (is_text(type_.type)) return text(field, cell);
    if (plain(field, cell)) return 0;
    // What the reference does not say: numbers and dates of blanks.
    if (field.find_first_not_of(' ') == std::string_view::npos) return mismatch;
    if (!is_ascii(field)) return mismatch;
    return converted(field, cell);
  }

 private:
  static constexpr std::int32_t truncation = 4863;
  static constexpr std::int32_t mismatch = 4864;
  static constexpr std::int32_t overflow = 4867;

  // The common forms by hand.
  bool plain(std::string_view field, Cell& cell) const {
    if (is_integer(type_.type)) return whole_number(field, cell.number) && fits(type_.type, cell.number);
    if (type_.type == Type::date) return iso_date(field, cell.number);
    return type_.type == Type::decimal &&
           parse_decimal(field, type_.precision, type_.scale, cell.decimal) == ParseResult::ok;
  }

  std::int32_t text(std::string_view field, Cell& cell) {
    if (field.size() == 1 && field.front() == '\0') field = {};  // How a file has an empty text.
    const bool ascii = is_ascii(field);
    if (!ascii && code_page_ == utf8_page && !is_valid_utf8(field)) return mismatch;
    if (!ascii && code_page_ == 0) not_supported("BULK INSERT of characters beyond ASCII without CODEPAGE");
    const std::int32_t units = units_of(type_);
    if (ascii && (units < 0 || field.size() <= static_cast<std::size_t>(units))) {
      if (!is_fixed_length(type_.type)) {
        cell.text = field;
        return 0;
      }
      value_.text.assign(field);
      value_.text.resize(static_cast<std::size_t>(units), ' ');
      cell.text = value_.text;
      return 0;
    }
    if (ascii) return truncation;
    if (code_page_ != utf8_page) {
      decoded_ = decode_code_page(field, code_page_);
      field = decoded_;
    }
    return converted(field, cell);
  }

  std::int32_t converted(std::string_view field, Cell& cell) {
    Cell given;
    given.null = false;
    given.text = field;
    ConversionError error;
    if (!convert(nvarchar_type(-1), given, type_, no_style, value_, error, ConversionUse::assignment)) {
      switch (error.number) {
        case 8152: return truncation;
        case 220:
        case 232:
        case 244:
        case 248:
        case 8115: return overflow;
        default: return mismatch;
      }
    }
    cell = cell_of(value_);
    return 0;
  }

  TypeInfo type_;
  std::uint16_t code_page_;
  Value value_;
  std::string decoded_;
};

const char* reason_of(std::int32_t number) {
  return number == 4863   ? "truncation"
         : number == 4867 ? "overflow"
                          : "type mismatch or invalid character for the specified codepage";
}

// What would need more than is simulated.
void refuse_columns(const TableDef& table, const BulkInsert& node) {
  for (const ColumnDef& column : table.columns) {
    const auto refuse = [&](const std::string& what) {
      not_supported("BULK INSERT into " + what + " '" + column.name + "'", node.table.line);
    };
    if (!column.computed.empty()) refuse("the computed column");
    if (column.identity) refuse("the identity column");
    if (column.hidden) refuse("the hidden column");
    if (column.type.guise != Guise::none || is_bytes(column.type.type))
      refuse("the " + std::string(type_name(column.type)) + " column");
  }
  const auto enabled = [](const auto& constraint) { return !constraint.disabled; };
  // They would be left unchecked, and known as not trusted.
  if (!node.check_constraints && (std::any_of(table.checks.begin(), table.checks.end(), enabled) ||
                                  std::any_of(table.foreign_keys.begin(), table.foreign_keys.end(), enabled)))
    not_supported("BULK INSERT without CHECK_CONSTRAINTS into a table with constraints", node.table.line);
}

}  // namespace

// A data file on its way into a table. A row that does not convert is left out, up to MAXERRORS of them.
class BulkLoad {
 public:
  BulkLoad(const BulkInsert& node, ResultSink& sink)
      : node_(node), sink_(sink), file_(node.field_terminator, node.row_terminator) {}

  void open() {
    const int code = file_.open(node_.file);
    if (code == ENOENT || code == ENOTDIR)
      raise(4860, "Cannot bulk load. The file \"" + node_.file +
                      "\" does not exist or you don't have file access rights.");
    if (code != 0) {
      const std::string reason =
          code == EACCES ? "5(Access is denied.)" : std::to_string(code) + "(" + std::strerror(code) + ")";
      raise(4861, "Cannot bulk load because the file \"" + node_.file +
                      "\" could not be opened. Operating system error code " + reason + ".");
    }
  }

  // At most BATCHSIZE rows into the table; false when the file is at its end.
  template <typename CheckStop>
  bool batch(RowWriter& writer, const TableDef& table, CheckStop check_stop) {
    std::vector<FieldReader> readers;
    for (const ColumnDef& column : table.columns)
      readers.emplace_back(column, node_.code_page);
    std::vector<std::string_view> fields(readers.size());
    std::vector<Cell> cells(readers.size());
    std::vector<bool> defaults(readers.size());
    for (std::uint64_t taken = 0; node_.batch_rows == 0 || taken < node_.batch_rows;) {
      if (!read(fields)) return false;
      if (row_ < node_.first_row) continue;
      if (row_ % 256 == 0) check_stop();
      ++taken;
      if (convert_row(table, readers, fields, cells, defaults)) writer.insert(cells, defaults);
    }
    return true;
  }

 private:
  bool read(std::vector<std::string_view>& fields) {
    if (node_.last_row != 0 && row_ >= node_.last_row) return false;
    switch (file_.next(fields)) {
      case DataFile::Read::row: ++row_; return true;
      case DataFile::Read::end: return false;
      case DataFile::Read::cut: break;
    }
    fail(4832, "Bulk load: An unexpected end of file was encountered in the data file.");
  }

  bool convert_row(const TableDef& table, std::vector<FieldReader>& readers,
                   const std::vector<std::string_view>& fields, std::vector<Cell>& cells,
                   std::vector<bool>& defaults) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const ColumnDef& column = table.columns[i];
      defaults[i] = fields[i].empty() && !node_.keep_nulls && column.default_value.has_value();
      if (fields[i].empty()) {
        cells[i] = Cell{};
        if (!column.nullable && !defaults[i])
          fail(4869, "The bulk load failed. Unexpected NULL value in data file row " + std::to_string(row_) +
                         ", column " + std::to_string(i + 1) + ". The destination column (" + column.name +
                         ") is defined as NOT NULL.");
        continue;
      }
      if (const std::int32_t number = readers[i].read(fields[i], cells[i])) {
        leave_out(number, i, column.name);
        return false;
      }
    }
    return true;
  }

  void leave_out(std::int32_t number, std::size_t column, const std::string& name) {
    tell(number, std::string("Bulk load data conversion error (") + reason_of(number) + ") for row " +
                     std::to_string(row_) + ", column " + std::to_string(column + 1) + " (" + name + ").");
    if (++errors_ > node_.max_errors)
      fail(4865, "Cannot bulk load because the maximum number of errors (" +
                     std::to_string(node_.max_errors) + ") was exceeded.");
  }

  void tell(std::int32_t number, std::string text) {
    ServerMessage message;
    message.number = number;
    message.severity = severity_of(number);
    message.text = std::move(text);
    message.line = node_.table.line;
    sink_.message(message);
  }

  // The last of the three is what CATCH sees.
  [[noreturn]] void fail(std::int32_t number, std::string text) {
    tell(number, std::move(text));
    tell(7399,
         "The OLE DB provider \"BULK\" for linked server \"(null)\" reported an error. The provider did not "
         "give "
         "any information about the error.");
    raise(7330, "Cannot fetch a row from OLE DB provider \"BULK\" for linked server \"(null)\".");
  }

  const BulkInsert& node_;
  ResultSink& sink_;
  DataFile file_;
  std::uint64_t row_ = 0;  // Of the file, from 1.
  std::uint64_t errors_ = 0;
};

void SessionCore::run_bulk_insert(const BulkInsert& node) {
  in_named_database([&] {
    if (!definition_.sysadmin) raise(4834, "You do not have permission to use the bulk load statement.");
    DmlTarget target;
    target.name = node.table;
    std::uint64_t rows = 0;
    BulkLoad load(node, *sink_);
    TablePtr table = dml_table(target, nullptr, nullptr);
    refuse_columns(*table, node);
    load.open();
    const bool local = table->name.starts_with('#');
    for (bool more = true; more;) {
      // Another session may have changed the table since the last batch was committed.
      change_table(local, [&] {
        table = dml_table(target, nullptr, nullptr);
        refuse_columns(*table, node);
        std::vector<const ColumnDef*> columns;
        for (const ColumnDef& column : table->columns)
          columns.push_back(&column);
        RowWriter writer(*this, table);
        writer.prepare_insert(columns);
        more = load.batch(writer, *table, [this] { check_stop(); });
        writer.finish();
        rows += writer.rows();
      });
    }
    row_count_ = static_cast<std::int64_t>(rows);
    done(StatementKind::insert, rows);
  });
}

}  // namespace tailrace::sim::tsql
