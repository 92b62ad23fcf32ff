// Bytes from outside never crash a decoder: random ones, good ones with changes, and the corpus (testdata/README.md).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "record/avro_decoder.h"
#include "record/avro_schema.h"
#include "record/connect_json.h"
#include "record/testing/samples.h"

namespace tailrace::record {
namespace {

constexpr std::uint32_t seed = 20261130;

// Only `protocol` and `data` may leave a decoder; what it answers fits its schema.
void expect_survival(const std::function<void()>& decode, const std::string& input) {
  try {
    decode();
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::protocol || error.kind() == ErrorKind::data)
        << error.what() << "\n"
        << testing::hex(input);
  }
}

void decode_avro(const AvroDecoder& decoder, const std::string& bytes) {
  expect_survival([&] { EXPECT_TRUE(fits(*decoder.schema(), decoder.decode(bytes))) << testing::hex(bytes); },
                  bytes);
}

void decode_document(const std::string& document, const std::string& bytes) {
  expect_survival([&] { decode_avro(AvroDecoder(parse_avro(document)), bytes); }, document);
}

// What is read can be written, and is read as the same again.
void decode_json(const std::string& text) {
  expect_survival(
      [&] {
        const SchemaAndValue read = parse_json_envelope(text);
        if (!read.schema) return;
        EXPECT_TRUE(fits(*read.schema, read.value)) << text;
        const std::string again = testing::json_of(*read.schema, read.value, DecimalFormat::base64);
        EXPECT_TRUE(testing::same_value(value_of_json(*read.schema, parse_json(again)), read.value)) << text;
      },
      text);
}

std::string changed(std::string input, testing::Samples& samples) {
  for (std::uint32_t i = 1 + samples.below(4); i > 0 && !input.empty(); --i) {
    const std::size_t at = samples.below(static_cast<std::uint32_t>(input.size()));
    switch (samples.below(5)) {
      case 0: input[at] = static_cast<char>(samples.below(256)); break;
      case 1: input[at] = samples.below(2) == 0 ? '\xff' : '\0'; break;
      case 2: input.erase(at, 1 + samples.below(4)); break;
      case 3: input.insert(at, 1 + samples.below(4), static_cast<char>(samples.below(256))); break;
      default: input.resize(at); break;
    }
  }
  return input;
}

void for_each_input(const std::string& folder, const std::function<void(const std::string&)>& decode) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TAILRACE_RECORD_TESTDATA "/" + folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    SCOPED_TRACE(entry.path());
    decode(text.str());
    ++found;
  }
  EXPECT_GT(found, 0U) << folder;
}

TEST(DecoderFuzz, AvroBytes) {
  testing::Samples samples(seed);
  for (int i = 0; i < 200; ++i) {
    const SchemaPtr schema = samples.record(3);
    const std::string document = avro_document(*schema);
    const AvroDecoder decoder(parse_avro(document));
    const std::string good = testing::avro_of(document, *schema, samples.value(*schema));
    for (int k = 0; k < 200; ++k)
      decode_avro(decoder, changed(good, samples));
    for (int k = 0; k < 50; ++k)
      decode_avro(decoder, samples.bytes(100));
  }
}

// Each field by chance, and of structs in them some.
Wanted chosen(const Schema& schema, testing::Samples& samples) {
  Wanted out;
  for (const Field& field : schema.fields) {
    out.fields.push_back(samples.below(2) == 0);
    const bool is_struct = field.schema->type == SchemaType::struct_ && samples.below(2) == 0;
    out.inside.push_back(is_struct ? chosen(*field.schema, samples) : Wanted{});
  }
  return out;
}

Value without(const Value& value, const Wanted& wanted) {
  const List* const fields = value.as<List>();
  if (fields == nullptr) return value;
  List out;
  for (std::size_t i = 0; i < fields->size(); ++i) {
    if (!wanted.fields[i]) {
      out.emplace_back();
    } else {
      out.push_back(wanted.inside[i].fields.empty() ? (*fields)[i] : without((*fields)[i], wanted.inside[i]));
    }
  }
  return Value::list(std::move(out));
}

std::optional<Value> decoded_or_refused(const std::function<Value()>& decode) {
  try {
    return decode();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::protocol) << error.what();
    return std::nullopt;
  }
}

// What is read over has moved by as many bytes, and was looked at as closely: else a poisoned record is a row of its neighbours.
TEST(DecoderFuzz, WhatIsReadOverIsReadAsItIs) {
  testing::Samples samples(seed + 3);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    const SchemaPtr schema = samples.record(3);
    const std::string document = avro_document(*schema);
    const AvroDecoder decoder(parse_avro(document));
    const std::string good = testing::avro_of(document, *schema, samples.value(*schema));
    for (int k = 0; k < 50; ++k) {
      const Wanted wanted = chosen(*schema, samples);
      const std::string bytes = k == 0 ? good : changed(good, samples);
      const std::optional<Value> whole = decoded_or_refused([&] { return decoder.decode(bytes); });
      const std::optional<Value> part = decoded_or_refused([&] { return decoder.decode(bytes, wanted); });
      ASSERT_EQ(part.has_value(), whole.has_value()) << document << testing::hex(bytes);
      if (whole) {
        ASSERT_TRUE(testing::same_value(*part, without(*whole, wanted))) << document << testing::hex(bytes);
      }
      refused += whole ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(DecoderFuzz, AvroDocuments) {
  testing::Samples samples(seed + 1);
  for (int i = 0; i < 200; ++i) {
    const std::string good = avro_document(*samples.record(2));
    const std::string bytes = samples.bytes(100);
    for (int k = 0; k < 50; ++k)
      decode_document(changed(good, samples), bytes);
  }
}

TEST(DecoderFuzz, Json) {
  testing::Samples samples(seed + 2);
  for (int i = 0; i < 200; ++i) {
    const SchemaPtr schema = samples.schema(2);
    const std::string good = json_envelope_head(*schema) +
                             testing::json_of(*schema, samples.value(*schema), DecimalFormat::base64) + "}";
    for (int k = 0; k < 50; ++k)
      decode_json(changed(good, samples));
  }
}

TEST(DecoderFuzz, Corpus) {
  for_each_input("json", decode_json);
  for_each_input("avro", [](const std::string& input) {
    const std::size_t end = input.find('\n');
    decode_document(input.substr(0, end), end == std::string::npos ? "" : input.substr(end + 1));
  });
}

}  // namespace
}  // namespace tailrace::record
