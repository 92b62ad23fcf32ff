// Faults of rows.
#include "kafka/faults.h"

#include <fmt/format.h>

#include "base/error.h"
#include "model/key_text.h"

namespace tailrace::kafka {

void refuse_faults(const RowBatch& rows) {
  if (rows.faults().empty()) return;
  const RowFault& fault = rows.faults().front();
  const TableSchema& table = rows.schema();
  throw Error(ErrorKind::data, fmt::format("a row of {} cannot be sent: {}", table.name.str(), fault.text))
      .with("table", table.name.str())
      .with("key", fmt::format("{}", fmt::join(key_of(rows, fault.row), ", ")))
      .with("column", table.columns.at(fault.column).name)
      .with("remedy",
            "mend the row at the source, or leave the column out (tables.settings.<table>.columns)");
}

}  // namespace tailrace::kafka
