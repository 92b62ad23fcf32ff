// FreeTDS's configuration file for certificate checks, which connection strings cannot ask for.
//
// Threads  Any. The file is private to the process and gone with it; FREETDSCONF is set with its first section, so
//          the first source is made before threads that read the environment.
#pragma once

#include <string>

#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

// The section that stands for these settings, written if it is new; empty where none is needed.
std::string freetds_servername(const Settings& settings);

}  // namespace tailrace::sqlserver
