// DDL of schemas and modules, and what all objects share: names, ids, rows of the catalog.
//
// Source   Messages of SQL Server for the errors that clients meet; sys.messages.
#include <fmt/format.h>

#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

// The first characters of UTF-8 text; a character is never cut.
std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && count > 0) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      ++end;
    --count;
  }
  return std::string(text.substr(0, end));
}

}  // namespace

std::string made_name(std::string_view prefix, std::string_view table, std::string_view column,
                      std::int32_t id) {
  std::string name(prefix);
  name += "__" + first_characters(table, 9);
  if (!column.empty()) name += "__" + first_characters(column, 5);
  return fmt::format("{}__{:08X}", name, id);
}

Outcome Catalog::check_new_name(std::int32_t schema_id, std::string_view name) {
  Statement row = work_.connection().prepare("SELECT 1 FROM cat_objects WHERE schema_id = ? AND name = ?");
  if (!row.bind(1, std::int64_t{schema_id}).bind(2, name).next()) return {};
  return SqlError{2714, fmt::format("There is already an object named '{}' in the database.", name), 16, 6};
}

std::int32_t Catalog::add_object(std::int32_t schema_id, std::int32_t parent, std::string_view name,
                                 std::string_view type, bool ms_shipped, std::int32_t object_id) {
  if (object_id == 0) object_id = new_object_id();
  const std::int64_t now = local_datetime_now();
  work_.connection()
      .prepare("INSERT INTO cat_objects VALUES(?, ?, ?, ?, ?, ?, ?, ?, NULL)")
      .bind(1, std::int64_t{object_id})
      .bind(2, name)
      .bind(3, std::int64_t{schema_id})
      .bind(4, std::int64_t{parent})
      .bind(5, type)
      .bind(6, now)
      .bind(7, now)
      .bind(8, std::int64_t{ms_shipped})
      .run();
  return object_id;
}

Outcome Catalog::create_schema(std::string_view name) {
  if (schema_id(name)) {
    return SqlError{2714, fmt::format("There is already an object named '{}' in the database.", name), 16, 6};
  }
  work_.connection()
      .prepare("INSERT INTO cat_schemas SELECT max(max(schema_id), 4) + 1, ?, 1 FROM cat_schemas")
      .bind(1, name)
      .run();
  touch();
  return {};
}

Outcome Catalog::drop_schema(std::string_view name) {
  const std::optional<std::int32_t> id = schema_id(name);
  if (!id || *id <= 4) {
    return SqlError{15151,
                    fmt::format("Cannot drop the schema '{}', because it does not exist or you do not have "
                                "permission.",
                                name),
                    16, 1};
  }
  Statement used = work_.connection().prepare("SELECT name FROM cat_objects WHERE schema_id = ? LIMIT 1");
  if (used.bind(1, std::int64_t{*id}).next()) {
    return SqlError{3729,
                    fmt::format("Cannot drop schema '{}' because it is being referenced by object '{}'.",
                                name, used.text(0)),
                    16, 1};
  }
  used.reset();
  work_.connection().prepare("DELETE FROM cat_schemas WHERE schema_id = ?").bind(1, std::int64_t{*id}).run();
  touch();
  return {};
}

void Catalog::drop_object_rows(std::int32_t object_id) {
  Connection& connection = work_.connection();
  const auto remove = [&](std::string_view sql) {
    connection.prepare(sql).bind(1, std::int64_t{object_id}).run();
  };
  remove(
      "DELETE FROM cat_foreign_key_columns WHERE object_id IN (SELECT object_id FROM cat_foreign_keys"
      " WHERE parent_id = ?)");
  remove("DELETE FROM cat_foreign_keys WHERE parent_id = ?");
  remove("DELETE FROM cat_checks WHERE parent_id = ?");
  remove("DELETE FROM cat_defaults WHERE parent_id = ?");
  remove("DELETE FROM cat_index_columns WHERE object_id = ?");
  remove("DELETE FROM cat_indexes WHERE object_id = ?");
  remove("DELETE FROM cat_columns WHERE object_id = ?");
  remove("DELETE FROM cat_tables WHERE object_id = ?");
  remove("DELETE FROM cat_objects WHERE object_id = ?1 OR parent_object_id = ?1");
  remove("DELETE FROM cat_permissions WHERE class = 1 AND major_id = ?");
}

Outcome Catalog::create_module(std::string_view schema, std::string_view name, std::string_view type,
                               std::string_view text) {
  const std::optional<std::int32_t> id = schema_id(schema);
  if (!id) {
    return SqlError{2760,
                    fmt::format("The specified schema name \"{}\" either does not exist or you do not have "
                                "permission to use it.",
                                schema),
                    16, 1};
  }
  if (Outcome error = check_new_name(*id, name)) return error;
  const std::int32_t object = add_object(*id, 0, name, type, false, 0);
  return alter_module(object, text);
}

Outcome Catalog::alter_module(std::int32_t object_id, std::string_view text) {
  work_.connection()
      .prepare("UPDATE cat_objects SET text = ?, modify_date = ? WHERE object_id = ?")
      .bind(1, text)
      .bind(2, local_datetime_now())
      .bind(3, std::int64_t{object_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::drop_module(std::int32_t object_id) {
  drop_object_rows(object_id);
  touch();
  return {};
}

}  // namespace tailrace::sim
