// NEWID and RAND.
#include <openssl/rand.h>

#include <array>
#include <random>

#include "sim/tsql/operations/operations.h"

namespace tailrace::sim::tsql {

bool op_newid(OperationCall& call) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), 16) != 1) return call.null();
  bytes[7] = static_cast<unsigned char>((bytes[7] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  call.out.text.assign(reinterpret_cast<const char*>(bytes.data()), 16);
  return true;
}

bool op_rand(OperationCall& call) {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  if (!call.args.empty() && !call.args[0].null)
    generator.seed(static_cast<std::uint64_t>(call.args[0].number));
  call.out.real = std::uniform_real_distribution<double>(0.0, 1.0)(generator);
  return true;
}

}  // namespace tailrace::sim::tsql
