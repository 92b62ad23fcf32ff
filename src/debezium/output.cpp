// What stands around values.
#include "debezium/output.h"

#include "record/avro_schema.h"
#include "record/connect_json.h"
#include "record/wire_format.h"

namespace tailrace::debezium {

Codec<record::AvroWriter> Codec<record::AvroWriter>::make(const record::Schema& schema,
                                                          const OutputPlace& place) {
  TAILRACE_ASSERT(place.ids != nullptr);
  const std::string document = record::avro_document(schema);
  ByteBuffer head;
  record::put_frame(head, place.ids->id_of(place.topic, place.part, schema, document));
  return {record::AvroPlan::compile(*record::parse_avro(document)), head.str()};
}

Codec<record::JsonWriter> Codec<record::JsonWriter>::make(const record::Schema& schema,
                                                          const OutputPlace& place) {
  const bool with_schema = place.settings.json_schemas;
  return {record::JsonPlan::compile(schema, place.settings.json_decimals),
          with_schema ? record::json_envelope_head(schema) : std::string(),
          with_schema ? std::string(record::json_envelope_tail) : std::string()};
}

}  // namespace tailrace::debezium
