#include "server/process.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "server/spawn.h"
#include "server/text_file.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/redline-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { fs::remove_all(dir_); }
  SpawnPlan planFor(std::vector<std::string> args) const {
    SpawnPlan plan;
    plan.args = std::move(args);
    plan.directory = dir_;
    plan.output = dir_ / "out";
    plan.dieWithParent = true;
    return plan;
  }
  std::string output() const { return readTextFile(dir_ / "out").value_or("?"); }

  fs::path dir_;
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

TEST_F(ProcessTest, RunsOnlyWhenReleased) {
  auto child = GatedChild::spawn(planFor({"sh", "-c", "echo ran"}));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_TRUE(isAlive(child->id()));
  EXPECT_EQ(output(), "");
  const ProcessId id = child->id();
  ASSERT_TRUE(child->release());
  EXPECT_TRUE(awaitExit(id, 10 * kSecond));
  EXPECT_EQ(output(), "ran\n");
  EXPECT_FALSE(isAlive(id));
}

TEST_F(ProcessTest, NeverRunsWhenItsMakerGoesAwayBeforeTheRelease) {
  ProcessId id;
  {
    auto child = GatedChild::spawn(planFor({"sh", "-c", "echo ran"}));
    ASSERT_TRUE(child);
    id = child->id();
  }
  EXPECT_FALSE(isAlive(id));
  EXPECT_EQ(output(), "");
}

TEST_F(ProcessTest, FeedsItsInputAndNothingElse) {
  SpawnPlan plan = planFor({"sh", "-c", "cat; ls /proc/self/fd"});
  plan.input = "secret\n";
  auto child = GatedChild::spawn(plan);
  ASSERT_TRUE(child);
  const ProcessId id = child->id();
  ASSERT_TRUE(child->release());
  ASSERT_TRUE(awaitExit(id, 10 * kSecond));
  EXPECT_EQ(output(), "secret\n0\n1\n2\n3\n");  // 3 is ls's own look at the directory
}

TEST_F(ProcessTest, StartsWithoutTheMakersSignals) {
  struct sigaction ignore{}, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGTERM, &ignore, &before);
  auto child = GatedChild::spawn(planFor({"sleep", "60"}));
  ::sigaction(SIGTERM, &before, nullptr);
  ASSERT_TRUE(child);
  const ProcessId id = child->id();
  ASSERT_TRUE(child->release());
  ASSERT_TRUE(sendSignal(id, SIGTERM));
  EXPECT_TRUE(awaitExit(id, 10 * kSecond));
}

TEST_F(ProcessTest, StartsWithoutTheMakersPinning) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "one CPU: nothing to pin to";
  std::size_t first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const auto printed = runProgram({"nproc"}, 10 * kSecond);
  ::sched_setaffinity(0, sizeof before, &before);
  ASSERT_TRUE(printed);
  EXPECT_GE(std::stoi(*printed), CPU_COUNT(&before));
}

TEST_F(ProcessTest, SaysWhyAProgramCannotRun) {
  const auto missing = GatedChild::spawn(planFor({"no-such-program-here"}));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("no-such-program-here"), std::string::npos);
  ASSERT_TRUE(writeTextFile(dir_ / "junk", "\x01\x02"));
  fs::permissions(dir_ / "junk", fs::perms::owner_all);
  auto junk = GatedChild::spawn(planFor({(dir_ / "junk").string()}));
  ASSERT_TRUE(junk);
  const auto released = junk->release();
  ASSERT_FALSE(released);
  EXPECT_NE(released.error().message.find("junk"), std::string::npos);
}

TEST_F(ProcessTest, IsNeverTakenForAnotherThatGotItsNumber) {
  auto child = GatedChild::spawn(planFor({"sleep", "60"}));
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->release());
  const ProcessId real = child->id();
  ProcessId earlier = real;
  --earlier.startTicks;
  ProcessId otherBoot = real;
  otherBoot.bootId = "another";
  for (const ProcessId& impostor : {earlier, otherBoot}) {
    EXPECT_FALSE(isAlive(impostor));
    EXPECT_FALSE(sendSignal(impostor, SIGKILL));
  }
  EXPECT_TRUE(isAlive(real));
  EXPECT_TRUE(sendSignal(real, SIGKILL));
  EXPECT_TRUE(awaitExit(real, 10 * kSecond));
}

TEST_F(ProcessTest, IsFoundByItsWorkingDirectory) {
  auto child = GatedChild::spawn(planFor({"sleep", "60"}));
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->release());
  const auto isSleep = [](std::string_view command) { return command == "sleep"; };
  const auto found = processesIn(dir_, isSleep);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front(), child->id());
  EXPECT_TRUE(processesIn(dir_ / "below", isSleep).empty());
  EXPECT_TRUE(processesIn("/", isSleep).empty());
  EXPECT_TRUE(processesIn(dir_, [](std::string_view) { return false; }).empty());
  ASSERT_TRUE(sendSignal(child->id(), SIGSTOP));
  for (int i = 0; i < 1000 && !isStopped(child->id()); ++i) ::usleep(1000);
  EXPECT_TRUE(isStopped(child->id()));
  ASSERT_TRUE(sendSignal(child->id(), SIGKILL));
  EXPECT_TRUE(awaitExit(child->id(), 10 * kSecond));
}

TEST_F(ProcessTest, IsKilledWhenItDoesNotEnd) {
  const auto ran = runProgram({"sleep", "60"}, 50 * kMillisecond);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::timeout);
}

TEST(RunProgram, ReturnsWhatItPrinted) {
  EXPECT_EQ(runProgram({"sh", "-c", "echo out; echo err >&2"}, 10 * kSecond).value(), "out\nerr\n");
}

}  // namespace
}  // namespace redline
