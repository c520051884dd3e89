#include "os/session.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

namespace redline {
namespace {

TEST(Session, ReadsItsNiceValue) {
  EXPECT_EQ(parseSessionNice("/autogroup-56 nice -10\n"), -10);
  EXPECT_EQ(parseSessionNice("/autogroup-1 nice 0\n"), 0);
  for (const char* const none : {"", "/autogroup-56", "/autogroup-56 nice \n", "nice 5"})
    EXPECT_EQ(parseSessionNice(none), std::nullopt) << none;
}

TEST(Session, OfANewOneHasTheNiceValueOfItsProcess) {
  if (!sessionNice()) GTEST_SKIP() << "this kernel does not share the cores among sessions";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool lowered = ::setpriority(PRIO_PROCESS, 0, 7) == 0;
    startSession();
    ::_exit(lowered && ::getsid(0) == ::getpid() && sessionNice() == 7 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

enum class End { orderly, killed };
constexpr int kAsBefore = 0, kRefused = 2;

/// For the leader of a session: a process of it raises the session and ends. What the session has
/// afterwards, as an exit status.
int raiseAndEnd(End end) {
  startSession();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto raised = SessionPriority::raise(-5);
    if (!raised) ::_exit(kRefused);
    if (sessionNice() != -5) ::_exit(1);
    if (end == End::killed) ::raise(SIGKILL);
    return 0;  // by way of the destructor
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
  for (const Nanos until = SteadyClock::read() + 10 * kSecond; SteadyClock::read() < until;) {
    if (sessionNice() == 0) return kAsBefore;
    ::sched_yield();
  }
  return 1;
}

TEST(Session, HasItsNiceValueBackHoweverTheProcessEnds) {
  if (!sessionNice()) GTEST_SKIP() << "this kernel does not share the cores among sessions";
  for (const End end : {End::orderly, End::killed}) {
    const pid_t leader = ::fork();
    ASSERT_GE(leader, 0);
    if (leader == 0) {
      ::setpriority(PRIO_PROCESS, 0, 0);
      ::_exit(raiseAndEnd(end));
    }
    int status = -1;
    ASSERT_EQ(::waitpid(leader, &status, 0), leader);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kRefused) GTEST_SKIP() << "raising a session is refused";
    EXPECT_EQ(WEXITSTATUS(status), kAsBefore);
  }
}

}  // namespace
}  // namespace redline
