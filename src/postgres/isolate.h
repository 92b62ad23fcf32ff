// Telling the changes that the target refuses from those that it takes (R11).
//
// Shape    Only after a failure: the good path has no savepoints. A table's changes are sent in halves, each in a
//          savepoint, until a refused one stands alone; it becomes a dead letter and its key is listed as diverged. Rows
//          that are missing in the target, rows with a fault and changes that were rejected before (Isolation) become
//          letters without a search.
// Errors   Whatever is not `data` passes through: a conflict or a lost connection is never taken for a bad row.
// Source   docs/rules.md R11.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "postgres/dead_letter.h"
#include "postgres/table_apply.h"

namespace tailrace::postgres {

// What becomes of letters; without anything else, of direct mode's.
struct LetterRules {
  // `row` is the newest row that the letter is about.
  std::function<void(const DeadLetter& letter, RowRef row)> store = {};
  // Of an error of kind `data`: whether it makes letters. Without it every one does.
  std::function<bool(const Error& error)> makes_letters = {};
};

// Which of the changes are of keys that have diverged before.
void look_up_diverged(Connection& connection, const Owner& owner, TableApply& table);
// With errors.on_row: stop. Throws data for a partial update of a key that diverged while letters were allowed.
void refuse_unfit(const TableApply& table);
// After the changes were applied: full rows and deletes end the divergence of their keys, partial updates of a
// diverged key are letters. Answers the letters.
// `refused`: letters already, not applied.
std::uint64_t settle_diverged(Connection& connection, const Owner& owner, const TableApply& table,
                              const std::set<std::size_t>& refused = {}, const LetterRules& rules = {});

class RowIsolator {
 public:
  RowIsolator(Connection& connection, Statements& statements, const Owner& owner, const Isolation& isolation,
              LetterRules rules = {})
      : connection_(connection),
        statements_(statements),
        owner_(owner),
        isolation_(isolation),
        rules_(std::move(rules)) {}

  // `table` keeps faults. `prepare` is called before anything of it is read, `taken` after each group of changes that
  // went in.
  void apply(TableApply& table, const std::function<void()>& prepare, const std::function<void()>& taken);
  std::uint64_t letters() const { return letters_; }

 private:
  using Indexes = TableApply::Indexes;
  Indexes set_aside(TableApply& table);
  void apply_some(TableApply& table, const Indexes& some, const std::function<void()>& taken);
  void refuse(const TableApply& table, std::size_t change, LetterCause cause);
  void refuse_lost(const TableApply& table);

  Connection& connection_;
  Statements& statements_;
  const Owner& owner_;
  const Isolation& isolation_;
  const LetterRules rules_;
  std::set<std::size_t> refused_;  // Of the table at hand.
  std::uint64_t letters_ = 0;
};

// Runs `work` in a savepoint. Nothing if it went well, else what it threw, when that is `data`; all that it did is
// then undone.
std::optional<Error> in_savepoint(Connection& connection, const std::function<void()>& work,
                                  const LetterRules& rules = {});

}  // namespace tailrace::postgres
