#include "server/stack.h"
#include "os/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "server/scoped_stack.h"
#include "support/real_redis.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::startRedis;

class StackTest : public testing::Test {
 protected:
  StackOptions options() {
    StackOptions options;
    options.name = "test";
    options.node.port = 0;
    options.node.maxmemory = 64 << 20;
    return options;
  }
  std::string downText(const std::string& password = {}) {
    const auto lines = stack_.down("test", {{}, password});
    EXPECT_TRUE(lines) << (lines ? "" : lines.error().message);
    return lines ? fmt::format("{}", fmt::join(*lines, "\n")) : "";
  }
  bool nothingIsLeft() const {
    const bool noFiles = !fs::exists(home_.path() / "stacks") || stack_.names().empty();
    return noFiles && processesIn(home_.path(), [](std::string_view) { return true; }).empty();
  }
  void TearDown() override { (void)stack_.down("test", {}); }

  test::TemporaryDirectory home_;
  Stack stack_{home_.path()};
};

TEST_F(StackTest, ComesUpServesAndLeavesNothingBehind) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_FALSE(up->already);
  const NodeState& node = up->state.nodes.front();
  EXPECT_NE(up->text().find(node.endpoint().text()), std::string::npos);
  auto admin = Admin::connect(node.endpoint(), {});
  ASSERT_TRUE(admin);
  EXPECT_EQ(admin->configGet("save").value(), "");
  EXPECT_EQ(admin->configGet("maxmemory").value(), std::to_string(64 << 20));
  EXPECT_EQ(admin->configGet("maxmemory-policy").value(), "allkeys-lru");
  EXPECT_EQ(admin->configGet("dir").value(), node.dir.string());
  EXPECT_TRUE(admin->command({"DEBUG", "JMAP"}).has_value() ||
              admin->command({"DEBUG", "SLEEP", "0"}).has_value());
  ASSERT_TRUE(admin->command({"SET", "k", "v"}));
  const auto status = stack_.status("test", {});
  ASSERT_TRUE(status);
  ASSERT_EQ(status->nodes.size(), 1U);
  EXPECT_TRUE(status->nodes[0].alive);
  EXPECT_EQ(status->nodes[0].role, "master");
  EXPECT_EQ(status->nodes[0].keys, 1U);
  EXPECT_GT(status->nodes[0].usedMemory, 0U);
  EXPECT_EQ(status->nodes[0].node.process, node.process);
  EXPECT_NE(downText().find("stopped"), std::string::npos);
  EXPECT_TRUE(nothingIsLeft());
  EXPECT_FALSE(isAlive(node.process));
  EXPECT_NE(downText().find("nothing to do"), std::string::npos);
  EXPECT_FALSE(stack_.status("test", {}));
}

TEST_F(StackTest, SaysThatItIsAlreadyUpAndWhere) {
  const auto first = stack_.up(options());
  ASSERT_TRUE(first) << first.error().message;
  const auto second = stack_.up(options());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->already);
  EXPECT_EQ(second->state, first->state);
  EXPECT_NE(second->text().find("already up on " + first->state.nodes[0].endpoint().text()),
            std::string::npos);
}

TEST_F(StackTest, GoesDownAfterItsServerWasKilled) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  ASSERT_TRUE(sendSignal(up->state.nodes[0].process, SIGKILL));
  ASSERT_TRUE(awaitExit(up->state.nodes[0].process, 10 * kSecond));
  const auto status = stack_.status("test", {});
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->nodes[0].alive);
  const auto again = stack_.up(options());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("redline stack down test"), std::string::npos);
  EXPECT_NE(downText().find("was not running"), std::string::npos);
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, HealsAServerThatWasKilled) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  const NodeState& node = up->state.nodes[0];
  EXPECT_THAT(stack_.heal("test", {}, {}).value(),
              testing::ElementsAre("all servers of stack test run"));
  ASSERT_TRUE(sendSignal(node.process, SIGKILL));
  ASSERT_TRUE(awaitExit(node.process, 10 * kSecond));
  const auto lines = stack_.heal("test", {}, {});
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_THAT(lines->front(),
              testing::HasSubstr("restarted " + node.name + " on " + node.endpoint().text()));
  const auto status = stack_.status("test", {});
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->nodes[0].alive);
  EXPECT_EQ(status->nodes[0].problem, "");
  EXPECT_FALSE(stack_.heal("other", {}, {}));
}

