// The rows of sys.types.
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/type_facts.h"
#include "sim/storage/collation.h"
#include "sim/storage/connection.h"

namespace tailrace::sim {

void create_types(Connection& connection) {
  static constexpr std::string_view declarations[] = {"uniqueidentifier",
                                                      "date",
                                                      "time(7)",
                                                      "datetime2(7)",
                                                      "datetimeoffset(7)",
                                                      "tinyint",
                                                      "smallint",
                                                      "int",
                                                      "smalldatetime",
                                                      "real",
                                                      "money",
                                                      "datetime",
                                                      "float",
                                                      "bit",
                                                      "decimal(38,38)",
                                                      "numeric(38,38)",
                                                      "smallmoney",
                                                      "bigint",
                                                      "varbinary(8000)",
                                                      "varchar(8000)",
                                                      "binary(8000)",
                                                      "char(8000)",
                                                      "nvarchar(4000)",
                                                      "nchar(4000)",
                                                      "image",
                                                      "text",
                                                      "sql_variant",
                                                      "ntext",
                                                      "hierarchyid",
                                                      "geometry",
                                                      "geography",
                                                      "timestamp",
                                                      "xml",
                                                      "sysname"};
  connection.execute(
      "CREATE TABLE cat_types(user_type_id INTEGER PRIMARY KEY, name COLLATE Latin1_General_CI_AS,"
      " system_type_id, max_length, precision, scale, collation COLLATE Latin1_General_CI_AS)");
  for (const std::string_view declaration : declarations) {
    const TypeInfo type = *parse_type(declaration);
    const bool sysname = declaration == "sysname";
    Statement row = connection.prepare("INSERT INTO cat_types VALUES(?, ?, ?, ?, ?, ?, ?)");
    row.bind(1, std::int64_t{sysname ? 256 : user_type_id(type)})
        .bind(2, sysname ? declaration : type_name(type));
    row.bind(3, std::int64_t{system_type_id(type)}).bind(4, std::int64_t{shown_length(type)});
    row.bind(5, std::int64_t{shown_precision(type)}).bind(6, std::int64_t{shown_scale(type)});
    if (is_text(type)) row.bind(7, default_collation);
    row.run();
  }
}

}  // namespace tailrace::sim
