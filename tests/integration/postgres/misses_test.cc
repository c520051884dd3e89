// The driver with a real Redis, and a real PostgreSQL behind it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "pg/cache_table.h"
#include "run/driver_run.h"
#include "server/own_servers.h"
#include "support/real_redis.h"

namespace redline::misses_test {
namespace {

/// A stack of its own with a table for `keys` keys, and a cold cache.
class MissLab {
 public:
  explicit MissLab(std::uint64_t keys) {
    ScopedStackOptions options;
    options.node.maxmemory = 64 << 20;
    options.backing = BackingOptions{};
    options.backing->config.sharedBuffers = 16 << 20;
    // What a test's disk needs for a commit is not what is tested here.
    options.backing->config.extra = {{"synchronous_commit", "off"}};
    auto started = ScopedStack::start(options);
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return;
    }
    stack.emplace(std::move(*started));
    EnginePlan& engine = plan.engine;
    engine.target = stack->endpoint();
    engine.keys = keys;
    engine.warmup = 0;
    engine.duration = 2 * kSecond;
    engine.rate = 2000;
    engine.onMiss = OnMiss::store;
    engine.backing.used = true;
    engine.backing.onWrite = OnWrite::invalidate;
    engine.backing.limits.connections = 4;
    engine.backing.timeout = 10 * kSecond;  // on a busy machine requests wait
    plan.own = ownServers(*stack);
    plan.command = {"test"};
    plan.redlineVersion = "test";
    auto admin = connect();
    if (!admin) return;
    const auto filled = fillCacheTable(*admin, {engine.seed, keys, engine.valueSize});
    if (!filled) ADD_FAILURE() << filled.error().message;
  }

  std::unique_ptr<PgAdmin> connect() {
    auto admin = PgAdmin::connect(*stack->backingAddress(), 10 * kSecond, 0);
    if (!admin) ADD_FAILURE() << admin.error().message;
    return admin ? std::make_unique<PgAdmin>(std::move(*admin)) : nullptr;
  }

  Summary run() {
    test::TemporaryDirectory home;
    plan.out = home.path() / "run";
    RunWatcher watcher;
    watcher.onNote = [](const std::string&) {};
    watcher.onInterval = [this](const Interval&, Nanos) { onInterval(); };
    watcher.interrupted = [] { return false; };
    auto outcome = runDriver(plan, watcher);
    EXPECT_TRUE(outcome) << outcome.error().message;
    if (!outcome) return {};
    EXPECT_TRUE(outcome->status) << outcome->status.error().message;
    const Summary& s = outcome->summary;
    EXPECT_EQ(s.rate.scheduled, s.rate.completed + s.rate.failed + s.rate.outstanding);
    EXPECT_EQ(s.verify.corrupt, 0U);
    return outcome->summary;
  }

  static std::uint64_t count(const Summary& summary, BackingCount which) {
    const auto found = summary.backing.counts.find(std::string(kBackingCountNames[index(which)]));
    return found == summary.backing.counts.end() ? 0 : found->second;
  }

  std::optional<ScopedStack> stack;
  DriverPlan plan;
  std::function<void()> onInterval = [] {};
};

TEST(Misses, FillAColdCacheFromTheStore) {
  MissLab lab(500);
  if (!lab.stack) return;
  lab.plan.engine.readShare = 0.9;
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.failed, 0U);
  EXPECT_EQ(s.rate.outstanding, 0U);
  EXPECT_GE(lab.count(s, BackingCount::reads), 500U);
  EXPECT_EQ(lab.count(s, BackingCount::found), lab.count(s, BackingCount::reads));
  EXPECT_EQ(s.cache.misses, lab.count(s, BackingCount::reads));
  EXPECT_EQ(s.cache.refills, s.cache.misses);
  EXPECT_GT(s.cache.hits, s.cache.misses);
  EXPECT_GT(lab.count(s, BackingCount::stored), 200U);  // writes of rows
  EXPECT_EQ(s.backing.read.count, lab.count(s, BackingCount::reads));
  EXPECT_GT(s.backing.service.p50, 0);
}

TEST(Misses, WriteTheRowThatALaterReadFinds) {
  MissLab lab(50);
  if (!lab.stack) return;
  lab.plan.engine.readShare = 0.5;
  lab.plan.engine.mitigation.ledgerKeys = 50;
  lab.plan.engine.backing.coalesce = true;
  lab.plan.engine.backing.missLock = 500 * kMillisecond;
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.failed, 0U);
  EXPECT_GT(lab.count(s, BackingCount::stored), 1000U);
  EXPECT_GT(lab.count(s, BackingCount::found), 500U);
  EXPECT_EQ(s.mitigation.counts.count("impossible"), 0U);
  EXPECT_EQ(s.verify.stale, 0U);  // the lock fences stale refills off
  EXPECT_EQ(lab.count(s, BackingCount::staleRefills), 0U);
}

