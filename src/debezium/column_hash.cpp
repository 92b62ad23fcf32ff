// Hashing by OpenSSL.
#include "debezium/column_hash.h"

#include <openssl/evp.h>

#include <array>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "debezium/binary_text.h"

namespace tailrace::debezium {
namespace {

struct Digest {
  std::string_view java;
  const char* openssl;
};

constexpr std::array<Digest, 12> digests{{{"MD5", "MD5"},
                                          {"SHA-1", "SHA1"},
                                          {"SHA-224", "SHA224"},
                                          {"SHA-256", "SHA256"},
                                          {"SHA-384", "SHA384"},
                                          {"SHA-512", "SHA512"},
                                          {"SHA-512/224", "SHA512-224"},
                                          {"SHA-512/256", "SHA512-256"},
                                          {"SHA3-224", "SHA3-224"},
                                          {"SHA3-256", "SHA3-256"},
                                          {"SHA3-384", "SHA3-384"},
                                          {"SHA3-512", "SHA3-512"}}};

const EVP_MD* digest_named(std::string_view name) {
  for (const Digest& digest : digests) {
    if (digest.java == name) return EVP_get_digestbyname(digest.openssl);
  }
  return nullptr;
}

void put_number(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(number >> shift & 0xFF);
}

void put_unit(std::string& out, std::uint32_t unit) {
  out += static_cast<char>(0xE0 | unit >> 12);
  out += static_cast<char>(0x80 | (unit >> 6 & 0x3F));
  out += static_cast<char>(0x80 | (unit & 0x3F));
}

// UTF-8, but U+0000 in two bytes and a letter above U+FFFF as its two surrogates.
std::string modified_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == 0) {
      out += "\xC0\x80";
      ++at;
    } else if (byte >= 0xF0 && at + 3 < text.size()) {
      std::uint32_t letter = byte & 0x07U;
      for (std::size_t i = 1; i < 4; ++i)
        letter = letter << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
      letter -= 0x10000;
      put_unit(out, 0xD800 + (letter >> 10));
      put_unit(out, 0xDC00 + (letter & 0x3FF));
      at += 4;
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace

bool is_known_digest(std::string_view name) {
  return digest_named(name) != nullptr;
}

std::string java_serialized(std::string_view text) {
  constexpr std::uint32_t magic_and_version = 0xACED0005;
  constexpr char string_mark = 0x74;
  constexpr char long_string_mark = 0x7C;
  constexpr std::size_t longest_string = 0xFFFF;
  const std::string letters = modified_utf8(text);
  const bool is_long = letters.size() > longest_string;
  std::string out;
  put_number(out, magic_and_version, 4);
  out += is_long ? long_string_mark : string_mark;
  put_number(out, letters.size(), is_long ? 8 : 2);
  return out + letters;
}

struct TextHash::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const EVP_MD* digest = nullptr;
  std::string salt;
  HashForm form = HashForm::v2;
  std::unique_ptr<EVP_MD_CTX, Free> context;
};

TextHash::TextHash(const ColumnHash& rule) : state_(std::make_unique<State>()) {
  state_->digest = digest_named(rule.algorithm);
  if (state_->digest == nullptr)
    throw Error(ErrorKind::config, "a hash that is not known").with("algorithm", rule.algorithm);
  state_->salt = rule.salt.reveal();
  state_->form = rule.form;
  state_->context.reset(EVP_MD_CTX_new());
}

TextHash::~TextHash() = default;

std::string TextHash::of(std::string_view text) {
  const std::string said = state_->form == HashForm::v1 ? java_serialized(text) : std::string(text);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_MD_CTX* const context = state_->context.get();
  const bool is_done = context != nullptr && EVP_DigestInit_ex(context, state_->digest, nullptr) == 1 &&
                       EVP_DigestUpdate(context, state_->salt.data(), state_->salt.size()) == 1 &&
                       EVP_DigestUpdate(context, said.data(), said.size()) == 1 &&
                       EVP_DigestFinal_ex(context, bytes, &size) == 1;
  if (!is_done) throw Error(ErrorKind::internal, "a hash could not be computed");
  ByteBuffer digits;
  put_hex_text(digits, {reinterpret_cast<const char*>(bytes), size});
  return digits.str();
}

}  // namespace tailrace::debezium
