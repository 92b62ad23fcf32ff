// The session values that expressions can name, with their types.
#include <map>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

const SessionValueType* find_session_value(std::string_view name) {
  static const TypeInfo name_type = nvarchar_type(128);
  static const TypeInfo wide_number = decimal_type(38, 0);
  static const std::map<std::string, SessionValueType, std::less<>> values{
      {"@@ROWCOUNT", {int_type(), false}},
      {"@@ERROR", {int_type(), false}},
      {"@@TRANCOUNT", {int_type(), false}},
      {"@@IDENTITY", {wide_number, true}},
      {"@@SPID", {make_type(Type::smallint), false}},
      {"@@VERSION", {nvarchar_type(300), false}},
      {"@@SERVERNAME", {name_type, true}},
      {"@@SERVICENAME", {name_type, true}},
      {"@@LANGUAGE", {name_type, false}},
      {"@@LANGID", {make_type(Type::smallint), false}},
      {"@@MAX_PRECISION", {make_type(Type::tinyint), false}},
      {"@@LOCK_TIMEOUT", {int_type(), false}},
      {"@@DATEFIRST", {make_type(Type::tinyint), false}},
      {"@@MICROSOFTVERSION", {int_type(), false}},
      {"@@OPTIONS", {int_type(), false}},
      {"@@TEXTSIZE", {int_type(), false}},
      {"@@NESTLEVEL", {int_type(), false}},
      {"@@PROCID", {int_type(), false}},
      {"@@MAX_CONNECTIONS", {int_type(), false}},
      {"@@FETCH_STATUS", {int_type(), false}},
      {"SCOPE_IDENTITY", {wide_number, true}},
      {"ROWCOUNT_BIG", {bigint_type(), false}},
      {"XACT_STATE", {make_type(Type::smallint), false}},
      {"ERROR_NUMBER", {int_type(), true}},
      {"ERROR_MESSAGE", {nvarchar_type(4000), true}},
      {"ERROR_SEVERITY", {int_type(), true}},
      {"ERROR_STATE", {int_type(), true}},
      {"ERROR_LINE", {int_type(), true}},
      {"ERROR_PROCEDURE", {name_type, true}},
      {"APP_NAME", {name_type, true}},
      {"HOST_NAME", {name_type, true}},
      {"SUSER_SNAME", {name_type, true}},
      {"SUSER_NAME", {name_type, true}},
      {"ORIGINAL_LOGIN", {name_type, false}},
      {"SYSTEM_USER", {name_type, false}},
      {"CURRENT_USER", {name_type, true}},
      {"SESSION_USER", {name_type, true}},
      {"USER", {name_type, true}},
      {"USER_NAME", {name_type, true}},
      {"DB_NAME", {name_type, true}},
      {"DB_ID", {make_type(Type::smallint), true}},
      {"SCHEMA_NAME", {name_type, true}},
      {"SCHEMA_ID", {int_type(), true}},
      {"CURRENT_TRANSACTION_ID", {bigint_type(), true}}};
  const auto found = values.find(name);
  return found == values.end() ? nullptr : &found->second;
}

}  // namespace tailrace::sim::tsql
