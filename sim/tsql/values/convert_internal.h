// What the files of convert() share: a function for each kind of target, in convert_number.cpp, convert_moment.cpp and
// convert_text.cpp.
#pragma once

#include "sim/tsql/values/convert.h"

namespace tailrace::sim::tsql {

bool fail(ConversionError& error, std::int32_t number, std::string text);  // Always false.

bool to_integer(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out, ConversionError& error);
bool to_exact(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out, ConversionError& error);
bool to_float(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out, ConversionError& error);
bool to_moment(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
               ConversionError& error);
bool to_text(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
             ConversionError& error, ConversionUse use);
bool to_bytes(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
              ConversionError& error, ConversionUse use);

}  // namespace tailrace::sim::tsql
