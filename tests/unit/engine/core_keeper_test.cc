#include "engine/core_keeper.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "base/clock.h"
#include "os/files.h"
#include "os/session.h"

namespace redline {
namespace {

int firstOwnCpu() {
  cpu_set_t own;
  CPU_ZERO(&own);
  ::sched_getaffinity(0, sizeof own, &own);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &own)) return cpu;
  return -1;
}

bool eventuallyTrue(const auto& condition) {
  for (const Nanos until = SteadyClock::read() + 10 * kSecond; SteadyClock::read() < until;) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(CoreKeeper, ComesLastOnItsCpuInASessionOfItsOwn) {
  const int cpu = firstOwnCpu();
  const CoreKeeper keeper(cpu);
  ASSERT_GT(keeper.process(), 0);
  EXPECT_TRUE(eventuallyTrue([&] {
    cpu_set_t its;
    CPU_ZERO(&its);
    return ::sched_getaffinity(keeper.process(), sizeof its, &its) == 0 && CPU_COUNT(&its) == 1 &&
           CPU_ISSET(static_cast<std::size_t>(cpu), &its);
  }));
  EXPECT_EQ(::sched_getscheduler(keeper.process()), SCHED_IDLE);
  EXPECT_NE(::getsid(keeper.process()), ::getsid(0));
  const auto session = readWholeFile(fmt::format("/proc/{}/autogroup", keeper.process()));
  if (!session) GTEST_SKIP() << "this kernel does not share the cores among sessions";
  EXPECT_EQ(parseSessionNice(*session), 19);
}

TEST(CoreKeeper, EndsItsProcess) {
  pid_t process = -1;
  {
    const CoreKeeper keeper(firstOwnCpu());
    process = keeper.process();
    EXPECT_EQ(::kill(process, 0), 0);
  }
  EXPECT_EQ(::kill(process, 0), -1);
}

TEST(CoreKeeper, OfACpuThatIsNotThereEndsAtOnce) {
  const CoreKeeper keeper(CPU_SETSIZE);
  EXPECT_TRUE(eventuallyTrue([&] {
    const auto state = readWholeFile(fmt::format("/proc/{}/stat", keeper.process()));
    return !state || state->find(") Z ") != std::string::npos;
  }));
}

}  // namespace
}  // namespace redline
