// Dead letters that wait for their topic: rows of tailrace.dead_letter.
//
// Shape    pipeline/letters.h, LetterBox. The turn is a lock of this connection's session. Who has it and sends nothing, though letters
//          wait, may be a process that stands still: its session is ended, and should it wake up, the post of its successor has
//          fenced its own.
// Errors   As Connection.
// Threads  Of one thread.
// Source   docs/decisions/018.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/letters.h"
#include "postgres/connection.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

class PostgresLetterBox : public LetterBox {
 public:
  explicit PostgresLetterBox(Settings settings);

  bool take_turn() override;
  std::vector<WaitingLetter> waiting(std::size_t most) override;
  void sent(const std::vector<std::string>& ids) override;
  void refused(const std::string& id, const std::string& why) override;

 private:
  bool lock();
  void end_who_stands_still();

  const Settings settings_;
  Connection connection_;
  bool is_ours_ = false;
};

// How many wait.
std::uint64_t waiting_letters(Connection& connection, const std::string& pipeline);

}  // namespace tailrace::postgres
