// Selecting tables: patterns, columns, keys, capture instances.
// Long: what makes a table fit or not is one pass over it, and every refusal stands beside its remedy.
#include "sqlserver/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "sqlserver/capture_instances.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/pattern.h"
#include "sqlserver/remedies.h"
#include "sqlserver/statements.h"
#include "sqlserver/table_patterns.h"

namespace tailrace::sqlserver {
namespace {

constexpr std::size_t most_name_bytes = 63;  // PostgreSQL cuts longer names without a word.

// Builds one table's schema, and collects what is in the way.
class TableSelector {
 public:
  struct Rules {
    bool case_sensitive = false;
    bool raw_objects = false;
    bool for_events = false;  // What only PostgreSQL cannot hold is no reason against a table.
  };

  TableSelector(const Catalog& catalog, const CatalogTable& table, const TableSettings& settings, Rules rules,
                std::vector<Finding>& findings)
      : catalog_(catalog), table_(table), settings_(settings), rules_(rules), findings_(findings) {}

  std::optional<CapturedTable> select(const StoredTable* stored) {
    schema_.name = table_.name;
    schema_.estimated_rows = table_.rows;
    schema_.snapshot_filter = settings_.snapshot_filter;
    if (stored != nullptr && !stored->taken_again) kept_ = stored->instance.name;
    check_rights();
    if (is_of_a_kind_without_capture()) return std::nullopt;
    check_policies();
    // Events have the columns that the instance has; for PostgreSQL an instance must have those that the table has.
    if (rules_.for_events) holder_ = select_instance(stored);
    select_columns();
    select_key();
    select_constraints();
    const CatalogInstance* instance = rules_.for_events ? holder_ : select_instance(stored);
    if (failed_ || instance == nullptr) return std::nullopt;
    schema_.instance = identity_of(*instance);
    CapturedTable out;
    out.source_object_id = table_.object_id;
    out.instance = schema_.instance;
    out.change_table = instance->change_table;
    out.has_command_id = instance->has_command_id;
    out.text_form = instance->has_other_collation ? TextForm::utf16 : TextForm::western;
    out.needs_before = !is_identity(*instance) || has_key_of_many_spellings();
    for (const std::int32_t id : ids_)
      out.ordinals.push_back(ordinal_of(*instance, id).value_or(0));
    out.schema = std::make_shared<const TableSchema>(std::move(schema_));
    return out;
  }

 private:
  void fail(std::string name, std::string subject, std::string reason, std::string remedy) {
    failed_ = true;
    findings_.push_back(
        {FindingLevel::failure, std::move(name), std::move(subject), std::move(reason), std::move(remedy)});
  }
  void warn(std::string name, std::string subject, std::string reason, std::string remedy) {
    findings_.push_back(
        {FindingLevel::warning, std::move(name), std::move(subject), std::move(reason), std::move(remedy)});
  }
  std::string column_subject(const CatalogColumn& column) const {
    return table_.name.str() + "." + column.name;
  }

  void check_rights() {
    if (!table_.may_select) {
      fail("table.rights", table_.name.str(), "the login may not read the table",
           fmt::format("GRANT SELECT ON {}.{} TO {};", quote(table_.name.schema), quote(table_.name.name),
                       quote(catalog_.database.user)));
    }
    if (is_of_a_kind_without_capture()) {
      fail("table.kind", table_.name.str(), fmt::format("it is {}, which CDC cannot capture", table_.kind),
           fmt::format("tables: {{ exclude: [{}] }}", table_.name.str()));
    }
    for (const std::string& name : {table_.name.schema, table_.name.name}) {
      if (rules_.for_events || name.size() <= most_name_bytes) continue;
      fail("table.name_length", table_.name.str(),
           fmt::format("the name {} has {} bytes, and PostgreSQL's names have at most 63", name, name.size()),
           fmt::format("tables: {{ exclude: [{}] }}", table_.name.str()));
    }
  }

