// Control of flow: TRY and CATCH, WHILE, WAITFOR.
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

Flow SessionCore::run_try(const TryCatch& node) {
  StatementError caught;
  try {
    ++try_depth_;
    const Flow flow = run_list(node.body, false);
    --try_depth_;
    return flow;
  } catch (StatementError& error) {
    --try_depth_;
    caught = std::move(error);
  } catch (...) {
    --try_depth_;
    throw;
  }
  note_error(caught.message);
  if (tran_count_ > 0 &&
      (options_.xact_abort || scope_of(caught.message.number) == ErrorScope::transaction)) {
    if (caught.message.number == 1205)
      roll_back_all(true);
    else
      doomed_ = true;
  }
  const std::optional<ServerMessage> outer = std::exchange(caught_, caught.message);
  const Flow flow = run_list(node.handler, false);
  caught_ = outer;
  return flow;
}

Flow SessionCore::run_while(const While& node) {
  while (test(*node.condition)) {
    check_stop();
    const Flow flow = run(*node.body);
    if (flow == Flow::break_) break;
    if (flow == Flow::return_) return flow;
  }
  return Flow::next;
}

void SessionCore::wait_for(const WaitFor& node) {
  const TypeInfo type = make_type(Type::datetime);
  const Value value = evaluate(*node.delay, &type);
  const std::int64_t ms =
      value.null ? 0 : (value.number % (24 * 3600 * 300) + 24 * 3600 * 300) % (24 * 3600 * 300) * 10 / 3;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any wake;
  wake.wait_for(lock, stop_, std::chrono::milliseconds(ms), [] { return false; });
  check_stop();
}

}  // namespace tailrace::sim::tsql
