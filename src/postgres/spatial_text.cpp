// Looking through EWKB.
#include "postgres/spatial_text.h"

#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "model/ewkb.h"

namespace tailrace::postgres {
namespace {

// Walks over the parts of a value.
class SpatialWalker {
 public:
  explicit SpatialWalker(std::string_view bytes) : rest_(bytes) {}

  std::string first_unfit(bool geography) {
    using namespace ewkb;
    rest_.remove_prefix(1);
    const auto head = take();
    if ((head & with_srid) != 0) rest_.remove_prefix(4);
    const std::uint32_t type = head & type_bits;
    if (type == full_globe || (geography && type >= circular_string)) return ewkb::name_of(type);
    const std::size_t position = 8 * (2U + ((head & with_z) != 0 ? 1 : 0) + ((head & with_m) != 0 ? 1 : 0));
    if (type == point) {
      rest_.remove_prefix(position);
      return {};
    }
    const auto count = take();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (type == line_string || type == circular_string) {
        rest_.remove_prefix(position);
      } else if (type == polygon) {
        const std::size_t points = take();
        rest_.remove_prefix(position * points);
      } else if (std::string found = first_unfit(geography); !found.empty()) {
        return found;
      }
    }
    return {};
  }

 private:
  std::uint32_t take() {
    TAILRACE_ASSERT(rest_.size() >= 4);
    std::uint32_t number = 0;
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }
  std::string_view rest_;
};

}  // namespace

std::string unfit_for_postgis(std::string_view bytes, bool geography) {
  return SpatialWalker(bytes).first_unfit(geography);
}

}  // namespace tailrace::postgres
