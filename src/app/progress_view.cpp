// Sampling, rates, and the block of lines.
#include "app/progress_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/text_table.h"
#include "pipeline/clock.h"

namespace tailrace::app {
namespace {

// More tables than these are summed up in one line: a block must fit a screen.
constexpr std::size_t shown_tables = 12;

std::string rate_text(double per_second) {
  return per_second < 0.5 ? "-" : grouped(static_cast<std::uint64_t>(std::llround(per_second))) + "/s";
}

std::vector<std::string> snapshot_line(const TableCount& count, const Rates& rates) {
  const bool loading = count.state == TableState::loading;
  const auto rate = rates.snapshot_rows.find(count.table);
  const double per_second = rate == rates.snapshot_rows.end() ? 0 : rate->second;
  return {count.table.str(),
          std::string(name_of(count.state)),
          grouped(count.snapshot_rows) + " rows",
          fmt::format("{:.1f} %", percent_of(count)),
          megabytes(count.snapshot_bytes),
          loading ? rate_text(per_second) : "",
          loading ? eta_text(count.snapshot_rows, count.estimated_rows, per_second) : ""};
}

std::vector<std::string> total_line(const SnapshotTotal& total, const Rates& rates) {
  const bool whole = total.loaded == total.tables;
  const double percent = total.estimated_rows == 0 ? (whole ? 100.0 : 0.0)
                                                   : 100.0 * static_cast<double>(total.rows) /
                                                         static_cast<double>(total.estimated_rows);
  return {"all tables",
          fmt::format("{}/{} loaded", total.loaded, total.tables),
          grouped(total.rows) + " rows",
          fmt::format("{:.1f} %", whole ? 100.0 : std::min(percent, 99.9)),
          megabytes(total.bytes),
          whole ? "" : rate_text(rates.all_snapshot_rows),
          whole ? "" : eta_text(total.rows, total.estimated_rows, rates.all_snapshot_rows)};
}

std::string stream_line(const ProgressSample& sample, const Rates& rates) {
  std::uint64_t changes = 0;
  for (const TableCount& count : sample.tables)
    changes += changes_of(count);
  std::string out = fmt::format("stream: lag {}, {} transactions ({}), {} changes ({}), {} retries",
                                lag_text(sample), grouped(sample.transactions), rate_text(rates.transactions),
                                grouped(changes), rate_text(rates.changes), sample.retries);
  if (const std::uint64_t letters = dead_letters_of(sample.tables); letters > 0)
    out += fmt::format(", {} dead letters", grouped(letters));
  return out;
}

// Cut to the terminal's width: a wrapped line would break the refresh in place.
std::string fitted(const std::string& line, int columns) {
  const std::size_t width = static_cast<std::size_t>(std::max(columns, 20)) - 1;
  if (display_width(line) <= width) return line;
  std::string out;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(line[i]) & 0xC0u) != 0x80u;
    if (starts && taken++ == width) break;
    out += line[i];
  }
  return out;
}

}  // namespace

ProgressSample sample_of(const Progress& progress) {
  ProgressSample out;
  out.at = std::chrono::steady_clock::now();
  out.now_utc = now_ticks_utc();
  out.tables = progress.tables();
  out.transactions = progress.transactions;
  out.commits = progress.commits;
  out.retries = progress.retries;
  out.queue_bytes = progress.queue_bytes;
  out.last_commit_time_utc = progress.last_commit_time_utc;
  out.last_durable_at_utc = progress.last_durable_at_utc;
  out.streaming = progress.streaming;
  return out;
}

std::uint64_t dead_letters_of(const std::vector<TableCount>& tables) {
  std::uint64_t letters = 0;
  for (const TableCount& count : tables)
    letters += count.dead_letters;
  return letters;
}

std::uint64_t changes_of(const TableCount& count) {
  return count.inserts + count.updates + count.deletes;
}

