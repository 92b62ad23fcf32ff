// A data file of BULK INSERT: rows of fields between terminators, read in blocks.
//
// Shape    next() answers views into the reader's block, valid until the next call. As SQL Server reads one: each field
//          but the last ends at a field terminator, whatever stands in between, and the last one at a row terminator;
//          the last row's may be missing.
// Errors   opening: an errno; reading: tailrace::Error `internal`.
// Source   Transact-SQL reference: BULK INSERT; "Specify field and row terminators".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::sim::tsql {

// The bytes of a terminator as a statement writes it: characters, \t \r \\ \0, \n for CR LF, or 0x and hexadecimal
// digits. Nothing: \n behind something else, whose bytes the reference leaves open, and what is no terminator at all.
std::optional<std::string> terminator_bytes(std::string_view written);

class DataFile {
 public:
  DataFile(std::string field_terminator, std::string row_terminator)
      : field_terminator_(std::move(field_terminator)), row_terminator_(std::move(row_terminator)) {}
  ~DataFile();
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;

  [[nodiscard]] int open(const std::string& path);  // 0, or an errno.

  enum class Read { row, end, cut };  // cut: the file ends within a row.
  [[nodiscard]] Read next(std::vector<std::string_view>& fields);

 private:
  bool split(std::vector<std::string_view>& fields);
  void fill();

  std::string field_terminator_;
  std::string row_terminator_;
  int descriptor_ = -1;
  std::string block_;
  std::size_t at_ = 0;   // Of the next row in the block.
  std::size_t end_ = 0;  // Of what was read.
  bool all_read_ = false;
};

}  // namespace tailrace::sim::tsql
