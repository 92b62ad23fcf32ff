// Validity of capture instances, and their succession.
#include "sqlserver/capture_instances.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailrace::sqlserver {
namespace {

std::string take_again(const TableName& table) {
  return fmt::format("take the table again: tailrace table CONFIG resnapshot --table {}", table.str());
}

}  // namespace

Lsn just_before(Lsn lsn) {
  for (std::size_t i = lsn.bytes.size(); i-- > 0;) {
    if (lsn.bytes[i]-- != 0) break;
  }
  return lsn;
}

CaptureInstance identity_of(const CatalogInstance& instance) {
  return {instance.name, instance.object_id, instance.create_date, instance.start_lsn.value_or(Lsn{})};
}

bool is_instance(const CatalogInstance& instance, const CaptureInstance& known) {
  return instance.object_id == known.object_id && instance.name == known.name &&
         instance.create_date == known.create_date;
}

bool reaches_back(const CatalogInstance& instance, const Lsn& position) {
  return instance.start_lsn &&
         (*instance.start_lsn <= position || just_before(*instance.start_lsn) == position);
}

std::optional<Error> validity_error(std::span<const CatalogInstance> instances, const TableName& table,
                                    const CaptureInstance& read, const Lsn& position) {
  const auto found = std::find_if(instances.begin(), instances.end(), [&](const CatalogInstance& instance) {
    return is_instance(instance, read);
  });
  if (found == instances.end()) {
    return Error(ErrorKind::gap,
                 fmt::format("the capture instance {} of {} is gone or was made anew: changes in "
                             "between are lost",
                             read.name, table.str()))
        .with("table", table.str())
        .with("remedy", take_again(table));
  }
  if (!found->start_lsn || reaches_back(*found, position)) return std::nullopt;
  return Error(ErrorKind::gap,
               fmt::format("cleanup has overtaken {}: changes behind the position are gone", table.str()))
      .with("table", table.str())
      .with("position", position.hex())
      .with("min_lsn", found->start_lsn->hex())
      .with("remedy", take_again(table) + "; and see to it that the retention is longer than any stop");
}

std::optional<Error> succession_error(std::span<const CatalogInstance> instances, const TableName& table,
                                      const CaptureInstance& stored, const CaptureInstance& chosen,
                                      const Lsn& position) {
  const bool is_successor =
      !chosen.same_as(stored) &&
      std::any_of(instances.begin(), instances.end(), [&](const CatalogInstance& instance) {
        return is_instance(instance, chosen) && reaches_back(instance, position);
      });
  if (is_successor) return std::nullopt;
  return validity_error(instances, table, stored, position);
}

void check_validity(std::span<const CatalogInstance> instances, const CapturedTable& table,
                    const Lsn& position) {
  std::optional<Error> error = validity_error(instances, table.schema->name, table.instance, position);
  if (!error) return;
  for (const CatalogInstance& other : instances) {
    if (other.source_object_id != table.source_object_id || is_instance(other, table.instance) ||
        !reaches_back(other, position))
      continue;
    throw Error(ErrorKind::conflict,
                fmt::format("the capture instance {} of {} cannot be read any more, {} may take its place",
                            table.instance.name, table.schema->name.str(), other.name))
        .with("table", table.schema->name.str())
        .with("position", position.hex());
  }
  throw std::move(*error);
}

const CatalogInstance* newer_instance(std::span<const CatalogInstance> instances, const CapturedTable& table,
                                      const Lsn& position) {
  const CatalogInstance* newest = nullptr;
  for (const CatalogInstance& instance : instances) {
    if (instance.source_object_id == table.source_object_id) newest = &instance;
  }
  if (newest == nullptr || is_instance(*newest, table.instance) || !reaches_back(*newest, position))
    return nullptr;
  return newest;
}

}  // namespace tailrace::sqlserver