Rates RateWindow::add(const ProgressSample& sample) {
  samples_.push_back(sample);
  while (samples_.size() > 2 && sample.at - samples_.front().at > span)
    samples_.pop_front();
  const ProgressSample& first = samples_.front();
  const double seconds = std::chrono::duration<double>(sample.at - first.at).count();
  Rates rates;
  if (seconds <= 0) return rates;
  std::map<TableName, const TableCount*> before;
  for (const TableCount& count : first.tables)
    before[count.table] = &count;
  const auto rate = [seconds](std::uint64_t now, std::uint64_t then) {
    return now > then ? static_cast<double>(now - then) / seconds : 0.0;
  };
  for (const TableCount& count : sample.tables) {
    const TableCount none{};
    const auto found = before.find(count.table);
    const TableCount& then = found == before.end() ? none : *found->second;
    // A load that has begun anew since then began with nothing.
    const TableCount& loaded = then.loads == count.loads ? then : none;
    const double rows = rate(count.snapshot_rows, loaded.snapshot_rows);
    rates.snapshot_rows[count.table] = rows;
    rates.all_snapshot_rows += rows;
    rates.all_snapshot_bytes += rate(count.snapshot_bytes, loaded.snapshot_bytes);
    rates.changes += rate(changes_of(count), changes_of(then));
  }
  rates.transactions = rate(sample.transactions, first.transactions);
  return rates;
}

SnapshotTotal snapshot_total(const std::vector<TableCount>& tables) {
  SnapshotTotal total;
  for (const TableCount& count : tables) {
    const bool loaded = count.state != TableState::loading;
    ++total.tables;
    total.loaded += loaded ? 1u : 0u;
    total.rows += count.snapshot_rows;
    total.estimated_rows +=
        loaded ? count.snapshot_rows : std::max(count.snapshot_rows, count.estimated_rows);
    total.bytes += count.snapshot_bytes;
  }
  return total;
}

double percent_of(const TableCount& count) {
  if (count.state != TableState::loading) return 100.0;
  if (count.estimated_rows == 0) return 0.0;
  return std::min(
      99.9, 100.0 * static_cast<double>(count.snapshot_rows) / static_cast<double>(count.estimated_rows));
}

std::string eta_text(std::uint64_t rows, std::uint64_t estimated_rows, double rows_per_second) {
  if (rows_per_second < 0.5 || estimated_rows <= rows) return {};
  const double seconds = static_cast<double>(estimated_rows - rows) / rows_per_second;
  return "ETA " + short_duration(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

std::string lag_text(const ProgressSample& sample) {
  if (sample.last_commit_time_utc == 0 || sample.last_durable_at_utc == 0) return "-";
  const std::int64_t ticks =
      std::max<std::int64_t>(0, sample.last_durable_at_utc - sample.last_commit_time_utc);
  if (ticks < 600'000'000) return fmt::format("{:.1f} s", static_cast<double>(ticks) / 1e7);
  return short_duration(std::chrono::milliseconds(ticks / 10'000));
}

std::vector<std::string> progress_block(const ProgressSample& sample, const Rates& rates,
                                        const Terminal& terminal) {
  std::vector<std::string> lines;
  const SnapshotTotal total = snapshot_total(sample.tables);
  if (total.tables == 0) return lines;
  const bool streaming = total.loaded == total.tables;
  if (!streaming) {
    TextTable table;
    table.right = {false, false, true, true, true, true, true};
    std::vector<TableCount> shown = sample.tables;
    std::stable_sort(shown.begin(), shown.end(), [](const TableCount& a, const TableCount& b) {
      return a.state == TableState::loading && b.state != TableState::loading;
    });
    const std::size_t count = std::min(shown.size(), shown_tables);
    for (std::size_t i = 0; i < count; ++i)
      table.rows.push_back(snapshot_line(shown[i], rates));
    if (shown.size() > count) table.rows.push_back({fmt::format("... and {} more", shown.size() - count)});
    table.rows.push_back(total_line(total, rates));
    std::string text = table.text();
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      lines.push_back(text.substr(0, end));
      text.erase(0, end + 1);
    }
  }
  if (sample.streaming || streaming) lines.push_back(stream_line(sample, rates));
  for (std::string& line : lines)
    line = fitted(line, terminal.columns);
  return lines;
}

}  // namespace tailrace::app