TEST_F(StackTest, GoesDownWhileASnapshotIsBeingWrittenByAnOrphan) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  auto admin = Admin::connect(up->state.nodes[0].endpoint(), {});
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"DEBUG", "POPULATE", "10000"}));
  ASSERT_TRUE(admin->configSet("rdb-key-save-delay", "10000"));  // 10 ms a key: a long snapshot
  ASSERT_TRUE(admin->command({"BGSAVE"}));
  // It ends by itself when it cannot report its progress: after its first report, and then not for
  // another 1024 keys.
  ASSERT_TRUE(test::eventually([&] {
    const auto info = admin->info({"persistence"});
    return info && info->count("current_cow_size") > 0;
  }));
  ASSERT_TRUE(sendSignal(up->state.nodes[0].process, SIGKILL));
  ASSERT_TRUE(awaitExit(up->state.nodes[0].process, 10 * kSecond));
  EXPECT_NE(downText().find("leftover"), std::string::npos);
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, StopsAFrozenServer) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  ASSERT_TRUE(sendSignal(up->state.nodes[0].process, SIGSTOP));
  ASSERT_TRUE(test::eventually([&] { return isStopped(up->state.nodes[0].process); }));
  EXPECT_TRUE(stack_.status("test", {})->nodes[0].stopped);
  EXPECT_NE(downText().find("stopped"), std::string::npos);
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, FindsWhatACrashOfRedlineLeftAtAnyMoment) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  // As if redline had died between starting the server and writing down its number …
  StackState forgotten = up->state;
  forgotten.complete = false;
  forgotten.nodes[0].process = {};
  ASSERT_TRUE(writeWholeFile(stack_.statePath("test"), toJson(forgotten)));
  EXPECT_NE(downText().find("leftover"), std::string::npos);
  EXPECT_FALSE(isAlive(up->state.nodes[0].process));
  EXPECT_TRUE(nothingIsLeft());
  // … and before it had written anything.
  fs::create_directories(home_.path() / "stacks" / "test");
  downText();
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, LeavesNoServerWhenRedlineIsKilledWhileStartingIt) {
  // The maker dies between writing down the process and letting it run.
  const pid_t maker = ::fork();
  if (maker == 0) {
    NodeConfig config = options().node;
    config.port = freePort().value_or(0);
    config.dir = home_.path() / "stacks" / "test" / "node";
    NodeStartOptions start;
    start.onSpawned = [](const ProcessId&) -> Status { ::_exit(9); };
    (void)Node::start(config, start);
    ::_exit(1);
  }
  int result = 0;
  ASSERT_EQ(::waitpid(maker, &result, 0), maker);
  ASSERT_EQ(WEXITSTATUS(result), 9);
  EXPECT_TRUE(test::eventually(
      [&] { return processesIn(home_.path(), [](std::string_view) { return true; }).empty(); }));
}

TEST_F(StackTest, NeverStopsAProcessThatGotAnOldPid) {
  const auto up = stack_.up(options());
  ASSERT_TRUE(up) << up.error().message;
  StackState stale = up->state;
  stale.nodes[0].process = *identify(::getpid());
  --stale.nodes[0].process.startTicks;
  ASSERT_TRUE(writeWholeFile(stack_.statePath("test"), toJson(stale)));
  downText();  // would end this very test if it trusted the number
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, KeepsItsFilesWhereItIsTold) {
  const test::TemporaryDirectory elsewhere;
  StackOptions chosen = options();
  chosen.dir = elsewhere.path();
  std::ofstream(elsewhere.path() / "mine") << "precious";
  const auto up = stack_.up(chosen);
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_TRUE(fs::exists(elsewhere.path() / "redline-test" / up->state.nodes[0].name));
  downText();
  EXPECT_FALSE(fs::exists(elsewhere.path() / "redline-test"));
  EXPECT_TRUE(fs::exists(elsewhere.path() / "mine"));
  fs::create_directories(elsewhere.path() / "redline-test");
  const auto taken = stack_.up(chosen);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::unsafe);
  EXPECT_TRUE(fs::exists(elsewhere.path() / "redline-test"));
}

