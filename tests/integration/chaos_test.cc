// Faults against a real redis-server: each one takes, says what it did, and leaves nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "chaos/bracket.h"
#include "chaos/catalog.h"
#include "chaos/chaos_plan.h"
#include "run/chaos_run.h"
#include "run/driver_run.h"
#include "rundir/run_dir_reader.h"
#include "server/ping_probe.h"
#include "server/process_pause.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using test::adminOf;
using test::startRedis;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// A server, and the way faults get at it.
struct Scene {
  std::optional<ScopedStack> redis;
  std::optional<Admin> admin;
  SteadyClock clock;
  FaultContext context;
  std::atomic<bool> interrupt{false};
  std::mutex mutex;
  std::vector<Event> events;

  explicit Scene(NodeConfig config = {}, const std::string& password = {})
      : redis(startRedis(std::move(config))) {
    if (!redis) return;
    admin = adminOf(*redis, password);
    context.credentials.password = password;
    context.servers = {redis->endpoint()};
    context.own = {ownServer(redis->node())};
    context.clock = &clock;
    context.sink = [this](const Event& event) {
      const std::lock_guard lock(mutex);
      events.push_back(event);
    };
    context.interrupted = [this] { return interrupt.load(); };
  }

  void populate(int keys, int valueSize = 100) {
    ASSERT_TRUE(admin->command(
        {"DEBUG", "POPULATE", std::to_string(keys), "key", std::to_string(valueSize)}));
  }

  /// 10,000 keys, of which a snapshot's child writes one in `keyDelayUs` µs: a second in all with
  /// 100.
  void makeSnapshotsSlow(const char* keyDelayUs = "100") {
    populate(10'000);
    ASSERT_TRUE(admin->configSet("rdb-key-save-delay", keyDelayUs));
  }

  /// The fault as `-chaos='0s:text'` would have it.
  FaultOutcome run(const std::string& text) const {
    const auto plan = parseChaosPlan("0s:" + text);
    EXPECT_TRUE(plan) << plan.error().message;
    FaultBracket bracket(plan->front(), context);
    if (bracket.prepare() && bracket.check()) bracket.inject();
    bracket.tidy();
    return bracket.outcome();
  }
};

std::map<std::string, double> figuresOf(const FaultOutcome& outcome) {
  return {outcome.findings.figures.begin(), outcome.findings.figures.end()};
}

TEST(Chaos, BgsaveForksWritesAndLeavesNoFile) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.populate(50'000);
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_EQ(outcome.problem(), "");
  auto figures = figuresOf(outcome);
  const auto info = scene.admin->info({"stats", "persistence"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->count("total_forks"), 1U);
  EXPECT_GT(figures["fork_us"], 0);
  EXPECT_EQ(figures["fork_us"], info->number("latest_fork_usec"));
  EXPECT_GT(figures["snapshot_s"], 0);
  EXPECT_EQ(figures["cow_bytes"], info->number("rdb_last_cow_size"));
  EXPECT_FALSE(std::filesystem::exists(scene.redis->node().config().dir / "dump.rdb"));
  ASSERT_GE(scene.events.size(), 2U);
  EXPECT_EQ(scene.events[0].phase, "begin");
  EXPECT_EQ(scene.events[1].phase, "end");
  EXPECT_EQ(scene.events[1].node, scene.redis->endpoint().text());
  EXPECT_EQ(scene.events[1].figures, outcome.findings.figures);
  EXPECT_LE(scene.events[0].at, scene.events[1].at);
}

TEST(Chaos, BgsaveSaysThatASnapshotIsUnderWayAlready) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.makeSnapshotsSlow();
  ASSERT_TRUE(scene.admin->command({"BGSAVE"}));
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_FALSE(outcome.injectStatus);
  EXPECT_THAT(outcome.problem(), HasSubstr("already in progress"));
  EXPECT_THAT(scene.events.at(1).detail, HasSubstr("had no effect"));
}

// The second is due while the first one's child writes for a second.
TEST(Chaos, FaultsOfOneKindWaitForEachOther) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.makeSnapshotsSlow();
  ChaosRun chaos(*parseChaosPlan("0s:bgsave; 500ms:bgsave"), scene.context);
  ASSERT_TRUE(chaos.prepare());
  const Nanos start = scene.clock.now();
  chaos.start(start);
  const auto ended = [&] {
    const std::lock_guard lock(scene.mutex);
    return std::ranges::count(scene.events, "end", &Event::phase);
  };
  while (ended() < 2 && scene.clock.now() < start + 30 * kSecond)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  chaos.finish();
  EXPECT_THAT(chaos.problems(), IsEmpty());
  const auto figures = chaos.figures(start);
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_GT(figures[0].endS, 0.5) << "it was over before the second was due";
  EXPECT_GE(figures[1].beginS, figures[0].endS);
}

