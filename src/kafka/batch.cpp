// Records inside librdkafka's events.
#include "kafka/batch.h"

#include "kafka/client_internal.h"

namespace tailrace::kafka {

std::string_view InRecord::topic() const {
  return rd_kafka_topic_name(message_->rkt);
}

std::int32_t InRecord::partition() const {
  return message_->partition;
}

std::int64_t InRecord::offset() const {
  return message_->offset;
}

std::int32_t InRecord::leader_epoch() const {
  return rd_kafka_message_leader_epoch(message_);
}

std::optional<std::string_view> InRecord::key() const {
  if (message_->key == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(message_->key), message_->key_len);
}

std::optional<std::string_view> InRecord::value() const {
  if (message_->payload == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(message_->payload), message_->len);
}

std::optional<std::int64_t> InRecord::timestamp_ms() const {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t out = rd_kafka_message_timestamp(message_, &type);
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) return std::nullopt;
  return out;
}

bool InRecord::has_header(const char* name) const {
  rd_kafka_headers_t* raw = nullptr;
  if (rd_kafka_message_headers(message_, &raw) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const void* value = nullptr;
  std::size_t size = 0;
  return rd_kafka_header_get_last(raw, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::vector<Header> InRecord::headers() const {
  rd_kafka_headers_t* raw = nullptr;
  std::vector<Header> out;
  const rd_kafka_resp_err_t code = rd_kafka_message_headers(message_, &raw);
  if (code == RD_KAFKA_RESP_ERR__NOENT) return out;
  check(code, "reading a record's headers");
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(raw, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    Header& header = out.emplace_back(Header{name, std::nullopt});
    if (value != nullptr) header.value = std::string_view(static_cast<const char*>(value), size);
  }
  return out;
}

void Batch::DestroyEvent::operator()(rd_kafka_op_s* event) const {
  rd_kafka_event_destroy(event);
}

Batch::Batch() = default;
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

void Batch::clear() {
  records_.clear();
  events_.clear();
  ends_.clear();
  rebalance_.reset();
  bytes_ = 0;
}

}  // namespace tailrace::kafka