TEST_F(StackTest, KeepsItsPasswordOutOfFilesAndProcessLists) {
  StackOptions secret = options();
  secret.node.password = "hunter2-sesame";
  const auto up = stack_.up(secret);
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_FALSE(Admin::connect(up->state.nodes[0].endpoint(), {}));
  EXPECT_TRUE(Admin::connect(up->state.nodes[0].endpoint(), {{}, "hunter2-sesame"}));
  for (const auto& entry : fs::recursive_directory_iterator(home_.path()))
    if (entry.is_regular_file()) {
      EXPECT_EQ(readWholeFile(entry.path())->find("sesame"), std::string::npos) << entry.path();
    }
  const auto proc = fmt::format("/proc/{}/", up->state.nodes[0].process.pid);
  EXPECT_EQ(readWholeFile(proc + "cmdline")->find("sesame"), std::string::npos);
  EXPECT_EQ(readWholeFile(proc + "environ")->find("sesame"), std::string::npos);
  // Without the password it cannot be asked, and is stopped all the same.
  EXPECT_NE(stack_.status("test", {})->nodes[0].problem.find("REDLINE_PASSWORD"),
            std::string::npos);
  EXPECT_NE(downText().find("stopped"), std::string::npos);
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, NamesWhoHoldsThePort) {
  auto other = startRedis();
  if (!other) return;
  StackOptions taken = options();
  taken.node.port = other->endpoint().port;
  const auto refused = stack_.up(taken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            fmt::format("port {} is in use by redis-server (pid {}): choose another with -port",
                        taken.node.port, other->node().process().pid));
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, RefusesAnotherMajorVersionUnlessOverridden) {
  const test::TemporaryDirectory bin;
  StackOptions old = options();
  old.node.binary = test::writeScript(
      bin.path() / "redis-server",
      "[ \"$1\" = --version ] && { echo 'Redis server v=6.2.1 sha=0:0 malloc=libc'; exit; }\n"
      "exec redis-server \"$@\"");
  const auto refused = stack_.up(old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_EQ(refused.error().message, "redis-server 6.2.1 at " + old.node.binary +
                                         ": redline is made for 7.x; -any-version overrides");
  EXPECT_TRUE(nothingIsLeft());
  old.node.anyVersion = true;
  EXPECT_TRUE(stack_.up(old));
}

TEST_F(StackTest, RefusesBinariesThatAreNoRedis) {
  StackOptions wrong = options();
  wrong.node.binary = "true";
  EXPECT_NE(stack_.up(wrong).error().message.find("true is not a redis-server"), std::string::npos);
  wrong.node.binary = "no-such-binary";
  EXPECT_NE(stack_.up(wrong).error().message.find("not on the PATH"), std::string::npos);
}

TEST_F(StackTest, PassesOnTheLastWordsOfAServerThatDoesNotStart) {
  StackOptions wrong = options();
  wrong.node.extra = {{"hz", "many"}};
  const auto refused = stack_.up(wrong);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("hz many"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(nothingIsLeft());
}

TEST_F(StackTest, RefusesMoreMemoryThanThereIsUnlessForced) {
  StackOptions large = options();
  large.node.maxmemory = 1ULL << 50;
  const auto refused = stack_.up(large);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  large.force = true;
  EXPECT_TRUE(stack_.up(large));
}

TEST(ScopedStack, StartsAgainInItsPlaceAndGoesWithItsOwner) {
  ProcessId process;
  fs::path dir;
  {
    auto redis = startRedis();
    if (!redis) return;
    const ProcessId first = redis->node().process();
    const Endpoint endpoint = redis->endpoint();
    ASSERT_TRUE(redis->restart());
    EXPECT_FALSE(isAlive(first));
    EXPECT_EQ(redis->endpoint(), endpoint);
    EXPECT_NE(endpoint.port, 6379);
    process = redis->node().process();
    dir = redis->dir();
    EXPECT_TRUE(isAlive(process));
  }
  EXPECT_FALSE(isAlive(process));
  EXPECT_FALSE(fs::exists(dir));
}

TEST(ScopedStack, LeavesNoServerWhenItsOwnerCrashes) {
  const test::TemporaryDirectory parent;
  const pid_t owner = ::fork();
  if (owner == 0) {
    ScopedStackOptions options;
    options.parent = parent.path();
    auto stack = ScopedStack::start(options);
    ::_exit(stack ? 9 : 1);  // no destructor runs
  }
  int result = 0;
  ASSERT_EQ(::waitpid(owner, &result, 0), owner);
  ASSERT_EQ(WEXITSTATUS(result), 9);
  EXPECT_TRUE(test::eventually(
      [&] { return processesIn(parent.path(), [](std::string_view) { return true; }).empty(); }));
}

}  // namespace
}  // namespace redline
