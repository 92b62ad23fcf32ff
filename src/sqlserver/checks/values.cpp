// Values that CDC or the target treats in their own way: large ones, old large types, text that ignores case.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sqlserver/checks/checks.h"
#include "sqlserver/checks/loose_keys.h"
#include "sqlserver/remedies.h"
#include "sqlserver/selection.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {
namespace {

constexpr std::int64_t largest_text_limit = 2'147'483'647;

struct LegacyType {
  std::string_view name;
  std::string_view successor;
};
constexpr std::array<LegacyType, 3> legacy_types{
    {{"text", "varchar(max)"}, {"ntext", "nvarchar(max)"}, {"image", "varbinary(max)"}}};

const LegacyType* legacy_of(const CatalogColumn& column) {
  const auto found = std::find_if(legacy_types.begin(), legacy_types.end(),
                                  [&](const LegacyType& type) { return type.name == column.type_name; });
  return found == legacy_types.end() ? nullptr : &*found;
}

bool is_large(const CatalogColumn& column) {
  return (column.type && column.type->is_max()) || legacy_of(column) != nullptr || column.type_name == "xml";
}

void report_spelling(const LooseForeignKey& key, Report& report) {
  if (key.differs == false) return;
  const std::string reason =
      fmt::format("{} compares text without regard to letters' case or trailing blanks, PostgreSQL does: ",
                  key.key->name);
  if (!key.differs) {
    return report.add(FindingLevel::unknown, "foreign_key.spelling", key.child->name.str(),
                      reason + "whether children spell their parents' key as it is was not looked at",
                      respell(key));
  }
  report.add(FindingLevel::warning, "foreign_key.spelling", key.child->name.str(),
             reason + fmt::format("rows of {} spell the key of their parent in {} in another way, and the "
                                  "foreign key cannot hold in the target",
                                  key.child->name.str(), key.parent->name.str()),
             respell(key));
}

}  // namespace

// Error 7139 hits the statements of the applications, not the reader.
void check_text_limit(const Subject& subject, Report& report) {
  const std::optional<std::int64_t>& limit = subject.facts.max_text_repl_size;
  if (!limit) return;
  std::string large;
  for (const CatalogTable* table : subject.tables()) {
    for (const CatalogColumn& column : table->columns) {
      if (large.empty() && !column.computed && is_large(column))
        large = table->name.str() + "." + column.name;
    }
  }
  if (large.empty() || *limit == -1 || *limit == largest_text_limit)
    return report.ok("source.max_text_repl_size",
                     large.empty() ? "no large values are captured" : "large values are not limited");
  report.add(FindingLevel::warning, "source.max_text_repl_size",
             fmt::format("a statement of an application that writes more than {} bytes into a captured large "
                         "column (such as {}) fails at the source, with error 7139",
                         *limit, large),
             "EXEC sp_configure N'max text repl size', -1; RECONFIGURE;");
}

void check_legacy_types(const Subject& subject, Report& report) {
  for (const CatalogTable* table : subject.tables()) {
    for (const CatalogColumn& column : table->columns) {
      const LegacyType* const legacy = legacy_of(column);
      if (legacy == nullptr) continue;
      // Altered under capture, such a column stops the whole capture job later on (18773).
      report.add(
          FindingLevel::warning, "column.legacy_type", table->name.str() + "." + column.name,
          fmt::format("WRITETEXT and UPDATETEXT change {} without a change being captured", column.type_name),
          alter_uncaptured(*table, subject.catalog,
                           alter_column(*table, column, legacy->successor, column.nullable)));
    }
  }
}

void check_key_collations(const Subject& subject, Report& report) {
  for (const CapturedTable& captured : subject.selection->tables) {
    for (const std::size_t key : captured.schema->key) {
      const Column& column = captured.schema->columns[key];
      if (column.collation.empty() || column.collation.find("_BIN") != std::string::npos) continue;
      report.add(FindingLevel::ok, "key.collation", captured.schema->name.str() + "." + column.name,
                 fmt::format("{}: the target tells apart keys that differ in case or trailing blanks, the "
                             "source does not; queries at the target must spell keys as they are",
                             column.collation),
                 "");
    }
  }
}

void check_foreign_keys(const Subject& subject, Report& report) {
  for (const CatalogTable* table : subject.tables()) {
    for (const CatalogForeignKey& key : table->foreign_keys) {
      if (key.trusted) continue;
      report.add(
          FindingLevel::warning, "foreign_key.untrusted", table->name.str(),
          fmt::format("SQL Server does not trust {} (it was made or enabled without a check): it is not "
                      "made in the target",
                      key.name),
          fmt::format("ALTER TABLE {} WITH CHECK CHECK CONSTRAINT {};", quote(table->name), quote(key.name)));
    }
  }
  for (const LooseForeignKey& key : subject.facts.loose_keys)
    report_spelling(key, report);
}

}  // namespace tailrace::sqlserver::checks
