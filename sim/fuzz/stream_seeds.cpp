// Streams of good clients, and what becomes of them by a few changes.
//
// Source   [MS-TDS] 2.2.6.4 (LOGIN7), 2.2.6.5 (PRELOGIN), 2.2.6.6 (RPC), 2.2.6.9 (transaction manager).
#include <algorithm>

#include "sim/fuzz/streams.h"
#include "sim/tds/row_encoder.h"
#include "sim/tds/testing/bytes.h"
#include "sim/tds/testing/fake_engine.h"
#include "sim/tds/type_info.h"

namespace tailrace::sim::fuzz {
namespace {

using tds::PacketType;
using tds::testing::bytes;
using tds::testing::wide;

std::string packet(PacketType type, std::string_view payload, std::uint8_t status = 1,
                   std::uint8_t window = 0) {
  const std::size_t size = payload.size() + tds::packet_header_bytes;
  std::string out = {static_cast<char>(type),
                     static_cast<char>(status),
                     static_cast<char>(size >> 8),
                     static_cast<char>(size),
                     0,
                     0,
                     1,
                     static_cast<char>(window)};
  return out.append(payload);
}

const std::string& all_headers() {
  static const std::string headers =
      bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00");
  return headers;
}

void put_u16(std::string& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<char>(value);
  out[at + 1] = static_cast<char>(value >> 8);
}

std::string hidden(std::string password) {
  for (char& c : password) {
    const auto byte = static_cast<std::uint8_t>(c);
    c = static_cast<char>(static_cast<std::uint8_t>(byte << 4 | byte >> 4) ^ 0xA5);
  }
  return password;
}

std::string login(std::string_view user, std::string_view password) {
  std::string out = bytes(
      "00 00 00 00 04 00 00 74 00 10 00 00 00 00 00 07 00 01 00 00 00 00 00 00 E0 03 00 00 E0 01 00 00 09 04 "
      "00 00");
  out.resize(94, '\0');
  std::size_t field = 36;
  for (const std::string& text :
       {wide("host"), wide(user), hidden(wide(password)), wide("fuzz"), wide("server"), std::string(),
        wide("library"), std::string(), wide("master")}) {
    put_u16(out, field, out.size());
    put_u16(out, field + 2, text.size() / 2);
    out += text;
    field += 4;
  }
  put_u16(out, 0, out.size());
  return packet(PacketType::login7, out);
}

std::string hello() {
  return packet(PacketType::prelogin, bytes("00 00 0B 00 06 01 00 11 00 01 FF 09 00 00 00 00 00 02")) +
         login("sa", "secret");
}

std::string batch(std::string_view sql) {
  return packet(PacketType::batch, all_headers() + wide(sql));
}

void put_parameter(tds::ByteBuffer& out, std::string_view name, const Value& value, bool output = false) {
  out.u8(static_cast<std::uint8_t>(name.size()));
  out.bytes(wide(name));
  out.u8(output ? 1 : 0);
  tds::put_type_info(out, value.type, true);
  tds::put_cell(out, tds::plan_column(value.type, true), tds::cell_of(value));
}

Value text_value(std::string_view text) {
  Value value;
  value.type.type = Type::nvarchar;
  value.type.length = 8000;
  value.null = false;
  value.text = text;
  return value;
}

Value int_value(std::int64_t number) {
  Value value;
  value.type.type = Type::int_;
  value.type.length = 4;
  value.null = false;
  value.number = number;
  return value;
}

// By number; `sql` and its declarations first, as sp_executesql (10) wants them.
std::string execute_sql(std::string_view sql, std::string_view declarations,
                        const std::vector<Value>& values) {
  tds::ByteBuffer out;
  out.bytes(all_headers());
  out.bytes(bytes("FF FF 0A 00 00 00"));
  put_parameter(out, "", text_value(sql));
  put_parameter(out, "", text_value(declarations));
  for (std::size_t i = 0; i < values.size(); ++i)
    put_parameter(out, "@p" + std::to_string(i), values[i], i % 2 == 1);
  return packet(PacketType::rpc, out.view());
}

std::string call(std::string_view procedure, const std::vector<Value>& values, bool output_first = false) {
  tds::ByteBuffer out;
  out.bytes(all_headers());
  out.u16(static_cast<std::uint16_t>(procedure.size()));
  out.bytes(wide(procedure));
  out.u16(0);
  for (std::size_t i = 0; i < values.size(); ++i)
    put_parameter(out, "", values[i], output_first && i == 0);
  return packet(PacketType::rpc, out.view());
}

constexpr std::string_view declared_types[] = {"bit",
                                               "tinyint",
                                               "smallint",
                                               "int",
                                               "bigint",
                                               "decimal(18,4)",
                                               "numeric(5,0)",
                                               "smallmoney",
                                               "money",
                                               "real",
                                               "float",
                                               "date",
                                               "time(7)",
                                               "time(0)",
                                               "smalldatetime",
                                               "datetime",
                                               "datetime2(7)",
                                               "datetime2(3)",
                                               "datetimeoffset(7)",
                                               "char(6)",
                                               "varchar(50)",
                                               "varchar(max)",
                                               "nchar(8)",
                                               "nvarchar(100)",
                                               "nvarchar(max)",
                                               "binary(4)",
                                               "varbinary(20)",
                                               "varbinary(max)",
                                               "uniqueidentifier"};

std::string typed_calls(const std::vector<Value>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string type(declared_types[i]);
    out += execute_sql("SELECT @p0 AS v, CAST(@p0 AS nvarchar(max)); SET @p1 = @p0",
                       "@p0 " + type + ", @p1 " + type + " OUTPUT", {values[i], values[i]});
  }
  return out;
}

std::string transactions() {
  const auto request = [](std::string_view hex) {
    return packet(PacketType::transaction_manager, all_headers() + bytes(hex));
  };
  return request("05 00 02 00") + batch("CREATE TABLE #x(a int); INSERT #x VALUES (1)") +
         request("09 00 02 73 00 31 00") + batch("INSERT #x VALUES (2)") +
         request("08 00 02 73 00 31 00 00") + request("07 00 00 01 02 00") + request("08 00 00 00") +
         batch("SELECT COUNT(*) FROM #x");
}

std::string prepared() {
  return call("sp_prepexec", {int_value(0), text_value("@a int"), text_value("SELECT @a + 1"), int_value(5)},
              true) +
         call("sp_execute", {int_value(1), int_value(7)}) + call("sp_unprepare", {int_value(1)}) +
         call("sp_execute", {int_value(1), int_value(7)}) + call("sys.sp_tables", {text_value("%")}) +
         call("nothing", {text_value("x")});
}

std::vector<std::string> cut_messages(std::string_view stream) {
  std::vector<std::string> out;
  while (!stream.empty()) {
    std::size_t length = stream.size();
    if (stream.size() >= tds::packet_header_bytes) {
      const std::size_t told = static_cast<std::size_t>(static_cast<std::uint8_t>(stream[2])) << 8 |
                               static_cast<std::uint8_t>(stream[3]);
      length = std::clamp<std::size_t>(told, tds::packet_header_bytes, stream.size());
    }
    out.emplace_back(stream.substr(0, length));
    stream.remove_prefix(length);
  }
  return out;
}

void repair_length(std::string& message) {
  if (message.size() < tds::packet_header_bytes || message.size() > 0xFFFF) return;
  message[2] = static_cast<char>(message.size() >> 8);
  message[3] = static_cast<char>(message.size());
}

std::string_view odd_bytes(Random& random) {
  constexpr std::string_view odd[] = {std::string_view("\0", 1),
                                      std::string_view("\xFF", 1),
                                      std::string_view("\xFF\xFF", 2),
                                      std::string_view("\0\0\0\0", 4),
                                      "\xFF\xFF\xFF\xFF",
                                      "\xFF\xFF\xFF\x7F",
                                      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                                      "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                                      std::string_view("\0\x80", 2),
                                      std::string_view("\x40\x1F", 2)};
  return odd[random() % std::size(odd)];
}

void change_bytes(std::string& message, Random& random) {
  if (message.empty()) return;
  const bool keeps_header = random() % 8 != 0 && message.size() > tds::packet_header_bytes;
  const std::size_t first = keeps_header ? tds::packet_header_bytes : 0;
  const std::size_t at = first + random() % (message.size() - first);
  switch (random() % 7) {
    case 0: message[at] = static_cast<char>(random()); break;
    case 1: message[at] = static_cast<char>(message[at] ^ (1 << random() % 8)); break;
    case 2: message[at] = static_cast<char>(message[at] + (random() % 2 == 0 ? 1 : -1)); break;
    case 3: message.erase(at, 1 + random() % 8); break;
    case 4: message.insert(at, odd_bytes(random)); break;
    case 5: {
      const std::string_view odd = odd_bytes(random);
      message.replace(at, std::min(odd.size(), message.size() - at), odd);
      break;
    }
    default: message.resize(at); break;
  }
  if (random() % 16 != 0) repair_length(message);
}

}  // namespace

