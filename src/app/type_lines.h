// docs/types.md from the code: the columns that the target creates for each SQL Server type.
#pragma once

#include <vector>

#include "app/documents.h"

namespace tailrace::app {

std::vector<TypeLine> type_lines();

}  // namespace tailrace::app
