// Shared by the files of convert(): text and byte targets stand in convert_text.cpp.
#pragma once

#include "sim/tsql/convert.h"

namespace tailrace::sim::tsql {

bool fail(ConversionError& error, std::int32_t number, std::string text);  // Always false.

bool to_text(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
             ConversionError& error, ConversionUse use);
bool to_bytes(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
              ConversionError& error, ConversionUse use);

}  // namespace tailrace::sim::tsql
