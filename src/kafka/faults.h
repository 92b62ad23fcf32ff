// Values that the source could not give as they are (RowFault).
//
// Errors   data, with the table and the row's key: nothing of a batch with one is sent.
#pragma once

#include "model/row_batch.h"

namespace tailrace::kafka {

void refuse_faults(const RowBatch& rows);

}  // namespace tailrace::kafka
