// Results that stop in their middle, under every driver: none of them may be taken for a whole one.
#include <gtest/gtest.h>

#include "base/utf.h"
#include "sqlserver/connection.h"
#include "tds/testing/scripted_server.h"
#include "tests/integration/sqlserver/tested_driver.h"

namespace tailrace::sqlserver {
namespace {

using tds::testing::bytes;
using tds::testing::Listener;
using tds::testing::message;
using tds::testing::packet;
using tds::testing::Peer;

const std::string two_rows =
    bytes("81 01 00 00 00 00 00 01 00 26 04 01 61 00 D1 04 07 00 00 00 D1 04 08 00 00 00");
const std::string an_error =
    bytes("AA 16 00 12 48 00 00 01 0E 03 00 6E 00 6F 00 21 00 01 73 00 00 01 00 00 00");

std::string done_with(const char* token, const char* status) {
  return bytes(token) + bytes(status) + bytes("C1 00 02 00 00 00 00 00 00 00");
}

// Lets the client in, answers what it sets for itself, and the statement with `answer`; then the connection ends.
std::function<void(Peer&)> answering(const std::string& answer) {
  return [answer](Peer& peer) {
    tds::testing::let_in(peer);
    for (;;) {
      const tds::testing::Packet packet = peer.packet();
      if (packet.type == 0) return;
      if (packet.data.find(utf16le_from_utf8("the rows")) != std::string::npos) break;
      peer.answer(bytes(tds::testing::done));
    }
    peer.send(answer);
  };
}

struct Read {
  std::size_t rows = 0;
  std::optional<ErrorKind> failed;
};

Read read(const Listener& listener, bool by_rows) {
  Settings settings;
  settings.host = "127.0.0.1";
  settings.port = listener.port();
  settings.database = "shop";
  settings.user = "reader";
  settings.password = Secret("p");
  settings.encrypt = EncryptMode::off;
  settings.query_timeout = std::chrono::seconds(10);
  testing::use_tested_driver(settings);
  Read out;
  try {
    Connection connection(settings);
    Statement statement(connection, "rows", "the rows");
    if (by_rows) {
      static const TableSchema nothing_else;
      const std::unique_ptr<RowReader> rows =
          statement.rows({nothing_else, {{LeadingColumn::Form::integer, 8}}});
      for (; rows->next(); ++out.rows)
        EXPECT_EQ(rows->integer(0), 7 + static_cast<std::int64_t>(out.rows));
    } else {
      for (; statement.fetch(); ++out.rows)
        EXPECT_EQ(statement.integer(0), 7 + static_cast<std::int64_t>(out.rows));
    }
    statement.finish();
  } catch (const Error& error) {
    out.failed = error.kind();
  }
  return out;
}

// `by_all`: ODBC's drivers say so as well. What they hand out as whole, nothing behind ODBC can know better: it sees neither
// packets nor tokens. It takes a server that breaks its own protocol, on a connection that goes on.
struct Case {
  const char* name;
  std::string packets;
  ErrorKind native;
  bool by_all;
};

std::vector<Case> every_cut() {
  const auto kind = ErrorKind::protocol;
  return {
      {"rows", message(two_rows, 4'000), kind, true},
      {"more to come", message(two_rows + done_with("FD", "11 00"), 4'000), kind, true},
      {"more rows to come", message(two_rows + done_with("FD", "11 00") + two_rows, 4'000), kind, false},
      {"inside a procedure", message(two_rows + done_with("FF", "10 00"), 4'000), kind, false},
      {"inside a procedure that goes on", message(two_rows + done_with("FF", "11 00"), 4'000), kind, false},
      {"an error alone", message(two_rows + an_error, 4'000), kind, true},
      {"broken off", message(two_rows + done_with("FD", "20 00"), 4'000), kind, false},
      {"closed behind a packet", packet(two_rows, /*is_last=*/false), ErrorKind::unavailable, true},
      {"closed before the end of the message", packet(two_rows + done_with("FD", "10 00"), /*is_last=*/false),
       ErrorKind::unavailable, false},
      {"closed inside a row", packet(two_rows.substr(0, two_rows.size() - 2), /*is_last=*/false),
       ErrorKind::unavailable, true},
  };
}

TEST(CutShort, LeavesWholeResultsAlone) {
  for (const std::string& end :
       {done_with("FD", "10 00"),
        done_with("FF", "11 00") + bytes("79 00 00 00 00") + done_with("FE", "00 00")}) {
    for (const bool by_rows : {false, true}) {
      const Listener listener(answering(message(two_rows + end, 4'000)));
      const Read got = read(listener, by_rows);
      EXPECT_EQ(got.rows, 2u);
      EXPECT_EQ(got.failed, std::nullopt);
    }
  }
}

TEST(CutShort, IsTakenForWholeNowhere) {
  for (const Case& each : every_cut()) {
    for (const bool by_rows : {false, true}) {
      const Listener listener(answering(each.packets));
      const Read got = read(listener, by_rows);
      const bool is_native = testing::tested_driver() == testing::TestedDriver::native;
      if (!is_native && !each.by_all) continue;
      EXPECT_TRUE(got.failed.has_value()) << each.name << ", after " << got.rows << " rows";
      if (is_native) {
        EXPECT_EQ(got.failed, each.native) << each.name;
      }
    }
  }
}

}  // namespace
}  // namespace tailrace::sqlserver
