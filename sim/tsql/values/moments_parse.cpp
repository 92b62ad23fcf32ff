// Dates and times from their texts.
#include <algorithm>
#include <cctype>
#include <vector>

#include "sim/tsql/parse/lexer.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/moments_internal.h"

namespace tailrace::sim::tsql {
namespace {

// One piece of a date text.
struct Piece {
  enum Kind { number, word, mark } kind;
  std::string_view text;
  std::int64_t value = 0;
};

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t begin = at;
    if (std::isdigit(byte) != 0) {
      std::int64_t value = 0;
      while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
        if (at - begin < 17) value = value * 10 + (text[at] - '0');
        ++at;
      }
      out.push_back({Piece::number, text.substr(begin, at - begin), value});
    } else if (std::isalpha(byte) != 0) {
      while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) != 0)
        ++at;
      out.push_back({Piece::word, text.substr(begin, at - begin), 0});
    } else {
      ++at;
      out.push_back({Piece::mark, text.substr(begin, 1), 0});
    }
  }
  return out;
}

class MomentParser {
 public:
  MomentParser(std::string_view text, const TypeInfo& type, int style)
      : type_(type), style_(style), pieces_(pieces_of(text)) {}

  MomentError parse(Moment& out) {
    skip_blanks();
    if (at_ >= pieces_.size()) return finish(out);
    if (!looks_like_time() && !date()) return MomentError::syntax;
    if (accept_word("T") || true) skip_blanks();
    if (at_ < pieces_.size() && !zone_next() && !time()) return MomentError::syntax;
    skip_blanks();
    if (at_ < pieces_.size() && !zone()) return MomentError::syntax;
    skip_blanks();
    if (at_ < pieces_.size()) return MomentError::syntax;
    return finish(out);
  }

