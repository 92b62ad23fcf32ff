// Procedures that SQL Server has and the simulator has not.
#include <set>
#include <string>

#include "sim/tsql/errors.h"
#include "sim/tsql/procedures/procedures_internal.h"

namespace tailrace::sim::tsql {

void unknown_procedure(const std::string& name, const std::string& written) {
  static const std::set<std::string, std::less<>> of_server{"sp_cursor",
                                                            "sp_cursoropen",
                                                            "sp_cursorprepare",
                                                            "sp_cursorexecute",
                                                            "sp_cursorprepexec",
                                                            "sp_cursorunprepare",
                                                            "sp_cursorfetch",
                                                            "sp_cursoroption",
                                                            "sp_cursorclose",
                                                            "sp_prepexecrpc",
                                                            "sp_datatype_info",
                                                            "sp_datatype_info_90",
                                                            "sp_datatype_info_100",
                                                            "sp_databases",
                                                            "sp_server_info",
                                                            "sp_describe_first_result_set",
                                                            "sp_describe_undeclared_parameters",
                                                            "sp_stored_procedures",
                                                            "sp_sproc_columns",
                                                            "sp_sproc_columns_100",
                                                            "sp_table_privileges",
                                                            "sp_column_privileges",
                                                            "sp_help",
                                                            "sp_helptext",
                                                            "sp_helpindex",
                                                            "sp_helpdb",
                                                            "sp_spaceused",
                                                            "sp_who",
                                                            "sp_who2",
                                                            "sp_lock",
                                                            "sp_getapplock",
                                                            "sp_releaseapplock",
                                                            "sp_addextendedproperty",
                                                            "sp_set_session_context",
                                                            "sp_changedbowner"};
  if (of_server.contains(name)) not_supported(name);
  raise(2812, "Could not find stored procedure '" + written + "'.", 0, 62);
}

}  // namespace tailrace::sim::tsql
