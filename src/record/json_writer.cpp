// Writing JSON through a plan.
#include "record/json_writer.h"

#include "record/decimal.h"
#include "record/json_text.h"

namespace tailrace::record {
namespace {

JsonOperation::Kind json_kind_of(const Schema& schema, DecimalFormat decimals) {
  switch (schema.type) {
    case SchemaType::boolean: return JsonOperation::Kind::boolean;
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32:
    case SchemaType::int64: return JsonOperation::Kind::integer;
    case SchemaType::float32: return JsonOperation::Kind::float32;
    case SchemaType::float64: return JsonOperation::Kind::float64;
    case SchemaType::string: return JsonOperation::Kind::text;
    case SchemaType::bytes:
      return is_decimal(schema) && decimals == DecimalFormat::numeric ? JsonOperation::Kind::number
                                                                      : JsonOperation::Kind::bytes;
    case SchemaType::array: return JsonOperation::Kind::array;
    case SchemaType::map: return JsonOperation::Kind::map;
    case SchemaType::struct_: break;
  }
  return JsonOperation::Kind::record;
}

std::string field_lead(const std::string& name, bool first) {
  ByteBuffer lead;
  if (!first) lead.put_byte(',');
  put_json_string(lead, name, Supplementary::escaped);
  lead.put_byte(':');
  return lead.str();
}

}  // namespace

std::shared_ptr<const JsonPlan> JsonPlan::compile(const Schema& schema, DecimalFormat decimals) {
  auto plan = std::make_shared<JsonPlan>();
  plan->add(schema, {}, 0, decimals);
  return plan;
}

void JsonPlan::add(const Schema& schema, std::string lead, std::uint32_t objects, DecimalFormat decimals) {
  const std::size_t at = operations_.size();
  JsonOperation operation{
      .kind = json_kind_of(schema, decimals), .optional = schema.optional, .objects = objects};
  operation.lead = std::move(lead);
  if (operation.kind == JsonOperation::Kind::number) operation.scale = decimal_scale(schema);
  operations_.push_back(std::move(operation));
  if (schema.type == SchemaType::struct_) {
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
      const bool last = i + 1 == schema.fields.size();
      add(*schema.fields[i].schema, field_lead(schema.fields[i].name, i == 0), last ? objects + 1 : 0,
          decimals);
    }
  } else if (schema.type == SchemaType::array) {
    add(*schema.element, {}, 0, decimals);
  } else if (schema.type == SchemaType::map) {
    const bool is_object = schema.key->type == SchemaType::string;
    operations_[at].is_object = is_object;
    add(*schema.key, is_object ? "" : "[", 0, decimals);
    add(*schema.element, is_object ? ":" : ",", 0, decimals);
  }
  operations_[at].next = static_cast<std::uint32_t>(operations_.size());
}

JsonWriter::JsonWriter(std::shared_ptr<const JsonPlan> plan, ByteBuffer& out)
    : plan_(std::move(plan)), out_(&out) {
  begin();
}

void JsonWriter::begin() {
  frames_.clear();
  at_ = 0;
  end_ = static_cast<std::uint32_t>(plan_->operations().size());
}

const JsonOperation& JsonWriter::current() const {
  TAILRACE_ASSERT(at_ < end_);
  return plan_->operations()[at_];
}

const JsonOperation& JsonWriter::start(JsonOperation::Kind kind) {
  const JsonOperation& operation = current();
  TAILRACE_ASSERT(operation.kind == kind);
  out_->put_bytes(operation.lead);
  return operation;
}

// The value of the current operation is written, with all that is below it.
void JsonWriter::finish() {
  const JsonOperation& operation = plan_->operations()[at_];
  for (std::uint32_t i = 0; i < operation.objects; ++i)
    out_->put_byte('}');
  at_ = operation.next;
  if (at_ == end_ && !frames_.empty()) finish_element();
}

void JsonWriter::end_block(const JsonOperation& container) {
  out_->put_byte(container.is_object ? '}' : ']');
}

void JsonWriter::finish_element() {
  Frame& frame = frames_.back();
  const JsonOperation& container = plan_->operations()[frame.container];
  if (container.kind == JsonOperation::Kind::map && !container.is_object) out_->put_byte(']');
  if (--frame.left != 0) {
    out_->put_byte(',');
    at_ = frame.container + 1;
    return;
  }
  end_block(container);
  at_ = frame.container;
  end_ = frame.outer_end;
  frames_.pop_back();
  finish();
}

void JsonWriter::null() {
  const JsonOperation& operation = current();
  TAILRACE_ASSERT(operation.optional);
  out_->put_bytes(operation.lead);
  out_->put_bytes("null");
  finish();
}

void JsonWriter::boolean(bool value) {
  start(JsonOperation::Kind::boolean);
  out_->put_bytes(value ? "true" : "false");
  finish();
}

void JsonWriter::integer(std::int64_t value) {
  start(JsonOperation::Kind::integer);
  put_integer(*out_, value);
  finish();
}

void JsonWriter::float32(float value) {
  start(JsonOperation::Kind::float32);
  put_float(*out_, value);
  finish();
}

void JsonWriter::float64(double value) {
  start(JsonOperation::Kind::float64);
  put_double(*out_, value);
  finish();
}

void JsonWriter::text(std::string_view value) {
  start(JsonOperation::Kind::text);
  put_json_string(*out_, value, Supplementary::escaped);
  finish();
}

void JsonWriter::bytes(std::string_view value) {
  if (current().kind == JsonOperation::Kind::number) {
    const JsonOperation& operation = start(JsonOperation::Kind::number);
    out_->put_bytes(decimal_text(value, operation.scale));
  } else {
    start(JsonOperation::Kind::bytes);
    out_->put_byte('"');
    put_base64(*out_, value);
    out_->put_byte('"');
  }
  finish();
}

void JsonWriter::decimal(int128 unscaled) {
  char digits[16];
  bytes({digits, static_cast<std::size_t>(write_decimal(digits, unscaled) - digits)});
}

void JsonWriter::begin_record() {
  const JsonOperation& operation = start(JsonOperation::Kind::record);
  out_->put_byte('{');
  if (operation.next != at_ + 1) {
    ++at_;
    return;
  }
  out_->put_byte('}');
  finish();
}

void JsonWriter::begin_array(std::size_t count) {
  begin_block(JsonOperation::Kind::array, count);
}

void JsonWriter::begin_map(std::size_t count) {
  begin_block(JsonOperation::Kind::map, count);
}

void JsonWriter::begin_block(JsonOperation::Kind kind, std::size_t count) {
  const JsonOperation& operation = start(kind);
  out_->put_byte(operation.is_object ? '{' : '[');
  if (count == 0) {
    end_block(operation);
    return finish();
  }
  frames_.push_back({at_, end_, count});
  end_ = operation.next;
  ++at_;
}

void JsonWriter::written(std::string_view json) {
  out_->put_bytes(current().lead);
  out_->put_bytes(json);
  finish();
}

}  // namespace tailrace::record
