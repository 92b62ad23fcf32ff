// Making and verifying plans.
#include "postgres/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "postgres/spatial_text.h"

namespace tailrace::postgres {
namespace {

bool has_identity(const TableSchema& table, const TargetTable& target) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& column) {
    const TargetColumn* const found = target.find(column.name);
    return found != nullptr && found->identity_always;
  });
}

}  // namespace

PlanPtr make_plan(const Settings& settings, const SchemaPtr& table, const RelationName& relation,
                  bool keeps_rows, const TargetFactsByName& targets) {
  auto plan = std::make_shared<TablePlan>();
  const TargetTable& found = targets.at(relation).table;
  if (!found.exists())
    throw Error(ErrorKind::config, "target table " + relation.str() + " is gone")
        .with("table", table->name.str())
        .with("remedy", "restore it, or request a resnapshot of the table");
  check_shape(*table, relation, found, settings, ErrorKind::schema);
  plan->schema = table;
  plan->target = target_of(settings, table->name);
  plan->relation = relation;
  plan->shape = found.columns;
  plan->oid = found.oid;
  plan->keeps_rows = keeps_rows;
  plan->insert_mode = settings.insert_mode;
  plan->key_name = found.key_name;
  const TargetFacts& of_target = targets.at(plan->target);
  plan->immediate = !of_target.immediate_indexes.empty();
  for (const Column& column : table->columns) {
    const TargetColumn& target = *found.find(column.name);
    plan->encoders.emplace_back(column, target.type);
    plan->columns += (plan->columns.empty() ? "" : ", ") + quote_name(column.name);
  }
  // A shadow is made without the identity, and its rows join the target, which has it.
  plan->overriding = has_identity(*table, of_target.table);
  return plan;
}

void lock_and_verify(Connection& connection, const TablePlan& plan) {
  connection.exec("LOCK TABLE " + plan.relation.quoted() + " IN ROW EXCLUSIVE MODE");
  const TargetTable now = read_target(connection, plan.relation);
  if (now.columns == plan.shape) return;
  throw Error(ErrorKind::config, "target table " + plan.relation.str() + " was altered while tailrace runs")
      .with("table", plan.schema->name.str())
      .with("remedy", "start tailrace again: it compares the table with what it needs");
}

std::vector<RowFault> faults_of(const TablePlan& plan, const RowBatch& batch) {
  std::vector<RowFault> out(batch.faults().begin(), batch.faults().end());
  for (std::size_t column = 0; column < plan.encoders.size(); ++column) {
    const std::uint32_t type = plan.encoders[column].target().oid;
    if (type != oid_geometry && type != oid_geography) continue;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      if (batch.state(row, column) != CellState::value) continue;
      const std::string unfit = unfit_for_postgis(batch.text(row, column), type == oid_geography);
      if (unfit.empty()) continue;
      out.push_back({row, column, RowFaultCode::unfit_spatial,
                     fmt::format("column {} holds {}, which PostGIS's {} does not take; text does "
                                 "(target.spatial_as_text for tables that are made anew)",
                                 batch.schema().columns[column].name, unfit,
                                 type == oid_geography ? "geography" : "geometry")});
    }
  }
  return out;
}

void PlanRegistry::put(PlanPtr plan) {
  const std::lock_guard lock(mutex_);
  plans_[plan->schema->name] = std::move(plan);
}

void PlanRegistry::put_schema(SchemaPtr schema) {
  const std::lock_guard lock(mutex_);
  schemas_[schema->name] = std::move(schema);
}

std::vector<SchemaPtr> PlanRegistry::schemas() const {
  const std::lock_guard lock(mutex_);
  std::vector<SchemaPtr> out;
  for (const auto& [name, schema] : schemas_)
    out.push_back(schema);
  return out;
}

PlanPtr PlanRegistry::find(const TableName& table) const {
  const std::lock_guard lock(mutex_);
  const auto found = plans_.find(table);
  return found == plans_.end() ? nullptr : found->second;
}

}  // namespace tailrace::postgres
