#include "cmd/interrupts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace redline {
namespace {

/// A process that gets SIGINT twice; its exit code says whether it knows of one.
[[noreturn]] void interruptedTwice(std::chrono::milliseconds apart) {
  const Interrupts interrupts;
  ::raise(SIGINT);
  std::this_thread::sleep_for(apart);
  ::raise(SIGINT);
  ::_exit(interrupts.received() ? 0 : 1);
}

TEST(Interrupts, TakeASignalThatIsSentTwiceForOne) {
  EXPECT_EXIT(interruptedTwice(std::chrono::milliseconds(0)), testing::ExitedWithCode(0), "");
}

TEST(Interrupts, EndAProgramThatIsInterruptedAgain) {
  EXPECT_EXIT(interruptedTwice(std::chrono::milliseconds(1100)), testing::KilledBySignal(SIGINT),
              "");
}

}  // namespace
}  // namespace redline
