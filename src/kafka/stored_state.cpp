// JSON of the pipeline's own records, both ways.
#include "kafka/stored_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace tailrace::kafka {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view null_lsn = "NULL";  // As Debezium writes none.

ordered_json instance_json(const CaptureInstance& instance) {
  return {{"name", instance.name},
          {"object_id", instance.object_id},
          {"create_date", instance.create_date},
          {"start_lsn", instance.start_lsn.hex()}};
}

CaptureInstance instance_of(const json& value) {
  CaptureInstance out;
  out.name = value.at("name").get<std::string>();
  out.object_id = value.at("object_id").get<std::int32_t>();
  out.create_date = value.at("create_date").get<std::string>();
  out.start_lsn = Lsn::parse(value.at("start_lsn").get<std::string>());
  return out;
}

void add_part(ordered_json& out, const std::optional<SentPart>& part) {
  if (!part) return;
  out["sent_commit"] = part->commit_lsn.hex();
  out["sent_events"] = part->events;
}

std::optional<SentPart> part_of(const json& value) {
  if (!value.contains("sent_commit")) return std::nullopt;
  return SentPart{Lsn::parse(value.at("sent_commit").get<std::string>()),
                  value.at("sent_events").get<std::uint64_t>()};
}

Claim claim_of(const json& value) {
  Claim out;
  out.instance = value.at("instance").get<std::string>();
  out.runner = value.at("runner").get<std::string>();
  out.fence = value.at("fence").get<std::int64_t>();
  out.writers = value.at("writers").get<int>();
  out.beat_ms = value.at("beat_ms").get<std::int64_t>();
  out.deposed = value.at("deposed").get<std::vector<std::string>>();
  return out;
}

bool is_text(const json& value, const std::string& text) {
  return value.is_string() && value.get_ref<const std::string&>() == text;
}

bool is_true(const json& value, const char* member) {
  return value.contains(member) && value.at(member).is_boolean() && value.at(member).get<bool>();
}

StoredOffset offset_of(const json& value) {
  StoredOffset out;
  out.commit_lsn = Lsn::parse(value.at("commit_lsn").get<std::string>());
  const json change = value.value("change_lsn", json());
  if (change.is_string() && change.get<std::string>() != null_lsn)
    out.change_lsn = Lsn::parse(change.get<std::string>());
  out.event_serial_no = value.value("event_serial_no", std::int64_t{0});
  // A name, or true as older versions wrote.
  out.snapshot =
      value.contains("snapshot") && (value.at("snapshot").is_string() || is_true(value, "snapshot"));
  out.snapshot_completed = is_true(value, "snapshot_completed");
  if (value.contains("tailrace_lsn")) {
    out.position = {Lsn::parse(value.at("tailrace_lsn").get<std::string>()),
                    value.value("tailrace_evidence", ""),
                    value.value("tailrace_commit_time", std::int64_t{0})};
    if (const auto events = value.value("tailrace_events", std::uint64_t{0}); events != 0)
      out.part = SentPart{out.commit_lsn, events};
    return out;
  }
  out.from_debezium = true;
  // Without a change LSN everything of that commit is sent, or was seen by its snapshot.
  out.position.lsn = out.change_lsn ? just_below(out.commit_lsn) : out.commit_lsn;
  return out;
}

StoredTable table_of(const TableName& name, const json& value) {
  StoredTable out;
  const std::optional<TableState> state = table_state_of(value.at("state").get<std::string>());
  if (!state) throw Error(ErrorKind::protocol, "no state of a table");
  out.progress.table = name;
  out.progress.state = *state;
  out.progress.outside = value.at("outside").get<bool>();
  out.progress.low = Lsn::parse(value.at("low").get<std::string>());
  out.progress.instance = instance_of(value.at("instance"));
  if (value.contains("high_mark"))
    out.progress.high_mark = HighMark{value.at("high_mark").get<std::string>()};
  out.topic = value.at("topic").get<std::string>();
  out.topic_id = value.value("topic_id", "");
  out.part = part_of(value);
  out.last_error = value.value("last_error", "");
  out.shape = value.value("shape", "");
  return out;
}

