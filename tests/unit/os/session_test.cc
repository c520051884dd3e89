#include "os/session.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    ::setenv("REDLINE_SESSIONS_FIRST", "1", 1);
    const bool lowered = ::setpriority(PRIO_PROCESS, 0, 7) == 0;
    startSession();
    ::_exit(lowered && ::getsid(0) == ::getpid() && sessionNice() == 7 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace redline
