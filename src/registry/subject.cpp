// Naming subjects.
#include "registry/subject.h"

#include "base/error.h"
#include "record/avro_schema.h"

namespace tailrace::registry {
namespace {

std::string record_name_of(std::string_view topic, const record::Schema& schema) {
  if (schema.type != record::SchemaType::struct_) {
    throw Error(ErrorKind::config,
                "The schema of topic " + std::string(topic) +
                    " is no record: subjects named by records need one. Use the strategy topic.");
  }
  if (!schema.name.empty()) return schema.name;
  return std::string(record::avro_namespace) + "." + std::string(record::avro_default_name);
}

}  // namespace

std::string subject_of(SubjectStrategy strategy, std::string_view topic, Part part,
                       const record::Schema& schema) {
  switch (strategy) {
    case SubjectStrategy::topic: break;
    case SubjectStrategy::record: return record_name_of(topic, schema);
    case SubjectStrategy::topic_record: return std::string(topic) + "-" + record_name_of(topic, schema);
  }
  return std::string(topic) + (part == Part::key ? "-key" : "-value");
}

}  // namespace tailrace::registry
