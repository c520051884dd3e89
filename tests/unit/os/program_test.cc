#include "os/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>

#include "os/gated_child.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr Nanos kLong = 30 * kSecond;

TEST(RunProgram, ReturnsItsOutputItsErrorsAndItsExitCode) {
  const auto ran =
      runProgram({"sh", "-c", "echo out; echo first >&2; echo last >&2; exit 3"}, kLong);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->output, "out\n");
  EXPECT_EQ(ran->errors, "first\nlast\n");
  EXPECT_EQ(ran->exitCode, 3);
  EXPECT_FALSE(ran->succeeded());
  EXPECT_EQ(ran->failure(), "exit code 3: last");
}

TEST(RunProgram, PassesInputAndOutputLargerThanAPipeHolds) {
  std::string input(3'000'000, 'x');
  input.back() = '\n';
  const auto ran = runProgram({"cat"}, kLong, input);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_TRUE(ran->succeeded());
  EXPECT_EQ(ran->output, input);
}

TEST(RunProgram, WithoutInputTheProgramReadsNothing) {
  const auto ran = runProgram({"wc", "-c"}, kLong);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->output, "0\n");
}

TEST(RunProgram, NothingPassesAShell) {
  const auto ran = runProgram({"echo", "$HOME", "; ls"}, kLong);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->output, "$HOME ; ls\n");
}

TEST(RunProgram, NamesAProgramThatIsMissing) {
  const auto ran = runProgram({"no-such-program-here"}, kLong);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::io);
  EXPECT_THAT(ran.error().message, HasSubstr("no-such-program-here is not on the PATH"));
  EXPECT_FALSE(runProgram({"/no/such/program"}, kLong));
}

TEST(RunProgram, SaysWhichSignalKilledIt) {
  const auto ran = runProgram({"sh", "-c", "kill -KILL $$"}, kLong);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->signal, SIGKILL);
  EXPECT_FALSE(ran->succeeded());
  EXPECT_EQ(ran->failure(), "killed by signal 9");
}

TEST(RunProgram, AtTheTimeLimitItsChildrenAreKilledToo) {
  const TemporaryDirectory directory;
  const std::string pidFile = directory.path() / "pid";
  const Nanos begin = SteadyClock::read();
  const auto ran = runProgram({"sh", "-c", "sleep 60 & echo $! > " + pidFile + "; wait"}, kSecond);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::timeout);
  EXPECT_THAT(ran.error().message, AllOf(HasSubstr("sh did not end"), HasSubstr("1 s")));
  EXPECT_LT(SteadyClock::read() - begin, 20 * kSecond);
  const std::string status = "/proc/" + std::to_string(std::stoi(contents(pidFile))) + "/cmdline";
  for (int i = 0; i < 1000 && !contents(status).empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(contents(status), "") << "of a zombie it is empty, too";
}

TEST(RunProgram, AnOutputThatNeverEndsEndsWithTheTimeLimit) {
  const auto ran = runProgram({"sh", "-c", "while :; do echo y; sleep 0.01; done"}, kSecond / 5);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::timeout);
}

TEST(RunProgram, TheProgramMayUseAllCpus) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "one CPU: nothing to pin to";
  std::size_t first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const auto printed = runProgram({"nproc"}, kLong);
  ::sched_setaffinity(0, sizeof before, &before);
  ASSERT_TRUE(printed);
  EXPECT_GE(std::stoi(printed->output), CPU_COUNT(&before));
}

TEST(FindProgram, LooksInThePathAndAtPaths) {
  const auto shell = findProgram("sh");
  ASSERT_TRUE(shell) << shell.error().message;
  EXPECT_TRUE(shell->is_absolute());
  EXPECT_EQ(findProgram(shell->native()).value(), *shell);
  EXPECT_FALSE(findProgram(""));
  EXPECT_FALSE(findProgram("/tmp")) << "a directory is not a program";
}

}  // namespace
}  // namespace redline
