// One table's part on its way into the target: coalesced changes, the statements for them, and the proof that
// they hit what they should.
//
// Shape    Construct with the part's batches; read_carried(); send() inside a pipeline; where has_copy(), copy() after it,
//          outside of pipelines; check().
//          Deletes come first, then updates, then inserts. Many new rows of a streaming table come by COPY (table_copy.cpp).
//          While streaming, deletes and updates must find their row and inserts must not: else source and
//          target have diverged. (After the high mark nothing is replayed: rows and position are one commit.)
//          While catching up, full rows are upserts, deletes may find nothing, and partial updates that find
//          nothing are parked.
//          Rows from Kafka are taken so, too, but as TablePlan::insert_mode says: as plain inserts, or as updates that may find
//          nothing. Those of a table without a key are inserted, in their order.
//          Keys that have diverged before (mark_diverged) are taken as they come: a delete may find nothing, a full row
//          replaces whatever is there, and a partial update is left out (R11).
//          With Faults::keep the caller sends some of the changes at a time (send_some), and rows that are missing are
//          answered by lost() instead of thrown.
// Errors   data: see above.
// Source   docs/rules.md R7, R11, R13.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "postgres/apply_sql.h"
#include "postgres/coalesce.h"
#include "postgres/connection.h"
#include "postgres/plan.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

// Prepared statements of a connection, by their text.
class Statements {
 public:
  // The name of the statement; sends its preparation first where it is new. In a pipeline only.
  std::string prepared(Connection& connection, const std::string& sql,
                       const std::vector<std::uint32_t>& types);
  // Each set of absent columns is a statement of its own, and all of them stay at the server: beyond a bound it is better
  // to begin anew.
  bool are_many(std::size_t tables) const;
  // Outside of pipelines.
  void forget(Connection& connection);

 private:
  std::map<std::string, std::string, std::less<>> names_;
};

class TableApply {
 public:
  using Indexes = std::vector<std::size_t>;

  TableApply(PlanPtr plan, bool streaming, const Settings& settings, Faults faults = Faults::refuse);

  void add(const RowBatch& batch) { coalescer_.add(batch); }
  // As Coalescer::add_some: what it answers goes to another one, which is sent behind this one.
  std::size_t add_some(const RowBatch& batch, std::size_t begin) { return coalescer_.add_some(batch, begin); }
  // For Gather: some rows of a part, whose last statement may go on. Full rows replace what is there by a delete and an
  // insert while catching up, because the temporary table has no key.
  void add_gathered(const RowBatch& batch, std::size_t begin, std::size_t end, bool goes_on);
  // Brings the rows of all changed keys over.
  void move_rows(Connection& connection, const TablePlan& from, const TablePlan& to) const;
  bool has_waiting() const;

  bool has_carried() const;
  // Reads what rows with changed keys take along from their old target rows (R7e). Before any delete. While catching up
  // they take nothing: the row that the snapshot has there may be a later one.
  void read_carried(Connection& connection);
  // Finds what each change takes. Behind read_carried() and mark_diverged().
  void arrange();
  // Many new rows, which go out by COPY where the target may take one: asked by send_look(), answered by takes_copy() once its
  // pipeline is finished.
  bool has_copy() const { return !to_copy_.empty(); }
  void send_look(Connection& connection, Statements& statements);
  bool takes_copy() const { return takes_copy_; }
  // Outside of pipelines, before send(): a key that is new replaces none of the part's others.
  void copy(Connection& connection) const;
  // They go out with the others.
  void give_up_copy();
  // In a pipeline: everything else.
  void send(Connection& connection, Statements& statements) { send_groups(connection, statements); }
  // Rows that the server will answer with: it names what deletes have hit, and updates where a row may be missing.
  std::size_t answers() const;
  // Both for some of the changes, each of them at most once, and no COPY.
  void send_some(Connection& connection, Statements& statements, const Indexes& some);
  // Throws data where a row was missing that had to be there.
  void check(Connection& connection);

  const TablePlan& plan() const { return *plan_; }
  const Coalescer& rows() const { return coalescer_; }
  // While catching up, too, an update that finds nothing is lost(): nobody will bring its row. With Faults::keep.
  void lose_missing() { loses_missing_ = true; }
  // By change; before read_carried().
  void mark_diverged(const Indexes& changes);
  bool has_diverged() const { return !diverged_.empty(); }
  bool is_diverged(std::size_t change) const { return has_diverged() && diverged_[change]; }
  // Nothing can be written for it: the row that lends its absent columns has diverged.
  bool is_unfit(std::size_t change) const;
  // With Faults::keep, of the changes sent last: those whose row was not there. Moved rows after read_carried().
  const Indexes& lost() const { return lost_; }
  Error lost_error(std::size_t change) const;
  // What a key change takes along from the old row, as text; the second: NULL. Nothing: the column is not taken along.
  struct Taken {
    std::string text;
    bool is_null = false;
  };
  std::optional<Taken> taken_along(std::size_t change, std::size_t column) const;
  // After check(), while catching up: keys of partial updates whose row was not there, and keys that a row has got while its
  // absent columns are not known.
  std::vector<std::vector<std::string>> missing_keys() const;
  // Keys that are whole again or gone: they are parked no more.
  std::vector<std::vector<std::string>> settled_keys() const;

 private:
  bool may_be_there(std::size_t change) const;
  bool names_updated() const { return !streaming_ || collecting_; }
  // The groups of changes that one kind of statement serves.
  struct Groups {
    Indexes deletes;
    Indexes updates;
    Indexes inserts;
    Indexes waiting;
  };
  void sort_into_groups(const Indexes& some);
  void order_by_key(Indexes& group) const;
  std::vector<Indexes> slices(const Indexes& group) const;
  std::vector<bool> absent_columns(const Indexes& group) const;
  void encode_keys(const Indexes& slice, std::vector<WireBuffer>& arrays, bool of_origin) const;
  void encode_columns(const Indexes& slice, std::vector<WireBuffer>& arrays) const;
  void encode_presence(const Indexes& slice, const std::vector<bool>& absent,
                       std::vector<WireBuffer>& arrays) const;
  void encode_cell(WireBuffer& out, std::size_t change, std::size_t column) const;
  bool present(std::size_t change, std::size_t column) const;
  void send_groups(Connection& connection, Statements& statements);
  void send_deletes(Connection& connection, Statements& statements);
  void send_updates(Connection& connection, Statements& statements);
  void send_inserts(Connection& connection, Statements& statements);
  bool is_copied() const;
  void send_rows(Connection& connection, Statements& statements, const ApplySql& sql, const Indexes& group);
  Error diverged(std::size_t change, std::string_view what) const;
  void find_missing_update(Connection& connection);

  PlanPtr plan_;
  bool streaming_;
  bool collecting_;  // Faults::keep.
  bool gathering_ = false;
  bool loses_missing_ = false;
  const Settings& settings_;
  Coalescer coalescer_;
  Groups groups_;
  Indexes to_copy_;
  bool takes_copy_ = false;  // The relation is still what the encoders were made for (R10b).
  // By change: the encoded fields that a key change takes along; a field is empty where it is not needed.
  std::map<std::size_t, std::vector<std::string>> carried_;
  std::vector<bool> hit_;  // By change: the server said that the statement found the row.
  std::vector<bool> diverged_;
  Indexes lost_;
  std::uint64_t updated_ = 0;
  std::vector<std::vector<std::string>> missing_;
  std::vector<std::vector<std::string>> unknown_;  // Of read_carried().
};

}  // namespace tailrace::postgres