  // What is captured can be.
  bool is_of_a_kind_without_capture() const { return !table_.kind.empty() && table_.instances.empty(); }

  bool is_excluded(const CatalogColumn& column) const {
    return std::any_of(
        settings_.exclude_columns.begin(), settings_.exclude_columns.end(),
        [&](const std::string& name) { return same_name(name, column.name, rules_.case_sensitive); });
  }

  const CatalogColumn* find(const std::string& name) const {
    for (const CatalogColumn& column : table_.columns) {
      if (same_name(name, column.name, rules_.case_sensitive)) return &column;
    }
    return nullptr;
  }

  void select_columns() {
    for (const std::string& name : settings_.exclude_columns) {
      if (find(name) != nullptr) continue;
      fail("table.columns_exclude", table_.name.str(),
           fmt::format("columns.exclude names {}, and there is no such column", name),
           "correct tables.settings");
    }
    for (const CatalogColumn& column : table_.columns) {
      if (is_excluded(column)) continue;
      if (column.column_set) {
        warn("column.column_set", column_subject(column),
             "a column set is left out: CDC captures the sparse columns themselves",
             "exclude it by columns.exclude to say that this is meant");
        continue;
      }
      if (column.computed) {
        warn("column.computed", column_subject(column),
             "a computed column is left out: CDC does not capture it", exclude_remedy(column));
        continue;
      }
      if (holder_ != nullptr && !ordinal_of(*holder_, column.id)) {
        warn(
            "column.captured", column_subject(column),
            fmt::format("the capture instance {} does not hold the column: events leave it out until a newer "
                        "one begins",
                        holder_->name),
            exclude_remedy(column));
        continue;
      }
      if (!column.type) {
        fail("column.type", column_subject(column),
             fmt::format("the type {} is not carried", column.type_name), exclude_remedy(column));
        continue;
      }
      if (!rules_.for_events && column.name.size() > most_name_bytes) {
        fail("column.name_length", column_subject(column),
             fmt::format("the name has {} bytes, and PostgreSQL's names have at most 63", column.name.size()),
             exclude_remedy(column));
      }
      check_collation(column);
      schema_.columns.push_back({column.name, type_of(column), column.nullable, column.collation,
                                 policy_of(column), column.fallback, declared(column)});
      ids_.push_back(column.id);
    }
  }

  // As the procedures of the catalog name it, which is what a JDBC driver asks.
  std::string declared(const CatalogColumn& column) const {
    if (!rules_.for_events) return {};
    if (!column.identity) return column.type_name;
    const bool has_digits = column.type_name == "decimal" || column.type_name == "numeric";
    return column.type_name + (has_digits ? "() identity" : " identity");
  }

  // As the configuration has it.
  std::string exclude_remedy(const CatalogColumn& column) const {
    return fmt::format("tables: {{ settings: {{ {}: {{ columns: {{ exclude: [{}] }} }} }} }}",
                       table_.name.str(), column.name);
  }

  bool is_named(const std::vector<std::string>& names, const CatalogColumn& column) const {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return same_name(name, column.name, rules_.case_sensitive);
    });
  }

  ColumnType type_of(const CatalogColumn& column) const {
    ColumnType type = *column.type;
    const bool is_object = type.kind == TypeKind::geometry || type.kind == TypeKind::geography ||
                           type.kind == TypeKind::hierarchyid;
    type.raw = rules_.raw_objects && is_object;
    return type;
  }

  TextPolicy policy_of(const CatalogColumn& column) const {
    if (is_named(settings_.text_strip, column)) return TextPolicy::strip;
    if (is_named(settings_.text_replace, column)) return TextPolicy::replace;
    return rules_.for_events ? TextPolicy::carry : TextPolicy::error;
  }

