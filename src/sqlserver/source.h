// A SQL Server database as a source: its tables, their snapshots, their stream of changes.
//
// Shape    As pipeline/source.h says, errors and threads too. The stream holds one connection, each snapshot reader one of
//          its own. Never NOLOCK; every statement is a transaction of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/source.h"
#include "sqlserver/change_stream.h"
#include "sqlserver/connection.h"
#include "sqlserver/selection.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

class SqlServerSource : public Source {
 public:
  // Does not connect: open() does.
  explicit SqlServerSource(Settings settings);

  SourceInfo open(const ResumeState& resume, std::stop_token stop) override;
  std::vector<Lsn> take_low(const std::vector<SchemaPtr>& tables) override;
  std::unique_ptr<SnapshotReader> snapshot_reader() override;
  HighMark take_mark() override;
  Position position_at(const StartPoint& point, const std::vector<SchemaPtr>& tables) override;
  std::map<TableName, std::optional<std::uint64_t>> count_changes(const std::vector<SchemaPtr>& tables,
                                                                  const Lsn& after, const Lsn& upto) override;
  void start_stream(const StreamPlan& plan) override;
  std::optional<ChangeBatch> next(std::stop_token stop) override;
  void add_table(const StreamTable& table) override;
  void remove_table(const TableName& table) override;
  void watch(const HighMark& mark, std::uint64_t number) override;

 private:
  // Answers the tables that are unfit and no part of the stream.
  std::vector<TableName> refuse_failures(const std::vector<Finding>& findings,
                                         const ResumeState& resume) const;
  void check_identity(const ResumeState& resume, const std::string& current);
  void check_position(const Position& position);
  Position position_at_lsn(const Lsn& lsn, const CaptureHead& head);
  Position position_at_time(std::int64_t time_utc, const CaptureHead& head,
                            const std::vector<SchemaPtr>& tables, std::span<const CatalogInstance> instances);
  void refuse_unreached(const std::vector<SchemaPtr>& tables, std::span<const CatalogInstance> instances,
                        const Lsn& position) const;
  void check_stored_tables(const ResumeState& resume) const;

  Settings settings_;
  std::stop_token stop_;  // open()'s; ends what other calls ask the server as well.
  std::unique_ptr<Connection> connection_;
  CatalogDatabase database_;
  std::vector<CapturedTable> tables_;
  std::unique_ptr<ChangeStream> stream_;
};

}  // namespace tailrace::sqlserver
