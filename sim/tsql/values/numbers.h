// Exact arithmetic on decimals of up to 38 digits.
//
// Shape    Unscaled int128. Every function says by its result whether it fitted into 38 digits.
#pragma once

#include <string>
#include <string_view>

#include "base/int128.h"

namespace tailrace::sim::tsql {

int128 power_of_ten(int exponent);  // 0..38
bool fits_precision(int128 value, int precision);

// To another scale; digits that fall away round half away from zero, or are cut.
[[nodiscard]] bool rescale(int128 value, int from_scale, int to_scale, bool round, int128& out);

[[nodiscard]] bool multiply(int128 left, int left_scale, int128 right, int right_scale, int scale,
                            int128& out);
// right is not 0.
[[nodiscard]] bool divide(int128 left, int left_scale, int128 right, int right_scale, int scale, int128& out);

void append_decimal(std::string& out, int128 value, int scale);
enum class ParseResult { ok, syntax, overflow };
// Digits with an optional sign and point; `round` to the scale.
ParseResult parse_decimal(std::string_view text, int precision, int scale, int128& out);

double to_double(int128 value, int scale);
[[nodiscard]] bool from_double(double value, int precision, int scale, int128& out);

}  // namespace tailrace::sim::tsql
