// Where a table's joiner, the stream's reading thread and its applying thread meet (R12): a table comes into the stream, or
// goes out of it, at a commit point.
//
// Shape    One change at a time: the joiner asks and waits; the reading thread takes it between two commit points and tells
//          the source; the applying thread says that the commit point which carries it is durable.
// Threads  Each side is named at its functions.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>

#include "pipeline/source.h"

namespace tailrace {

class Handover {
 public:
  struct Change {
    std::optional<StreamTable> join;
    std::optional<TableName> leave;
  };

  // The joiner: true once it is durable; false if stopped before the reading thread took it, or if the stream has ended. (What
  // is under way may well become durable, and the table is then not the joiner's any more: a stop does not end that.)
  // Throws what the source has against the table.
  [[nodiscard]] bool join(const StreamTable& table, const std::stop_token& stop);
  [[nodiscard]] bool leave(const TableName& table, const std::stop_token& stop);
  // The stream's newest end that was read; the applying thread may be behind.
  Lsn position() const;

  // The reading thread.
  void moved(const Lsn& position);
  std::optional<Change> take();
  void refuse();  // With the current exception.

  // The applying thread.
  void durable();

  // Whoever ends the stream, after its threads: nobody answers any more.
  void close();

 private:
  bool ask(Change change, const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Lsn position_;
  std::optional<Change> asked_;
  std::exception_ptr refused_;
  bool durable_ = false;
  bool closed_ = false;
};

}  // namespace tailrace