std::vector<std::string> good_streams() {
  std::vector<std::string> out;
  for (const std::string& requests :
       {typed_calls(tds::testing::ordinary_values()), typed_calls(tds::testing::extreme_values()),
        transactions(), prepared(),
        batch("SELECT 1; SELECT name, object_id FROM sys.objects; SELECT CAST(1 AS sql_variant), CAST('<a/>' "
              "AS xml)") +
            batch("SELECT 1 FROM nothing") + batch("PRINT 'x'; RAISERROR('y', 16, 1)"),
        packet(PacketType::batch, all_headers() + wide("WAITFOR DELAY '00:00:10'"), 1, 1) +
            packet(PacketType::attention, "") + batch("SELECT 2"),
        packet(PacketType::batch, all_headers() + wide("SELECT "), 0) +
            packet(PacketType::batch, wide("3"), 9) + packet(PacketType::rpc, "taken back", 3) +
            packet(PacketType::attention, "")})
    out.push_back(hello() + requests);
  out.push_back(login("sa", "secret") + batch("SELECT 4"));
  out.push_back(login("sa", "wrong"));
  // A TLS handshake is asked for, and does not come.
  out.push_back(packet(PacketType::prelogin, bytes("00 00 0B 00 06 01 00 11 00 01 FF 09 00 00 00 00 00 01")) +
                packet(PacketType::prelogin, bytes("16 03 01 00 05 01 00 00 01 03")));
  return out;
}

