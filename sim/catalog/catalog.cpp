// Look-ups of schemas, objects and tables, ids for new ones, and the version that says whether they changed.
#include "sim/catalog/catalog.h"

#include <atomic>

#include "sim/catalog/catalog_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

std::string lookup_key(CollationKind names, std::string_view schema, std::string_view name) {
  if (names != CollationKind::ignore_case) return std::string(schema) + '\x01' + std::string(name);
  return fold_text(schema) + '\x01' + fold_text(name);
}

ObjectDef read_object(const Statement& row) {
  ObjectDef object;
  object.object_id = static_cast<std::int32_t>(row.number(0));
  object.schema_id = static_cast<std::int32_t>(row.number(1));
  object.parent_object_id = static_cast<std::int32_t>(row.number(2));
  object.schema = row.text(3);
  object.name = row.text(4);
  object.type = row.text(5);
  object.ms_shipped = row.number(6) != 0;
  return object;
}

constexpr std::string_view select_object =
    "SELECT o.object_id, o.schema_id, o.parent_object_id, s.name, o.name, o.type, o.is_ms_shipped"
    " FROM cat_objects o JOIN cat_schemas s ON s.schema_id = o.schema_id WHERE ";

}  // namespace

Catalog::Catalog(Work& work) : work_(work) {}

std::int64_t Catalog::refresh() {
  const std::int64_t version = work_.connection().single_number("SELECT version FROM cat_state");
  if (version != version_) {
    tables_.clear();
    names_.clear();
    version_ = version;
  }
  return version_;
}

void Catalog::changed(Connection& connection) {
  // Unique in the process, so that a version that was rolled back never comes again.
  static std::atomic<std::int64_t> next{utc_ticks_now()};
  connection.prepare("UPDATE cat_state SET version = ?").bind(1, next.fetch_add(1)).run();
}

void Catalog::touch() {
  changed(work_.connection());
  refresh();
}

std::int32_t Catalog::new_object_id() {
  Connection& connection = work_.connection();
  for (;;) {
    std::int64_t id = connection.single_number("SELECT next_object_id FROM cat_state");
    std::int64_t next = (id + 16'000'057) % 2'147'483'647;
    if (next < 10'000) next += 10'000;
    connection.prepare("UPDATE cat_state SET next_object_id = ?").bind(1, next).run();
    Statement taken = connection.prepare("SELECT 1 FROM cat_objects WHERE object_id = ?");
    if (!taken.bind(1, id).next()) return static_cast<std::int32_t>(id);
  }
}

std::optional<std::int32_t> Catalog::schema_id(std::string_view schema) {
  Statement row = work_.connection().prepare("SELECT schema_id FROM cat_schemas WHERE name = ?");
  if (!row.bind(1, schema).next()) return {};
  return static_cast<std::int32_t>(row.number(0));
}

std::string Catalog::schema_name(std::int32_t schema_id) {
  Statement row = work_.connection().prepare("SELECT name FROM cat_schemas WHERE schema_id = ?");
  return row.bind(1, std::int64_t{schema_id}).next() ? std::string(row.text(0)) : std::string();
}

std::optional<ObjectDef> Catalog::object(std::string_view schema, std::string_view name) {
  Statement row = work_.connection().prepare(std::string(select_object) + "s.name = ? AND o.name = ?");
  if (!row.bind(1, schema).bind(2, name).next()) return {};
  return read_object(row);
}

std::optional<ObjectDef> Catalog::object(std::int32_t object_id) {
  Statement row = work_.connection().prepare(std::string(select_object) + "o.object_id = ?");
  if (!row.bind(1, std::int64_t{object_id}).next()) return {};
  return read_object(row);
}

TablePtr Catalog::table(std::string_view schema, std::string_view name) {
  std::string key = lookup_key(work_.file().names, schema, name);
  if (const auto found = names_.find(key); found != names_.end()) return table(found->second);
  const std::optional<ObjectDef> object = this->object(schema, name);
  if (!object || object->type != "U") return nullptr;
  names_.emplace(std::move(key), object->object_id);
  return table(object->object_id);
}

TablePtr Catalog::table(std::int32_t object_id) {
  if (const auto found = tables_.find(object_id); found != tables_.end()) return found->second;
  TablePtr table = load(object_id);
  if (table != nullptr) tables_.emplace(object_id, table);
  return table;
}

std::vector<std::int32_t> Catalog::table_ids() {
  std::vector<std::int32_t> ids;
  Statement rows = work_.connection().prepare(
      "SELECT o.object_id FROM cat_objects o JOIN cat_schemas s ON s.schema_id = o.schema_id"
      " WHERE o.type = 'U' AND o.is_ms_shipped = 0 ORDER BY s.name, o.name");
  while (rows.next())
    ids.push_back(static_cast<std::int32_t>(rows.number(0)));
  return ids;
}

std::string Catalog::module_text(std::int32_t object_id) {
  Statement row = work_.connection().prepare("SELECT text FROM cat_objects WHERE object_id = ?");
  return row.bind(1, std::int64_t{object_id}).next() ? std::string(row.text(0)) : std::string();
}

}  // namespace tailrace::sim
