// The loader's RDB streams into real servers: the same data set as by commands, and a clean end of
// whatever goes wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/files.h"
#include "os/program.h"
#include "run/load_method.h"
#include "server/key_admin.h"
#include "server/rdb_pipe.h"
#include "server/stack.h"
#include "support/load_lab.h"
#include "support/paths.h"
#include "support/real_redis.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::adminOf;
using test::eventually;
using test::expectGood;
using test::flush;
using test::kMegabyte;
using test::load;
using test::startRedis;
using testing::HasSubstr;

LoadRunPlan streamPlan(ScopedStack& redis, std::uint64_t keys = 20'000,
                       LoadMethod method = LoadMethod::rdb) {
  LoadRunPlan plan = test::loadPlan(redis.endpoint(), keys);
  plan.own = ownServers(redis);
  plan.method = method;
  return plan;
}

NodeConfig roomy() {
  NodeConfig config;
  config.maxmemory = 2048 * kMegabyte;
  return config;
}

/// All that can be seen of a data set: DEBUG DIGEST, and when each key expires.
std::string everything(ScopedStack& redis, std::uint64_t keys) {
  auto admin = adminOf(redis);
  if (!admin) return {};
  std::vector<std::vector<std::string>> commands{{"DEBUG", "DIGEST"}, {"DBSIZE"}};
  for (std::uint64_t id = 0; id < keys; ++id) commands.push_back({"PEXPIRETIME", test::keyOf(id)});
  const auto replies = admin->pipeline(commands, 60 * kSecond);
  EXPECT_TRUE(replies) << replies.error().message;
  std::string all;
  if (replies)
    for (const Value& reply : *replies) all += fmt::format("{}{} ", reply.text, reply.integer);
  return all;
}

/// Nothing but the server's own files.
void expectNothingLeft(const ScopedStack& redis) {
  for (std::size_t i = 0; i < redis.size(); ++i)
    for (const auto& entry : fs::directory_iterator(redis.node(i).config().dir))
      EXPECT_FALSE(isRdbPipe(entry.path())) << entry.path();
}

std::string reasonOf(const Result<LoadRunOutcome>& outcome) {
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? outcome->summary.load.method + ": " + outcome->summary.load.reason : "";
}

TEST(RdbLoader, StoresWhatCommandsStore) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  struct Set {
    std::uint64_t keys, seed;
    std::size_t size;
    double fraction;
    std::int64_t at;
  };
  for (const Set& set : {Set{20'000, 1, 100, 0.3, 0}, Set{1, 2, 1, 1, 0},
                         Set{3'000, 3, 20'000, 0, 0}, Set{50'000, 4, 17, 1, 90'000}}) {
    LoadRunPlan plan = streamPlan(*redis, set.keys, LoadMethod::commands);
    plan.load.seed = set.seed;
    plan.load.valueSize = set.size;
    plan.load.ttlFraction = set.fraction;
    plan.load.ttlAtMillis = set.at;
    expectGood(load(plan));
    const std::string wanted = everything(*redis, set.keys);
    for (const LoadMethod method : {LoadMethod::rdb, LoadMethod::automatic}) {
      flush(*redis);
      plan.method = method;
      plan.load.threads = method == LoadMethod::rdb ? 3 : 1;
      const auto outcome = load(plan);
      expectGood(outcome);
      const bool isSmall = set.size <= streamBreakEven(set.fraction);
      EXPECT_EQ(outcome->summary.load.method,
                isSmall || method == LoadMethod::rdb ? "rdb" : "commands");
      EXPECT_EQ(outcome->databaseKeys, set.keys);
      EXPECT_EQ(outcome->summary.rate.completed, set.keys);
      EXPECT_EQ(everything(*redis, set.keys), wanted);
    }
    flush(*redis);
  }
  expectNothingLeft(*redis);
}

TEST(RdbLoader, PrefersCommandsForLargeValuesTheLaterTheMoreKeysExpire) {
  EXPECT_GT(streamBreakEven(0), 100U);
  EXPECT_LT(streamBreakEven(0), 4096U);
  EXPECT_GT(streamBreakEven(0.3), streamBreakEven(0));
  EXPECT_EQ(streamBreakEven(1), streamBreakEven(0.3));
}