ChunkProgress chunk_of(const TableName& table, std::uint32_t number, const json& value) {
  ChunkProgress out;
  out.chunk.table = table;
  out.chunk.number = number;
  out.chunk.after = value.at("after").get<std::vector<std::string>>();
  out.chunk.upto = value.at("upto").get<std::vector<std::string>>();
  out.chunk.estimated_rows = value.at("estimated_rows").get<std::uint64_t>();
  out.done = value.at("done").get<bool>();
  out.rows = value.at("rows").get<std::uint64_t>();
  return out;
}

StoredRequest request_of(std::int64_t id, const json& value) {
  StoredRequest out;
  out.request.id = id;
  out.request.table = {value.at("schema").get<std::string>(), value.at("table").get<std::string>()};
  out.request.wanted = parse_wanted(value.at("wanted").get<std::string>());
  out.answered = value.at("answered").get<bool>();
  out.refusal = value.value("refusal", "");
  return out;
}

// Key values are whatever bytes a text column holds; what is no UTF-8 there would be refused by the source's decoder before.
std::string compact_text(const ordered_json& value) {
  return value.dump();
}

void put_chunk(StoredTable& table, ChunkProgress chunk) {
  std::vector<ChunkProgress>& chunks = table.progress.chunks;
  const auto place = std::lower_bound(
      chunks.begin(), chunks.end(), chunk.chunk.number,
      [](const ChunkProgress& each, std::uint32_t number) { return each.chunk.number < number; });
  if (place != chunks.end() && place->chunk.number == chunk.chunk.number) {
    *place = std::move(chunk);
  } else {
    chunks.insert(place, std::move(chunk));
  }
}

void drop_chunk(StoredTable& table, std::uint32_t number) {
  std::erase_if(table.progress.chunks,
                [number](const ChunkProgress& each) { return each.chunk.number == number; });
}

}  // namespace

// Reads single records into a state.
class StateReader {
 public:
  StateReader(StoredState& state, const StateKeys& keys) : state_(state), keys_(keys) {}

  void take(const std::string& key, const std::optional<StoredRecord>& record) {
    const json parsed = json::parse(key, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_array() || parsed.empty() || !parsed.at(0).is_string()) return;
    try {
      if (is_offset(parsed)) return take_offset(key, record);
      if (parsed.size() < 3 || !is_text(parsed.at(0), "tailrace") || !is_text(parsed.at(1), keys_.pipeline_))
        return;
      take_own(parsed, record);
    } catch (const std::exception& error) {  // Of JSON, or an Error without a place.
      throw Error(ErrorKind::protocol,
                  fmt::format("the stored record {} cannot be read: {}", key, error.what()))
          .with("offset", record ? std::to_string(record->offset) : "none");
    }
  }

 private:
  // Also in the form without a database, which older versions of Debezium wrote.
  bool is_offset(const json& key) const {
    if (key.size() != 2 || !is_text(key.at(0), keys_.connector_) || !key.at(1).is_object()) return false;
    const json& partition = key.at(1);
    return partition.contains("server") && is_text(partition.at("server"), keys_.server_) &&
           (!partition.contains("database") || is_text(partition.at("database"), keys_.database_));
  }

  static json parse_value(const StoredRecord& record) { return json::parse(record.value); }

  void take_offset(const std::string& key, const std::optional<StoredRecord>& record) {
    if (!record) {
      if (state_.offset_key == key) state_.offset.reset();
      return;
    }
    // The form with a database is the newer one.
    if (!state_.offset_key.empty() && state_.offset_key.size() > key.size()) return;
    state_.offset = offset_of(parse_value(*record));
    state_.offset_key = key;
    state_.offset_partition = record->partition;
    state_.offset_written_ms = record->timestamp_ms.value_or(0);
  }

