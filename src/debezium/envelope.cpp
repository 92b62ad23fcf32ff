// The small texts of envelopes.
#include "debezium/envelope.h"

namespace tailrace::debezium {

LsnText::LsnText(const Lsn& lsn) {
  constexpr char digits[] = "0123456789abcdef";
  char* at = text_;
  for (std::size_t i = 0; i < lsn.bytes.size(); ++i) {
    if (i == 4 || i == 8) *at++ = ':';
    *at++ = digits[lsn.bytes[i] >> 4];
    *at++ = digits[lsn.bytes[i] & 15];
  }
}

std::string_view marker_text(SnapshotMarker marker) {
  switch (marker) {
    case SnapshotMarker::none: return "false";
    case SnapshotMarker::first: return "first";
    case SnapshotMarker::first_in_data_collection: return "first_in_data_collection";
    case SnapshotMarker::middle: return "true";
    case SnapshotMarker::last_in_data_collection: return "last_in_data_collection";
    case SnapshotMarker::last: return "last";
    case SnapshotMarker::incremental: return "incremental";
  }
  return "false";
}

std::string_view debezium_version() {
  return "3.6.1.Final";
}

}  // namespace tailrace::debezium
