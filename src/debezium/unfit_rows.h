// Rows that cannot become events, where somebody takes them instead (errors.on_row: dead_letter).
//
// Shape    An event is made whole before any of its records is given away: half of one is worse than none.
// Threads  The stream's.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "debezium/event.h"
#include "model/row_batch.h"

namespace tailrace::debezium {

class UnfitRows {
 public:
  virtual ~UnfitRows() = default;
  // Why this record would not be taken. Nothing: it would.
  virtual std::optional<Error> refusal_of(const EventRecord& record) = 0;
  // In the place of the row's events. False: no more, please.
  [[nodiscard]] virtual bool pass_over(const RowBatch& rows, std::size_t row, const Error& why) = 0;
};

// The records of one event, until they are all there.
class WholeEvent : public RecordTaker {
 public:
  explicit WholeEvent(UnfitRows& unfit) : unfit_(unfit) {}

  bool take(const EventRecord& record) override {
    if (!refusal_) refusal_ = unfit_.refusal_of(record);
    if (refusal_) return true;
    Kept& kept = kept_.emplace_back();
    kept.topic = record.topic;
    if (record.key) kept.key = std::string(*record.key);
    if (record.value) kept.value = std::string(*record.value);
    for (const EventHeader& header : record.headers)
      kept.headers.emplace_back(header.name, header.value);
    return true;
  }

  const std::optional<Error>& refusal() const { return refusal_; }

  [[nodiscard]] bool give(RecordTaker& taker) const {
    for (const Kept& kept : kept_) {
      std::vector<EventHeader> headers;
      for (const auto& [name, value] : kept.headers)
        headers.push_back({name, value});
      if (!taker.take({kept.topic, kept.key, kept.value, headers})) return false;
    }
    return true;
  }

 private:
  struct Kept {
    std::string topic;
    std::optional<std::string> key = {};
    std::optional<std::string> value = {};
    std::vector<std::pair<std::string, std::string>> headers = {};
  };
  UnfitRows& unfit_;
  std::vector<Kept> kept_;
  std::optional<Error> refusal_;
};

}  // namespace tailrace::debezium
