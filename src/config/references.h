// ${env:NAME} and ${file:/path} in a value: read anew each time they are asked for, so that a rotated secret is seen.
//
// Shape    A reference is a whole value or a part of one. `$${` is a literal `${`. A file's trailing line end
//          is not part of it. What a reference yields is not looked at again: a secret may contain `${`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tailrace::config {

struct Resolved {
  std::string text;
  std::string mistake;  // Why it cannot be resolved, without any secret; empty if it could.
};

bool has_reference(std::string_view text);
Resolved resolve_references(std::string_view text);

}  // namespace tailrace::config