  void check_policies() {
    for (const auto& [setting, names] : {std::pair("text.strip", &settings_.text_strip),
                                         std::pair("text.replace", &settings_.text_replace)}) {
      for (const std::string& name : *names) {
        const CatalogColumn* column = find(name);
        const bool is_text = column != nullptr && column->type && column->type->cell_kind() == CellKind::text;
        if (is_text) continue;
        fail("table.text_policy", table_.name.str(),
             fmt::format("{} names {}, and there is no such column of text", setting, name),
             "correct tables.settings");
      }
    }
  }

  // SQL Server's capture handles narrow text in the database's collation.
  void check_collation(const CatalogColumn& column) {
    const bool is_narrow = column.type->kind == TypeKind::char_ || column.type->kind == TypeKind::varchar ||
                           column.type->kind == TypeKind::text;
    if (!is_narrow || column.collation.empty() || column.collation == catalog_.database.collation) return;
    warn("column.collation", column_subject(column),
         fmt::format("{} is not the database's collation: SQL Server may store other than ASCII text of this "
                     "column damaged in "
                     "its change table",
                     column.collation),
         "make the column nvarchar, or give it the database's collation");
  }

  std::optional<std::size_t> index_of(std::int32_t id) const {
    const auto found = std::find(ids_.begin(), ids_.end(), id);
    if (found == ids_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - ids_.begin());
  }

  const CatalogIndex* primary_key() const {
    for (const CatalogIndex& index : table_.unique_indexes) {
      if (index.primary) return &index;
    }
    return nullptr;
  }

  // Ids of the columns by which rows are told apart in the target.
  std::vector<std::int32_t> key_ids() {
    if (!settings_.key.empty()) return configured_key();
    if (const CatalogIndex* primary = primary_key()) return primary->columns;
    if (rules_.for_events) return event_key();
    for (auto instance = table_.instances.rbegin(); instance != table_.instances.rend(); ++instance) {
      if (!instance->identity_columns.empty() && is_usable_key(instance->identity_columns)) {
        return instance->identity_columns;
      }
    }
    fail("table.key", table_.name.str(), "the table has no primary key", key_remedy());
    return {};
  }

  // As Debezium chooses it: the unique index that the server names first, whether its columns may be NULL or not.
  std::vector<std::int32_t> event_key() {
    const CatalogIndex* chosen = nullptr;
    for (const CatalogIndex& index : table_.unique_indexes) {
      if (!index.filter.empty()) continue;
      const bool is_before = chosen != nullptr && std::pair(!index.clustered, index.name) <
                                                      std::pair(!chosen->clustered, chosen->name);
      if (chosen == nullptr || is_before) chosen = &index;
    }
    if (chosen != nullptr) return chosen->columns;
    warn("table.key", table_.name.str(),
         "the table has neither a primary key nor a unique index: its events have no key", key_remedy());
    return {};
  }

  std::vector<std::int32_t> configured_key() {
    std::vector<std::int32_t> ids;
    for (const std::string& name : settings_.key) {
      const CatalogColumn* column = find(name);
      if (column == nullptr) {
        fail("table.key", table_.name.str(),
             fmt::format("the configured key names {}, and there is no such column", name),
             "correct tables.settings");
        return {};
      }
      ids.push_back(column->id);
    }
    if (!is_unique(ids)) {
      fail("table.key", table_.name.str(), "no unique index of the source stands for the configured key",
           unique_remedy(ids));
      return {};
    }
    return ids;
  }

  std::string unique_remedy(const std::vector<std::int32_t>& ids) const {
    std::string columns;
    for (const std::int32_t id : ids)
      columns += (columns.empty() ? "" : ", ") + quote(table_.find_column(id)->name);
    return fmt::format("CREATE UNIQUE INDEX {} ON {}.{} ({});   -- or configure another key",
                       quote("UX_" + table_.name.name + "_key"), quote(table_.name.schema),
                       quote(table_.name.name), columns);
  }

