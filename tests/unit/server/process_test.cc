#include "server/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string_view>

#include "os/gated_child.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

/// A `sleep 60` that runs in a directory of its own.
class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    auto child = GatedChild::spawn({{"sleep", "60"}, dir_.path(), -1, -1, -1, true});
    ASSERT_TRUE(child) << child.error().message;
    ASSERT_TRUE(child->release());
    process_ = identify(child->pid()).value();
  }
  void TearDown() override {
    EXPECT_TRUE(sendSignal(process_, SIGKILL));
    EXPECT_TRUE(awaitExit(process_, 10 * kSecond));
    EXPECT_FALSE(isAlive(process_));
  }

  TemporaryDirectory dir_;
  ProcessId process_;
};

TEST(ProcessStat, IsReadWhateverTheCommandIsCalled) {
  const auto stat = parseProcessStat(
      "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->command, "a) b (c");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->startTicks, 987654U);
  EXPECT_EQ(stat->minorFaults, 7U);
  EXPECT_FALSE(parseProcessStat("12 (cut"));
  EXPECT_FALSE(parseProcessStat("12 (cut) S 1 2"));
}

TEST_F(ProcessTest, IsNeverTakenForAnotherThatGotItsNumber) {
  ProcessId earlier = process_;
  --earlier.startTicks;
  ProcessId otherBoot = process_;
  otherBoot.bootId = "another";
  for (const ProcessId& impostor : {earlier, otherBoot}) {
    EXPECT_FALSE(isAlive(impostor));
    EXPECT_FALSE(sendSignal(impostor, SIGKILL));
  }
  EXPECT_TRUE(isAlive(process_));
}

TEST_F(ProcessTest, IsFoundByItsWorkingDirectory) {
  const auto isSleep = [](std::string_view command) { return command == "sleep"; };
  const auto found = processesIn(dir_.path(), isSleep);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front(), process_);
  EXPECT_TRUE(processesIn(dir_.path() / "below", isSleep).empty());
  EXPECT_TRUE(processesIn("/", isSleep).empty());
  EXPECT_TRUE(processesIn(dir_.path(), [](std::string_view) { return false; }).empty());
}

TEST_F(ProcessTest, IsStoppedAfterASigstop) {
  EXPECT_FALSE(isStopped(process_));
  ASSERT_TRUE(sendSignal(process_, SIGSTOP));
  for (int i = 0; i < 1000 && !isStopped(process_); ++i) ::usleep(1000);
  EXPECT_TRUE(isStopped(process_));
}

}  // namespace
}  // namespace redline
