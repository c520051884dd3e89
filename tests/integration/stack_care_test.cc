// Stacks beside each other: one that is asked for again, one whose files are damaged, one whose
// files were deleted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "os/files.h"
#include "server/stack.h"
#include "support/real_redis.h"
#include "support/redline_shell.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// A directory with redline in it, and all its stacks taken down at the end.
class StackCare : public testing::Test {
 protected:
  test::ShellEnd shell(const std::string& line) const { return test::runShell(home_.path(), line); }
  void up(const std::string& name, const std::string& flags = {}) const {
    const auto ended = shell(fmt::format(
        "$R stack up node -name={} -port=0 -maxmemory=64MB -format=addr {}", name, flags));
    ASSERT_EQ(ended.code, 0) << ended.errors;
  }
  fs::path stacks() const { return home_.path() / "state" / "stacks"; }
  void TearDown() override { shell("for each in a b lost; do $R stack down $each; done"); }

  test::TemporaryDirectory home_;
};

std::size_t lineCount(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

TEST_F(StackCare, UpRefusesOtherOptionsThanTheStackHas) {
  up("a", "-io-threads=2");
  const auto again = shell("$R stack up node -name=a -port=0 -maxmemory=0.0625GB");
  EXPECT_EQ(again.code, 0) << again.errors;
  EXPECT_THAT(again.out, HasSubstr("already up"));
  EXPECT_EQ(shell("$R stack up node -name=a").code, 0);  // asks for nothing in particular
  for (const auto& [flags, difference] : std::vector<std::pair<std::string, std::string>>{
           {"node -maxmemory=128MB", "with -maxmemory=64MB and not with -maxmemory=128MB"},
           {"node -io-threads=4", "with -io-threads=2 and not with -io-threads=4"},
           {"node -tls", "with -tls=false and not with -tls=true"},
           {"node -redis-config='hz 50'", "without -redis-config and not with -redis-config=hz 50"},
           {"cluster", "is a node"}}) {
    const auto refused = shell(fmt::format("$R stack up {} -name=a", flags));
    EXPECT_EQ(refused.code, 1) << flags;
    EXPECT_EQ(lineCount(refused.errors), 1U) << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr(difference));
    EXPECT_THAT(refused.errors, HasSubstr("redline stack down a"));
  }
}

TEST_F(StackCare, StatusShowsTheOthersBesideADamagedOne) {
  up("a");
  up("b");
  ASSERT_TRUE(writeWholeFile(stacks() / "a" / "stack.json", "{"));
  const auto status = shell("$R stack status");
  EXPECT_EQ(status.code, 1);
  EXPECT_THAT(status.out, HasSubstr("stack b (node)"));
  EXPECT_EQ(lineCount(status.errors), 1U) << status.errors;
  EXPECT_THAT(status.errors, HasSubstr("stacks/a/stack.json"));
  EXPECT_THAT(shell("$R stack up node -name=a").errors, HasSubstr("redline stack down a"));
  const auto down = shell("$R stack down a");
  EXPECT_EQ(down.code, 0) << down.errors;
  EXPECT_THAT(down.out, HasSubstr("killed a leftover redis-server"));
  EXPECT_EQ(shell("$R stack status").code, 0);
}

TEST_F(StackCare, DownForgetsNoServersElsewhereWhenItsFileIsDamaged) {
  const fs::path file = stacks() / "a" / "stack.json";
  up("a", "-dir=" + (home_.path() / "elsewhere").string());
  const auto state = Stack(home_.path() / "state").load("a");
  ASSERT_TRUE(state);
  const std::string text = readWholeFile(file).value();
  for (const std::string& damaged :
       {std::string("{"), std::string(), "{\"schema\": 99}\n" + text}) {
    ASSERT_TRUE(writeWholeFile(file, damaged));
    for (const char* const line : {"$R stack down a", "$R stack up node -name=a"}) {
      const auto refused = shell(line);
      EXPECT_EQ(refused.code, 1) << line << refused.out;
      EXPECT_EQ(lineCount(refused.errors), 1U) << refused.errors;
      EXPECT_THAT(refused.errors, HasSubstr("stacks/a/stack.json"));
      EXPECT_THAT(refused.errors, HasSubstr("where the servers of stack a are is not known"));
    }
    EXPECT_TRUE(isAlive(state->nodes[0].process));
    EXPECT_TRUE(fs::exists(file));
  }
  ASSERT_TRUE(writeWholeFile(file, text));
  EXPECT_EQ(shell("$R stack down a").code, 0);
  EXPECT_FALSE(isAlive(state->nodes[0].process));
}

TEST_F(StackCare, StatusSaysAllThatIsWrong) {
  up("a");
  up("b");
  ASSERT_TRUE(writeWholeFile(stacks() / "a" / "stack.json", "{"));
  ASSERT_TRUE(writeWholeFile(stacks() / "b" / "stack.json", ""));
  const auto status = shell("$R stack status");
  EXPECT_EQ(status.code, 1);
  EXPECT_THAT(status.errors, HasSubstr("stacks/a/stack.json"));
  EXPECT_THAT(status.errors, HasSubstr("stacks/b/stack.json"));
}

TEST_F(StackCare, AStackWhoseDirectoryWasDeletedIsSeenAndTakenDown) {
  up("lost");
  up("b");
  const auto state = Stack(home_.path() / "state").load("lost");
  ASSERT_TRUE(state);
  const ProcessId server = state->nodes[0].process;
  fs::remove_all(stacks() / "lost");
  for (const char* const line : {"$R stack status", "$R stack status lost"}) {
    const auto status = shell(line);
    EXPECT_EQ(status.code, 1);
    EXPECT_EQ(lineCount(status.errors), 1U) << status.errors;
    EXPECT_THAT(status.errors, HasSubstr(fmt::format("pid {}", server.pid)));
    EXPECT_THAT(status.errors, HasSubstr("redline stack down lost"));
  }
  EXPECT_TRUE(isAlive(server));
  const auto down = shell("$R stack down lost");
  EXPECT_EQ(down.code, 0) << down.errors;
  EXPECT_THAT(down.out, HasSubstr(fmt::format("pid {}", server.pid)));
  EXPECT_FALSE(isAlive(server));
  EXPECT_EQ(shell("$R stack status").code, 0);  // b is untouched
  EXPECT_THAT(shell("$R stack down lost").out, HasSubstr("nothing to do"));
}

TEST_F(StackCare, AllOfItsDirectoriesDeletedLeaveNoServer) {
  up("lost");
  const auto state = Stack(home_.path() / "state").load("lost");
  ASSERT_TRUE(state);
  fs::remove_all(home_.path() / "state");
  EXPECT_EQ(shell("$R stack down lost").code, 0);
  EXPECT_FALSE(isAlive(state->nodes[0].process));
  EXPECT_FALSE(fs::exists(home_.path() / "state"));
}

}  // namespace
}  // namespace redline
