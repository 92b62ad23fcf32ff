// Writes snapshot chunks by binary COPY, straight into the table; a chunk's rows and its progress are one
// transaction.
//
//          With dead letters, a chunk that was refused is given once more (wants_again): its batches are then copied
//          in savepoints and halved until a bad row stands alone (R11).
// Threads  One thread; looks plans up in the shared registry.
// Source   docs/rules.md R6d, R10b, R11.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pipeline/sink.h"
#include "postgres/connection.h"
#include "postgres/copy_in.h"
#include "postgres/dead_letter.h"
#include "postgres/plan.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {

class PostgresChunkWriter : public ChunkWriter {
 public:
  // `settings` and `plans` must outlive this.
  PostgresChunkWriter(const Settings& settings, Owner owner, const PlanRegistry& plans,
                      std::shared_ptr<LetterCounter> letters);

  [[nodiscard]] ChunkBegin begin(const SchemaPtr& table, const Chunk& chunk, std::stop_token stop) override;
  [[nodiscard]] bool write(const RowBatch& rows, std::stop_token stop) override;
  [[nodiscard]] std::optional<std::uint64_t> finish(std::stop_token stop) override;
  [[nodiscard]] bool finish_table(const SchemaPtr& table, std::stop_token stop) override;
  [[nodiscard]] bool wants_again() override;

 private:
  bool begin_transaction(const SchemaPtr& table, const Chunk& chunk);
  void finish_transaction();
  bool lock_chunk(const Chunk& chunk);
  void flush();
  void begin_copy();
  void finish_copy(std::uint64_t rows);
  void write_carefully(const RowBatch& rows);
  void copy_some(const RowBatch& rows, const std::vector<std::uint32_t>& some);
  void refuse(const RowBatch& rows, std::uint32_t row, LetterCause cause, bool has_key);

  const Settings& settings_;
  bool careful_ = false;  // This chunk was refused once.
  std::uint64_t letters_ = 0;
  std::shared_ptr<LetterCounter> counter_;
  Owner owner_;
  const PlanRegistry& plans_;
  Connection connection_;
  // In this order: leaving the COPY comes before leaving its transaction.
  std::optional<Transaction> transaction_;
  std::optional<CopyIn> copy_;
  PlanPtr plan_;
  Chunk chunk_;
  WireBuffer buffer_;
  std::uint64_t rows_ = 0;
};

}  // namespace tailrace::postgres
