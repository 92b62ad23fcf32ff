// An Avro schema as it was written, from a registry: everything that Avro can say, and the Connect schema that it means.
//
// Errors   protocol: no Avro schema. data: one that is not taken (it contains itself, is too large, a null on its own).
// Threads  Immutable; shared.
// Source   Avro 1.12 specification, Schema Declaration; Confluent's AvroData.toConnectSchema with its default settings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/json_tree.h"
#include "record/schema.h"

namespace tailrace::record {

enum class AvroKind : std::uint8_t {
  null,
  boolean,
  int_,
  long_,
  float_,
  double_,
  bytes,
  string,
  record,
  enum_,
  fixed,
  array,
  map,
  union_,
};

std::string_view name_of(AvroKind kind);

struct AvroType;
using AvroTypePtr = std::shared_ptr<const AvroType>;

struct AvroField {
  std::string name = {};
  AvroTypePtr type = {};
  std::string doc = {};
  std::optional<Json> fallback = {};
};

struct AvroType {
  AvroKind kind = AvroKind::null;
  std::string name = {};  // Of a record, an enum, a fixed: in full.
  std::string doc = {};
  std::vector<AvroField> fields = {};      // Of a record.
  std::vector<AvroTypePtr> branches = {};  // Of a union; the one of an array's elements or a map's values.
  std::vector<std::string> symbols = {};   // Of an enum.
  std::string enum_fallback = {};
  std::size_t size = 0;   // Of a fixed.
  Json properties = {};   // All that was written beside its type.
  std::size_t nodes = 1;  // With everything below; what is used twice counts twice.

  std::string_view simple_name() const;
  // The branch that is not null, where there are two and the other one is.
  const AvroTypePtr* optional_branch() const;
  // An array that stands for a map whose keys are no strings.
  bool is_map_entries() const;
};

constexpr std::size_t max_avro_nodes = 100'000;

AvroTypePtr parse_avro(std::string_view document);
SchemaPtr connect_schema(const AvroType& type);

}  // namespace tailrace::record