TEST(RdbLoader, SaysWhyItLoadsByCommands) {
  auto redis = startRedis();
  if (!redis) return;
  const auto dump = redis->node().config().dir / "dump.rdb";
  LoadRunPlan plan = streamPlan(*redis, 1'000, LoadMethod::automatic);
  EXPECT_EQ(reasonOf(load(plan)),
            "rdb: the server is empty and of a stack of ours, and values of 100 B load faster by a "
            "stream");
  EXPECT_THAT(reasonOf(load(plan)), HasSubstr("holds 1000 keys already"));
  flush(*redis);
  plan.load.valueSize = 4096;
  EXPECT_THAT(reasonOf(load(plan)), HasSubstr("commands: values of 4 KB load as fast by commands"));
  flush(*redis);
  plan.method = LoadMethod::rdb;
  EXPECT_EQ(reasonOf(load(plan)), "rdb: -method=rdb");
  plan.method = LoadMethod::automatic;
  plan.load.valueSize = 100;
  flush(*redis);
  plan.own.clear();
  EXPECT_THAT(reasonOf(load(plan)), HasSubstr("is not a server of a stack of ours"));
  flush(*redis);
  plan.own = ownServers(*redis);
  plan.load.from = 500;
  EXPECT_EQ(reasonOf(load(plan)), "commands: -from continues a load");
  flush(*redis);
  plan.load.from = 0;
  ASSERT_TRUE(writeWholeFile(dump, "REDIS"));
  EXPECT_THAT(reasonOf(load(plan)), HasSubstr("has a dump file"));
  EXPECT_EQ(readWholeFile(dump).value_or(""), "REDIS");
}

TEST(RdbLoader, RefusesWhatRdbCannotDo) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = streamPlan(*redis, 1'000);
  plan.own.clear();
  const auto foreign = load(plan);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::refused);
  EXPECT_THAT(foreign.error().message, HasSubstr("use -method=commands"));
  plan = streamPlan(*redis, 5'000'000);
  plan.force = true;
  const auto tooLarge = load(plan);
  ASSERT_FALSE(tooLarge);
  EXPECT_THAT(tooLarge.error().message, HasSubstr("evicts nothing while it loads"));
  EXPECT_EQ(adminOf(*redis)->command({"DBSIZE"})->integer, 0);
}

TEST(RdbLoader, LeavesServersToCommandsThatLogOrRefuseDebug) {
  for (const auto& [name, value, reason] :
       {std::tuple{"appendonly", "yes", "append-only file"},
        std::tuple{"enable-debug-command", "no", "refuses DEBUG"}}) {
    NodeConfig config;
    config.extra = {{name, value}};
    auto redis = startRedis(config);
    if (!redis) return;
    LoadRunPlan plan = streamPlan(*redis, 1'000, LoadMethod::automatic);
    const auto outcome = load(plan);
    expectGood(outcome);
    EXPECT_THAT(reasonOf(outcome), testing::AllOf(HasSubstr("commands: "), HasSubstr(reason)));
    plan.method = LoadMethod::rdb;
    const auto refused = load(plan);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr(reason));
  }
}

/// Somebody who may do all that a load by rdb needs but that.
LoadRunPlan asUser(ScopedStack& redis, LoadRunPlan plan, const std::string& rule) {
  auto admin = adminOf(redis);
  const std::string text = "+@all " + rule;
  std::vector<std::string> command{"ACL", "SETUSER", "lab", "reset", "on", ">secret", "~*"};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    command.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_TRUE(admin->command(command));
  plan.load.credentials = {"lab", "secret"};
  return plan;
}

