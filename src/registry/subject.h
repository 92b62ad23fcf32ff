// The name under which a schema is registered.
//
// Source  Confluent: TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy.
#pragma once

#include <string>
#include <string_view>

#include "record/schema.h"

namespace tailrace::registry {

enum class SubjectStrategy { topic, record, topic_record };

// Which half of a record.
enum class Part { key, value };

// Throws config where the strategy wants a record's name and the schema is no struct.
std::string subject_of(SubjectStrategy strategy, std::string_view topic, Part part,
                       const record::Schema& schema);

}  // namespace tailrace::registry