  bool is_unique(std::vector<std::int32_t> ids) const {
    std::sort(ids.begin(), ids.end());
    return std::any_of(table_.unique_indexes.begin(), table_.unique_indexes.end(),
                       [&](const CatalogIndex& index) {
                         std::vector<std::int32_t> columns = index.columns;
                         std::sort(columns.begin(), columns.end());
                         return index.filter.empty() && columns == ids;
                       });
  }

  bool is_usable_key(const std::vector<std::int32_t>& ids) const {
    return is_unique(ids) && std::all_of(ids.begin(), ids.end(), [&](std::int32_t id) {
             const CatalogColumn* column = table_.find_column(id);
             return column != nullptr && !column->nullable;
           });
  }

  std::string key_remedy() const {
    for (const CatalogIndex& index : table_.unique_indexes) {
      if (!index.filter.empty() || !is_usable_key(index.columns)) continue;
      std::string names;
      for (const std::int32_t id : index.columns)
        names += (names.empty() ? "" : ", ") + table_.find_column(id)->name;
      return fmt::format("tables: {{ settings: {{ {}: {{ key: [{}] }} }} }}   (unique index {})",
                         table_.name.str(), names, index.name);
    }
    for (const CatalogColumn& column : table_.columns) {
      // The one that a table may have.
      if (!column.identity) continue;
      return fmt::format(
          "ALTER TABLE {}.{} ADD PRIMARY KEY ({});   -- or other columns that are unique and NOT NULL",
          quote(table_.name.schema), quote(table_.name.name), quote(column.name));
    }
    std::string column = "row_id";
    while (find(column) != nullptr)
      column += "_";
    return fmt::format(
        "ALTER TABLE {}.{} ADD {} bigint IDENTITY(1, 1) NOT NULL PRIMARY KEY; {}   -- or a primary key of "
        "columns that are unique and NOT NULL",
        quote(table_.name.schema), quote(table_.name.name), quote(column),
        enable_again(table_, catalog_, {kept_, {}}));
  }

  static bool loses_digits(const ColumnType& type) {
    const bool is_time = type.kind == TypeKind::time || type.kind == TypeKind::datetime2 ||
                         type.kind == TypeKind::datetimeoffset;
    return is_time && type.scale == 7;
  }

  void check_key_column(const CatalogColumn& column, const std::string& constraint) {
    if (!column.type) return;
    if (column.type->kind == TypeKind::sql_variant) {
      fail("key.lossy", column_subject(column),
           fmt::format("{} belongs to {}, and as text the number 1 and the word '1' of a sql_variant are one",
                       column.name, constraint),
           "leave the table out (tables.exclude), or configure another key");
    }
    const TextPolicy policy = policy_of(column);
    if (policy == TextPolicy::strip || policy == TextPolicy::replace) {
      fail("key.lossy", column_subject(column),
           fmt::format("{} belongs to {}, and with text.strip or text.replace two keys could become one",
                       column.name, constraint),
           "take the column out of text.strip and text.replace");
    }
    if (!rules_.for_events && loses_digits(*column.type)) {
      fail("key.lossy", column_subject(column),
           fmt::format("{} belongs to {}, and PostgreSQL keeps six of the seven digits of {}: two keys could "
                       "become one",
                       column.name, constraint, column.type->sql_name()),
           fmt::format("tables: {{ exclude: [{}] }}   (or give the column six digits at the source)",
                       table_.name.str()));
    }
  }

