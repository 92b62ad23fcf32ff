// The procedures of change data capture: arguments by position and name, then the room below.
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

// A procedure that changes something: all of it or nothing.
template <typename Body>
std::int32_t SessionCore::cdc_write(Body body) {
  active_->catalog.refresh();
  write_statement([&] {
    check(body());
    active_->catalog.touch();
  });
  return 0;
}

std::int32_t SessionCore::cdc_procedure(const std::string& name, CallArguments& arguments) {
  Cdc& cdc = active_->cdc;
  const Principal& caller = active_->principal;
  CdcResult result;
  const auto text = [&](std::size_t position, std::string_view key) { return arguments.text(position, key); };
  const auto number = [&](std::size_t position, std::string_view key) {
    return arguments.number(position, key);
  };
  const auto flag = [&](std::size_t position, std::string_view key) {
    const std::optional<std::int64_t> value = number(position, key);
    return value ? std::optional<bool>(*value != 0) : std::nullopt;
  };
  const auto bytes = [&](std::size_t position, std::string_view key) -> std::optional<Lsn> {
    Argument* found = arguments.find(position, key);
    if (found == nullptr || found->value.null) return std::nullopt;
    Value out;
    ConversionError error;
    if (!convert(found->value.type, cell_of(found->value), text_type(Type::binary, 10), no_style, out, error))
      raise(error.number, error.text);
    return out.text;
  };
  if (name == "sp_cdc_enable_db") {
    arguments.known({});
    return cdc_write([&] { return cdc.enable_db(caller); });
  }
  if (name == "sp_cdc_disable_db") {
    arguments.known({});
    return cdc_write([&] { return cdc.disable_db(caller); });
  }
  if (name == "sp_cdc_enable_table") {
    arguments.known({"@source_schema", "@source_name", "@capture_instance", "@supports_net_changes",
                     "@role_name", "@index_name", "@captured_column_list", "@filegroup_name",
                     "@allow_partition_switch"});
    EnableTable parameters;
    parameters.source_schema = text(0, "@source_schema");
    parameters.source_name = text(1, "@source_name");
    parameters.capture_instance = text(2, "@capture_instance");
    parameters.supports_net_changes = flag(3, "@supports_net_changes");
    parameters.role_given = arguments.find(4, "@role_name") != nullptr;
    parameters.role_name = text(4, "@role_name");
    parameters.index_name = text(5, "@index_name");
    parameters.captured_column_list = text(6, "@captured_column_list");
    parameters.filegroup_name = text(7, "@filegroup_name");
    parameters.allow_partition_switch = flag(8, "@allow_partition_switch");
    cdc_write([&] { return cdc.enable_table(caller, parameters, result); });
    send_result(result);
    return 0;
  }
  if (name == "sp_cdc_disable_table") {
    arguments.known({"@source_schema", "@source_name", "@capture_instance"});
    return cdc_write([&] {
      return cdc.disable_table(caller, text(0, "@source_schema"), text(1, "@source_name"),
                               text(2, "@capture_instance"));
    });
  }
  if (name == "sp_cdc_help_change_data_capture") {
    arguments.known({"@source_schema", "@source_name"});
    before_read();
    active_->catalog.refresh();
    check(cdc.help_change_data_capture(caller, text(0, "@source_schema"), text(1, "@source_name"), result));
    send_result(result);
    return 0;
  }
  if (name == "sp_cdc_help_jobs") {
    arguments.known({});
    before_read();
    check(cdc.help_jobs(caller, result));
    send_result(result);
    return 0;
  }
  if (name == "sp_cdc_get_captured_columns" || name == "sp_cdc_get_ddl_history") {
    arguments.known({"@capture_instance"});
    before_read();
    active_->catalog.refresh();
    check(name == "sp_cdc_get_ddl_history"
              ? cdc.get_ddl_history(caller, text(0, "@capture_instance"), result)
              : cdc.get_captured_columns(caller, text(0, "@capture_instance"), result));
    send_result(result);
    return 0;
  }
  if (name == "sp_cdc_change_job" || name == "sp_cdc_add_job") {
    const bool add = name == "sp_cdc_add_job";
    Cdc::ChangeJob job;
    std::size_t at = 0;
    job.job_type = text(at++, "@job_type");
    std::optional<bool> start = true;
    if (add) {
      arguments.known({"@job_type", "@start_job", "@maxtrans", "@maxscans", "@continuous", "@pollinginterval",
                       "@retention", "@threshold"});
      start = flag(at++, "@start_job").value_or(true);
    } else {
      arguments.known({"@job_type", "@maxtrans", "@maxscans", "@continuous", "@pollinginterval", "@retention",
                       "@threshold"});
    }
    job.maxtrans = number(at, "@maxtrans");
    job.maxscans = number(at + 1, "@maxscans");
    job.continuous = number(at + 2, "@continuous");
    job.pollinginterval = number(at + 3, "@pollinginterval");
    job.retention = number(at + 4, "@retention");
    job.threshold = number(at + 5, "@threshold");
    cdc_write([&] { return add ? cdc.add_job(caller, job, *start, result) : cdc.change_job(caller, job); });
    send_result(result);
    return 0;
  }
  if (name == "sp_cdc_drop_job" || name == "sp_cdc_start_job" || name == "sp_cdc_stop_job") {
    arguments.known({"@job_type"});
    const std::optional<std::string> type = text(0, "@job_type");
    return cdc_write([&] {
      return name == "sp_cdc_drop_job"    ? cdc.drop_job(caller, type)
             : name == "sp_cdc_start_job" ? cdc.start_job(caller, type)
                                          : cdc.stop_job(caller, type);
    });
  }
  if (name == "sp_cdc_cleanup_change_table") {
    arguments.known({"@capture_instance", "@low_water_mark", "@threshold", "@fCleanupFailed"});
    return cdc_write([&] {
      return cdc.cleanup_change_table(caller, text(0, "@capture_instance"), bytes(1, "@low_water_mark"),
                                      number(2, "@threshold").value_or(5000));
    });
  }
  if (name == "sp_cdc_scan") {
    if (!active_->security.is_owner(caller))
      raise(22904, "Caller is not authorized to initiate the requested action. DBO privileges are required.");
    if (tran_count_ > 0) not_supported("sp_cdc_scan inside of a transaction");
    state_.jobs.scan_now(*active_->database);
    return 0;
  }
  // Its scripts are CREATE FUNCTION statements, which are not simulated.
  if (name == "sp_cdc_generate_wrapper_function" || name == "sp_cdc_dbsnapshotlsn") not_supported(name);
  raise(2812, "Could not find stored procedure '" + name + "'.", 0, 62);
}

}  // namespace tailrace::sim::tsql
