// Subjects and ids.
#include "kafka/registry_ids.h"

#include "base/error.h"
#include "registry/subject.h"

namespace tailrace::kafka {

std::int32_t RegistryIds::id_of(const std::string& topic, debezium::RecordPart part,
                                const record::Schema& schema, const std::string& document) {
  const std::lock_guard lock(known_->mutex);
  TAILRACE_ASSERT(known_->schemas.has_value());
  const registry::Settings& settings = known_->schemas->client().settings();
  const bool is_key = part == debezium::RecordPart::key;
  const std::string subject =
      registry::subject_of(is_key ? settings.key_subject : settings.value_subject, topic,
                           is_key ? registry::Part::key : registry::Part::value, schema);
  return known_->schemas->id_of(subject, document, stop_);
}

}  // namespace tailrace::kafka