// The run ends while the second waits for the first.
TEST(Chaos, AFaultThatWaitsForItsKindEndsWithTheRun) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.makeSnapshotsSlow("300");  // three seconds in all
  ChaosRun chaos(*parseChaosPlan("0s:bgsave; 100ms:bgsave"), scene.context);
  ASSERT_TRUE(chaos.prepare());
  const Nanos start = scene.clock.now();
  chaos.start(start);
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  chaos.finish();
  EXPECT_EQ(chaos.figures(start)[1].detail, "the run ended before it");
}

TEST(Chaos, BgsaveSaysWhyTheSnapshotFailed) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.populate(10);
  // A directory where the file should go, which the server can only find out after the fork.
  std::filesystem::create_directory(scene.redis->node().config().dir / "dump.rdb");
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_FALSE(outcome.injectStatus);
  EXPECT_THAT(outcome.problem(), HasSubstr("snapshot failed"));
}

TEST(Chaos, BgsaveIsWaitedForWhenItIsInterrupted) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.makeSnapshotsSlow("50");  // half a second in all
  scene.interrupt = true;
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_THAT(outcome.findings.detail, HasSubstr("not yet written"));
  EXPECT_EQ(scene.admin->info({"persistence"})->text("rdb_bgsave_in_progress"), "0");
  EXPECT_GT(outcome.healed, outcome.end);
}