 private:
  bool mark(std::string_view text, std::size_t ahead = 0) const {
    return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].kind == Piece::mark &&
           pieces_[at_ + ahead].text == text;
  }
  bool number(std::size_t ahead = 0) const {
    return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].kind == Piece::number;
  }
  bool word(std::size_t ahead = 0) const {
    return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].kind == Piece::word;
  }
  bool accept_word(std::string_view text) {
    if (!word() || !same_word(pieces_[at_].text, text)) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (mark(" ") || mark("\t"))
      ++at_;
  }
  bool looks_like_time() const {
    if (!number()) return false;
    return mark(":", 1) ||
           (word(1) && (same_word(pieces_[at_ + 1].text, "AM") || same_word(pieces_[at_ + 1].text, "PM")));
  }
  bool zone_next() const { return mark("+") || mark("-") || (word() && same_word(pieces_[at_].text, "Z")); }

  static int month_of(std::string_view text) {
    if (text.size() < 3) return 0;
    for (std::size_t i = 0; i < month_names.size(); ++i) {
      if (same_word(month_names[i], text) || same_word(month_names[i].substr(0, 3), text))
        return static_cast<int>(i) + 1;
    }
    return 0;
  }

  static std::int64_t full_year(const Piece& piece) {
    if (piece.text.size() > 2) return piece.value;
    return piece.value < 50 ? 2000 + piece.value : 1900 + piece.value;
  }

  bool date() {
    if (word()) {  // Mon dd[,] yyyy
      date_.month = month_of(pieces_[at_].text);
      if (date_.month == 0) return false;
      ++at_;
      skip_blanks();
      if (!number()) return false;
      const std::int64_t first = pieces_[at_].value;
      const bool year_only = pieces_[at_].text.size() == 4;
      ++at_;
      if (mark(",")) ++at_;
      skip_blanks();
      if (year_only) {
        date_.year = first;
        return true;
      }
      date_.day = static_cast<int>(std::min<std::int64_t>(first, 99));
      if (!number() || mark(":", 1)) return false;
      date_.year = full_year(pieces_[at_++]);
      return true;
    }
    if (!number()) return false;
    const Piece first = pieces_[at_];
    if (first.text.size() == 8 || first.text.size() == 6) {
      std::int64_t value = first.value;
      date_.day = static_cast<int>(value % 100);
      value /= 100;
      date_.month = static_cast<int>(value % 100);
      value /= 100;
      date_.year = first.text.size() == 8 ? value : value < 50 ? 2000 + value : 1900 + value;
      ++at_;
      return true;
    }
    if (word(1) || (mark(" ", 1) && word(2))) {  // dd Mon yyyy
      ++at_;
      skip_blanks();
      date_.day = static_cast<int>(std::min<std::int64_t>(first.value, 99));
      date_.month = month_of(pieces_[at_].text);
      if (date_.month == 0) return false;
      ++at_;
      skip_blanks();
      if (mark(",")) ++at_;
      skip_blanks();
      if (!number()) return false;
      date_.year = full_year(pieces_[at_++]);
      return true;
    }
    if (first.text.size() == 4 && !(mark("-", 1) || mark("/", 1) || mark(".", 1))) {  // yyyy
      date_.year = first.value;
      ++at_;
      return true;
    }
    return separated_date(first);
  }

  bool separated_date(const Piece& first) {
    if (!(mark("-", 1) || mark("/", 1) || mark(".", 1)) || !number(2)) return false;
    const std::string_view separator = pieces_[at_ + 1].text;
    if (!mark(separator, 3) || !number(4)) return false;
    const Piece second = pieces_[at_ + 2];
    const Piece third = pieces_[at_ + 4];
    at_ += 5;
    const auto small = [](const Piece& piece) {
      return static_cast<int>(std::min<std::int64_t>(piece.value, 99));
    };
    if (first.text.size() == 4) {
      date_ = {first.value, small(second), small(third)};
    } else if (style_ == 103 || style_ == 104 || style_ == 105 || style_ == 3 || style_ == 4 || style_ == 5) {
      date_ = {full_year(third), small(second), small(first)};
    } else {
      date_ = {full_year(third), small(first), small(second)};
    }
    return true;
  }

  bool time() {
    if (!number()) return false;
    std::int64_t hour = pieces_[at_++].value;
    std::int64_t minute = 0;
    std::int64_t second = 0;
    std::int64_t fraction = 0;
    if (mark(":") && number(1)) {
      minute = pieces_[at_ + 1].value;
      at_ += 2;
      if (mark(":") && number(1)) {
        second = pieces_[at_ + 1].value;
        at_ += 2;
        if ((mark(".") || mark(":")) && number(1)) {
          const bool thousandths = mark(":");
          if (!read_fraction(pieces_[at_ + 1].text, thousandths, fraction)) return false;
          at_ += 2;
        }
      }
    } else if (!word()) {
      return false;
    }
    skip_blanks();
    if (accept_word("AM")) {
      if (hour > 12) return false;
      hour %= 12;
    } else if (accept_word("PM")) {
      if (hour > 12) return false;
      hour = hour % 12 + 12;
    }
    if (hour > 23 || minute > 59 || second > 59) range_ = true;
    ticks_ = ((hour * 60 + minute) * 60 + second) * ticks_per_second + fraction;
    return true;
  }

  bool read_fraction(std::string_view digits, bool thousandths, std::int64_t& fraction) const {
    const bool old = type_.type == Type::datetime || type_.type == Type::smalldatetime;
    if (digits.size() > (old ? 3U : 7U)) {
      if (old || digits.size() > 9) return false;
    }
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 7; ++i)
      value = value * 10 + (i < digits.size() ? digits[i] - '0' : 0);
    if (digits.size() > 7 && digits[7] >= '5') value += 1;
    if (thousandths) {
      value = 0;
      for (const char digit : digits)
        value = value * 10 + (digit - '0');
      value *= 10'000;
    }
    fraction = value;
    return true;
  }

  bool zone() {
    if (accept_word("Z")) {
      has_zone_ = true;
      return true;
    }
    if (!(mark("+") || mark("-")) || !number(1) || !mark(":", 2) || !number(3)) return false;
    const int sign = mark("-") ? -1 : 1;
    const std::int64_t minutes = pieces_[at_ + 1].value * 60 + pieces_[at_ + 3].value;
    at_ += 4;
    if (minutes > 14 * 60) return false;
    offset_ = static_cast<std::int16_t>(sign * minutes);
    has_zone_ = true;
    return true;
  }

  MomentError finish(Moment& out) const {
    const bool old = type_.type == Type::datetime || type_.type == Type::smalldatetime;
    if (has_zone_ && old && offset_ != 0) return MomentError::syntax;
    if (!valid(date_) || range_) return old ? MomentError::range : MomentError::syntax;
    out.ticks = days_of(date_) * ticks_per_day + ticks_;
    out.offset_minutes = offset_;
    return MomentError::none;
  }

  const TypeInfo& type_;
  int style_;
  std::vector<Piece> pieces_;
  std::size_t at_ = 0;
  Civil date_{1900, 1, 1};
  std::int64_t ticks_ = 0;
  std::int16_t offset_ = 0;
  bool has_zone_ = false;
  bool range_ = false;
};

// yyyy-mm-dd[ T]hh:mm:ss[.fraction], as loaders write it: read without taking it to pieces. False: not of that form.
bool parse_iso(std::string_view text, Moment& out) {
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
  const Civil date{number(0, 4), number(5, 2), number(8, 2)};
  if (date.month < 1 || date.day < 1 || !valid(date)) return false;
  out = {days_of(date) * ticks_per_day, 0};
  if (text.size() == 10) return true;
  if (text.size() < 19 || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':')
    return false;
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  std::int64_t fraction = 0;
  if (text.size() > 19) {
    const std::size_t digits = text.size() - 20;
    if (text[19] != '.' || digits < 1 || digits > 3)
      return false;  // More digits: the long way knows which type takes them.
    const int value = number(20, digits);
    if (value < 0) return false;
    fraction = value * (digits == 1 ? 1'000'000 : digits == 2 ? 100'000 : 10'000);
  }
  out.ticks += ((hour * 60LL + minute) * 60 + second) * ticks_per_second + fraction;
  return true;
}

}  // namespace

MomentError parse_moment(std::string_view text, const TypeInfo& type, int style, Moment& out) {
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  if (parse_iso(text, out)) return MomentError::none;
  return MomentParser(text, type, style).parse(out);
}

}  // namespace tailrace::sim::tsql
