// Values as text for target columns of text: what SQL Server shows (style 121), with every digit of the column.
#pragma once

#include <string>

#include "model/row_batch.h"

namespace tailrace::postgres {

// Of integers, decimals, dates, times and uniqueidentifier.
std::string shown_text(const Cell& cell, const ColumnType& type);

}  // namespace tailrace::postgres