TEST(Chaos, AofRewriteTurnsTheFileOnMeasuresTheSecondRewriteAndTurnsItOff) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.populate(20'000);
  const FaultOutcome outcome = scene.run("aof-rewrite");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_EQ(outcome.problem(), "");
  auto figures = figuresOf(outcome);
  const auto info = scene.admin->info({"stats", "persistence"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->count("total_forks"), 2U);
  EXPECT_EQ(info->text("aof_enabled"), "0");
  EXPECT_EQ(figures["cow_bytes"], info->number("aof_last_cow_size"));
  EXPECT_GT(figures["fork_us"], 0);
  EXPECT_GT(figures["rewrite_s"], 0);
  EXPECT_GT(figures["aof_bytes"], 20'000 * 10);  // its values compress well
  EXPECT_FALSE(std::filesystem::exists(scene.redis->node().config().dir / "appendonlydir"));
}

TEST(Chaos, AofRewriteLeavesAFileThatWasOnBefore) {
  NodeConfig config;
  config.extra = {{"appendonly", "yes"}};
  Scene scene(config);
  ASSERT_TRUE(scene.redis);
  const FaultOutcome outcome = scene.run("aof-rewrite");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_EQ(scene.admin->configGet("appendonly").value(), "yes");
  EXPECT_TRUE(std::filesystem::exists(scene.redis->node().config().dir / "appendonlydir"));
}

TEST(Chaos, BigkeyReadsAllOfABigKeyAndRemovesWhatItMade) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  constexpr double kFields = 20'000;
  for (const auto& [command, word] :
       std::map<std::string, std::string>{{"hgetall", "fields"},
                                          {"hscan", "fields"},
                                          {"lrange", "elements"},
                                          {"lrange-pages", "elements"},
                                          {"smembers", "members"},
                                          {"sscan", "members"}}) {
    const FaultOutcome outcome = scene.run("bigkey-on -fields=20k -command=" + command);
    ASSERT_TRUE(outcome.injectStatus) << command << ": " << outcome.problem();
    auto figures = figuresOf(outcome);
    const bool paged = command.ends_with("scan") || command.ends_with("pages");
    if (command == "sscan" || command == "hscan") {
      EXPECT_GE(figures[word], kFields) << command;  // SCAN may repeat an element
    } else {
      EXPECT_EQ(figures[word], kFields) << command;
      EXPECT_THAT(outcome.findings.detail, HasSubstr("20000 " + word));
    }
    EXPECT_GT(figures["reply_bytes"], kFields * 100) << command;
    EXPECT_GT(figures["server_us"], 0) << command;
    EXPECT_EQ(figures["evicted_keys"], 0) << command;
    if (paged)
      EXPECT_GE(figures["calls"], kFields / 1000) << command;
    else
      EXPECT_EQ(figures["calls"], 1) << command;
    EXPECT_EQ(scene.admin->command({"DBSIZE"})->integer, 0) << command;
  }
}

TEST(Chaos, BigkeyFindsItsOwnEntryInTheSlowLog) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.populate(20'000);
  ASSERT_TRUE(scene.admin->configSet("slowlog-log-slower-than", "0"));
  const FaultOutcome outcome = scene.run("bigkey-on -command=keys");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  auto figures = figuresOf(outcome);
  EXPECT_EQ(figures["keys"], 20'000);
  ASSERT_TRUE(figures.contains("slowlog_us"));
  EXPECT_LE(figures["slowlog_us"], figures["longest_call_us"]);
  const FaultOutcome scan = scene.run("bigkey-on -command=scan -page=100");
  ASSERT_TRUE(scan.injectStatus) << scan.problem();
  EXPECT_GE(figuresOf(scan)["keys"], 20'000);
  EXPECT_GE(figuresOf(scan)["calls"], 100);
}

TEST(Chaos, BigkeyTouchesNoKeyThatItDidNotMake) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  EXPECT_THAT(scene.run("bigkey-on").problem(), HasSubstr("add -fields=1M"));
  ASSERT_TRUE(scene.admin->command({"HSET", "big:hash:0", "a", "1", "b", "2"}));
  EXPECT_THAT(scene.run("bigkey-on -fields=10").problem(), HasSubstr("omit -fields"));
  const FaultOutcome outcome = scene.run("bigkey-on");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_EQ(figuresOf(outcome)["fields"], 2);
  EXPECT_EQ(scene.admin->command({"HLEN", "big:hash:0"})->integer, 2);
  EXPECT_THAT(scene.run("bigkey-on -command=smembers -fields=10M").problem(),
              HasSubstr("would be evicted"));
  ASSERT_TRUE(scene.run("bigkey-on -command=lrange -fields=10 -keep").injectStatus);
  EXPECT_EQ(scene.admin->command({"LLEN", "big:list:0"})->integer, 10);
  scene.context.own.clear();
  EXPECT_THAT(scene.run("bigkey-on -command=smembers -fields=10").problem(),
              HasSubstr("not started by redline"));
}

TEST(Chaos, PauseNodeHoldsTheServerAndLetsItGoOn) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  std::vector<Event> stalls;
  FaultOutcome outcome;
  {
    PingProbe probe({{scene.redis->endpoint()}, {}}, scene.clock,
                    [&](const Event& event) { stalls.push_back(event); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    outcome = scene.run("pause-node -for=400ms");
  }
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_GE(figuresOf(outcome)["paused_s"], 0.4);
  EXPECT_FALSE(isStopped(scene.redis->node().process()));
  EXPECT_TRUE(scene.admin->command({"PING"}));
  // The probe saw the same, from outside. On a busy machine it asks a little late, and sees stalls
  // elsewhere, too.
  const auto seen = std::ranges::find_if(stalls, [&](const Event& stall) {
    return stall.duration >= 200 * kMillisecond && stall.at <= outcome.end &&
           stall.at + stall.duration >= outcome.begin;
  });
  ASSERT_NE(seen, stalls.end());
  EXPECT_EQ(seen->kind, "stall");
}

TEST(Chaos, KillNodeRestartsTheServerInItsPlaceEmpty) {
  Scene scene({}, {});
  ASSERT_TRUE(scene.redis);
  scene.populate(1000);
  const ProcessId before = scene.redis->node().process();
  const FaultOutcome outcome = scene.run("kill-node -for=200ms");
  ASSERT_EQ(outcome.problem(), "");
  EXPECT_FALSE(isAlive(before));
  EXPECT_TRUE(scene.redis->node().alive());
  auto figures = figuresOf(outcome);
  EXPECT_EQ(figures["keys_before"], 1000);
  EXPECT_EQ(figures["keys_after"], 0);
  EXPECT_GE(figures["answers_s"], 0.2);
  EXPECT_GE(figures["serves_s"], figures["answers_s"]);
  EXPECT_THAT(outcome.findings.detail, HasSubstr("with 0 of 1k keys"));
  std::vector<std::string> names;
  for (const Event& event : scene.events) names.push_back(event.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"killed", "restarted"}));
}

TEST(Chaos, AKilledNodeIsUpAgainWhenTheRunEndsMeanwhile) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.interrupt = true;
  const FaultOutcome outcome = scene.run("kill-node -for=1h");
  EXPECT_THAT(outcome.problem(), HasSubstr("it is up again"));
  EXPECT_TRUE(adminOf(*scene.redis)->command({"PING"}));
}

