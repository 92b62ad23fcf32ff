// Scripts: batches one after the other, as the T-SQL fuzzer runs them, and where they come from.
//
// Shape    In a file batches are separated by lines `GO`; a batch whose first line is `--2` runs in the second session.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tailrace::sim::fuzz {

using Script = std::vector<std::string>;

Script parse_script(std::string_view text);
std::string script_text(const Script& script);

// The scripts of a folder: *.sql, and the statements of *.test (sim/tsql/testdata), in the order of their names.
std::vector<Script> read_scripts(const std::string& folder);

// What a client can send of this text: bytes that are no character become question marks.
std::string well_formed(std::string_view text);

// The whole of a file; throws where it cannot be read.
std::string file_text(const std::string& path);

}  // namespace tailrace::sim::fuzz
