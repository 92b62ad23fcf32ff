// A data file of BULK INSERT: terminators found, fields cut by a block that slides over the file.
#include "sim/tsql/rows/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace tailrace::sim::tsql {
namespace {

constexpr std::size_t block_bytes = 1 << 20;

// The position of `what` at or after `from`; nothing when it does not end before the text does.
std::size_t find(std::string_view text, std::string_view what, std::size_t from) {
  while (from < text.size()) {
    const void* found = std::memchr(text.data() + from, what.front(), text.size() - from);
    if (found == nullptr) return std::string_view::npos;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    if (text.substr(at, what.size()) == what) return at;
    from = at + 1;
  }
  return std::string_view::npos;
}

std::optional<std::string> hexadecimal(std::string_view digits) {
  std::string out;
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, code] = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    if (code != std::errc{} || end != digits.data() + i + 2) return std::nullopt;
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

}  // namespace

std::optional<std::string> terminator_bytes(std::string_view written) {
  if (written.starts_with("0x") || written.starts_with("0X")) return hexadecimal(written.substr(2));
  if (written == "\\n" || written == "\n") return "\r\n";
  std::string out;
  for (std::size_t i = 0; i < written.size(); ++i) {
    char byte = written[i];
    if (byte == '\\') {
      switch (++i < written.size() ? written[i] : '?') {
        case 't': byte = '\t'; break;
        case 'r': byte = '\r'; break;
        case 'n': byte = '\n'; break;
        case '0': byte = '\0'; break;
        case '\\': break;
        default: return std::nullopt;
      }
    }
    if (byte == '\n' && !out.ends_with('\r')) return std::nullopt;
    out.push_back(byte);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

DataFile::~DataFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int DataFile::open(const std::string& path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return errno;
  struct stat about {};
  if (::fstat(descriptor_, &about) != 0) return errno;
  return S_ISREG(about.st_mode) ? 0 : EACCES;
}

DataFile::Read DataFile::next(std::vector<std::string_view>& fields) {
  while (!split(fields)) {
    if (!all_read_) {
      fill();
      continue;
    }
    return at_ == end_ ? Read::end : Read::cut;
  }
  return Read::row;
}

// False: there is no whole row in the block.
bool DataFile::split(std::vector<std::string_view>& fields) {
  const std::string_view block(block_.data(), end_);
  std::size_t at = at_;
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
    const std::size_t found = find(block, field_terminator_, at);
    if (found == std::string_view::npos) return false;
    fields[i] = block.substr(at, found - at);
    at = found + field_terminator_.size();
  }
  std::size_t found = find(block, row_terminator_, at);
  std::size_t behind = found + row_terminator_.size();
  if (found == std::string_view::npos) {
    if (!all_read_ || at_ == end_) return false;
    found = behind = end_;
  }
  fields.back() = block.substr(at, found - at);
  at_ = behind;
  return true;
}

void DataFile::fill() {
  block_.erase(0, at_);
  end_ -= at_;
  at_ = 0;
  if (block_.size() < end_ + block_bytes) block_.resize(end_ + block_bytes);
  const ssize_t count = ::read(descriptor_, block_.data() + end_, block_.size() - end_);
  if (count < 0 && errno == EINTR) return;
  if (count < 0)
    throw Error(ErrorKind::internal, std::string("a data file cannot be read: ") + std::strerror(errno));
  all_read_ = count == 0;
  end_ += static_cast<std::size_t>(count);
}

}  // namespace tailrace::sim::tsql