TEST(Chaos, KillNodeIsForServersOfOursAndForMastersWithoutReplicas) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  auto replica = startRedis();
  ASSERT_TRUE(replica);
  const ProcessId before = scene.redis->node().process();
  const Endpoint master = scene.redis->endpoint();
  ASSERT_TRUE(adminOf(*replica)->command({"REPLICAOF", master.host, std::to_string(master.port)}));
  ASSERT_TRUE(test::eventually(
      [&] { return scene.admin->info({"replication"})->count("connected_slaves") == 1; }));
  EXPECT_THAT(scene.run("kill-node").problem(), HasSubstr("make them empty too"));
  scene.context.own.clear();
  EXPECT_THAT(scene.run("kill-node").problem(), HasSubstr("not started by redline"));
  EXPECT_TRUE(isAlive(before));
}

TEST(Chaos, PauseNodeIsForServersOfOursAlone) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.context.own.clear();
  EXPECT_THAT(scene.run("pause-node").problem(), HasSubstr("not started by redline"));
  scene.context.force = true;
  EXPECT_THAT(scene.run("pause-node").problem(), HasSubstr("not started by redline"));
  EXPECT_FALSE(isStopped(scene.redis->node().process()));
}

TEST(Chaos, APausedNodeGoesOnWhenItsPauserIsKilled) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  const ProcessId server = scene.redis->node().process();
  const pid_t pauser = ::fork();
  if (pauser == 0) {
    auto pause = ProcessPause::prepare(server, 60 * kSecond);
    if (!pause || !pause->hold()) ::_exit(1);
    for (;;) ::pause();
  }
  EXPECT_TRUE(test::eventually([&] { return isStopped(server); }));
  ::kill(pauser, SIGKILL);
  ::waitpid(pauser, nullptr, 0);
  EXPECT_TRUE(test::eventually([&] { return !isStopped(server); }));
  EXPECT_TRUE(scene.admin->command({"PING"}));
}

TEST(Chaos, ThePausesGuardEndsAPauseThatLastsTooLong) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  auto pause = ProcessPause::prepare(scene.redis->node().process(), 100 * kMillisecond);
  ASSERT_TRUE(pause) << pause.error().message;
  ASSERT_TRUE(pause->hold());
  EXPECT_TRUE(test::eventually([&] { return !isStopped(scene.redis->node().process()); }));
  EXPECT_TRUE(pause->release());
}

TEST(Chaos, ReconnectStormCountsEveryClient) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  const FaultOutcome outcome = scene.run("reconnect-storm -clients=500");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  auto figures = figuresOf(outcome);
  EXPECT_EQ(figures["served"], 500);
  EXPECT_EQ(figures["failed"], 0);
  EXPECT_EQ(figures["server_accepted"], 500);
  EXPECT_GT(figures["connect_p50_us"], 0);
  EXPECT_GE(figures["answer_max_us"], figures["connect_p50_us"]);
}

TEST(Chaos, ReconnectStormCountsWhomTheServerTurnsAway) {
  NodeConfig config;
  config.extra = {{"maxclients", "100"}};
  Scene scene(config);
  ASSERT_TRUE(scene.redis);
  const FaultOutcome outcome = scene.run("reconnect-storm -clients=300");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  auto figures = figuresOf(outcome);
  EXPECT_GT(figures["served"], 0);
  EXPECT_LT(figures["served"], 100);
  EXPECT_EQ(figures["served"] + figures["failed"], 300);
  EXPECT_EQ(figures["server_rejected"], figures["failed"]);
  EXPECT_THAT(outcome.findings.detail, HasSubstr("max number of clients reached"));
}

TEST(Chaos, ReconnectStormLogsIn) {
  NodeConfig config;
  config.password = "s3cret-of-this-test";
  Scene scene(config, config.password);
  ASSERT_TRUE(scene.redis);
  const FaultOutcome outcome = scene.run("reconnect-storm -clients=50");
  ASSERT_TRUE(outcome.injectStatus) << outcome.problem();
  EXPECT_EQ(figuresOf(outcome)["served"], 50);
}

