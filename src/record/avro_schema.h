// A schema as the Avro document that Confluent's converter registers for it.
//
// Errors  config, where Avro cannot say it: a name with letters that Avro has not, two structs of one name.
// Source  Confluent's AvroData.fromConnectSchema with its default settings (connect.meta.data true, enhanced.avro.schema.support
//         and scrub.invalid.names false); Avro 1.12, Schema.toString.
#pragma once

#include <string>

#include "record/schema.h"

namespace tailrace::record {

// In one line, its keys in AvroData's order.
std::string avro_document(const Schema& schema);

// What AvroData calls what has no name, and how it writes maps whose keys are no strings.
constexpr std::string_view avro_namespace = "io.confluent.connect.avro";
constexpr std::string_view avro_default_name = "ConnectDefault";
constexpr std::string_view avro_map_entry_name = "MapEntry";
constexpr std::string_view avro_union_name = "io.confluent.connect.avro.Union";
constexpr std::string_view avro_record_doc = "io.confluent.connect.avro.record.doc";
constexpr std::string_view avro_field_doc = "io.confluent.connect.avro.field.doc.";
constexpr std::string_view avro_enum_doc = "io.confluent.connect.avro.enum.doc.";
constexpr std::string_view avro_enum_default = "io.confluent.connect.avro.enum.default.";
constexpr std::string_view avro_enum_name = "io.confluent.connect.avro.Enum";
constexpr std::string_view avro_precision = "connect.decimal.precision";
constexpr int avro_default_precision = 64;

}  // namespace tailrace::record