  // A column cannot be made NOT NULL under an index (5074, 4922), and a key has a unique one.
  std::string not_null_remedy(const CatalogColumn& column) const {
    const std::string table = quote(table_.name.schema) + "." + quote(table_.name.name);
    std::string before;
    std::string after;
    for (const CatalogIndex& index : table_.unique_indexes) {
      if (std::find(index.columns.begin(), index.columns.end(), column.id) == index.columns.end()) continue;
      std::string columns;
      for (const std::int32_t id : index.columns)
        columns += (columns.empty() ? "" : ", ") + quote(table_.find_column(id)->name);
      if (index.constraint) {
        before += fmt::format("ALTER TABLE {} DROP CONSTRAINT {}; ", table, quote(index.name));
        after +=
            fmt::format(" ALTER TABLE {} ADD CONSTRAINT {} UNIQUE ({});", table, quote(index.name), columns);
      } else {
        before += fmt::format("DROP INDEX {} ON {}; ", quote(index.name), table);
        after += fmt::format(" CREATE UNIQUE INDEX {} ON {} ({}){};", quote(index.name), table, columns,
                             index.filter.empty() ? "" : " WHERE " + index.filter);
      }
    }
    return before + alter_column(table_, column, column.type->sql_name(), false) + after +
           "   -- other indexes of the column have to be made again likewise";
  }

  void select_key() {
    for (const std::int32_t id : key_ids()) {
      const CatalogColumn* column = table_.find_column(id);
      if (column == nullptr) continue;
      const std::optional<std::size_t> index = index_of(id);
      if (!index) {
        if (column->type && !rules_.for_events) {
          fail("table.key", column_subject(*column), "a column of the key is left out",
               "keep the column, or configure another key");
        }
        continue;
      }
      if (column->nullable && !rules_.for_events) {
        fail("table.key", column_subject(*column), "a column of the key is nullable",
             not_null_remedy(*column));
      }
      if (column->type->is_max()) {
        fail("table.key", column_subject(*column), "a column of a max type cannot be a key",
             "configure another key");
      }
      check_key_column(*column, "the key");
      schema_.key.push_back(*index);
    }
  }

  // All columns of a constraint as indexes; nothing if one of them is left out.
  std::optional<std::vector<std::size_t>> indexes_of(const std::vector<std::int32_t>& ids) const {
    std::vector<std::size_t> out;
    for (const std::int32_t id : ids) {
      const std::optional<std::size_t> index = index_of(id);
      if (!index) return std::nullopt;
      out.push_back(*index);
    }
    return out;
  }

  void select_constraints() {
    for (const CatalogIndex& index : table_.unique_indexes) {
      const std::optional<std::vector<std::size_t>> columns = indexes_of(index.columns);
      if (columns == schema_.key) continue;
      if (!columns) {
        warn("table.unique", table_.name.str(),
             fmt::format("the unique index {} is left out: one of its columns is", index.name), "");
        continue;
      }
      for (const std::int32_t id : index.columns)
        check_key_column(*table_.find_column(id), "the unique index " + index.name);
      schema_.unique_constraints.push_back({index.name, *columns, index.filter});
    }
    for (const CatalogForeignKey& key : table_.foreign_keys) {
      const std::optional<std::vector<std::size_t>> columns = indexes_of(key.columns);
      if (!columns) {
        warn("table.foreign_key", table_.name.str(),
             fmt::format("the foreign key {} is left out: one of its columns is", key.name), "");
        continue;
      }
      schema_.foreign_keys.push_back({key.name, *columns, key.parent, key.parent_columns, key.trusted});
    }
  }

  static std::optional<std::size_t> ordinal_of(const CatalogInstance& instance, std::int32_t id) {
    for (const CapturedColumn& column : instance.columns) {
      if (column.column_id == id) return static_cast<std::size_t>(column.ordinal);
    }
    return std::nullopt;
  }