TEST(RdbLoader, GoesByCommandsWhereAnAclAllowsDebugHelpOnly) {
  auto redis = startRedis();
  if (!redis) return;
  const LoadRunPlan plan =
      asUser(*redis, streamPlan(*redis, 1'000, LoadMethod::automatic), "-debug +debug|help");
  const auto outcome = load(plan);
  expectGood(outcome);
  EXPECT_THAT(reasonOf(outcome), testing::AllOf(HasSubstr("commands: "), HasSubstr("NOPERM")));
}

TEST(RdbLoader, GoesByCommandsWhereTheServerRefusesAfterAll) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = asUser(*redis, streamPlan(*redis, 1'000, LoadMethod::automatic), "");
  plan.forCommands = {"-threads", "-conns"};
  std::vector<std::string> notes;
  LoadWatcher watcher;
  watcher.onNote = [&](const std::string& note) {  // said when the method has been chosen
    notes.push_back(note);
    (void)asUser(*redis, plan, "-debug");
  };
  const auto outcome = runLoad(plan, watcher);
  expectGood(outcome);
  EXPECT_THAT(notes, testing::ElementsAre(HasSubstr("no use for -threads, -conns")));
  EXPECT_THAT(reasonOf(outcome), testing::AllOf(HasSubstr("commands: "), HasSubstr("NOPERM")));
  EXPECT_EQ(outcome->databaseKeys, 1'000U);
  expectNothingLeft(*redis);
}

TEST(RdbLoader, LeavesNoOldValueUnderANameWhoseTimeHasPassed) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = streamPlan(*redis, 1'000);
  expectGood(load(plan));
  plan.load.seed = 2;
  plan.load.ttlFraction = 0.5;
  expectGood(load(plan));  // nothing has expired yet: a stream may replace what is there
  plan.load.ttlEpochMillis = 1'600'000'000'000;
  const auto refused = load(plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("use -method=commands"));
}

TEST(RdbLoader, StoresNoKeyWhoseTimeHasPassed) {
  auto redis = startRedis();
  if (!redis) return;
  LoadRunPlan plan = streamPlan(*redis, 20'000);
  plan.load.ttlFraction = 0.5;
  plan.load.ttlEpochMillis = 1'600'000'000'000;
  const auto streamed = load(plan);
  expectGood(streamed);
  const std::string seen = everything(*redis, plan.load.keys);
  EXPECT_NEAR(static_cast<double>(*streamed->databaseKeys), 10'000, 400);
  EXPECT_EQ(streamed->summary.servers.at(0).expired, 20'000 - *streamed->databaseKeys);

  flush(*redis);
  plan.method = LoadMethod::commands;
  expectGood(load(plan));
  auto admin = adminOf(*redis);
  EXPECT_TRUE(eventually([&] {
    return static_cast<std::uint64_t>(admin->command({"DBSIZE"})->integer) ==
           streamed->databaseKeys;
  }));
  EXPECT_EQ(everything(*redis, plan.load.keys), seen);
}

TEST(RdbLoader, ContinuesFromWhereAnInterruptLeftIt) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  // Large values: the stream lasts, and the commands that follow it are few.
  LoadRunPlan plan = streamPlan(*redis, 400'000);
  plan.load.valueSize = 1000;
  plan.load.ttlFraction = 0.3;
  std::atomic<bool> begun{false};
  const auto broken = load(
      plan, [&] { return begun.load(); },
      [&](const LoadProgress& at) { begun = begun || at.done > 0; });
  ASSERT_TRUE(broken) << broken.error().message;
  ASSERT_FALSE(broken->status);
  EXPECT_EQ(broken->status.error().code, ErrorCode::interrupted);
  EXPECT_THAT(broken->status.error().message,
              HasSubstr(fmt::format("-from={}", broken->resumeFrom)));
  EXPECT_GT(broken->resumeFrom, 0U);
  ASSERT_LT(broken->resumeFrom, plan.load.keys);
  EXPECT_EQ(broken->databaseKeys, broken->resumeFrom);
  expectNothingLeft(*redis);

  plan.load.from = broken->resumeFrom;
  std::vector<std::string> notes;
  LoadWatcher watcher;
  watcher.onNote = [&](const std::string& note) { notes.push_back(note); };
  const auto rest = runLoad(plan, watcher);
  expectGood(rest);
  EXPECT_EQ(rest->summary.load.method, "commands");
  EXPECT_THAT(notes, testing::Contains(HasSubstr("by commands, as -from")));
  const std::string resumed = everything(*redis, 1'000);
  flush(*redis);
  plan.load.from = 0;
  expectGood(load(plan));
  EXPECT_EQ(everything(*redis, 1'000), resumed);
}

TEST(RdbLoader, EndsBeforeMaxmemoryThatIsLoweredUnderIt) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  LoadRunPlan plan = streamPlan(*redis, 3'000'000);
  std::atomic<bool> lowered{false};
  auto admin = adminOf(*redis);
  const auto outcome = load(plan, {}, [&](const LoadProgress& at) {
    if (at.done == 0 || lowered.exchange(true)) return;
    EXPECT_TRUE(admin->configSet("maxmemory", std::to_string(300 * kMegabyte)));
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::noSpace);
  // Which advice depends on whether the stream ended before the first key was evicted.
  EXPECT_THAT(
      outcome->status.error().message,
      testing::AllOf(HasSubstr("is full"),
                     testing::AnyOf(HasSubstr("resume with -from="), HasSubstr("has evicted")),
                     testing::Not(HasSubstr("\n"))));
  EXPECT_TRUE(redis->node().alive());
  EXPECT_LT(outcome->resumeFrom, plan.load.keys);
  expectNothingLeft(*redis);
}

TEST(RdbLoader, DoesNotResumeWhereKeysWereEvicted) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  LoadRunPlan plan = streamPlan(*redis, 3'000'000);
  std::atomic<bool> lowered{false};
  auto admin = adminOf(*redis);
  const auto outcome = load(plan, {}, [&](const LoadProgress& at) {
    if (at.done < 300'000 || lowered.exchange(true)) return;
    EXPECT_TRUE(admin->configSet("maxmemory", std::to_string(20 * kMegabyte)));
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::noSpace);
  EXPECT_THAT(outcome->status.error().message,
              testing::AllOf(HasSubstr("has evicted"), HasSubstr("load again with -from=0")));
}

TEST(RdbLoader, CompletesADataSetThatJustFits) {
  NodeConfig config;
  config.maxmemory = 355 * kMegabyte;  // 353 MB will be used, and in 100 ms some 20 MB come
  auto redis = startRedis(config);
  if (!redis) return;
  const auto outcome = load(streamPlan(*redis, 2'000'000));
  expectGood(outcome);
  EXPECT_EQ(outcome->databaseKeys, 2'000'000U);
}

// What is in the pipe when the loader gives up is stored when the server continues.
TEST(RdbLoader, CountsWhatAPausedServerWillHave) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  const LoadRunPlan plan = streamPlan(*redis, 3'000'000);
  std::atomic<bool> paused{false};
  const auto outcome = load(
      plan, [&] { return paused.load(); },
      [&](const LoadProgress& at) {
        if (at.done > 0 && !paused) {
          EXPECT_TRUE(redis->node().signal(SIGSTOP));
          paused = true;
        }
      });
  EXPECT_TRUE(redis->node().signal(SIGCONT));
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_THAT(outcome->status.error().message,
              HasSubstr(fmt::format("-from={}", outcome->resumeFrom)));
  EXPECT_GT(outcome->resumeFrom, 0U);
  EXPECT_FALSE(outcome->databaseKeys);
  std::int64_t stored = 0;
  EXPECT_TRUE(eventually([&] {
    auto admin = Admin::connect(redis->endpoint(), {});  // refused while it is loading
    const auto size = admin ? admin->commandRaw({"DBSIZE"}) : Result<Value>(fail(admin.error()));
    stored = size ? size->integer : 0;
    return stored == static_cast<std::int64_t>(outcome->resumeFrom);
  })) << stored
      << " keys are stored, and -from=" << outcome->resumeFrom << " is advised";
}

// A server that has opened the pipe waits for its data, and answers nobody meanwhile.
TEST(RdbLoader, ACpuThatIsNotThereIsRefusedBeforeTheServerWaits) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  LoadRunPlan plan = streamPlan(*redis, 1000);
  plan.load.cpus = {1023};
  const auto outcome = load(plan);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_THAT(outcome->status.error().message, HasSubstr("CPU 1023"));
  expectNothingLeft(*redis);
  EXPECT_EQ(adminOf(*redis)->command({"DBSIZE"})->integer, 0);
}

TEST(RdbLoader, EndsWithOneLineWhenTheServerDies) {
  auto redis = startRedis(roomy());
  if (!redis) return;
  const LoadRunPlan plan = streamPlan(*redis, 1'000'000);
  std::atomic<bool> killed{false};
  const auto outcome = load(plan, {}, [&](const LoadProgress& at) {
    if (at.done > 0 && !killed.exchange(true)) (void)redis->node().kill();
  });
  ASSERT_TRUE(killed);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::unreachable);
  EXPECT_THAT(outcome->status.error().message,
              testing::AllOf(HasSubstr("ended while it was loading"), HasSubstr("-from="),
                             testing::Not(HasSubstr("\n"))));
  EXPECT_EQ(outcome->resumeFrom, 0U);
  EXPECT_EQ(outcome->done, 0U);
  expectNothingLeft(*redis);
  ASSERT_TRUE(redis->restart());
  EXPECT_EQ(adminOf(*redis)->command({"DBSIZE"})->integer, 0);
}

TEST(RdbLoader, ReplacesWhatACrashLeft) {
  auto redis = startRedis();
  if (!redis) return;
  const auto dump = redis->node().config().dir / "dump.rdb";
  const auto leave = [&](bool fifo) {
    ASSERT_EQ(fifo ? ::mkfifo(dump.c_str(), 0600) : ::symlink("/proc/1/fd/987", dump.c_str()), 0);
  };
  for (const bool fifo : {true, false}) {
    leave(fifo);
    expectGood(load(streamPlan(*redis)));
    expectNothingLeft(*redis);
    leave(fifo);
    ASSERT_TRUE(redis->restart());  // with a FIFO there, the server would wait for a writer
    expectNothingLeft(*redis);
  }
}

/// A process that has put a pipe in the place of a dump file, and then does nothing.
class IdleLoader {
 public:
  explicit IdleLoader(const fs::path& dump) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    auto pipe = RdbPipe::claim(dump);
    if (!pipe || !pipe->place()) ::_exit(1);
    for (;;) ::pause();
  }
  ~IdleLoader() { kill(); }
  IdleLoader(const IdleLoader&) = delete;
  IdleLoader& operator=(const IdleLoader&) = delete;
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

bool answersAgain(const Endpoint& endpoint) {
  return eventually([&] { return Admin::connect(endpoint, {}, kSecond).has_value(); });
}

/// Asks for a reload, and does not wait for it.
std::jthread askForReload(const Endpoint& endpoint) {
  auto admin = std::make_shared<Result<Admin>>(Admin::connect(endpoint, {}));
  EXPECT_TRUE(*admin);
  return std::jthread([admin] {
    if (*admin)
      (void)(*admin)->commandRaw({"DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"}, 60 * kSecond);
  });
}

TEST(RdbPipe, AServerThatComesLateDoesNotWaitForALoaderThatWasKilled) {
  auto redis = startRedis();
  if (!redis) return;
  const Endpoint endpoint = redis->endpoint();
  const auto dump = redis->node().config().dir / "dump.rdb";
  IdleLoader loader(dump);
  ASSERT_TRUE(eventually([&] { return isRdbPipe(dump); }));
  auto busy = adminOf(*redis);
  std::jthread sleeping([&] { (void)busy->commandRaw({"DEBUG", "SLEEP", "0.5"}); });
  std::jthread reload = askForReload(endpoint);
  loader.kill();
  EXPECT_TRUE(answersAgain(endpoint));
  EXPECT_TRUE(isRdbPipe(dump)) << "it leads nowhere";
  expectGood(load(streamPlan(*redis)));
  expectNothingLeft(*redis);
}

TEST(RdbPipe, BelongsToOneLoadAtATime) {
  auto redis = startRedis();
  if (!redis) return;
  const auto dump = redis->node().config().dir / "dump.rdb";
  {
    IdleLoader loader(dump);
    ASSERT_TRUE(eventually([&] { return isRdbPipe(dump); }));
    const auto second = load(streamPlan(*redis));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::refused);
    EXPECT_THAT(second.error().message, HasSubstr("another load by rdb"));
    EXPECT_TRUE(isRdbPipe(dump)) << "the first one's";
  }
  expectGood(load(streamPlan(*redis)));
}

/// A stack in a directory of the test's own.
class RdbStack : public testing::Test {
 protected:
  void SetUp() override {
    StackOptions options;
    options.node.maxmemory = 2048 * kMegabyte;
    options.node.port = 0;
    auto up = stack_.up(options);
    ASSERT_TRUE(up) << up.error().message;
    node_ = up->state.nodes.at(0);
  }
  void TearDown() override { EXPECT_TRUE(stack_.down("node", {})); }

  std::string problem() {
    const auto status = stack_.status("node", {});
    EXPECT_TRUE(status);
    return status ? status->nodes.at(0).problem : "";
  }

  test::TemporaryDirectory home_;
  Stack stack_{home_.path()};
  NodeState node_;
};

TEST_F(RdbStack, IsFreedFromAFifoThatNobodyWritesTo) {
  for (const bool stays : {true, false}) {
    const auto dump = node_.dir / "dump.rdb";
    ASSERT_EQ(::mkfifo(dump.c_str(), 0600), 0);
    std::jthread reload = askForReload(node_.endpoint());
    ASSERT_TRUE(eventually([&] { return problem().find("FIFO") != std::string::npos; }));
    if (!stays) {
      ASSERT_EQ(::unlink(dump.c_str()), 0);  // as another loader did
    }
    const auto lines = stack_.heal("node", {}, {});
    ASSERT_TRUE(lines) << lines.error().message;
    EXPECT_THAT(*lines, testing::ElementsAre(HasSubstr("freed node-")));
    EXPECT_TRUE(answersAgain(node_.endpoint()));
    EXPECT_EQ(problem(), "");
    EXPECT_FALSE(fs::exists(dump));
  }
}

TEST_F(RdbStack, NamesTheStoppedLoaderThatItWaitsFor) {
  IdleLoader loader(node_.dir / "dump.rdb");
  ASSERT_TRUE(eventually([&] { return isRdbPipe(node_.dir / "dump.rdb"); }));
  loader.signal(SIGSTOP);
  std::jthread reload = askForReload(node_.endpoint());
  const std::string name = fmt::format("process {}, which is stopped", loader.pid());
  EXPECT_TRUE(eventually([&] { return problem().find(name) != std::string::npos; })) << problem();
  const auto lines = stack_.heal("node", {}, {});
  ASSERT_FALSE(lines);
  EXPECT_THAT(lines.error().message, HasSubstr(name));
  loader.kill();
  EXPECT_TRUE(answersAgain(node_.endpoint()));
}

TEST_F(RdbStack, AnswersAfterSeveralLoadersAtOnce) {
  const std::string loader =
      fmt::format("REDLINE_HOME={} {}/redline loader -addr={} -keys=20k -method=rdb",
                  home_.path().native(), REDLINE_BINARY_DIR, node_.endpoint().text());
  for (int round = 0; round < 5; ++round) {
    const auto done =
        runProgram({"/bin/sh", "-c", fmt::format("{0} & {0} & {0} & wait", loader)}, 60 * kSecond);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(answersAgain(node_.endpoint())) << done->errors;
    EXPECT_THAT(done->output, HasSubstr("20000 of 20000")) << done->errors;
  }
  auto admin = Admin::connect(node_.endpoint(), {});
  ASSERT_TRUE(admin);
  EXPECT_EQ(admin->command({"DBSIZE"})->integer, 20'000);
}

/// `redline loader` on a stack of `redline stack up`.
TEST(RdbLoaderCommand, LoadsAStackAndSaysHow) {
  test::TemporaryDirectory home;
  StackOptions options;
  options.node.maxmemory = 2048 * kMegabyte;
  options.node.port = 0;
  Stack stack(home.path());
  const auto up = stack.up(options);
  ASSERT_TRUE(up) << up.error().message;
  const std::string addr = "-addr=" + up->state.nodes.at(0).endpoint().text();
  const std::string binary = std::string(REDLINE_BINARY_DIR) + "/redline";
  const auto run = [&](const std::string& signal, const std::string& keys) {
    return runProgram({"/bin/sh", "-c",
                       fmt::format("REDLINE_HOME={} timeout {} {} loader {} -keys={}",
                                   home.path().native(), signal, binary, addr, keys)},
                      60 * kSecond);
  };
  const auto whole = run("50", "100k");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->exitCode, 0) << whole->errors;
  EXPECT_THAT(whole->output, HasSubstr("rdb: the server is empty and of a stack of ours"));

  auto admin = Admin::connect(up->state.nodes.at(0).endpoint(), {});
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"FLUSHALL"}));
  const auto interrupted = run("-s INT 1", "5M -ttl-frac=0");
  ASSERT_TRUE(interrupted);
  EXPECT_THAT(interrupted->errors, HasSubstr("interrupted; "));
  EXPECT_GT(admin->command({"DBSIZE"})->integer, 0);
  EXPECT_FALSE(fs::exists(up->state.nodes.at(0).dir / "dump.rdb"));
  EXPECT_TRUE(stack.down("node", {}));
}

}  // namespace
}  // namespace redline
