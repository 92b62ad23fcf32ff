// Schemas that were asked for.
#include "registry/schemas.h"

#include "base/error.h"

namespace tailrace::registry {

std::int32_t Schemas::id_of(const std::string& subject, const std::string& document,
                            const std::stop_token& stop) {
  auto key = std::pair(subject, document);
  if (const auto known = ids_.find(key); known != ids_.end()) return known->second;
  const std::int32_t id = ask_id(subject, document, stop);
  if (ids_.size() >= max_kept) ids_.clear();
  ids_.emplace(std::move(key), id);
  return id;
}

std::int32_t Schemas::ask_id(const std::string& subject, const std::string& document,
                             const std::stop_token& stop) {
  if (client_.settings().auto_register) return registered_id(subject, document, stop);
  if (const auto found = client_.find(subject, document, stop)) return found->id;
  throw Error(ErrorKind::config,
              "The schema is not registered under subject " + subject + ", and auto_register is off")
      .with("schema", document)
      .with("remedy", "register it, or set auto_register");
}

// The level of a new subject comes before its schema: a crash in between leaves none without a level. Apicurio takes no level for a
// subject that is not there; it gets it right behind the schema.
std::int32_t Schemas::registered_id(const std::string& subject, const std::string& document,
                                    const std::stop_token& stop) {
  const std::string_view level = name_of(client_.settings().compatibility);
  const bool is_ours =
      !level.empty() && client_.versions(subject, stop).empty() && !client_.compatibility(subject, stop);
  const bool is_set = !is_ours || client_.set_compatibility(subject, level, stop);
  const std::int32_t id = client_.register_schema(subject, document, stop);
  if (!is_set) client_.set_compatibility(subject, level, stop);
  return id;
}

Schemas::Decoder Schemas::decoder_of(std::int32_t id, const std::stop_token& stop) {
  if (const auto known = decoders_.find(id); known != decoders_.end()) return known->second;
  const auto now = Clock::now();
  if (const auto known = unknown_.find(id); known != unknown_.end() && now < known->second.first) {
    throw Error(known->second.second);
  }
  Decoder decoder;
  try {
    decoder = std::make_shared<const record::AvroDecoder>(record::parse_avro(client_.document(id, stop)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    if (unknown_.size() >= max_kept) unknown_.clear();
    unknown_.insert_or_assign(id, std::pair(now + unknown_for, error));
    throw;
  }
  if (decoders_.size() >= max_kept) decoders_.clear();
  decoders_.emplace(id, decoder);
  return decoder;
}

}  // namespace tailrace::registry
