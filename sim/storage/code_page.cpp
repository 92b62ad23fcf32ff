// Code pages by iconv.
#include "sim/storage/code_page.h"

#include <iconv.h>

#include <map>

#include "base/error.h"

namespace tailrace::sim {
namespace {

constexpr std::uint16_t utf8_page = 65001;

class CodePages {
 public:
  static CodePages& of_this_thread() {
    thread_local CodePages pages;
    return pages;
  }
  CodePages() = default;
  CodePages(const CodePages&) = delete;
  CodePages& operator=(const CodePages&) = delete;
  ~CodePages() {
    for (const auto& [page, pair] : pages_) {
      iconv_close(pair.first);
      iconv_close(pair.second);
    }
  }

  std::string encoded(std::string_view utf8, std::uint16_t page) {
    iconv_t encoder = of(page).first;
    std::string out;
    for (std::size_t at = 0; at < utf8.size();) {
      std::size_t next = at + 1;
      while (next < utf8.size() && (static_cast<unsigned char>(utf8[next]) & 0xC0U) == 0x80U)
        ++next;
      const std::string bytes = converted(encoder, utf8.substr(at, next - at));
      out += !bytes.empty() ? bytes : next - at == 4 ? "??" : "?";
      at = next;
    }
    return out;
  }
  std::string decoded(std::string_view bytes, std::uint16_t page) {
    std::string out = converted(of(page).second, bytes);
    return out.empty() ? std::string(bytes.size(), '?') : out;
  }

 private:
  const std::pair<iconv_t, iconv_t>& of(std::uint16_t page) {
    const auto found = pages_.find(page);
    if (found != pages_.end()) return found->second;
    const std::string name = page == 936 ? "GBK" : page == 949 ? "UHC" : "CP" + std::to_string(page);
    iconv_t encoder = iconv_open(name.c_str(), "UTF-8");
    iconv_t decoder = iconv_open("UTF-8", name.c_str());
    TAILRACE_ASSERT(encoder != reinterpret_cast<iconv_t>(-1) && decoder != reinterpret_cast<iconv_t>(-1));
    return pages_.emplace(page, std::pair(encoder, decoder)).first->second;
  }
  // Nothing where a character has no place.
  static std::string converted(iconv_t conversion, std::string_view text) {
    std::string in(text);
    std::string out(in.size() * 4 + 8, '\0');
    char* from = in.data();
    char* to = out.data();
    std::size_t from_left = in.size();
    std::size_t to_left = out.size();
    iconv(conversion, nullptr, nullptr, nullptr, nullptr);
    if (iconv(conversion, &from, &from_left, &to, &to_left) != 0) return {};
    out.resize(out.size() - to_left);
    return out;
  }

  std::map<std::uint16_t, std::pair<iconv_t, iconv_t>> pages_;
};

}  // namespace

std::string encode_code_page(std::string_view utf8, std::uint16_t page) {
  if (page == utf8_page) return std::string(utf8);
  return CodePages::of_this_thread().encoded(utf8, page);
}

std::string decode_code_page(std::string_view bytes, std::uint16_t page) {
  if (page == utf8_page) return std::string(bytes);
  return CodePages::of_this_thread().decoded(bytes, page);
}

}  // namespace tailrace::sim
