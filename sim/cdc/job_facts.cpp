// What the jobs of a database say of themselves, read from its file.
#include "sim/cdc/capture_job_internal.h"

namespace tailrace::sim {

JobFacts read_facts(const Database& database) {
  JobFacts facts;
  Connection connection(database.path, database.durable);
  facts.cdc = connection.single_number("SELECT cdc_enabled FROM cat_state") != 0;
  if (!facts.cdc) return facts;
  Statement rows = connection.prepare(
      "SELECT job_type, running, maxtrans * maxscans, continuous, interval_ms, retention FROM cat_jobs");
  while (rows.next()) {
    if (rows.text(0) == "capture") {
      facts.capture = rows.number(1) != 0;
      facts.limit = rows.number(2);
      facts.continuous = rows.number(3) != 0;
      facts.interval = std::chrono::milliseconds(rows.number(4));
    } else {
      facts.cleanup = rows.number(1) != 0;
      facts.retention = rows.number(5);
    }
  }
  return facts;
}

}  // namespace tailrace::sim
