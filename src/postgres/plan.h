// Where the rows of a source table go and how their cells are written: resolved once, then only read.
//
// Threads  A plan is immutable; the registry may be used from any thread (chunk writers look plans up in it).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postgres/encoder.h"
#include "postgres/names.h"
#include "postgres/target_table.h"

namespace tailrace::postgres {

struct TablePlan {
  SchemaPtr schema;
  RelationName target;
  RelationName relation;               // Where rows go now: the target, or its shadow.
  std::vector<FieldEncoder> encoders;  // One per column of the schema.
  std::string columns;                 // Quoted and joined, in the schema's order.
  bool overriding = false;             // The target has columns GENERATED ALWAYS AS IDENTITY.
  bool immediate = false;              // The target has unique indexes that are checked at once (R9c).
  bool keeps_rows = false;             // It may hold rows that the source does not have (R10c: append).
  InsertMode insert_mode = InsertMode::upsert;  // Of rows from Kafka; else upsert.
  std::string key_name;                         // The constraint of the relation's primary key; empty: none.
  std::string only;                             // A condition on the rows `t` that are looked at; empty: all.
  std::vector<TargetColumn> shape;              // What the encoders were made for (R10b).
  std::uint32_t oid = 0;                        // Of the relation with that shape.

  bool shadow() const { return relation != target; }
};

using PlanPtr = std::shared_ptr<const TablePlan>;

// For a relation and its target as they were read; throws config where the relation does not fit.
PlanPtr make_plan(const Settings& settings, const SchemaPtr& table, const RelationName& relation,
                  bool keeps_rows, const TargetFactsByName& targets);

// Throws config where the relation is not any more what the plan was made for; takes a lock that keeps it so
// until the transaction ends.
void lock_and_verify(Connection& connection, const TablePlan& plan);

// Every fault of the batch: the source's, and shapes that PostGIS's type of the target does not take.
std::vector<RowFault> faults_of(const TablePlan& plan, const RowBatch& batch);

class PlanRegistry {
 public:
  void put(PlanPtr plan);
  // nullptr where there is none.
  PlanPtr find(const TableName& table) const;
  // Every table of the run, also those without a plan: a foreign key may point to them.
  void put_schema(SchemaPtr schema);
  std::vector<SchemaPtr> schemas() const;

 private:
  mutable std::mutex mutex_;
  std::map<TableName, PlanPtr> plans_;
  std::map<TableName, SchemaPtr> schemas_;
};

}  // namespace tailrace::postgres
