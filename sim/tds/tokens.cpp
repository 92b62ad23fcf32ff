// The tokens of a response, except rows.
#include "sim/tds/tokens.h"

#include "sim/tds/login.h"
#include "sim/tds/row_encoder.h"
#include "sim/tds/text.h"
#include "sim/tds/type_info.h"

namespace tailrace::sim::tds {
namespace {

constexpr std::size_t most_message_units = 8000;  // The longest PRINT.

// Writes the 16-bit length of a token's body once the body is there.
class Body {
 public:
  Body(ByteBuffer& out, std::uint8_t token) : out_(out) {
    out.u8(token);
    out.u16(0);
    begin_ = out.size();
  }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body() { out_.overwrite_u16(begin_ - 2, static_cast<std::uint16_t>(out_.size() - begin_)); }

 private:
  ByteBuffer& out_;
  std::size_t begin_ = 0;
};

std::uint16_t flags_of(const ResultColumn& column) {
  constexpr std::uint16_t nullable = 0x01;
  constexpr std::uint16_t maybe_updatable = 0x08;
  constexpr std::uint16_t identity = 0x10;
  constexpr std::uint16_t computed = 0x20;
  std::uint16_t flags = 0;
  if (column.nullable) flags |= nullable;
  if (column.identity) {
    flags |= identity;
  } else if (column.computed) {
    flags |= computed;
  } else {
    flags |= maybe_updatable;
  }
  return flags;
}

// Zero but for rowversion, which is a binary(8) to who does not know it.
void put_user_type(ByteBuffer& out, const Protocol& protocol, const TypeInfo& type) {
  constexpr std::uint16_t rowversion = 80;
  const std::uint16_t user_type = type.guise == Guise::rowversion ? rowversion : 0;
  if (protocol.has_all_headers()) {
    out.u32(user_type);
  } else {
    out.u16(user_type);
  }
}

}  // namespace

void put_column_metadata(ByteBuffer& out, const Protocol& protocol, std::span<const ResultColumn> columns) {
  out.u8(token::column_metadata);
  out.u16(static_cast<std::uint16_t>(columns.size()));
  for (const ResultColumn& column : columns) {
    put_user_type(out, protocol, column.type);
    out.u16(flags_of(column));
    put_type_info(out, column.type, column.nullable);
    put_b_varchar(out, column.name);
  }
}

void put_message(ByteBuffer& out, const Protocol& protocol, const ServerMessage& message) {
  const Body body(out, message.severity > 10 ? token::error : token::info);
  out.number(message.number);
  out.u8(message.state);
  out.u8(message.severity);
  put_us_varchar(out, message.text, most_message_units);
  put_b_varchar(out, server_name);
  put_b_varchar(out, message.procedure);
  if (protocol.has_all_headers()) {
    out.number(message.line);
  } else {
    out.u16(static_cast<std::uint16_t>(message.line));
  }
}

void put_done(ByteBuffer& out, const Protocol& protocol, std::uint8_t token, std::uint16_t status,
              StatementKind kind, std::uint64_t rows) {
  out.u8(token);
  out.u16(status);
  out.u16(static_cast<std::uint16_t>(kind));
  if (protocol.has_all_headers()) {
    out.u64(rows);
  } else {
    out.u32(static_cast<std::uint32_t>(rows));
  }
}

void put_text_change(ByteBuffer& out, std::uint8_t kind, std::string_view now, std::string_view before) {
  const Body body(out, token::environment_change);
  out.u8(kind);
  put_b_varchar(out, now);
  put_b_varchar(out, before);
}

void put_collation_change(ByteBuffer& out) {
  const Body body(out, token::environment_change);
  out.u8(environment::collation);
  out.u8(sizeof collation_bytes);
  out.bytes({reinterpret_cast<const char*>(collation_bytes), sizeof collation_bytes});
  out.u8(0);
}

void put_transaction_change(ByteBuffer& out, std::uint8_t kind, std::uint64_t descriptor) {
  const Body body(out, token::environment_change);
  out.u8(kind);
  if (kind == environment::transaction_began) {
    out.u8(sizeof descriptor);
    out.u64(descriptor);
    out.u8(0);
  } else {
    out.u8(0);
    out.u8(sizeof descriptor);
    out.u64(descriptor);
  }
}

void put_reset_acknowledgement(ByteBuffer& out) {
  const Body body(out, token::environment_change);
  out.u8(environment::connection_was_reset);
  out.u8(0);
  out.u8(0);
}

void put_login_acknowledgement(ByteBuffer& out, const Protocol& protocol) {
  const Body body(out, token::login_ack);
  out.u8(1);  // T-SQL
  for (int shift = 24; shift >= 0; shift -= 8)
    out.u8(static_cast<std::uint8_t>(protocol.version >> shift));
  put_b_varchar(out, std::string_view("Microsoft SQL Server\0\0", 22));
  out.u8(server_major);
  out.u8(0);
  out.u8(server_build >> 8);
  out.u8(server_build & 0xFF);
}

void put_return_status(ByteBuffer& out, std::int32_t status) {
  out.u8(token::return_status);
  out.number(status);
}

void put_return_value(ByteBuffer& out, const Protocol& protocol, std::uint16_t ordinal,
                      const ParameterValue& parameter) {
  out.u8(token::return_value);
  out.u16(ordinal);
  put_b_varchar(out, parameter.name);
  out.u8(1);  // An output parameter.
  put_user_type(out, protocol, parameter.value.type);
  out.u16(0x01);  // Nullable.
  put_type_info(out, parameter.value.type, true);
  put_cell(out, plan_column(parameter.value.type, true), cell_of(parameter.value));
}

}  // namespace tailrace::sim::tds
