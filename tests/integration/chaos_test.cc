// Faults against a real redis-server: each one takes, says what it did, and leaves nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chaos/bracket.h"
#include "chaos/catalog.h"
#include "chaos/chaos_plan.h"
#include "run/driver_run.h"
#include "rundir/run_dir_reader.h"
#include "support/real_redis.h"

namespace redline {
namespace {

using test::adminOf;
using test::startRedis;
using testing::Contains;
using testing::HasSubstr;

/// A server, and the way faults get at it.
struct Scene {
  std::optional<ScopedStack> redis;
  std::optional<Admin> admin;
  SteadyClock clock;
  FaultContext context;
  std::atomic<bool> interrupt{false};
  std::mutex mutex;
  std::vector<Event> events;

  explicit Scene(NodeConfig config = {}) : redis(startRedis(std::move(config))) {
    if (!redis) return;
    admin = adminOf(*redis);
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

  /// The fault as `-chaos='0s:text'` would have it.
  FaultOutcome run(const std::string& text) {
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
  ASSERT_TRUE(outcome.took) << outcome.problem();
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
  scene.populate(10'000);
  ASSERT_TRUE(scene.admin->configSet("rdb-key-save-delay", "100"));  // a second in all
  ASSERT_TRUE(scene.admin->command({"BGSAVE"}));
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_FALSE(outcome.took);
  EXPECT_THAT(outcome.problem(), HasSubstr("already in progress"));
  EXPECT_THAT(scene.events.at(1).detail, HasSubstr("did not take"));
}

TEST(Chaos, BgsaveSaysWhyTheSnapshotFailed) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.populate(10);
  // A directory where the file should go, which the server can only find out after the fork.
  std::filesystem::create_directory(scene.redis->node().config().dir / "dump.rdb");
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_FALSE(outcome.took);
  EXPECT_THAT(outcome.problem(), HasSubstr("snapshot failed"));
}

TEST(Chaos, BgsaveIsWaitedForWhenItIsInterrupted) {
  Scene scene;
  ASSERT_TRUE(scene.redis);
  scene.populate(10'000);
  ASSERT_TRUE(scene.admin->configSet("rdb-key-save-delay", "50"));  // half a second in all
  scene.interrupt = true;
  const FaultOutcome outcome = scene.run("bgsave");
  ASSERT_TRUE(outcome.took) << outcome.problem();
  EXPECT_THAT(outcome.findings.detail, HasSubstr("not yet written"));
  EXPECT_EQ(scene.admin->info({"persistence"})->text("rdb_bgsave_in_progress"), "0");
  EXPECT_GT(outcome.healed, outcome.end);
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
  for (const Event& event : read->events)
    if (event.kind == "fault" && event.name == "bgsave") phases.push_back(event.phase);
  EXPECT_THAT(phases, testing::ElementsAreArray({"begin", "end"}));
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
  EXPECT_THAT(outcome->status.error().message, HasSubstr("bgsave at 500 ms did not take"));
  EXPECT_THAT(outcome->summary.notes, Contains(HasSubstr("did not take")));
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