  std::string missing_columns(const CatalogInstance& instance) const {
    std::string names;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (!ordinal_of(instance, ids_[i])) names += (names.empty() ? "" : ", ") + schema_.columns[i].name;
    }
    return names;
  }

  // The newest complete one of those that `admits` says yes to: they come by age.
  template <typename Admits>
  const CatalogInstance* newest_complete(Admits admits) const {
    for (auto instance = table_.instances.rbegin(); instance != table_.instances.rend(); ++instance) {
      if (missing_columns(*instance).empty() && admits(*instance)) return &*instance;
    }
    return nullptr;
  }

  const CatalogInstance* kept_or_successor(const StoredTable& stored) const {
    const auto kept =
        std::find_if(table_.instances.begin(), table_.instances.end(),
                     [&](const CatalogInstance& instance) { return is_instance(instance, stored.instance); });
    const bool is_there = kept != table_.instances.end();
    if (is_there && (!kept->start_lsn || reaches_back(*kept, stored.position))) return &*kept;
    const CatalogInstance* const successor = newest_complete(
        [&](const CatalogInstance& instance) { return reaches_back(instance, stored.position); });
    return successor != nullptr || !is_there ? successor : &*kept;
  }

  const CatalogInstance* select_instance(const StoredTable* stored) {
    // Findings of the database.
    if (!catalog_.database.cdc_enabled || !catalog_.database.may_read_cdc) return nullptr;
    if (table_.instances.empty()) {
      fail("table.capture_instance", table_.name.str(), "the table is not captured",
           enable_again(table_, catalog_, {kept_, {}}));
      return nullptr;
    }
    const CatalogInstance* chosen = nullptr;
    if (stored != nullptr && !stored->taken_again) chosen = kept_or_successor(*stored);
    // Readers of events see each change: those behind what they have are all in one that reaches back.
    if (stored != nullptr && stored->taken_again && rules_.for_events)
      chosen = newest_complete(
          [&](const CatalogInstance& instance) { return reaches_back(instance, stored->position); });
    // One whose start is not established says nothing of where its changes begin.
    if (chosen == nullptr)
      chosen =
          newest_complete([](const CatalogInstance& instance) { return instance.start_lsn.has_value(); });
    if (chosen == nullptr) chosen = newest_complete([](const CatalogInstance&) { return true; });
    if (chosen == nullptr) chosen = &table_.instances.back();
    if (const std::string missing = missing_columns(*chosen); !missing.empty()) {
      fail("table.captured_columns", table_.name.str(),
           fmt::format("the capture instance {} does not hold: {}", chosen->name, missing),
           enable_again(table_, catalog_, {kept_, {}}) + "   -- or exclude the columns by columns.exclude");
      return nullptr;
    }
    return chosen;
  }

  bool is_identity(const CatalogInstance& instance) const {
    std::vector<std::int32_t> key;
    for (const std::size_t column : schema_.key)
      key.push_back(ids_[column]);
    std::vector<std::int32_t> identity = instance.identity_columns;
    std::sort(key.begin(), key.end());
    std::sort(identity.begin(), identity.end());
    return key == identity;
  }

  // Text that differs in letters' case or trailing blanks, and bytes that differ in trailing zeros, may be
  // equal to SQL Server. It then need not take 'abc' -> 'ABC' for a change of key, and writes no delete and
  // insert for it.
  bool has_key_of_many_spellings() const {
    return std::any_of(schema_.key.begin(), schema_.key.end(), [&](std::size_t column) {
      const ColumnType& type = schema_.columns[column].type;
      return type.cell_kind() == CellKind::text || type.kind == TypeKind::varbinary;
    });
  }

  const Catalog& catalog_;
  const CatalogTable& table_;
  const TableSettings& settings_;
  const Rules rules_;
  std::vector<Finding>& findings_;
  TableSchema schema_;
  std::vector<std::int32_t> ids_;            // Of the schema's columns.
  const CatalogInstance* holder_ = nullptr;  // Whose columns they are; of events alone.
  std::string kept_;                         // The instance that the stored position is of, if any.
  bool failed_ = false;
};

