// The name of the table that a record is of, by the pattern of the settings.
//
// Shape    {database}, {schema}, {table}: as the record says, or the last three parts of its topic. {topic}: the whole topic.
//          {underscored_topic}: the same with underscores for its dots, as Debezium's JDBC sink names its tables.
// Threads  Functions.
#pragma once

#include <string>
#include <string_view>

#include "intake/layout.h"
#include "model/table_schema.h"

namespace tailrace::intake {

// `source`: the fields that the origin points into; nullptr: none.
TableName table_of(std::string_view pattern, std::string_view topic, const Layout::Origin& origin,
                   const record::List* source);

// What is wrong with a pattern; empty: nothing.
std::string fault_of_table_names(std::string_view pattern);

}  // namespace tailrace::intake
