// What we send, held against what other clients sent for the same: FreeTDS' and Microsoft's.
//
// Shape    Bytes where the specification leaves no choice. Where it does, the fields of both, by a decoder of this file,
//          which shares nothing with the code that it judges.
// Source   testdata/*.hex, whose heads say of whom and how. [MS-TDS] 2.2.3.1 (packets), 2.2.5.3 (ALL_HEADERS),
//          2.2.6.4 (LOGIN7), 2.2.6.5 (PRELOGIN), 2.2.6.6 (RPC).
#include "tds/testing/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tds/login.h"
#include "tds/request.h"

namespace tailrace::tds {
namespace {

using testing::bytes;
using testing::Capture;
using ::testing::ElementsAre;
using testing::read_capture;

const char* const clients[] = {"freetds_tsql", "freetds_odbc", "microsoft_odbc", "pymssql"};
const char* const session_collation = "09 04 D0 00 34";

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  bool is_over() const { return at_ == bytes_.size(); }
  std::size_t at() const { return at_; }
  std::string take(std::size_t count) {
    if (bytes_.size() - at_ < count) throw std::runtime_error("too short");
    at_ += count;
    return std::string(bytes_.substr(at_ - count, count));
  }
  std::uint64_t little(std::size_t count) {
    std::uint64_t out = 0;
    const std::string taken = take(count);
    for (std::size_t i = count; i-- > 0;)
      out = out << 8 | static_cast<unsigned char>(taken[i]);
    return out;
  }
  std::uint64_t big(std::size_t count) {
    std::uint64_t out = 0;
    for (const char c : take(count))
      out = out << 8 | static_cast<unsigned char>(c);
    return out;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

// Texts of these tests are ASCII where they are read by people.
std::string narrow(const std::string& utf16) {
  std::string out;
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2)
    out += utf16[i + 1] == 0 ? utf16[i] : '?';
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
  return text;
}

// The message of packets, each of which has to have `type`.
std::string message_of(const std::string& packets, PacketType type) {
  Cursor in(packets);
  std::string out;
  for (bool is_last = false; !is_last;) {
    EXPECT_EQ(in.little(1), static_cast<std::uint64_t>(type));
    is_last = (in.little(1) & 1) != 0;
    const std::size_t size = in.big(2);
    in.take(4);  // Process, number, window: nobody reads them.
    out += in.take(size - 8);
  }
  EXPECT_TRUE(in.is_over());
  return out;
}

// ---- PRELOGIN

struct Option {
  std::uint64_t name, at;
  std::string value;
};

std::vector<Option> options_of(const std::string& message) {
  std::vector<Option> out;
  Cursor table(message);
  for (std::uint64_t name; (name = table.little(1)) != 0xFF;) {
    const std::size_t at = table.big(2);
    out.push_back({name, at, message.substr(at, table.big(2))});
  }
  // Their values follow the table, one after the other, and nothing else is there.
  std::size_t at = table.at();
  for (const Option& option : out) {
    EXPECT_EQ(option.at, at) << "option " << option.name;
    at += option.value.size();
  }
  EXPECT_EQ(at, message.size());
  return out;
}

TEST(Captures, PreloginHasTheFormOfEveryClient) {
  const auto check = [](const std::string& message, const std::string& encryption) {
    const std::vector<Option> options = options_of(message);
    ASSERT_GE(options.size(), 2u);
    EXPECT_EQ(options[0].name, 0u) << "the version is the first of them, whoever asks";
    EXPECT_EQ(options[0].value.size(), 6u);
    EXPECT_EQ(options[1].name, 1u);
    EXPECT_EQ(options[1].value, encryption);
  };
  for (const char* client : clients) {
    SCOPED_TRACE(client);
    const std::string message = message_of(read_capture(client)["prelogin"], PacketType::prelogin);
    // Told not to encrypt, FreeTDS says that it cannot, as we do; Microsoft's that it could.
    const Encryption wanted =
        std::string_view(client) == "microsoft_odbc" ? Encryption::off : Encryption::not_supported;
    check(message, std::string(1, static_cast<char>(wanted)));
    EXPECT_EQ(answered_encryption(as_bytes(message)), wanted) << "servers answer in the same form";
  }
  for (const Encryption wanted : {Encryption::off, Encryption::on, Encryption::not_supported})
    check(prelogin_message(wanted), std::string(1, static_cast<char>(wanted)));
}

// ---- LOGIN7

enum Place : std::size_t {
  host,
  user,
  password,
  application,
  server,
  extension,
  library,
  language,
  database
};
constexpr std::size_t places_at = 36;
constexpr std::size_t values_at = 94;

struct DecodedLogin {
  std::uint64_t size, version, packet_bytes, program, process, connection;
  std::uint64_t options_1, options_2, types, options_3, zone, locale;
  std::vector<std::size_t> at;
  std::vector<std::string> values;
};

DecodedLogin decoded_login(const std::string& message) {
  Cursor in(message);
  DecodedLogin out{};
  for (std::uint64_t* each :
       {&out.size, &out.version, &out.packet_bytes, &out.program, &out.process, &out.connection})
    *each = in.little(4);
  for (std::uint64_t* each : {&out.options_1, &out.options_2, &out.types, &out.options_3})
    *each = in.little(1);
  out.zone = in.little(4);
  out.locale = in.little(4);
  EXPECT_EQ(in.at(), places_at);
  const auto place = [&](std::size_t unit) {
    out.at.push_back(in.little(2));
    out.values.push_back(message.substr(out.at.back(), in.little(2) * unit));
  };
  for (std::size_t i = host; i <= database; ++i)
    place(i == extension ? 1 : 2);  // That one's length is in bytes.
  in.take(6);                       // A network card's address.
  place(1);                         // SSPI
  place(2);                         // File
  place(2);                         // New password
  EXPECT_EQ(in.little(4), 0u) << "a long SSPI";
  EXPECT_EQ(in.at(), values_at);
  return out;
}

std::string our_login(const Capture& capture, bool is_read_only = false) {
  const DecodedLogin theirs = decoded_login(message_of(capture.at("login"), PacketType::login));
  Login login;
  login.client_host = "client";
  login.user = "reader";
  login.password = Secret("Made-Up-1");
  login.application = narrow(theirs.values[application]);
  login.server = narrow(theirs.values[server]);
  login.database = "shop";
  login.is_read_only = is_read_only;
  login.packet_bytes = theirs.packet_bytes;
  login.process = static_cast<std::uint32_t>(theirs.process);
  return login_message(login);
}

TEST(Captures, LoginIsTheSameUpToWhatClientsMayChoose) {
  for (const char* client : clients) {
    SCOPED_TRACE(client);
    const Capture capture = read_capture(client);
    const std::string theirs = message_of(capture.at("login"), PacketType::login);
    const std::string ours = our_login(capture);
    // Version of TDS; the process; the first five places, and their values: above all the hidden password.
    EXPECT_EQ(ours.substr(4, 4), theirs.substr(4, 4));
    EXPECT_EQ(ours.substr(8, 4), theirs.substr(8, 4));
    EXPECT_EQ(ours.substr(16, 8), theirs.substr(16, 8));
    EXPECT_EQ(ours.substr(24, 1), theirs.substr(24, 1)) << "OptionFlags1";
    EXPECT_EQ(ours.substr(places_at, 20), theirs.substr(places_at, 20));
    const DecodedLogin decoded = decoded_login(ours);
    const DecodedLogin wanted = decoded_login(theirs);
    const std::size_t same = decoded.at[server] + decoded.values[server].size() - values_at;
    EXPECT_EQ(ours.substr(values_at, same), theirs.substr(values_at, same));
    EXPECT_EQ(decoded.values[password], bytes("71 A5 B3 A5 E3 A5 F3 A5 77 A5 F0 A5 A2 A5 77 A5 B6 A5"));
    EXPECT_EQ(decoded.values[database], wanted.values[database]);
  }
}

// The places stand one behind the other, in the order of the table; what is not used has no length, but a place.
TEST(Captures, LoginsPlacesFollowEachOther) {
  const auto check = [](const std::string& message) {
    const DecodedLogin login = decoded_login(message);
    EXPECT_EQ(login.size, message.size());
    std::size_t at = values_at;
    for (std::size_t i = host; i < login.at.size(); ++i) {
      if (login.values[i].empty() && login.at[i] == 0) continue;  // Microsoft's leaves an unused one at 0.
      EXPECT_EQ(login.at[i], at) << "place " << i;
      at += login.values[i].size();
    }
  };
  for (const char* client : clients) {
    SCOPED_TRACE(client);
    const Capture capture = read_capture(client);
    check(message_of(capture.at("login"), PacketType::login));
    check(our_login(capture));
  }
}

// What we choose, is chosen by others too: no bit is ours alone.
TEST(Captures, LoginsFlagsAreThoseOfOdbcDrivers) {
  for (const char* client : {"freetds_odbc", "microsoft_odbc"}) {
    SCOPED_TRACE(client);
    const Capture capture = read_capture(client);
    const DecodedLogin theirs = decoded_login(message_of(capture.at("login"), PacketType::login));
    const DecodedLogin ours = decoded_login(our_login(capture));
    EXPECT_EQ(theirs.options_2, 0x03u) << "fODBC, and a language that must be there";
    EXPECT_EQ(ours.options_2, 0x02u);
    EXPECT_EQ(theirs.options_3 & 0x10, 0x10u) << "they have an extension behind the names";
    EXPECT_EQ(theirs.values[extension].size(), 4u);
    EXPECT_EQ(ours.options_3, 0u);
    EXPECT_EQ(ours.values[extension], "");
    EXPECT_EQ(ours.types, theirs.types);
    EXPECT_EQ(ours.connection, theirs.connection);
  }
}

TEST(Captures, LoginForReadingSaysSoWhereMicrosoftsDoes) {
  const Capture capture = read_capture("microsoft_odbc");
  const DecodedLogin theirs = decoded_login(message_of(capture.at("login for reading"), PacketType::login));
  EXPECT_EQ(theirs.types, 0x20u);
  EXPECT_EQ(decoded_login(our_login(capture, /*is_read_only=*/true)).types, theirs.types);
  EXPECT_EQ(theirs.locale, 0x0409u);
  EXPECT_EQ(decoded_login(our_login(capture)).locale, theirs.locale);
}

// ---- Batches, attention, packets

TEST(Captures, BatchesAreTheSame) {
  for (const char* client : clients) {
    const std::string sql = client == clients[0] ? "SELECT 1 AS one\n" : "SELECT 1 AS one";
    EXPECT_EQ(packets_of(PacketType::batch, batch_message(sql, 0), 4096), read_capture(client)["batch"])
        << client;
  }
}

// Its number is the server's; the simulator counts them.
TEST(Captures, BatchesInATransactionAreTheSame) {
  const std::pair<const char*, std::uint64_t> each[] = {{"freetds_odbc", 5}, {"microsoft_odbc", 7}};
  for (const auto& [client, transaction] : each)
    EXPECT_EQ(packets_of(PacketType::batch, batch_message("SELECT 2 AS two", transaction), 4096),
              read_capture(client)["transaction"])
        << client;
}

TEST(Captures, AttentionIsTheSame) {
  for (const char* client : {"freetds_odbc", "microsoft_odbc"})
    EXPECT_EQ(packets_of(PacketType::attention, {}, 4096), read_capture(client)["attention"]) << client;
}

TEST(Captures, PacketsAreCutTheSame) {
  const std::string sql = "SELECT '" + std::string(312, 'x') + "' AS x";
  EXPECT_EQ(packets_of(PacketType::batch, batch_message(sql, 0), 512),
            read_capture("microsoft_odbc")["packets of 512 bytes"]);
}

// ---- sp_executesql

struct DecodedParameter {
  std::string name;
  std::uint64_t status;
  std::string type;  // TYPE_INFO
  std::optional<std::string> value;
  std::optional<std::uint64_t> told_total;  // Of a value in chunks.
  std::size_t chunks;
};

struct DecodedCall {
  std::string head;       // ALL_HEADERS, procedure, options.
  std::string procedure;  // Its number or its name.
  std::vector<DecodedParameter> parameters;
};

void read_chunks(Cursor& in, DecodedParameter& out) {
  const std::uint64_t total = in.little(8);
  if (total == ~std::uint64_t{0}) return;
  if (total != ~std::uint64_t{1}) out.told_total = total;
  out.value.emplace();
  while (const std::uint64_t size = in.little(4)) {
    *out.value += in.take(size);
    ++out.chunks;
  }
}

void read_value(Cursor& in, DecodedParameter& out) {
  const auto take_unless = [&](std::uint64_t size, std::uint64_t null) {
    if (size != null) out.value = in.take(size);
  };
  const std::string type = in.take(1);
  out.type = type;
  switch (static_cast<unsigned char>(type[0])) {
    case 0x26: {
      out.type += in.take(1);
      take_unless(in.little(1), 0);
      break;
    }
    case 0x63: {
      out.type += in.take(4 + 5);
      take_unless(in.little(4), 0xFFFFFFFF);
      break;
    }
    case 0xA5:
    case 0xE7: {
      const std::string most = in.take(2);
      out.type += most + (type == "\xE7" ? in.take(5) : "");
      if (most == "\xFF\xFF") return read_chunks(in, out);
      take_unless(in.little(2), 0xFFFF);
      break;
    }
    default: throw std::runtime_error("a type that no capture has");
  }
}

DecodedCall decoded_call(const std::string& message) {
  Cursor in(message);
  DecodedCall out;
  const std::size_t headers = in.little(4);
  in.take(headers - 4);
  const std::uint64_t name_units = in.little(2);
  out.procedure = name_units == 0xFFFF ? std::to_string(in.little(2)) : narrow(in.take(name_units * 2));
  EXPECT_EQ(in.little(2), 0u) << "options";
  out.head = message.substr(0, in.at());
  while (!in.is_over()) {
    DecodedParameter parameter{};
    parameter.name = narrow(in.take(in.little(1) * 2));
    parameter.status = in.little(1);
    read_value(in, parameter);
    out.parameters.push_back(std::move(parameter));
  }
  return out;
}

const char* const text_value = "70 00 E9 00 AC 20 3D D8 00 DE";  // p, e acute, euro, an emoji.
const char* const bytes_value = "00 01 AB FF";

std::string our_call() {
  const std::string text = bytes(text_value);
  const std::string raw = bytes(bytes_value);
  return execute_message("SELECT ? AS a, ? AS b, ? AS c",
                         {{Parameter::Kind::integer, -2, {}},
                          {Parameter::Kind::text, 0, text},
                          {Parameter::Kind::bytes, 0, raw}},
                         bytes(session_collation), 0);
}

std::string their_call(const char* client, const char* section = "values") {
  return message_of(read_capture(client)[section], PacketType::rpc);
}

// The procedure by its number, no names, no options, and the parameters' types and values; of the statement and the
// declarations in front of them the form is free (ntext, nvarchar, nvarchar(max)), the text is the same.
TEST(Captures, ParametersAreTheSame) {
  const std::string ours = our_call();
  const DecodedCall mine = decoded_call(ours);
  ASSERT_EQ(mine.parameters.size(), 5u);
  const std::string values = ours.substr(ours.size() - (13 + 22 + 11));
  EXPECT_EQ(values, bytes("00 00 26 08 08 FE FF FF FF FF FF FF FF 00 00 E7 40 1F 09 04 D0 00 34 0A 00") +
                        bytes(text_value) + bytes("00 00 A5 40 1F 04 00") + bytes(bytes_value));
  for (const char* client : {"freetds_odbc", "microsoft_odbc"}) {
    SCOPED_TRACE(client);
    const std::string sent = their_call(client);
    const DecodedCall theirs = decoded_call(sent);
    EXPECT_EQ(theirs.procedure, "10");
    EXPECT_EQ(mine.head, theirs.head);
    ASSERT_EQ(theirs.parameters.size(), 5u);
    EXPECT_EQ(sent.substr(sent.size() - values.size()), values);
    EXPECT_EQ(narrow(*mine.parameters[0].value), "SELECT @P1 AS a, @P2 AS b, @P3 AS c");
    EXPECT_EQ(mine.parameters[0].value, theirs.parameters[0].value);
    EXPECT_EQ(lower(narrow(*mine.parameters[1].value)), lower(narrow(*theirs.parameters[1].value)));
    for (const DecodedParameter& each : theirs.parameters)
      EXPECT_TRUE(each.name.empty() && each.status == 0);
  }
  EXPECT_EQ(mine.parameters[1].value, decoded_call(their_call("microsoft_odbc")).parameters[1].value);
}

// By name and with names; what it says of them is the same, but for the lengths of its types.
TEST(Captures, ParametersByNameSayTheSame) {
  const DecodedCall ours = decoded_call(our_call());
  const DecodedCall theirs = decoded_call(their_call("pymssql"));
  EXPECT_EQ(theirs.procedure, "sp_executesql");
  ASSERT_EQ(theirs.parameters.size(), ours.parameters.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ours.parameters.size(); ++i) {
    names.push_back(theirs.parameters[i].name);
    EXPECT_EQ(theirs.parameters[i].type[0], ours.parameters[i].type[0]) << i;
    EXPECT_EQ(theirs.parameters[i].value, ours.parameters[i].value) << i;
    EXPECT_EQ(theirs.parameters[i].status, ours.parameters[i].status) << i;
  }
  EXPECT_THAT(names, ElementsAre("@stmt", "@params", "@P1", "@P2", "@P3"));
}

// tailrace sends no NULL. Theirs show that the types say nothing of the value, so that ours serve one plan as well.
TEST(Captures, TypesAreTheSameForNulls) {
  const DecodedCall ours = decoded_call(our_call());
  for (const char* client : {"freetds_odbc", "microsoft_odbc"}) {
    SCOPED_TRACE(client);
    const DecodedCall theirs = decoded_call(their_call(client, "nulls"));
    ASSERT_EQ(theirs.parameters.size(), 5u);
    EXPECT_EQ(theirs.head, ours.head);
    for (std::size_t i = 2; i < 5; ++i) {
      EXPECT_EQ(theirs.parameters[i].type, ours.parameters[i].type) << i;
      EXPECT_EQ(theirs.parameters[i].value, std::nullopt) << i;
    }
  }
}

// Microsoft's driver declares the max types where a program tells no length, and then sends one chunk behind its length.
TEST(Captures, LongValuesHaveTheFormOfMicrosofts) {
  const DecodedCall theirs = decoded_call(their_call("microsoft_odbc", "unlimited"));
  ASSERT_EQ(theirs.parameters.size(), 4u);
  EXPECT_EQ(theirs.parameters[2].value, bytes(text_value));
  EXPECT_EQ(theirs.parameters[3].value, bytes(bytes_value));
  const std::string text(8002, 'x');
  const DecodedCall ours = decoded_call(execute_message(
      "SELECT ? AS a, ? AS b", {{Parameter::Kind::text, 0, text}, {Parameter::Kind::bytes, 0, text}},
      bytes(session_collation), 0));
  ASSERT_EQ(ours.parameters.size(), 4u);
  EXPECT_EQ(ours.parameters[1].value, theirs.parameters[1].value) << "the declarations";
  for (std::size_t i = 2; i < 4; ++i) {
    EXPECT_EQ(ours.parameters[i].type, theirs.parameters[i].type);
    EXPECT_EQ(ours.parameters[i].value, text);
    for (const DecodedCall* each : {&ours, &theirs}) {
      EXPECT_EQ(each->parameters[i].chunks, 1u);
      EXPECT_EQ(each->parameters[i].told_total, each->parameters[i].value->size());
    }
  }
}

}  // namespace
}  // namespace tailrace::tds
