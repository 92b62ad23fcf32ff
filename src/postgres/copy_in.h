// COPY ... FROM STDIN as a scope. Leaving it without finish() cancels the COPY at the server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "postgres/connection.h"

namespace tailrace::postgres {

class CopyIn {
 public:
  // Borrows `connection`, which must outlive this and have no other command running.
  CopyIn(Connection& connection, const std::string& copy_sql);
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;
  ~CopyIn();

  void send(std::string_view encoded_rows);  // Throws what the server says, or unavailable.
  std::uint64_t finish();                    // Rows taken. Throws data if the server refused one.

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace tailrace::postgres
