// SqlServerSource: opening, lows, marks, and what a stored state is held against.
#include "sqlserver/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "sqlserver/capture_instances.h"
#include "sqlserver/check.h"
#include "sqlserver/freetds_conf.h"
#include "sqlserver/identity.h"
#include "sqlserver/snapshot_reader.h"

namespace tailrace::sqlserver {
namespace {

constexpr std::string_view start_over =
    "point tailrace at the right server, or start over with an empty target or another pipeline name";

std::string list_of(const std::vector<const Finding*>& findings) {
  std::string out;
  for (const Finding* finding : findings) {
    out += fmt::format("{}{}: {}{}{}", out.empty() ? "" : "\n", finding->subject, finding->reason,
                       finding->remedy.empty() ? "" : "  ->  ", finding->remedy);
  }
  return out;
}

// A finding's subject is the table or one of its columns.
bool is_about(const Finding& finding, const TableName& table) {
  return finding.subject == table.str() || finding.subject.rfind(table.str() + ".", 0) == 0;
}

// The table that a finding is about.
const TableProgress* stored_table(const ResumeState& resume, const Finding& finding) {
  for (const auto& [name, progress] : resume.tables) {
    if (is_about(finding, name)) return &progress;
  }
  return nullptr;
}

// A cleanup overtakes many tables at once: whoever mends them wants to know all of them.
void refuse_gaps(std::vector<Error>& gaps) {
  if (gaps.empty()) return;
  if (gaps.size() == 1) throw std::move(gaps.front());
  std::string message = fmt::format("changes of {} tables are gone at the source:", gaps.size());
  std::string command = "tailrace table CONFIG resnapshot";
  for (const Error& gap : gaps) {
    message += "\n" + gap.message();
    command += fmt::format(" --table {}", gap.context("table"));
  }
  throw Error(ErrorKind::gap, message)
      .with("position", gaps.front().context("position"))
      .with("remedy",
            fmt::format("take the tables again: {}; and see to it that the retention is longer than any "
                        "stop",
                        command));
}

bool is_to_be_taken_again(const ResumeState& resume, const TableProgress& progress) {
  return wanted_of(resume, progress.table) == Wanted::resnapshot;
}

bool is_no_part_of_the_stream(const ResumeState& resume, const TableProgress& progress) {
  return !resume.only && (progress.outside || wanted_of(resume, progress.table) == Wanted::pause);
}

// Nothing of it is needed: it is taken again, or is no part of the stream that is opened (R12).
bool is_left_out(const ResumeState& resume, const TableProgress& progress) {
  return is_to_be_taken_again(resume, progress) || is_no_part_of_the_stream(resume, progress);
}

// Of this table.
Lsn needed_behind(const ResumeState& resume, const TableProgress& progress) {
  const bool is_on_its_own = progress.outside || !resume.position;
  return is_on_its_own ? progress.low : std::max(resume.position->lsn, progress.low);
}

// Only this table is looked at.
void keep_only(const TableName& table, Selection& selection) {
  std::erase_if(selection.findings, [&](const Finding& finding) { return !is_about(finding, table); });
  std::erase_if(selection.tables, [&](const CapturedTable& each) { return each.schema->name != table; });
}

}  // namespace

SqlServerSource::SqlServerSource(Settings settings) : settings_(std::move(settings)) {
  freetds_servername(settings_);  // Sets an environment variable: before threads read it.
}

SourceInfo SqlServerSource::open(const ResumeState& resume, std::stop_token stop) {
  stream_.reset();
  connection_ = std::make_unique<Connection>(settings_);
  stop_ = std::move(stop);
  const Connection::StopScope scope(*connection_, stop_);
  const Catalog catalog = read_catalog(*connection_);
  database_ = catalog.database;
  std::map<TableName, StoredTable> stored;
  for (const auto& [name, progress] : resume.tables) {
    stored[name] = {progress.instance, needed_behind(resume, progress),
                    is_to_be_taken_again(resume, progress)};
  }
  if (resume.adopted) {
    // The other program has brought every table to there, from whatever instance.
    for (const CatalogTable& table : catalog.tables) {
      if (!table.instances.empty()) stored.try_emplace(table.name, StoredTable{{}, resume.position->lsn});
    }
  }
  Selection selection = select_tables(catalog, settings_, stored);
  if (resume.only) keep_only(*resume.only, selection);
  std::vector<Finding> findings = check_database(*connection_, catalog);
  std::move(selection.findings.begin(), selection.findings.end(), std::back_inserter(findings));
  SourceInfo info;
  info.unfit = refuse_failures(findings, resume);
  tables_ = std::move(selection.tables);

  info.identity = read_identity(*connection_, database_).text();
  for (const CapturedTable& table : tables_)
    info.tables.push_back(table.schema);
  check_identity(resume, info.identity);
  if (resume.position) check_position(*resume.position);
  check_stored_tables(resume);
  log::info("source.open", {{"host", settings_.host},
                            {"database", database_.name},
                            {"version", database_.version},
                            {"tables", tables_.size()}});
  return info;
}

std::vector<TableName> SqlServerSource::refuse_failures(const std::vector<Finding>& findings,
                                                        const ResumeState& resume) const {
  std::vector<TableName> unfit;
  std::vector<const Finding*> failures;
  ErrorKind kind = ErrorKind::config;
  bool all_changed = true;
  for (const Finding& finding : findings) {
    if (finding.level == FindingLevel::warning || finding.level == FindingLevel::unknown) {
      log::warn("source.check", {{"name", finding.name},
                                 {"subject", finding.subject},
                                 {"reason", finding.reason},
                                 {"remedy", finding.remedy}});
    }
    if (finding.level != FindingLevel::failure) continue;
    const TableProgress* stored = stored_table(resume, finding);
    // Its own source refuses one that is asked for, and whoever asked is told (R12).
    if (stored != nullptr && is_no_part_of_the_stream(resume, *stored)) {
      log::warn("source.check.left_out", {{"subject", finding.subject}, {"reason", finding.reason}});
      if (std::find(unfit.begin(), unfit.end(), stored->table) == unfit.end()) unfit.push_back(stored->table);
      continue;
    }
    failures.push_back(&finding);
    all_changed = all_changed && stored != nullptr && !is_to_be_taken_again(resume, *stored);
    if (finding.name == "table.capture_instance") {
      kind = ErrorKind::gap;
    } else if (kind != ErrorKind::gap) {
      kind = ErrorKind::schema;
    }
  }
  if (failures.empty()) return unfit;
  // A table that was replicated and is not fit any more has changed; anything else never was fit.
  if (!all_changed) kind = ErrorKind::config;
  throw Error(kind, fmt::format("the database {} cannot be replicated as configured:\n{}", settings_.database,
                                list_of(failures)));
}

void SqlServerSource::check_identity(const ResumeState& resume, const std::string& current) {
  if (resume.source_identity.empty()) return;
  const std::optional<std::string> different =
      difference(Identity::parse(resume.source_identity), Identity::parse(current));
  if (!different) return;
  throw Error(ErrorKind::gap, fmt::format("the database {} is not the one of the stored position: {}; it was "
                                          "restored or replaced, and its log "
                                          "positions mean something else now",
                                          database_.name, *different))
      .with("remedy", start_over);
}

void SqlServerSource::check_position(const Position& position) {
  if (position.evidence.empty()) return;  // A table's first low: no transaction's LSN.
  const CaptureHead head = read_head(*connection_);
  const std::vector<MappedTransaction> rows =
      read_mapped(*connection_, just_before(position.lsn), position.lsn, 1);
  if (!rows.empty()) {
    if (evidence_of(rows.front()) == position.evidence) return;
    throw Error(ErrorKind::gap,
                "the transaction at the stored position is another one than the one that was applied: the "
                "database was restored or replaced")
        .with("position", position.lsn.hex())
        .with("stored", position.evidence)
        .with("found", evidence_of(rows.front()))
        .with("remedy", start_over);
  }
  // The row may have been cleaned up, but never from the middle and never the newest one.
  const std::vector<MappedTransaction> oldest =
      head.max_lsn ? read_mapped(*connection_, Lsn{}, *head.max_lsn, 1) : std::vector<MappedTransaction>{};
  if (!oldest.empty() && position.lsn < oldest.front().lsn) return;
  if (oldest.empty()) return;  // Everything was cleaned up: the instances' validity decides.
  throw Error(ErrorKind::gap,
              "the stored position is not in the source's log: the database was restored to an older point, "
              "or is another one")
      .with("remedy", start_over)
      .with("position", position.lsn.hex())
      .with("max_lsn", head.max_lsn->hex());
}

void SqlServerSource::check_stored_tables(const ResumeState& resume) const {
  const std::vector<CatalogInstance> instances = read_instances(*connection_);
  std::map<TableName, const CapturedTable*> captured;
  for (const CapturedTable& table : tables_)
    captured.emplace(table.schema->name, &table);
  std::vector<Error> gaps;
  for (const auto& [name, progress] : resume.tables) {
    if (is_left_out(resume, progress)) continue;
    const auto found = captured.find(name);
    if (found == captured.end()) continue;
    const Lsn position = needed_behind(resume, progress);
    if (std::optional<Error> gap =
            succession_error(instances, name, progress.instance, found->second->instance, position))
      gaps.push_back(std::move(*gap));
  }
  refuse_gaps(gaps);
}

std::vector<Lsn> SqlServerSource::take_low(const std::vector<SchemaPtr>& tables) {
  const Connection::StopScope scope(*connection_, stop_);
  const Lsn captured = read_head(*connection_).max_lsn.value_or(Lsn{});
  const std::vector<CatalogInstance> instances = read_instances(*connection_);
  std::vector<Lsn> lows;
  for (const SchemaPtr& table : tables) {
    Lsn low = captured;
    for (const CatalogInstance& instance : instances) {
      if (instance.object_id == table->instance.object_id)
        low = std::max(low, instance.start_lsn.value_or(Lsn{}));
    }
    lows.push_back(low);
  }
  return lows;
}

std::unique_ptr<SnapshotReader> SqlServerSource::snapshot_reader() {
  return std::make_unique<TableSnapshotReader>(settings_, database_.collation, database_.snapshot_isolation);
}

HighMark SqlServerSource::take_mark() {
  const Connection::StopScope scope(*connection_, stop_);
  // The clock first: scans that are completed between the two looks are then not counted, which is safe.
  const CaptureHead head = read_head(*connection_);
  Mark mark;
  mark.clock = head.clock;
  mark.offset_minutes = head.offset_minutes;
  mark.captured = head.max_lsn.value_or(Lsn{});
  mark.server = database_.server;
  if (const std::optional<std::vector<ScanSession>> sessions = read_scan_sessions(*connection_)) {
    mark.session = sessions->empty() ? 0 : sessions->back().id;
    mark.empty_scans = sessions->empty() ? 0 : sessions->back().empty_scans;
  } else {
    log::info(
        "source.mark.without_scans",
        {{"reason",
          "log scans are not to be seen: the mark is passed by a later transaction or marker alone, which "
          "takes up to five minutes on an idle database"}});
  }
  return {mark.text()};
}

void SqlServerSource::start_stream(const StreamPlan& plan) {
  const Connection::StopScope scope(*connection_, stop_);
  stream_.reset();
  stream_ = std::make_unique<ChangeStream>(*connection_, tables_, plan, database_.server);
}

// The table's own source has found it; it is looked at once more because it may have changed since.
void SqlServerSource::add_table(const StreamTable& table) {
  TAILRACE_ASSERT(stream_ != nullptr && !table.high_mark);
  const Connection::StopScope scope(*connection_, stop_);
  const TableSchema& schema = *table.schema;
  const CaptureInstance& stored = table.instance.name.empty() ? schema.instance : table.instance;
  Selection selection =
      select_tables(read_catalog(*connection_), settings_, {{schema.name, {stored, table.low}}});
  keep_only(schema.name, selection);
  const bool is_same = selection.tables.size() == 1 &&
                       selection.tables.front().schema->columns == schema.columns &&
                       selection.tables.front().schema->key == schema.key;
  if (!is_same)
    throw Error(ErrorKind::schema,
                fmt::format("{} was changed at the source while it was about to join", schema.name.str()))
        .with("table", schema.name.str())
        .with("remedy", fmt::format("take the table again: tailrace table CONFIG resnapshot --table {}",
                                    schema.name.str()));
  CapturedTable captured = std::move(selection.tables.front());
  captured.schema = table.schema;
  const std::vector<CatalogInstance> instances = read_instances(*connection_);
  if (std::optional<Error> gap =
          succession_error(instances, schema.name, stored, captured.instance, table.low))
    throw std::move(*gap);
  stream_->add_table(captured, table, instances);
}

void SqlServerSource::remove_table(const TableName& table) {
  TAILRACE_ASSERT(stream_ != nullptr);
  stream_->remove_table(table);
}

void SqlServerSource::watch(const HighMark& mark, std::uint64_t number) {
  TAILRACE_ASSERT(stream_ != nullptr);
  stream_->watch(mark, number);
}

std::optional<ChangeBatch> SqlServerSource::next(std::stop_token stop) {
  TAILRACE_ASSERT(stream_ != nullptr);
  return stream_->next(stop);
}

}  // namespace tailrace::sqlserver
