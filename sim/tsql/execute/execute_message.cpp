// THROW, RAISERROR and PRINT: what a batch tells its client.
#include <algorithm>

#include "base/error.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

ServerMessage information(std::string text, std::int32_t line) {
  ServerMessage message;
  message.severity = 0;
  message.text = std::move(text);
  message.line = line;
  return message;
}

// RAISERROR's %s, %d, %i, %u, %x, %o, %% with width and precision.
std::string formatted(const std::string& format, const std::vector<Value>& args) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      out.push_back(format[i]);
      continue;
    }
    if (format[i + 1] == '%') {
      out.push_back('%');
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < format.size() &&
           std::string_view("-+0 #123456789.lh").find(format[end]) != std::string_view::npos)
      ++end;
    if (end >= format.size()) break;
    if (next < args.size()) {
      const Value& arg = args[next++];
      std::string text = arg.null ? "(null)" : is_text(arg.type.type) ? arg.text : std::to_string(arg.number);
      const std::string flags = format.substr(i + 1, end - i - 1);
      const std::size_t width = static_cast<std::size_t>(
          std::strtoul(flags.c_str() + flags.find_first_not_of("-+0 #lh") *
                                           (flags.find_first_not_of("-+0 #lh") != std::string::npos),
                       nullptr, 10));
      if (text.size() < width && width < 2048)
        text = flags.starts_with('-')
                   ? text + std::string(width - text.size(), ' ')
                   : std::string(width - text.size(), flags.starts_with('0') ? '0' : ' ') + text;
      out += text;
    } else {
      out += "(null)";
    }
    i = end;
  }
  return out;
}

}  // namespace

void SessionCore::throw_error(const Throw& node, std::int32_t line) {
  if (!node.number) {
    if (!caught_)
      raise(10704,
            "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the "
            "THROW statement inside a CATCH block, or add error parameters to the THROW statement.",
            line);
    throw StatementError{*caught_, true};
  }
  const TypeInfo number_type = int_type();
  const TypeInfo text_type_ = nvarchar_type(2048);
  StatementError error;
  error.message.number = static_cast<std::int32_t>(evaluate(*node.number, &number_type).number);
  error.message.text = evaluate(*node.message, &text_type_).text;
  error.message.state = static_cast<std::uint8_t>(evaluate(*node.state, &number_type).number);
  error.message.line = line;
  if (error.message.number < 50000)
    raise(35100,
          "Error number " + std::to_string(error.message.number) +
              " in the THROW statement is outside the valid range. Specify an error number in the "
              "valid range of 50000 to 2147483647.",
          line);
  error.ends_batch = true;
  throw StatementError(std::move(error));
}

void SessionCore::raise_error(const RaiseError& node, std::int32_t line) {
  std::vector<Value> values;
  for (const ExprPtr& arg : node.args)
    values.push_back(evaluate(*arg));
  ServerMessage message;
  message.number = 50000;
  if (is_integer(values[0].type.type)) {
    message.number = static_cast<std::int32_t>(values[0].number);
    message.text = "Error " + std::to_string(message.number) + ".";
  } else {
    message.text = formatted(values[0].text, {values.begin() + 3, values.end()});
  }
  message.severity = static_cast<std::uint8_t>(std::clamp<std::int64_t>(values[1].number, 0, 25));
  message.state = static_cast<std::uint8_t>(std::clamp<std::int64_t>(values[2].number, 0, 255));
  message.line = line;
  if (message.severity > 10) {
    if (try_depth_ > 0) throw StatementError{message, false};
    note_error(message);
    sink_->message(message);
    done(StatementKind::other, std::nullopt, true);
  } else {
    sink_->message(message);
    last_error_ = 0;
  }
}

void SessionCore::print(const Print& node, std::int32_t line) {
  const TypeInfo type = nvarchar_type(4000);
  const Value value = evaluate(*node.value, &type);
  sink_->message(information(value.null ? " " : value.text, line));
}

}  // namespace tailrace::sim::tsql
