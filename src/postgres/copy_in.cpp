// COPY ... FROM STDIN.
#include "postgres/copy_in.h"

#include <libpq-fe.h>

#include "base/error.h"

namespace tailrace::postgres {

CopyIn::CopyIn(Connection& connection, const std::string& copy_sql) : connection_(connection) {
  connection_.exec(copy_sql);
}

// Ending the COPY with an error makes the server answer with one; it is of no interest any more.
CopyIn::~CopyIn() {
  if (!open_) return;
  PQputCopyEnd(connection_.raw(), "abandoned by the client");
  while (pg_result* const result = PQgetResult(connection_.raw()))
    PQclear(result);
}

void CopyIn::send(std::string_view encoded_rows) {
  if (PQputCopyData(connection_.raw(), encoded_rows.data(), static_cast<int>(encoded_rows.size())) != 1)
    connection_.fail_lost("COPY");
}

std::uint64_t CopyIn::finish() {
  open_ = false;
  if (PQputCopyEnd(connection_.raw(), nullptr) != 1) connection_.fail_lost("COPY");
  const Result result = connection_.next_result("COPY");
  const std::uint64_t rows = result.affected();
  while (pg_result* const rest = PQgetResult(connection_.raw()))
    PQclear(rest);
  return rows;
}

}  // namespace tailrace::postgres
