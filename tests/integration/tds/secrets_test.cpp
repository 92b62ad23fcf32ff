// Nothing of a password stays behind in memory that was given back, in whatever form a login has it.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "base/utf.h"
#include "tds/session.h"
#include "tds/testing/scripted_server.h"

namespace {

// What this thread must not give back, looked for while it is not empty.
thread_local std::string_view sought[3];
thread_local int found = 0;

void look_through(const void* memory) {
  if (memory == nullptr || sought[0].empty()) return;
  const std::string_view block(static_cast<const char*>(memory),
                               ::malloc_usable_size(const_cast<void*>(memory)));
  for (const std::string_view each : sought)
    found += block.find(each) != std::string_view::npos ? 1 : 0;
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::calloc(1, size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  look_through(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  look_through(memory);
  std::free(memory);
}

namespace tailrace::tds {
namespace {

using testing::let_in;
using testing::Listener;
using testing::Peer;

TEST(TdsSecrets, LeaveNothingInMemoryThatIsGivenBack) {
  const std::string password = "correct horse battery staple, and some more of it";
  const std::string wide = utf16le_from_utf8(password);
  std::string hidden = wide;
  for (char& c : hidden)
    c = static_cast<char>((static_cast<unsigned char>(c) << 4 | static_cast<unsigned char>(c) >> 4) ^ 0xA5);
  for (const bool is_accepted : {true, false}) {
    Listener listener([&](Peer& peer) {
      if (is_accepted) {
        EXPECT_NE(let_in(peer).data.find(hidden), std::string::npos);
      } else {
        peer.packet();
        peer.answer(testing::prelogin_answer("02"));
        EXPECT_EQ(peer.packet().type, 0x10) << "and then the connection ends";
      }
    });
    found = 0;
    sought[0] = password;
    sought[1] = wide;
    sought[2] = hidden;
    try {
      SessionSettings settings;
      settings.host = "127.0.0.1";
      settings.port = listener.port();
      settings.is_encrypted = false;
      settings.user = "reader";
      settings.password = Secret(password);
      const SessionSettings copy = settings;
      std::vector<ServerMessage> said;
      const Session session(copy, said);
      EXPECT_TRUE(is_accepted);
    } catch (const Error& error) {
      EXPECT_FALSE(is_accepted) << error.what();
    }
    sought[0] = {};
    EXPECT_EQ(found, 0);
  }
}

// The test itself finds what is left.
TEST(TdsSecrets, AreLookedFor) {
  const std::string password = "correct horse battery staple";
  found = 0;
  sought[0] = sought[1] = sought[2] = password;
  { const auto left = std::make_unique<std::string>(password + "!"); }
  sought[0] = {};
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace tailrace::tds
