// Bytes from outside never crash a decoder: random ones, and good messages with a few bytes changed.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "sim/tds/login.h"
#include "sim/tds/request.h"
#include "sim/tds/row_encoder.h"
#include "sim/tds/testing/bytes.h"
#include "sim/tds/testing/fake_engine.h"
#include "sim/tds/testing/mutation.h"
#include "sim/tds/type_info.h"

namespace tailrace::sim::tds {
namespace {

constexpr unsigned seed = 20260401;

// Only `protocol` and `data` may leave a decoder.
template <class Decoder>
void expect_survival(const Decoder& decode, const std::string& message) {
  try {
    decode(message);
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::protocol || error.kind() == ErrorKind::data)
        << error.what() << "\n"
        << testing::hex(message);
  }
}

// An RPC with a parameter of every type.
std::string rpc_message() {
  ByteBuffer out;
  out.bytes(
      testing::bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00 FF FF 0A 00 00 00"));
  for (const Value& value : testing::ordinary_values()) {
    out.bytes(testing::bytes("02 40 00 61 00 00"));
    put_type_info(out, value.type, true);
    put_cell(out, plan_column(value.type, true), cell_of(value));
  }
  return std::string(out.view());
}

std::string login_message() {
  std::string message = testing::bytes(
      "00 00 00 00 04 00 00 74 00 10 00 00 00 00 00 07 00 01 00 00 00 00 00 00 E0 03 00 00 E0 01 00 00 09 04 "
      "00 00");
  std::string text;
  for (int field = 0; field < 9; ++field) {
    const auto offset = static_cast<char>(94 + text.size());
    message += {offset, 0, 3, 0};
    text += testing::wide("abc");
  }
  message.resize(94, '\0');
  message += text;
  message[0] = static_cast<char>(message.size());
  return message;
}

template <class Decoder>
void try_many(const Decoder& decode, const std::string& good) {
  std::mt19937 random(seed);
  std::printf("seed %u\n", seed);
  EXPECT_NO_THROW(decode(good));
  for (int i = 0; i < 60'000; ++i)
    expect_survival(decode, testing::changed(good, random));
  for (int i = 0; i < 20'000; ++i)
    expect_survival(decode, testing::noise(random));
}

TEST(DecoderFuzz, Login7) {
  try_many([](const std::string& message) { (void)parse_login7(message); }, login_message());
}

TEST(DecoderFuzz, Prelogin) {
  try_many([](const std::string& message) { (void)parse_prelogin(message); },
           testing::bytes("00 00 0B 00 06 01 00 11 00 01 FF 09 00 00 00 00 00 01"));
}

TEST(DecoderFuzz, Rpc) {
  try_many([](const std::string& message) { (void)parse_rpcs(message, Protocol{}); }, rpc_message());
}

TEST(DecoderFuzz, RpcOfAnOldClient) {
  try_many([](const std::string& message) { (void)parse_rpcs(message, Protocol{.version = 0x71000001}); },
           rpc_message().substr(22));
}

TEST(DecoderFuzz, TransactionRequest) {
  try_many(
      [](const std::string& message) { (void)parse_transaction_request(message, Protocol{}); },
      testing::bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00 07 00 00 01 02 00"));
}

TEST(DecoderFuzz, Batch) {
  try_many([](const std::string& message) { (void)parse_batch(message, Protocol{}); },
           testing::bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00") +
               testing::wide("select 1"));
}

}  // namespace
}  // namespace tailrace::sim::tds
