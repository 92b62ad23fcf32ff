// What the functions of change data capture answer.
#include "sim/tsql/session/session_core.h"

namespace tailrace::sim::tsql {

// "fn_..." asks the bound database, "12:fn_..." that of this id.
bool SessionCore::cdc_function(std::string_view name, std::span<const Cell> args, Value& out,
                               ConversionError& error) {
  DatabaseUse* where = active_;
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
    where = &use(state_.server.find(
        static_cast<std::int32_t>(std::strtol(std::string(name.substr(0, colon)).c_str(), nullptr, 10))));
    name.remove_prefix(colon + 1);
  }
  Cdc& cdc = where->cdc;
  const auto lsn = [&](const std::optional<Lsn>& value) {
    out.null = !value;
    if (value) out.text = *value;
    return true;
  };
  const auto text = [&](std::size_t i) {
    return args[i].null ? std::optional<std::string_view>() : std::optional<std::string_view>(args[i].text);
  };
  if (name == "fn_cdc_get_max_lsn") return lsn(cdc.max_lsn());
  if (name == "fn_cdc_is_bit_set") {
    const auto result = Cdc::is_bit_set(
        args[0].null ? std::optional<std::int32_t>() : static_cast<std::int32_t>(args[0].number), text(1));
    out.null = !result;
    out.number = result.value_or(false) ? 1 : 0;
    return true;
  }
  if (name == "fn_cdc_has_column_changed") {
    if (args[0].null || args[1].null) return out.null = true;
    const auto result = cdc.has_column_changed(args[0].text, args[1].text, text(2));
    out.null = !result;
    out.number = result.value_or(false) ? 1 : 0;
    return true;
  }
  for (const Cell& arg : args) {
    if (arg.null) return out.null = true;
  }
  if (name == "fn_cdc_get_min_lsn") return lsn(cdc.min_lsn(where->principal, args[0].text));
  if (name == "fn_cdc_increment_lsn") return lsn(increment_lsn(args[0].text));
  if (name == "fn_cdc_decrement_lsn") return lsn(decrement_lsn(args[0].text));
  if (name == "fn_cdc_map_lsn_to_time") {
    const std::optional<std::int64_t> time = cdc.map_lsn_to_time(args[0].text);
    out.null = !time;
    out.number = time.value_or(0);
    return true;
  }
  if (name == "fn_cdc_map_time_to_lsn") {
    TimeRelation relation{};
    if (!Cdc::find_time_relation(args[0].text, relation)) {
      error.number = 313;
      error.text =
          "An insufficient number of arguments were supplied for the procedure or function "
          "cdc.fn_cdc_map_time_to_lsn.";
      return false;
    }
    return lsn(cdc.map_time_to_lsn(relation, args[1].number));
  }
  if (name == "fn_cdc_get_column_ordinal") {
    const std::optional<std::int32_t> ordinal = cdc.column_ordinal(args[0].text, args[1].text);
    out.null = !ordinal;
    out.number = ordinal.value_or(0);
    return true;
  }
  if (name == "fn_varbintohexstr") {
    static constexpr std::string_view digits = "0123456789abcdef";
    out.text = "0x";
    for (const char raw : args[0].text) {
      out.text.push_back(digits[static_cast<unsigned char>(raw) >> 4U]);
      out.text.push_back(digits[static_cast<unsigned char>(raw) & 0xFU]);
    }
    return true;
  }
  out.null = true;
  return true;
}

}  // namespace tailrace::sim::tsql
