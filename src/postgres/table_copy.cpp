// New rows by COPY: half of what INSERT from arrays costs the server, and less of its log.
//
//          Only past the high mark, where a new row replaces none, and not where bad rows are told apart or gathered.
// Source   docs/rules.md R10b, R13; docs/decisions/006.
#include <utility>

#include "postgres/copy_in.h"
#include "postgres/table_apply.h"

namespace tailrace::postgres {
namespace {

constexpr std::size_t flush_bytes = 128u << 10;

}  // namespace

bool TableApply::is_copied() const {
  return streaming_ && !collecting_ && !gathering_ && !has_diverged() && !plan_->keeps_rows &&
         groups_.inserts.size() >= settings_.copy_rows;
}

// COPY takes bytes for whatever type the column has now. The lock keeps the shape that is seen until the transaction
// ends; of another one INSERT knows whether the values fit.
void TableApply::send_look(Connection& connection, Statements& statements) {
  connection.send_query("LOCK TABLE " + plan_->relation.quoted() + " IN ROW EXCLUSIVE MODE", {}, {});
  connection.send_prepared(
      statements.prepared(connection, columns_sql, {}), Params().integer(plan_->oid),
      [this](const Result& found) { takes_copy_ = may_copy(found) && columns_of(found) == plan_->shape; });
}

void TableApply::give_up_copy() {
  groups_.inserts = std::exchange(to_copy_, {});
}

void TableApply::copy(Connection& connection) const {
  CopyIn copy(connection, copy_sql(*plan_));
  WireBuffer buffer;
  put_copy_header(buffer);
  for (const std::size_t change : to_copy_) {
    buffer.put(static_cast<std::int16_t>(plan_->encoders.size()));
    for (std::size_t column = 0; column < plan_->encoders.size(); ++column)
      encode_cell(buffer, change, column);
    if (buffer.size() < flush_bytes) continue;
    copy.send(buffer.view());
    buffer.clear();
  }
  put_copy_trailer(buffer);
  copy.send(buffer.view());
  static_cast<void>(copy.finish());  // A trigger that was accepted may keep rows out, as it does with INSERT.
}

}  // namespace tailrace::postgres
