// Filter translation: a token at a time; whatever is not known gives up.
#include "postgres/filter_sql.h"

#include <cctype>
#include <vector>

#include "postgres/names.h"

namespace tailrace::postgres {
namespace {

class Translation {
 public:
  Translation(std::string_view filter, const TableSchema& table) : rest_(filter), table_(table) {}

  std::optional<std::string> run() {
    while (skip_blanks()) {
      if (!take_one()) return std::nullopt;
    }
    return out_;
  }

 private:
  bool skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0)
      rest_.remove_prefix(1);
    return !rest_.empty();
  }

  bool take_one() {
    const char c = rest_.front();
    if (c == '[') return take_column();
    if (c == '(' || c == ')' || c == ',') return take(1);
    if (c == '\'') return take_text();
    if (c == 'N' && rest_.size() > 1 && rest_[1] == '\'') {
      rest_.remove_prefix(1);
      return take_text();
    }
    if (std::string_view("<>=!").find(c) != std::string_view::npos) return take_operator();
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-') return take_number();
    return take_word();
  }

  bool take(std::size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(count);
    return true;
  }

  bool take_column() {
    const std::size_t end = rest_.find(']');
    if (end == std::string_view::npos || rest_.substr(end).starts_with("]]")) return false;
    const auto column = table_.find_column(rest_.substr(1, end - 1));
    if (!column) return false;
    column_ = &table_.columns[*column];
    out_ += quote_name(column_->name);
    rest_.remove_prefix(end + 1);
    return true;
  }

  // Text compares by the source's collation, which the target's need not share: only a binary one is the same.
  bool take_text() {
    if (column_ == nullptr || column_->type.cell_kind() != CellKind::text) return false;
    if (column_->collation.find("_BIN") == std::string::npos) return false;
    std::size_t end = 1;
    while (end < rest_.size() && (rest_[end] != '\'' || (end + 1 < rest_.size() && rest_[end + 1] == '\'')))
      end += rest_[end] == '\'' ? 2 : 1;
    if (end >= rest_.size()) return false;
    return take(end + 1);
  }

  bool take_operator() {
    for (const std::string_view known : {"<>", "<=", ">=", "!=", "<", ">", "="}) {
      if (!rest_.starts_with(known)) continue;
      out_ += ' ';
      take(known.size());
      out_ += ' ';
      return true;
    }
    return false;
  }

  bool take_number() {
    if (column_ == nullptr) return false;
    std::size_t end = 1;
    while (end < rest_.size() &&
           (std::isdigit(static_cast<unsigned char>(rest_[end])) != 0 || rest_[end] == '.'))
      ++end;
    const CellKind kind = column_->type.cell_kind();
    if (kind == CellKind::boolean) {
      const std::string_view digits = rest_.substr(0, end);
      if (digits != "0" && digits != "1") return false;
      out_ += digits == "1" ? "true" : "false";
      rest_.remove_prefix(end);
      return true;
    }
    if (kind != CellKind::integer && kind != CellKind::decimal) return false;
    return take(end);
  }

  bool take_word() {
    std::size_t end = 0;
    std::string word;
    while (end < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[end])) != 0)
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(rest_[end++])));
    for (const std::string_view known : {"AND", "IS", "NOT", "NULL", "IN"}) {
      if (word != known) continue;
      out_ += " " + word + " ";
      rest_.remove_prefix(end);
      return true;
    }
    return false;
  }

  std::string_view rest_;
  const TableSchema& table_;
  const Column* column_ = nullptr;  // The one that the next constant is compared with.
  std::string out_;
};

}  // namespace

std::optional<std::string> postgres_filter(std::string_view filter, const TableSchema& table) {
  return Translation(filter, table).run();
}

}  // namespace tailrace::postgres