std::string changed_stream(const std::vector<std::string>& known, Random& random) {
  std::vector<std::string> messages = cut_messages(known[random() % known.size()]);
  const std::vector<std::string> others = cut_messages(known[random() % known.size()]);
  // Long streams of good messages find nothing: a few are kept, the login among them as a rule.
  const std::size_t kept_at_start = std::min<std::size_t>(2, messages.size());
  while (messages.size() > kept_at_start + 6)
    messages.erase(messages.begin() +
                   static_cast<std::ptrdiff_t>(kept_at_start + random() % (messages.size() - kept_at_start)));
  for (std::size_t changes = 1 + random() % 5; changes > 0 && !messages.empty(); --changes) {
    const std::size_t first = random() % 4 == 0 ? 0 : std::min(kept_at_start, messages.size() - 1);
    const std::size_t at = first + random() % (messages.size() - first);
    const auto place = messages.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % 10) {
      case 0: messages.erase(place); break;
      case 1: messages.insert(place, others[random() % others.size()]); break;
      case 2: messages.insert(place, std::string(*place)); break;
      case 3:
        if (place->size() > 7) (*place)[7] = 1;
        break;
      default: change_bytes(*place, random); break;
    }
  }
  std::string out;
  for (const std::string& message : messages)
    out += message;
  return out;
}

}  // namespace tailrace::sim::fuzz
