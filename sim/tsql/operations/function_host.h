// What functions ask of the session that runs them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/storage/value.h"
#include "sim/tsql/values/convert.h"

namespace tailrace::sim::tsql {

// What functions ask of the session that runs them.
class FunctionHost {
 public:
  virtual ~FunctionHost() = default;
  virtual std::optional<std::string> object_name(std::int64_t object_id,
                                                 std::optional<std::int64_t> database_id) = 0;
  virtual std::optional<std::string> object_schema_name(std::int64_t object_id,
                                                        std::optional<std::int64_t> database_id) = 0;
  virtual std::optional<std::int64_t> object_id(std::string_view name, std::optional<std::string> type) = 0;
  virtual std::optional<std::string> schema_name(std::int64_t schema_id) = 0;
  virtual std::optional<std::int64_t> schema_id(std::string_view name) = 0;
  virtual std::optional<std::string> database_name(std::int64_t id) = 0;
  virtual std::optional<std::int64_t> database_id(std::string_view name) = 0;
  virtual std::optional<std::string> column_name(std::int64_t object_id, std::int64_t column_id) = 0;
  virtual std::optional<std::int64_t> column_property(std::int64_t object_id, std::string_view column,
                                                      std::string_view property) = 0;
  virtual std::optional<std::int64_t> object_property(std::int64_t object_id, std::string_view property) = 0;
  virtual std::optional<Value> server_property(std::string_view name) = 0;
  virtual std::optional<Value> database_property(std::string_view database, std::string_view name) = 0;
  virtual std::optional<Value> session_property(std::string_view name) = 0;
  virtual std::optional<std::string> name_of_type(std::int64_t id) = 0;
  virtual std::optional<std::int64_t> id_of_type(std::string_view name) = 0;
  virtual std::optional<std::int64_t> column_length(std::string_view table, std::string_view column) = 0;
  virtual std::optional<std::int64_t> has_database_access(std::string_view name) = 0;
  virtual std::optional<std::string> index_column(std::string_view table, std::int64_t index_id,
                                                  std::int64_t key_id) = 0;
  virtual std::optional<std::int64_t> index_property(std::int64_t object_id, std::string_view index,
                                                     std::string_view property) = 0;
  virtual std::optional<std::int64_t> current_identity(std::string_view table) = 0;
  virtual std::optional<std::int64_t> has_permission(std::optional<std::string> securable,
                                                     std::string_view class_name,
                                                     std::string_view permission) = 0;
  virtual std::optional<std::int64_t> is_server_role_member(std::string_view role,
                                                            std::optional<std::string> login) = 0;
  virtual std::optional<std::int64_t> is_role_member(std::string_view role,
                                                     std::optional<std::string> user) = 0;
  virtual std::optional<std::string> user_name(std::optional<std::int64_t> id) = 0;
  // sys.fn_cdc_...: `name` in lower case. False: an error was set.
  virtual bool cdc_function(std::string_view name, std::span<const Cell> args, Value& out,
                            ConversionError& error) = 0;
};

struct FunctionContext {
  FunctionHost* host = nullptr;
  ConversionError error;
  // The statement's time: every GETDATE() of a statement answers the same.
  std::int64_t utc_ticks = 0;
  std::int64_t local_ticks = 0;
  std::int16_t offset_minutes = 0;
};

}  // namespace tailrace::sim::tsql
