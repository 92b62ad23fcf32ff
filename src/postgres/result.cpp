// Results and parameters of statements.
#include <libpq-fe.h>

#include <charconv>

#include "base/error.h"
#include "postgres/connection.h"

namespace tailrace::postgres {

void Result::Clear::operator()(pg_result* raw) const {
  PQclear(raw);
}

int Result::rows() const {
  return PQntuples(raw_.get());
}
int Result::columns() const {
  return PQnfields(raw_.get());
}
bool Result::is_null(int row, int column) const {
  return PQgetisnull(raw_.get(), row, column) != 0;
}

std::string_view Result::text(int row, int column) const {
  TAILRACE_ASSERT(row < rows() && column < columns());
  return {PQgetvalue(raw_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(raw_.get(), row, column))};
}

std::int64_t Result::integer(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  TAILRACE_ASSERT(problem == std::errc{} && end == digits.data() + digits.size());
  return value;
}

std::uint64_t Result::affected() const {
  const std::string_view digits = PQcmdTuples(raw_.get());
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Params& Params::add(std::string bytes, bool binary) {
  values_.push_back({std::move(bytes), {}, binary, false});
  return *this;
}

Params& Params::borrowed(std::string_view bytes) {
  values_.push_back({{}, bytes, true, false});
  return *this;
}

Params& Params::null() {
  values_.push_back({{}, {}, false, true});
  return *this;
}

Params& Params::texts(const std::vector<std::string>& values) {
  return nullable_texts({values.begin(), values.end()});
}

Params& Params::nullable_texts(const std::vector<std::optional<std::string>>& values) {
  std::string literal = "{";
  for (const std::optional<std::string>& value : values) {
    if (literal.size() > 1) literal += ',';
    if (!value) {
      literal += "NULL";
      continue;
    }
    literal += '"';
    for (const char c : *value) {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
    literal += '"';
  }
  return text(literal + "}");
}

std::vector<std::string> parse_text_array(std::string_view literal) {
  TAILRACE_ASSERT(literal.size() >= 2 && literal.front() == '{' && literal.back() == '}');
  std::vector<std::string> out;
  std::size_t at = 1;
  while (at < literal.size() - 1) {
    if (literal[at] == ',') ++at;
    std::string value;
    if (literal[at] == '"') {
      for (++at; literal[at] != '"'; ++at) {
        if (literal[at] == '\\') ++at;
        value += literal[at];
      }
      ++at;
    } else {
      while (literal[at] != ',' && at < literal.size() - 1)
        value += literal[at++];
    }
    out.push_back(std::move(value));
  }
  return out;
}

}  // namespace tailrace::postgres
