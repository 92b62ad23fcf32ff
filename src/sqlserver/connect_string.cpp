// Connection strings: which keyword carries which setting.
#include "sqlserver/connect_string.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace tailrace::sqlserver {
namespace {

bool is_plain(std::string_view value) {
  return !value.empty() && value.find_first_of("[]{}(),;?*=!@ \"'") == std::string_view::npos;
}

void refuse_controls(std::string_view keyword, std::string_view value) {
  if (std::any_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    throw Error(ErrorKind::config, fmt::format("{} holds a control character", keyword));
  }
}

// FreeTDS takes everything up to "};" as it stands and knows no escape.
std::string freetds_value(std::string_view keyword, std::string_view value) {
  refuse_controls(keyword, value);
  if (is_plain(value)) return std::string(value);
  if (value.find("};") != std::string_view::npos) {
    throw Error(ErrorKind::config,
                fmt::format("FreeTDS cannot be given a {} that holds \"}};\": change it, or use another "
                            "driver (source.driver)",
                            keyword));
  }
  return fmt::format("{{{}}}", value);
}

std::string microsoft_value(std::string_view keyword, std::string_view value) {
  refuse_controls(keyword, value);
  if (is_plain(value)) return std::string(value);
  std::string out = "{";
  for (const char c : value) {
    out += c;
    if (c == '}') out += '}';
  }
  return out + "}";
}

// Both drivers have the same words for it.
template <typename Add>
void add_login(const Settings& settings, const Add& add) {
  if (settings.authentication == Authentication::integrated) {
    add("Trusted_Connection", "yes");
    add("ServerSPN", settings.server_spn);
    return;
  }
  add("UID", settings.user);
  add("PWD", settings.password.reveal());
}

std::string_view microsoft_encrypt(EncryptMode mode) {
  switch (mode) {
    case EncryptMode::off: return "no";
    case EncryptMode::strict: return "strict";
    default: return "yes";
  }
}

std::string freetds_string(const Settings& settings, std::string_view servername) {
  std::string out = fmt::format("DRIVER={};", driver_of(settings));
  const auto add = [&](std::string_view keyword, std::string_view value) {
    if (!value.empty()) out += fmt::format("{}={};", keyword, freetds_value(keyword, value));
  };
  if (!servername.empty()) {
    add("SERVERNAME", servername);
  } else if (!settings.instance.empty()) {
    add("SERVER", settings.host + "\\" + settings.instance);
  } else {
    add("SERVER", settings.host);
    add("PORT", std::to_string(settings.port));
  }
  add("TDS_Version", "7.4");
  add("ClientCharset", "UTF-8");
  if (servername.empty()) add("Encryption", settings.encrypt == EncryptMode::off ? "off" : "require");
  add("DATABASE", settings.database);
  add("APP", settings.application);
  if (settings.application_intent == ApplicationIntent::read_only) add("ApplicationIntent", "ReadOnly");
  add_login(settings, add);
  return out;
}

std::string microsoft_string(const Settings& settings) {
  if (!settings.ca_file.empty()) {
    throw Error(ErrorKind::config,
                "Microsoft's driver takes authorities from the system alone: leave out encrypt.ca_file and "
                "add the authority to the system's store, or use FreeTDS");
  }
  const bool is_path = settings.driver.find('/') != std::string::npos;
  std::string out = is_path ? fmt::format("DRIVER={};", settings.driver)
                            : fmt::format("DRIVER={};", microsoft_value("DRIVER", settings.driver));
  const auto add = [&](std::string_view keyword, std::string_view value) {
    if (!value.empty()) out += fmt::format("{}={};", keyword, microsoft_value(keyword, value));
  };
  add("SERVER", settings.instance.empty() ? fmt::format("tcp:{},{}", settings.host, settings.port)
                                          : settings.host + "\\" + settings.instance);
  add("Encrypt", microsoft_encrypt(settings.encrypt));
  if (settings.encrypt == EncryptMode::require) add("TrustServerCertificate", "yes");
  add("HostnameInCertificate", settings.host_name_in_certificate);
  add("DATABASE", settings.database);
  add("APP", settings.application);
  if (settings.application_intent == ApplicationIntent::read_only) add("ApplicationIntent", "ReadOnly");
  if (settings.multi_subnet_failover) add("MultiSubnetFailover", "yes");
  // Else an idle connection that was lost is made anew unseen, perhaps to a server of another state: it must be known
  // again before it is read (R4c).
  add("ConnectRetryCount", "0");
  add("KeepAlive", std::to_string(settings.keepalive.count()));
  add("KeepAliveInterval", std::to_string(keepalive_interval(settings).count()));
  add_login(settings, add);
  return out;
}

}  // namespace

std::chrono::seconds keepalive_interval(const Settings& settings) {
  return std::max(settings.keepalive / 3, std::chrono::seconds(1));
}

TextForm text_form_of(const Settings& settings) {
  return is_native(settings) ? TextForm::western : TextForm::utf16;
}

bool is_native(const Settings& settings) {
  return settings.driver == native_driver && settings.authentication == Authentication::password;
}

std::string driver_of(const Settings& settings) {
  return settings.driver == native_driver ? std::string(freetds_driver) : settings.driver;
}

bool is_freetds(std::string_view driver) {
  std::string lower(driver);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return driver != native_driver && lower.find("tds") != std::string::npos;
}

std::string connect_string(const Settings& settings, std::string_view servername) {
  return is_freetds(driver_of(settings)) ? freetds_string(settings, servername) : microsoft_string(settings);
}

std::string freetds_section(const Settings& settings, std::string_view servername) {
  if (is_native(settings) || !is_freetds(driver_of(settings)) || settings.encrypt != EncryptMode::verify)
    return {};
  refuse_controls("source.host", settings.host);
  refuse_controls("encrypt.ca_file", settings.ca_file);
  std::string out = fmt::format("[{}]\n\thost = {}\n", servername, settings.host);
  out += settings.instance.empty() ? fmt::format("\tport = {}\n", settings.port)
                                   : fmt::format("\tinstance = {}\n", settings.instance);
  out +=
      fmt::format("\ttds version = 7.4\n\tclient charset = UTF-8\n\tencryption = require\n\tca file = {}\n",
                  settings.ca_file.empty() ? "system" : settings.ca_file);
  out += "\tcheck certificate hostname = yes\n";
  // Before FreeTDS 1.5 the line means nothing, and the host's own name is asked for.
  if (!settings.host_name_in_certificate.empty()) {
    refuse_controls("encrypt.host_name_in_certificate", settings.host_name_in_certificate);
    out += fmt::format("\tcertificate hostname = {}\n", settings.host_name_in_certificate);
  }
  return out;
}

}  // namespace tailrace::sqlserver
