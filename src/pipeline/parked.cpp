// Settling parked keys.
#include "pipeline/parked.h"

#include <algorithm>
#include <span>

#include "base/log.h"

namespace tailrace {
namespace {

// Parked keys whose rows are in memory together: rows with large values, for those alone get parked.
constexpr std::size_t keys_at_once = 100;

}  // namespace

bool settle_parked_keys(Source& source, Sink& sink, ResumeState& state, const std::stop_token& stop) {
  for (const ParkedKeys& parked : sink.parked_keys()) {
    const std::unique_ptr<SnapshotReader> reader = source.snapshot_reader();
    std::size_t found = 0;
    for (std::size_t begin = 0; begin < parked.keys.size(); begin += keys_at_once) {
      const auto some =
          std::span(parked.keys).subspan(begin, std::min(keys_at_once, parked.keys.size() - begin));
      const std::optional<RowBatch> rows = reader->read_keys(parked.schema, some, stop);
      if (!rows) return false;
      const HighMark mark = source.take_mark();
      sink.settle_parked({parked.schema, {some.begin(), some.end()}}, *rows, mark);
      state.tables.at(parked.schema->name).high_mark = mark;
      found += rows->rows();
    }
    log::warn("table.keys_read_again",
              {{"table", parked.schema->name.str()}, {"parked", parked.keys.size()}, {"found", found}});
  }
  return true;
}

}  // namespace tailrace
