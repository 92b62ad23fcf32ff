// Encoding a table's changes as arrays and sending them.
#include "postgres/table_apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "model/key_text.h"

namespace tailrace::postgres {
namespace {

// Of every table its usual ones, and some of partial updates.
constexpr std::size_t most_statements = 2'000;
constexpr std::size_t statements_a_table = 5;

Params borrow(const std::vector<WireBuffer>& arrays) {
  Params params;
  for (const WireBuffer& array : arrays)
    params.borrowed(array.view());
  return params;
}

// Columns whose values have no size of their kind.
std::vector<std::size_t> sized_columns(const TableSchema& schema) {
  std::vector<std::size_t> out;
  for (std::size_t column = 0; column < schema.columns.size(); ++column) {
    if (is_in_arena(schema.columns[column].type.cell_kind())) out.push_back(column);
  }
  return out;
}

std::size_t bytes_of(const NetChange& change, std::size_t columns, const std::vector<std::size_t>& sized) {
  constexpr std::size_t cell_bytes = 20;
  std::size_t bytes = columns * cell_bytes;
  for (const std::size_t column : sized) {
    const RowRef ref = change.source_of(column);
    if (ref.batch->state(ref.row, column) == CellState::value)
      bytes += ref.batch->text(ref.row, column).size();
  }
  return bytes;
}

std::size_t ordinal(const Result& result, int row) {
  return static_cast<std::size_t>(result.integer(row, 0)) - 1;
}

}  // namespace

std::string Statements::prepared(Connection& connection, const std::string& sql,
                                 const std::vector<std::uint32_t>& types) {
  const auto found = names_.find(sql);
  if (found != names_.end()) return found->second;
  const std::string name = fmt::format("a{}", names_.size());
  connection.send_prepare(name, sql, types);
  names_.emplace(sql, name);
  return name;
}

void Statements::forget(Connection& connection) {
  connection.forget_prepared();
  names_.clear();
}

bool Statements::are_many(std::size_t tables) const {
  return names_.size() > most_statements + tables * statements_a_table;
}

TableApply::TableApply(PlanPtr plan, bool streaming, const Settings& settings, Faults faults)
    : plan_(std::move(plan)),
      streaming_(streaming),
      collecting_(faults == Faults::keep),
      settings_(settings),
      coalescer_(*plan_, faults) {}

void TableApply::mark_diverged(const Indexes& changes) {
  if (changes.empty()) return;
  diverged_.assign(coalescer_.changes().size(), false);
  for (const std::size_t i : changes)
    diverged_[i] = true;
}

bool TableApply::is_unfit(std::size_t change) const {
  const NetChange& row = coalescer_.changes()[change];
  if (row.kind != NetChange::Kind::partial) return false;
  return is_diverged(row.carried() ? static_cast<std::size_t>(row.carried_from) : change);
}

// A row of a key that nobody has changed before: of the snapshot while catching up, or one that is kept although the source
// did not have it.
bool TableApply::may_be_there(std::size_t change) const {
  return !streaming_ || (plan_->keeps_rows && !coalescer_.changes()[change].was_there);
}

void TableApply::sort_into_groups(const Indexes& some) {
  const std::vector<NetChange>& changes = coalescer_.changes();
  groups_ = {};
  to_copy_.clear();
  hit_.assign(changes.size(), false);
  lost_.clear();
  missing_.clear();
  updated_ = 0;
  for (const std::size_t i : some) {
    const NetChange& change = changes[i];
    const bool whole = change.kind == NetChange::Kind::full || carried_.contains(i);
    if (is_unfit(i)) continue;
    if (change.waits) {
      if (whole) groups_.waiting.push_back(i);
    } else if (is_diverged(i) || (gathering_ && whole && may_be_there(i))) {
      groups_.deletes.push_back(i);
      if (whole) groups_.inserts.push_back(i);
    } else if (change.kind == NetChange::Kind::delete_) {
      // While catching up the snapshot may hold a row that came and went.
      if (change.was_there || !streaming_) groups_.deletes.push_back(i);
    } else if (whole) {
      const bool is_update = (streaming_ && change.was_there) || plan_->insert_mode == InsertMode::update;
      (is_update ? groups_.updates : groups_.inserts).push_back(i);
    } else if (change.kind == NetChange::Kind::partial && !change.carried()) {
      groups_.updates.push_back(i);
    }
  }
  for (Indexes* const group : {&groups_.deletes, &groups_.updates, &groups_.inserts})
    order_by_key(*group);
}

// Neighbours in the table are met one after the other, whatever the order of their changes was: the server then finds
// most pages where it has just been. Any order of keys is right, so their encoded bytes are compared.
void TableApply::order_by_key(Indexes& group) const {
  if (plan_->schema->key.empty()) return;
  struct Ordered {
    std::uint64_t head;  // The first bytes behind the length, as a number: decides nearly always.
    std::size_t change;
  };
  constexpr std::size_t length_bytes = 4;
  std::vector<Ordered> ordered;
  ordered.reserve(group.size());
  for (const std::size_t change : group) {
    const std::string_view key = coalescer_.key(change);
    std::uint64_t head = 0;
    if (key.size() > length_bytes)
      std::memcpy(&head, key.data() + length_bytes, std::min(sizeof head, key.size() - length_bytes));
    ordered.push_back({__builtin_bswap64(head), change});
  }
  std::sort(ordered.begin(), ordered.end(), [this](const Ordered& left, const Ordered& right) {
    if (left.head != right.head) return left.head < right.head;
    return coalescer_.key(left.change) < coalescer_.key(right.change);
  });
  for (std::size_t i = 0; i < group.size(); ++i)
    group[i] = ordered[i].change;
}

// Cuts a group so that no statement is larger than the settings say.
std::vector<TableApply::Indexes> TableApply::slices(const Indexes& group) const {
  const std::vector<std::size_t> sized = sized_columns(*plan_->schema);
  std::vector<Indexes> out;
  std::size_t bytes = 0;
  for (const std::size_t i : group) {
    const std::size_t more = bytes_of(coalescer_.changes()[i], plan_->encoders.size(), sized);
    if (out.empty() || out.back().size() >= settings_.statement_rows ||
        bytes + more > settings_.statement_bytes) {
      out.emplace_back();
      bytes = 0;
    }
    out.back().push_back(i);
    bytes += more;
  }
  return out;
}

bool TableApply::present(std::size_t change, std::size_t column) const {
  return carried_.contains(change) || coalescer_.changes()[change].present(column);
}

std::vector<bool> TableApply::absent_columns(const Indexes& group) const {
  std::vector<bool> absent(plan_->encoders.size(), false);
  for (const std::size_t i : group) {
    if (coalescer_.changes()[i].kind == NetChange::Kind::full) continue;
    for (std::size_t column = 0; column < absent.size(); ++column) {
      if (!present(i, column)) absent[column] = true;
    }
  }
  return absent;
}

void TableApply::encode_cell(WireBuffer& out, std::size_t change, std::size_t column) const {
  const RowRef ref = coalescer_.changes()[change].source_of(column);
  if (ref.batch->state(ref.row, column) == CellState::absent) {
    const auto carried = carried_.find(change);
    if (carried != carried_.end()) {
      out.put_bytes(carried->second[column]);
      return;
    }
  }
  plan_->encoders[column].encode(out, *ref.batch, ref.row, column);
}

void TableApply::encode_keys(const Indexes& slice, std::vector<WireBuffer>& arrays, bool of_origin) const {
  const std::vector<NetChange>& changes = coalescer_.changes();
  for (const std::size_t column : plan_->schema->key) {
    WireBuffer& array = arrays.emplace_back();
    put_array_header(array, plan_->encoders[column].target().wire_oid(), slice.size());
    for (const std::size_t i : slice) {
      const std::size_t change = of_origin ? static_cast<std::size_t>(changes[i].carried_from) : i;
      const RowRef ref = changes[change].latest;
      plan_->encoders[column].encode(array, *ref.batch, ref.row, column);
    }
  }
}

void TableApply::encode_columns(const Indexes& slice, std::vector<WireBuffer>& arrays) const {
  for (std::size_t column = 0; column < plan_->encoders.size(); ++column) {
    WireBuffer& array = arrays.emplace_back();
    put_array_header(array, plan_->encoders[column].target().wire_oid(), slice.size());
    for (const std::size_t i : slice)
      encode_cell(array, i, column);
  }
}

void TableApply::encode_presence(const Indexes& slice, const std::vector<bool>& absent,
                                 std::vector<WireBuffer>& arrays) const {
  for (std::size_t column = 0; column < absent.size(); ++column) {
    if (!absent[column] || plan_->schema->is_key(column)) continue;
    WireBuffer& array = arrays.emplace_back();
    put_array_header(array, oid_bool, slice.size());
    for (const std::size_t i : slice) {
      array.put<std::int32_t>(1);
      *array.extend(1) = present(i, column) ? 1 : 0;
    }
  }
}

bool TableApply::has_carried() const {
  const std::vector<NetChange>& changes = coalescer_.changes();
  return std::any_of(changes.begin(), changes.end(), [](const NetChange& change) {
    return change.kind == NetChange::Kind::partial && change.carried();
  });
}

void TableApply::read_carried(Connection& connection) {
  Indexes moved;
  for (std::size_t i = 0; i < coalescer_.changes().size(); ++i) {
    const NetChange& change = coalescer_.changes()[i];
    if (change.kind == NetChange::Kind::partial && change.carried() && !is_unfit(i)) moved.push_back(i);
  }
  if (!streaming_) {
    for (const std::size_t i : moved) {
      const RowRef ref = coalescer_.changes()[i].latest;
      unknown_.push_back(key_of(*ref.batch, ref.row));
    }
    return;
  }
  for (const Indexes& slice : slices(moved)) {
    std::vector<WireBuffer> arrays;
    encode_keys(slice, arrays, /*of_origin=*/true);
    const ApplySql sql = select_sql(*plan_);
    connection.prepare("", sql.text, sql.types);
    const Result rows = connection.exec_prepared("", borrow(arrays), /*binary_results=*/true);
    for (int row = 0; row < rows.rows(); ++row) {
      std::uint64_t number = 0;
      std::memcpy(&number, rows.text(row, 0).data(), sizeof number);
      std::vector<std::string>& fields = carried_[slice[__builtin_bswap64(number) - 1]];
      for (int column = 1; column < rows.columns(); ++column) {
        WireBuffer field;
        field.put<std::int32_t>(
            rows.is_null(row, column) ? -1 : static_cast<std::int32_t>(rows.text(row, column).size()));
        if (!rows.is_null(row, column)) field.put_bytes(rows.text(row, column));
        fields.push_back(field.str());
      }
    }
    for (const std::size_t i : slice) {
      if (carried_.contains(i)) continue;
      if (!collecting_) throw lost_error(i);
      lost_.push_back(i);
    }
  }
}

void TableApply::send_deletes(Connection& connection, Statements& statements) {
  const ApplySql sql = delete_sql(*plan_);
  for (const Indexes& slice : slices(groups_.deletes)) {
    std::vector<WireBuffer> arrays;
    encode_keys(slice, arrays, /*of_origin=*/false);
    connection.send_prepared(statements.prepared(connection, sql.text, sql.types), borrow(arrays),
                             [this, slice](const Result& found) {
                               for (int row = 0; row < found.rows(); ++row)
                                 hit_[slice[ordinal(found, row)]] = true;
                             });
  }
}

void TableApply::send_updates(Connection& connection, Statements& statements) {
  const std::vector<bool> absent = absent_columns(groups_.updates);
  const ApplySql sql = update_sql(*plan_, absent, /*ordinals=*/names_updated());
  for (const Indexes& slice : slices(groups_.updates)) {
    std::vector<WireBuffer> arrays;
    encode_columns(slice, arrays);
    encode_presence(slice, absent, arrays);
    connection.send_prepared(statements.prepared(connection, sql.text, sql.types), borrow(arrays),
                             [this, slice](const Result& found) {
                               updated_ += found.affected();
                               for (int row = 0; row < found.rows(); ++row)
                                 hit_[slice[ordinal(found, row)]] = true;
                             });
  }
}

std::size_t TableApply::answers() const {
  return groups_.deletes.size() + (names_updated() ? groups_.updates.size() : 0);
}

void TableApply::add_gathered(const RowBatch& batch, std::size_t begin, std::size_t end, bool goes_on) {
  gathering_ = true;
  coalescer_.add(batch, begin, end, goes_on);
}

bool TableApply::has_waiting() const {
  const std::vector<NetChange>& changes = coalescer_.changes();
  return std::any_of(changes.begin(), changes.end(), [](const NetChange& change) { return change.waits; });
}

void TableApply::move_rows(Connection& connection, const TablePlan& from, const TablePlan& to) const {
  Indexes changed;
  for (std::size_t i = 0; i < coalescer_.changes().size(); ++i) {
    if (!coalescer_.changes()[i].waits) changed.push_back(i);
  }
  const ApplySql sql = move_sql(from, to);
  for (const Indexes& slice : slices(changed)) {
    std::vector<WireBuffer> arrays;
    encode_keys(slice, arrays, /*of_origin=*/false);
    connection.prepare("", sql.text, sql.types);
    connection.exec_prepared("", borrow(arrays));
  }
}

void TableApply::send_inserts(Connection& connection, Statements& statements) {
  const bool is_upsert =
      (!streaming_ || plan_->keeps_rows) && !gathering_ && plan_->insert_mode == InsertMode::upsert;
  const ApplySql sql = insert_sql(*plan_, is_upsert);
  send_rows(connection, statements, sql, groups_.inserts);
  if (!groups_.waiting.empty())
    send_rows(connection, statements, insert_waiting_sql(*plan_), groups_.waiting);
}

void TableApply::send_rows(Connection& connection, Statements& statements, const ApplySql& sql,
                           const Indexes& group) {
  for (const Indexes& slice : slices(group)) {
    std::vector<WireBuffer> arrays;
    encode_columns(slice, arrays);
    connection.send_prepared(statements.prepared(connection, sql.text, sql.types), borrow(arrays), {});
  }
}

void TableApply::arrange() {
  Indexes all(coalescer_.changes().size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  sort_into_groups(all);
  if (is_copied()) to_copy_ = std::exchange(groups_.inserts, {});
}

void TableApply::send_some(Connection& connection, Statements& statements, const Indexes& some) {
  sort_into_groups(some);
  send_groups(connection, statements);
}

void TableApply::send_groups(Connection& connection, Statements& statements) {
  send_deletes(connection, statements);
  send_updates(connection, statements);
  send_inserts(connection, statements);
}

Error TableApply::diverged(std::size_t change, std::string_view what) const {
  const RowRef ref = coalescer_.changes()[change].latest;
  return Error(ErrorKind::data,
               fmt::format("source and target have diverged: a row that the source {} is not in the target",
                           what))
      .with("table", plan_->schema->name.str())
      .with("target_table", plan_->relation.str())
      .with("key", readable_key(*ref.batch, ref.row))
      .with("remedy",
            "find out who writes to the target beside tailrace, then request a resnapshot of the table");
}

Error TableApply::lost_error(std::size_t change) const {
  const NetChange& row = coalescer_.changes()[change];
  if (row.kind == NetChange::Kind::delete_) return diverged(change, "deletes");
  if (row.kind == NetChange::Kind::partial && row.carried())
    return diverged(static_cast<std::size_t>(row.carried_from), "changes its key");
  return diverged(change, "updates");
}

void TableApply::find_missing_update(Connection& connection) {
  const ApplySql sql = first_missing_sql(*plan_);
  for (const Indexes& slice : slices(groups_.updates)) {
    std::vector<WireBuffer> arrays;
    encode_keys(slice, arrays, /*of_origin=*/false);
    connection.prepare("", sql.text, sql.types);
    const Result missing = connection.exec_prepared("", borrow(arrays));
    if (missing.rows() == 1) throw lost_error(slice[ordinal(missing, 0)]);
  }
}

void TableApply::check(Connection& connection) {
  if (streaming_) {
    for (const std::size_t i : groups_.deletes) {
      if (hit_[i] || is_diverged(i)) continue;
      if (coalescer_.changes()[i].kind != NetChange::Kind::delete_)
        continue;  // To be inserted; see may_be_there().
      if (!collecting_) throw lost_error(i);
      lost_.push_back(i);
    }
    if (collecting_) {
      for (const std::size_t i : groups_.updates) {
        if (!hit_[i]) lost_.push_back(i);
      }
      return;
    }
    if (updated_ == groups_.updates.size()) return;
    find_missing_update(connection);
    // Every key is there, but another number of rows was hit: a rule or a trigger of the target meddles.
    throw Error(ErrorKind::data, fmt::format("{} rows were to be updated, the target updated {}",
                                             groups_.updates.size(), updated_))
        .with("table", plan_->schema->name.str())
        .with("remedy", "look for triggers and rules on the target table (`tailrace check` names them)");
  }
  if (plan_->insert_mode == InsertMode::update) return;
  for (const std::size_t i : groups_.updates) {
    if (hit_[i]) continue;
    if (loses_missing_) {
      lost_.push_back(i);
      continue;
    }
    const RowRef ref = coalescer_.changes()[i].latest;
    missing_.push_back(key_of(*ref.batch, ref.row));
  }
}

std::optional<TableApply::Taken> TableApply::taken_along(std::size_t change, std::size_t column) const {
  const auto carried = carried_.find(change);
  if (carried == carried_.end() || coalescer_.changes()[change].present(column)) return std::nullopt;
  constexpr std::size_t length_bytes = 4;
  const std::string& field = carried->second[column];
  if (field.size() == length_bytes) {
    // Length 0, or -1 for NULL.
    return Taken{{}, field[0] != 0};
  }
  const std::string_view bytes = std::string_view(field).substr(length_bytes);
  if (plan_->encoders[column].target().oid != oid_bytea) return Taken{std::string(bytes), false};
  std::string hex = "0x";  // As key_text() writes it.
  for (const char c : bytes)
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return Taken{hex, false};
}

std::vector<std::vector<std::string>> TableApply::missing_keys() const {
  std::vector<std::vector<std::string>> out = unknown_;
  out.insert(out.end(), missing_.begin(), missing_.end());
  return out;
}

std::vector<std::vector<std::string>> TableApply::settled_keys() const {
  std::vector<std::vector<std::string>> out;
  for (const Indexes* group : {&groups_.deletes, &groups_.inserts, &to_copy_}) {
    for (const std::size_t i : *group) {
      const RowRef ref = coalescer_.changes()[i].latest;
      out.push_back(key_of(*ref.batch, ref.row));
    }
  }
  return out;
}

}  // namespace tailrace::postgres
