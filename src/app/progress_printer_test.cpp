// Plain progress lines, as a run without a terminal logs them.
#include "app/progress_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"

namespace tailrace::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class Captured {
 public:
  Captured() {
    log::redirect([this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      text_ += std::string(line) + "\n";
    });
  }
  ~Captured() { log::redirect(nullptr); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

// A small table is loaded between two looks; its figures must be logged all the same.
TEST(ProgressPrinter, LogsTheFiguresOfEveryLoad) {
  Captured captured;
  Progress progress;
  {
    const ProgressPrinter printer(progress, Terminal{}, /*block=*/false);
    progress.set_table({"dbo", "orders"}, TableState::loading, 3);
    progress.add_snapshot({"dbo", "orders"}, 3, 120);
    progress.set_table({"dbo", "orders"}, TableState::catching_up, 0);
    progress.set_table({"dbo", "known"}, TableState::streaming, 0);
  }
  EXPECT_THAT(captured.text(), HasSubstr("snapshot.table table=dbo.orders rows=3 mb=0.0 seconds="));
  EXPECT_THAT(captured.text(), Not(HasSubstr("dbo.known")));
}

}  // namespace
}  // namespace tailrace::app