  void take_own(const json& key, const std::optional<StoredRecord>& record) {
    const std::string kind = key.at(2).get<std::string>();
    if (kind == "claim") {
      state_.claim.reset();
      if (record) state_.claim = claim_of(parse_value(*record));
    } else if (kind == "failure") {
      state_.failure.reset();
      if (!record) return;
      const json value = parse_value(*record);
      state_.failure =
          StoredFailure{value.at("instance").get<std::string>(), value.at("error").get<std::string>()};
    } else if (kind == "identity") {
      state_.known = record.has_value();
      state_.source_identity = record ? parse_value(*record).at("source").get<std::string>() : "";
    } else if (kind == "table") {
      take_table({key.at(3).get<std::string>(), key.at(4).get<std::string>()}, record);
    } else if (kind == "chunk") {
      const TableName table{key.at(3).get<std::string>(), key.at(4).get<std::string>()};
      const auto number = key.at(5).get<std::uint32_t>();
      if (record) {
        put_chunk(state_.tables[table], chunk_of(table, number, parse_value(*record)));
      } else if (const auto found = state_.tables.find(table); found != state_.tables.end()) {
        drop_chunk(found->second, number);
      }
    } else if (kind == "request") {
      const auto id = key.at(3).get<std::int64_t>();
      state_.requests.erase(id);
      if (record) state_.requests.emplace(id, request_of(id, parse_value(*record)));
    } else if (kind == "memo") {
      const std::string name = key.at(3).get<std::string>();
      state_.memos.erase(name);
      if (record) state_.memos.emplace(name, parse_value(*record).at("text").get<std::string>());
    }
  }

  // Its chunks may have been read before: they stay.
  void take_table(const TableName& name, const std::optional<StoredRecord>& record) {
    if (!record) {
      state_.tables.erase(name);
      return;
    }
    StoredTable table = table_of(name, parse_value(*record));
    StoredTable& stored = state_.tables[name];
    table.progress.chunks = std::move(stored.progress.chunks);
    stored = std::move(table);
  }

  StoredState& state_;
  const StateKeys& keys_;
};

StateKeys::StateKeys(std::string pipeline, std::string connector, std::string server, std::string database)
    : pipeline_(std::move(pipeline)),
      connector_(std::move(connector)),
      server_(std::move(server)),
      database_(std::move(database)) {}

std::string StateKeys::offset() const {
  const ordered_json partition{{"server", server_}, {"database", database_}};
  return compact_text(ordered_json::array({connector_, partition}));
}

std::string StateKeys::claim() const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "claim"}));
}

std::string StateKeys::failure() const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "failure"}));
}

std::string StateKeys::identity() const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "identity"}));
}

std::string StateKeys::table(const TableName& table) const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "table", table.schema, table.name}));
}

std::string StateKeys::chunk(const TableName& table, std::uint32_t number) const {
  return compact_text(
      ordered_json::array({"tailrace", pipeline_, "chunk", table.schema, table.name, number}));
}

std::string StateKeys::request(std::int64_t id) const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "request", id}));
}

std::string StateKeys::request_prefix() const {
  std::string out = compact_text(ordered_json::array({"tailrace", pipeline_, "request"}));
  out.back() = ',';  // An id follows.
  return out;
}

std::string StateKeys::move(std::int64_t id) const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "position_change", id}));
}

std::string StateKeys::memo(const std::string& name) const {
  return compact_text(ordered_json::array({"tailrace", pipeline_, "memo", name}));
}

