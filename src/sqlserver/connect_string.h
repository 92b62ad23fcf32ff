// Connection strings, for FreeTDS and for Microsoft's driver.
//
// Errors  config: a value that the driver cannot be given, or a setting it does not have.
// Source  FreeTDS src/odbc/connectparams.c (no escapes: a value ends at "};"); [MS-ODBCSTR] 2.1.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "sqlserver/code_page.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

// Our own reader of the protocol, not a driver of ODBC.
bool is_native(const Settings& settings);
// What the driver can decode.
TextForm text_form_of(const Settings& settings);
bool is_freetds(std::string_view driver);
// The ODBC driver of settings that are not native: integrated authentication is FreeTDS' where no driver is named.
std::string driver_of(const Settings& settings);

// Between questions without an answer.
std::chrono::seconds keepalive_interval(const Settings& settings);

// `servername` is the section of FreeTDS's own configuration file that tells what a connection string
// cannot (certificate checks); empty where none is needed.
std::string connect_string(const Settings& settings, std::string_view servername);

// The section for these settings; empty for settings that need none.
std::string freetds_section(const Settings& settings, std::string_view servername);

}  // namespace tailrace::sqlserver