/// A run of the driver with faults beside it.
struct ChaosDriver : Scene {
  test::TemporaryDirectory home;
  DriverPlan plan;

  explicit ChaosDriver(const std::string& chaos) {
    if (!redis) return;
    plan.engine.target = redis->endpoint();
    plan.engine.keys = 1'000;
    plan.engine.warmup = 100 * kMillisecond;
    plan.engine.duration = 1500 * kMillisecond;
    plan.engine.interval = 100 * kMillisecond;
    plan.engine.rate = 1'000;
    plan.engine.readShare = 0;
    plan.out = home.path() / "run";
    plan.command = {"test"};
    plan.own = context.own;
    auto parsed = parseChaosPlan(chaos);
    EXPECT_TRUE(parsed) << parsed.error().message;
    if (parsed) plan.chaos = std::move(*parsed);
  }

  Result<DriverOutcome> drive() {
    RunWatcher watcher;
    watcher.onNote = [](const std::string&) {};
    watcher.onInterval = [](const Interval&, Nanos) {};
    watcher.interrupted = [this] { return interrupt.load(); };
    return runDriver(plan, watcher);
  }
};

TEST(Chaos, RunsBesideTheLoadOnItsClock) {
  ChaosDriver lab("500ms:bgsave");
  ASSERT_TRUE(lab.redis);
  const auto outcome = lab.drive();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->status) << outcome->status.error().message;
  ASSERT_EQ(outcome->summary.faults.size(), 1U);
  const FaultFigures& fault = outcome->summary.faults[0];
  EXPECT_EQ(fault.problem, "");
  EXPECT_GE(fault.beginS, 0.6);  // warm-up and its own time
  EXPECT_LE(fault.beginS, fault.endS);
  EXPECT_FALSE(fault.figures.empty());
  std::vector<std::string> phases;
  const auto read = readRunDir(lab.plan.out);
  ASSERT_TRUE(read) << read.error().message;
  for (const Event& event : read->events)  // "point": healing that took long
    if (event.kind == "fault" && event.name == "bgsave" && event.phase != "point")
      phases.push_back(event.phase);
  EXPECT_THAT(phases, testing::ElementsAreArray({"begin", "end"}));
}

TEST(Chaos, ARunWithFaultsHasTheirStallsToo) {
  ChaosDriver lab("500ms:pause-node -for=300ms");
  ASSERT_TRUE(lab.redis);
  const auto outcome = lab.drive();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->status) << outcome->status.error().message;
  EXPECT_GE(outcome->summary.latency.at("response").at("all").max, 290e3);
  const auto read = readRunDir(lab.plan.out);
  ASSERT_TRUE(read) << read.error().message;
  Nanos longest = 0;
  for (const Event& event : read->events)
    if (event.kind == "stall") longest = std::max(longest, event.duration);
  EXPECT_GE(longest, 200 * kMillisecond);
}

TEST(Chaos, AFaultThatDoesNotTakeFailsTheRunAndLosesNothingOfIt) {
  ChaosDriver lab("500ms:bgsave");
  ASSERT_TRUE(lab.redis);
  lab.populate(20'000);
  ASSERT_TRUE(lab.admin->configSet("rdb-key-save-delay", "1000"));  // 20 s: all of the run
  ASSERT_TRUE(lab.admin->command({"BGSAVE"}));
  const auto outcome = lab.drive();
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_THAT(outcome->status.error().message, HasSubstr("bgsave at 500 ms had no effect"));
  EXPECT_THAT(outcome->summary.notes, Contains(HasSubstr("had no effect")));
  EXPECT_EQ(outcome->summary.rate.completed, 1'500U);
  EXPECT_THAT(outcome->summary.faults.at(0).problem, HasSubstr("already in progress"));
}

TEST(Chaos, AnInterruptedRunSkipsTheFaultsThatHadNotBegun) {
  ChaosDriver lab("1400ms:bgsave");
  ASSERT_TRUE(lab.redis);
  lab.interrupt = true;
  const auto outcome = lab.drive();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->status) << outcome->status.error().message;
  EXPECT_EQ(outcome->summary.faults.at(0).detail, "the run ended before it");
  EXPECT_EQ(lab.admin->info({"stats"})->count("total_forks"), 0U);
}

}  // namespace
}  // namespace redline
