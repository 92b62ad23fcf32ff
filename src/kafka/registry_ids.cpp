// Subjects and ids.
#include "kafka/registry_ids.h"

#include "base/error.h"
#include "registry/subject.h"

namespace tailrace::kafka {

RegistryIds::RegistryIds(const SinkSettings& settings) : settings_(settings.registry) {
  if (settings.events.converter == debezium::Converter::avro) schemas_.emplace(settings_);
}

std::int32_t RegistryIds::id_of(const std::string& topic, debezium::RecordPart part,
                                const record::Schema& schema, const std::string& document) {
  TAILRACE_ASSERT(schemas_.has_value());
  const bool is_key = part == debezium::RecordPart::key;
  const std::string subject =
      registry::subject_of(is_key ? settings_.key_subject : settings_.value_subject, topic,
                           is_key ? registry::Part::key : registry::Part::value, schema);
  return schemas_->id_of(subject, document, stop_);
}

}  // namespace tailrace::kafka