// Versions of a run begin at 1, and an earlier run has left its own in the rows.
TEST(Misses, BeginWithTheLedgersRowsAtVersionZero) {
  MissLab lab(50);
  if (!lab.stack) return;
  EnginePlan& engine = lab.plan.engine;
  engine.duration = kSecond;
  engine.readShare = 0.5;
  engine.ttlFraction = 1;
  engine.ttlMin = engine.ttlMax = 50 * kMillisecond;
  const Summary earlier = lab.run();
  EXPECT_GT(lab.count(earlier, BackingCount::stored), 500U);
  engine.readShare = 1;
  engine.mitigation.ledgerKeys = 50;
  const Summary s = lab.run();
  EXPECT_GT(lab.count(s, BackingCount::found), 100U);
  EXPECT_GT(s.mitigation.counts.at("ledger_reads"), 100U);
  EXPECT_EQ(s.mitigation.counts.count("impossible"), 0U);
}

/// A hot key that expires, in front of a table that is locked for 100 ms at a time.
struct HotKey : MissLab {
  HotKey() : MissLab(1) {
    plan.engine.rate = 4000;
    plan.engine.readShare = 1;
    plan.engine.duration = 3 * kSecond;
    plan.engine.ttlFraction = 1;
    plan.engine.ttlMin = plan.engine.ttlMax = 300 * kMillisecond;
  }
  Summary runWithSlowStore() {
    std::atomic<bool> over{false};
    std::thread slow([&] {
      const auto admin = connect();
      while (admin && !over.load()) {
        EXPECT_TRUE(
            admin->run("DO $$ BEGIN LOCK TABLE cache_entries IN ACCESS EXCLUSIVE MODE; "
                       "PERFORM pg_sleep(0.1); END $$"));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    Summary s = run();
    over = true;
    slow.join();
    EXPECT_EQ(s.rate.failed, 0U);
    return s;
  }
  /// Reads of the store for each time that the key was gone: it expired, or was never there.
  static double herd(const Summary& s) {
    EXPECT_GE(s.servers.front().expired, 3U);
    const double gone = 1 + static_cast<double>(s.servers.front().expired);
    const double reads = static_cast<double>(count(s, BackingCount::reads)) / gone;
    testing::Test::RecordProperty("reads_per_expiry", std::to_string(reads));
    return reads;
  }
};

TEST(Misses, SendAHerdToTheStoreWhenAHotKeyExpires) {
  HotKey lab;
  if (!lab.stack) return;
  EXPECT_GT(HotKey::herd(lab.runWithSlowStore()), 50);
}

TEST(Misses, SendOneOrTwoReadsWithCoalescing) {
  HotKey lab;
  if (!lab.stack) return;
  lab.plan.engine.backing.coalesce = true;
  lab.plan.engine.threads = 2;
  const Summary s = lab.runWithSlowStore();
  EXPECT_LE(HotKey::herd(s), 2);
  EXPECT_GT(lab.count(s, BackingCount::coalesced), 100U);
}

TEST(Misses, SendOneOrTwoReadsWithTheLock) {
  HotKey lab;
  if (!lab.stack) return;
  lab.plan.engine.backing.missLock = kSecond;
  const Summary s = lab.runWithSlowStore();
  EXPECT_LE(HotKey::herd(s), 2);
  EXPECT_GT(lab.count(s, BackingCount::lockWaits), 100U);
}

TEST(Misses, ServeStaleValuesInsteadOfWaiting) {
  HotKey lab;
  if (!lab.stack) return;
  lab.plan.engine.backing.freshness.staleWindow = 2 * kSecond;
  const Summary s = lab.runWithSlowStore();
  EXPECT_GT(lab.count(s, BackingCount::staleServed), 100U);
  EXPECT_GE(lab.count(s, BackingCount::staleRefreshes), 2U);
  EXPECT_LT(s.cache.misses, 2000U);  // of the cold start alone
}

TEST(Misses, EndAsFailuresWhereTheStoreDoesNotAnswer) {
  MissLab lab(100);
  if (!lab.stack) return;
  lab.plan.engine.backing.timeout = 200 * kMillisecond;
  const auto admin = lab.connect();
  ASSERT_TRUE(admin);
  // The store has its connections by the time that the first interval ends.
  lab.plan.engine.interval = 100 * kMillisecond;
  lab.onInterval = [&, locked = false]() mutable {
    if (!std::exchange(locked, true)) {
      EXPECT_TRUE(admin->run("BEGIN"));
      EXPECT_TRUE(admin->run("LOCK TABLE cache_entries IN ACCESS EXCLUSIVE MODE"));
      EXPECT_TRUE(test::adminOf(*lab.stack)->command({"FLUSHALL"}));
    }
  };
  const Summary s = lab.run();
  EXPECT_GT(s.rate.failed, s.rate.scheduled / 2);
  EXPECT_EQ(s.rate.outstanding, 0U);
  EXPECT_GT(lab.count(s, BackingCount::timedOut) + lab.count(s, BackingCount::locked), 0U);
  ASSERT_TRUE(admin->run("ROLLBACK"));
}

TEST(Misses, ShedWhatIsBeyondTheStoresRate) {
  MissLab lab(100'000);  // hardly a key twice
  if (!lab.stack) return;
  lab.plan.engine.backing.limits.maxRate = 200;
  const Summary s = lab.run();
  EXPECT_GT(lab.count(s, BackingCount::shed), 1000U);
  EXPECT_EQ(s.rate.errors.at("store_shed"), lab.count(s, BackingCount::shed));
  EXPECT_GT(lab.count(s, BackingCount::found), 100U);
}

}  // namespace
}  // namespace redline::misses_test
