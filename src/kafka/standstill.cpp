// Who stands, who is asked, and who is given up.
#include "kafka/standstill.h"

#include <algorithm>
#include <utility>

namespace tailrace::kafka {

// In turns, from the one behind the last.
std::vector<PartitionName> Standstill::to_ask(const std::map<PartitionName, std::int64_t>& standing) {
  std::vector<PartitionName> out;
  auto at = last_asked_ ? standing.upper_bound(*last_asked_) : standing.begin();
  for (std::size_t left = std::min(standing.size(), asked_at_once); left > 0; --left, ++at) {
    if (at == standing.end()) at = standing.begin();
    out.push_back(at->first);
  }
  if (!out.empty()) last_asked_ = out.back();
  return out;
}

std::optional<Standing> Standstill::look(const std::map<PartitionName, std::int64_t>& next,
                                         const Ends& ends) {
  if (std::exchange(polls_, 0) < polls_needed) {
    seen_.clear();
    return std::nullopt;
  }
  std::map<PartitionName, Seen> now;
  std::map<PartitionName, std::int64_t> standing;
  for (const auto& [where, offset] : next) {
    const auto before = seen_.find(where);
    const bool stands = before != seen_.end() && before->second.next == offset;
    if (stands && before->second.end) return Standing{where, offset, *before->second.end};
    if (stands) standing.emplace(where, offset);
    now[where].next = offset;
  }
  seen_ = std::move(now);
  const std::vector<PartitionName> asked = to_ask(standing);
  if (asked.empty()) return std::nullopt;
  for (const auto& [where, end] : ends(asked)) {
    if (end > standing.at(where)) seen_.at(where).end = end;
  }
  return std::nullopt;
}

}  // namespace tailrace::kafka