// A table that cannot be seen any more and is captured still has lost the login's right; to go on without it would leave its
// target as it is, for ever, behind no more than a warning. A dropped one has no capture instance.
void report_hidden(const Catalog& catalog, const std::map<TableName, StoredTable>& stored,
                   TablePatterns& patterns, std::vector<Finding>& findings) {
  for (const CatalogInstance& hidden : catalog.hidden_instances) {
    const auto table = std::find_if(stored.begin(), stored.end(), [&](const auto& each) {
      return is_instance(hidden, each.second.instance);
    });
    if (table == stored.end() || !patterns.mean(table->first, true)) continue;
    const TableName& name = table->first;
    findings.push_back(
        {FindingLevel::failure, "table.rights", name.str(),
         fmt::format("the login does not see the table any more, and its capture instance {} is there",
                     hidden.name),
         fmt::format("GRANT SELECT ON {}.{} TO {};   -- or exclude it by tables.exclude", quote(name.schema),
                     quote(name.name), quote(catalog.database.user))});
  }
}

// A pipeline of no tables would idle for ever and look well.
void refuse_nothing(const Catalog& catalog, Selection& selection) {
  const bool is_explained =
      std::any_of(selection.findings.begin(), selection.findings.end(),
                  [](const Finding& finding) { return finding.level == FindingLevel::failure; });
  if (!selection.tables.empty() || is_explained || !catalog.database.cdc_enabled ||
      !catalog.database.may_read_cdc)
    return;
  constexpr std::size_t most_named = 20;
  std::string remedy;
  std::size_t named = 0;
  for (const CatalogTable& table : catalog.tables) {
    if (!table.kind.empty() || named++ >= most_named) continue;
    remedy += (remedy.empty() ? "" : "\n") + enable_again(table, catalog);
  }
  if (named > most_named) remedy += fmt::format("\n-- and so for the other {} tables", named - most_named);
  selection.findings.push_back(
      {FindingLevel::failure, "source.tables", catalog.database.name,
       "no table is left to replicate: none that tables.include and tables.exclude leave is captured",
       remedy.empty() ? "the login sees no table at all: grant SELECT on the schemas that are meant"
                      : remedy});
}

}  // namespace

Selection select_tables(const Catalog& catalog, const Settings& settings,
                        const std::map<TableName, StoredTable>& stored) {
  Selection selection;
  const bool case_sensitive = is_case_sensitive(catalog.database.collation);
  TablePatterns patterns(settings, case_sensitive);
  std::vector<bool> configured(settings.tables.size());
  for (const CatalogTable& table : catalog.tables) {
    const auto found = stored.find(table.name);
    // Without patterns: what is captured, and what was. One whose capture has been switched off is no table
    // left out.
    if (!patterns.mean(table.name, !table.instances.empty() || found != stored.end())) continue;
    TableSettings table_settings;
    std::size_t at = 0;
    for (const auto& [name, entry] : settings.tables) {
      if (same_name(name, table.name.str(), case_sensitive)) {
        table_settings = entry;
        configured[at] = true;
      }
      ++at;
    }
    TableSelector selector(catalog, table, table_settings,
                           {case_sensitive, settings.raw_objects, settings.events}, selection.findings);
    if (std::optional<CapturedTable> chosen =
            selector.select(found == stored.end() ? nullptr : &found->second)) {
      if (text_form_of(settings) == TextForm::utf16) chosen->text_form = TextForm::utf16;
      chosen->needs_before = chosen->needs_before || settings.events;
      selection.tables.push_back(std::move(*chosen));
    }
  }
  report_hidden(catalog, stored, patterns, selection.findings);
  patterns.report_unused(catalog, selection.findings);
  std::size_t at = 0;
  for (const auto& [name, entry] : settings.tables) {
    if (!configured[at++]) {
      selection.findings.push_back(
          {FindingLevel::failure, "source.settings", name,
           fmt::format("tables.settings names {}, which is not among the replicated tables", name),
           "correct the name, or remove the entry"});
    }
  }
  refuse_nothing(catalog, selection);
  return selection;
}

}  // namespace tailrace::sqlserver
