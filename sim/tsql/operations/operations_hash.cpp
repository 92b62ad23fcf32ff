// HASHBYTES.
#include <openssl/evp.h>

#include <array>

#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

static const EVP_MD* digest_named(std::string_view name) {
  if (name == "MD5") return EVP_md5();
  if (name == "SHA1" || name == "SHA") return EVP_sha1();
  if (name == "SHA2_256") return EVP_sha256();
  return name == "SHA2_512" ? EVP_sha512() : nullptr;
}

bool is_digest_name(std::string_view name) {
  return digest_named(name) != nullptr;
}

bool op_hashbytes(OperationCall& call) {
  std::string bytes(call.args[0].text);
  if (is_text(call.op.args[0].type)) {
    Value raw;
    if (!convert(call.op.args[0], call.args[0], text_type(Type::varbinary, -1), no_style, raw,
                 call.context.error))
      return false;
    bytes = std::move(raw.text);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, digest_named(call.op.text), nullptr) != 1)
    return call.null();
  call.out.text.assign(reinterpret_cast<const char*>(digest.data()), size);
  return true;
}

}  // namespace tailrace::sim::tsql