std::string memo_value(const std::string& text) {
  ordered_json out;
  out["text"] = text;
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string value_of(const Claim& claim) {
  ordered_json out{{"instance", claim.instance}, {"runner", claim.runner},   {"fence", claim.fence},
                   {"writers", claim.writers},   {"beat_ms", claim.beat_ms}, {"deposed", claim.deposed}};
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string value_of(const StoredFailure& failure) {
  const ordered_json out{{"instance", failure.instance}, {"error", failure.error}};
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string value_of(const StoredOffset& offset) {
  ordered_json out;
  if (offset.snapshot) {
    out["snapshot"] = "INITIAL";
    out["snapshot_completed"] = offset.snapshot_completed;
  }
  out["commit_lsn"] = debezium_text(offset.commit_lsn);
  out["change_lsn"] = offset.change_lsn ? debezium_text(*offset.change_lsn) : std::string(null_lsn);
  out["event_serial_no"] = offset.event_serial_no;
  if (offset.from_debezium) return compact_text(out);
  out["tailrace_lsn"] = offset.position.lsn.hex();
  if (!offset.position.evidence.empty()) out["tailrace_evidence"] = offset.position.evidence;
  if (offset.position.commit_time_utc != 0) out["tailrace_commit_time"] = offset.position.commit_time_utc;
  if (offset.part) out["tailrace_events"] = offset.part->events;
  return compact_text(out);
}

std::string value_of(const StoredTable& table) {
  const TableProgress& progress = table.progress;
  ordered_json out{{"state", std::string(name_of(progress.state))},
                   {"outside", progress.outside},
                   {"low", progress.low.hex()},
                   {"instance", instance_json(progress.instance)},
                   {"topic", table.topic}};
  if (!table.topic_id.empty()) out["topic_id"] = table.topic_id;
  if (progress.high_mark) out["high_mark"] = progress.high_mark->text;
  add_part(out, table.part);
  if (!table.last_error.empty()) out["last_error"] = table.last_error;
  if (!table.shape.empty()) out["shape"] = table.shape;
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string value_of(const ChunkProgress& chunk) {
  ordered_json out;
  out["after"] = chunk.chunk.after;
  out["upto"] = chunk.chunk.upto;
  out["estimated_rows"] = chunk.chunk.estimated_rows;
  out["done"] = chunk.done;
  out["rows"] = chunk.rows;
  return compact_text(out);
}

std::string value_of(const StoredRequest& request) {
  ordered_json out{{"schema", request.request.table.schema},
                   {"table", request.request.table.name},
                   {"wanted", std::string(name_of(request.request.wanted))},
                   {"answered", request.answered}};
  if (!request.refusal.empty()) out["refusal"] = request.refusal;
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string identity_value(const std::string& source_identity) {
  ordered_json out;
  out["source"] = source_identity;
  return compact_text(out);
}

StoredState read_state(const std::map<std::string, StoredRecord>& records, const StateKeys& keys) {
  StoredState out;
  StateReader reader(out, keys);
  for (const auto& [key, record] : records)
    reader.take(key, record);
  // Chunks of a table that is not there are what a forgotten one has left.
  std::erase_if(out.tables, [](const auto& each) { return each.second.topic.empty(); });
  return out;
}

void apply_record(StoredState& state, const StateKeys& keys, const std::string& key,
                  const std::optional<StoredRecord>& record) {
  StateReader(state, keys).take(key, record);
}

ResumeState resume_state_of(const StoredState& state) {
  ResumeState out;
  out.first_run = !state.known;
  out.succeeded_before = state.known;
  out.source_identity = state.source_identity;
  // A snapshot that another program has not ended is not gone on with: it begins anew.
  const bool is_usable =
      state.offset && (state.known || !state.offset->snapshot || state.offset->snapshot_completed);
  if (is_usable) out.position = state.offset->position;
  out.adopted = is_usable && !state.known;
  for (const auto& [name, table] : state.tables) {
    TableProgress progress = table.progress;
    if (progress.state != TableState::loading) progress.chunks.clear();
    out.tables.emplace(name, std::move(progress));
  }
  out.requests = open_requests(state);
  out.memos = state.memos;
  return out;
}

std::vector<TableRequest> open_requests(const StoredState& state) {
  std::vector<TableRequest> out;
  for (const auto& [id, request] : state.requests) {
    if (!request.answered) out.push_back(request.request);
  }
  return out;
}

StoredOffset offset_at(const Position& position, const debezium::EventPlace& last) {
  StoredOffset out;
  out.position = position;
  out.commit_lsn = position.lsn;
  if (last.commit_lsn == position.lsn && !last.change_lsn.is_zero()) {
    out.change_lsn = last.change_lsn;
    out.event_serial_no = last.event_serial_no;
  }
  return out;
}

StoredOffset offset_within(const debezium::EventPlace& last) {
  StoredOffset out;
  out.position.lsn = just_below(last.commit_lsn);
  out.part = SentPart{last.commit_lsn, last.events};
  out.commit_lsn = last.commit_lsn;
  out.change_lsn = last.change_lsn;
  out.event_serial_no = last.event_serial_no;
  return out;
}

Lsn just_below(const Lsn& lsn) {
  Lsn out = lsn;
  for (std::size_t at = out.bytes.size(); at-- > 0;) {
    if (out.bytes[at]-- != 0) return out;
  }
  return Lsn{};  // Nothing is below zero.
}

std::string debezium_text(const Lsn& lsn) {
  const std::string digits = lsn.hex();
  return digits.substr(0, 8) + ":" + digits.substr(8, 8) + ":" + digits.substr(16);
}

}  // namespace tailrace::kafka
