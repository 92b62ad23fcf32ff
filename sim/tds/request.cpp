// Requests after the login.
#include "sim/tds/request.h"

#include <fmt/format.h>

#include <array>

#include "sim/tds/byte_reader.h"
#include "sim/tds/text.h"
#include "sim/tds/type_info.h"

namespace tailrace::sim::tds {
namespace {

constexpr std::uint8_t batch_flag = 0xFF;  // Another RPC follows.
constexpr std::uint8_t no_execute_flag = 0xFE;
constexpr std::uint8_t old_batch_flag = 0x80;  // Before TDS 7.2.
constexpr std::size_t most_rpcs = 10'000;
constexpr std::size_t most_parameters = 2'100;

constexpr std::array<std::string_view, 15> procedures_by_id = {
    "sp_cursor",          "sp_cursoropen",  "sp_cursorprepare", "sp_cursorexecute", "sp_cursorprepexec",
    "sp_cursorunprepare", "sp_cursorfetch", "sp_cursoroption",  "sp_cursorclose",   "sp_executesql",
    "sp_prepare",         "sp_execute",     "sp_prepexec",      "sp_prepexecrpc",   "sp_unprepare"};

// Transaction descriptor, query notifications, trace activity: none of them changes what a statement does.
void skip_all_headers(ByteReader& in, const Protocol& protocol) {
  if (!protocol.has_all_headers()) return;
  const std::uint32_t total = in.u32();
  if (total < 4) throw Error(ErrorKind::protocol, "ALL_HEADERS is too short");
  ByteReader headers(in.bytes(total - 4));
  while (!headers.at_end()) {
    const std::uint32_t length = headers.u32();
    if (length < 6) throw Error(ErrorKind::protocol, "a header of ALL_HEADERS is too short");
    headers.bytes(length - 4);
  }
}

std::string read_b_varchar(ByteReader& in) {
  const std::size_t units = in.u8();
  return utf8_from_utf16le(in.bytes(units * 2));
}

std::string read_procedure(ByteReader& in) {
  const std::uint16_t units = in.u16();
  if (units != 0xFFFF) return utf8_from_utf16le(in.bytes(units * std::size_t{2}));
  const std::uint16_t id = in.u16();
  if (id < 1 || id > procedures_by_id.size()) {
    throw refused_request(2812, fmt::format("Could not find stored procedure with id {}.", id));
  }
  return std::string(procedures_by_id[id - 1u]);
}

bool ends_call(const ByteReader& in, const Protocol& protocol) {
  if (in.at_end()) return true;
  const std::uint8_t next = in.peek();
  return protocol.has_all_headers() ? next >= no_execute_flag : next == old_batch_flag;
}

// What one parameter after the other has told about the call so far.
struct CallReader {
  RpcCall call;
  bool left_one_out = false;  // An unnamed parameter takes its default: no unnamed value may follow.

  void read_parameter(ByteReader& in, const Protocol& protocol);
};

void CallReader::read_parameter(ByteReader& in, const Protocol& protocol) {
  constexpr std::uint8_t by_reference = 0x01;
  constexpr std::uint8_t takes_default = 0x02;
  ParameterValue parameter;
  parameter.name = read_b_varchar(in);
  const std::uint8_t status = in.u8();
  parameter.output = (status & by_reference) != 0;
  const WireType wire = read_wire_type(in, protocol, parameter.name);
  parameter.value = read_value(in, wire, parameter.name);
  if ((status & takes_default) != 0) {
    left_one_out = left_one_out || parameter.name.empty();
    return;
  }
  if (left_one_out && parameter.name.empty()) {
    throw refused_request(8009, "A value after an unnamed DEFAULT is not supported by the simulator.");
  }
  if (call.parameters.size() == most_parameters) {
    throw refused_request(8003,
                          "The incoming request has too many parameters. The server supports a maximum of "
                          "2100 parameters. Reduce the number of parameters and resend the request.");
  }
  call.parameters.push_back(std::move(parameter));
}

}  // namespace

std::string parse_batch(std::string_view message, const Protocol& protocol) {
  ByteReader in(message);
  skip_all_headers(in, protocol);
  return utf8_from_utf16le(in.bytes(in.left()));
}

std::vector<RpcCall> parse_rpcs(std::string_view message, const Protocol& protocol) {
  ByteReader in(message);
  skip_all_headers(in, protocol);
  std::vector<RpcCall> calls;
  do {
    CallReader reader;
    reader.call.procedure = read_procedure(in);
    in.u16();  // Recompile, and two about metadata that a server may send all the same.
    while (!ends_call(in, protocol)) {
      reader.read_parameter(in, protocol);
    }
    calls.push_back(std::move(reader.call));
    if (in.at_end()) return calls;
    const std::uint8_t flag = in.u8();
    if (flag == no_execute_flag && protocol.has_all_headers()) {
      throw Error(ErrorKind::protocol, "an RPC that shall not be executed is not supported");
    }
    if (calls.size() == most_rpcs) throw Error(ErrorKind::protocol, "too many RPCs in one request");
  } while (!in.at_end());
  return calls;
}

TransactionManagerCall parse_transaction_request(std::string_view message, const Protocol& protocol) {
  ByteReader in(message);
  skip_all_headers(in, protocol);
  TransactionManagerCall call;
  call.request = static_cast<TransactionRequest>(in.u16());
  switch (call.request) {
    case TransactionRequest::begin:
      call.isolation = in.u8();
      call.name = read_b_varchar(in);
      return call;
    case TransactionRequest::commit:
    case TransactionRequest::rollback:
      call.name = read_b_varchar(in);
      call.begins_again = (in.u8() & 0x01) != 0;
      if (call.begins_again) call.isolation = in.u8();
      return call;
    case TransactionRequest::save: call.name = read_b_varchar(in); return call;
  }
  // Distributed transactions: there is no coordinator here.
  throw refused_request(8501, "MSDTC on server 'sqlserver-sim' is unavailable.");
}

}  // namespace tailrace::sim::tds
