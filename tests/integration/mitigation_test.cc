// Mitigations and the ledger against real servers: what they claim is so, and what it costs is
// seen.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "run/driver_run.h"
#include "support/mitigation_lab.h"
#include "support/real_redis.h"
#include "workload/values.h"

namespace redline {
namespace {

using test::adminOf;
using test::Count;
using test::countOf;
using test::MitigationLab;
using test::startRedis;

TEST(Mitigation, TheLedgerFindsNothingWrongWithOneServer) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  const Summary s = lab.run();
  EXPECT_GT(countOf(s, Count::ledgerReads), 5000U);
  EXPECT_GT(countOf(s, Count::ledgerWrites), 500U);
  EXPECT_EQ(s.verify.stale, 0U);
  EXPECT_EQ(s.verify.lostAcknowledged, 0U);
  EXPECT_EQ(s.verify.corrupt, 0U);
  EXPECT_EQ(countOf(s, Count::impossible) + countOf(s, Count::unjudged), 0U);
  EXPECT_EQ(s.mitigation.ledgerKeys, 500U);
}

TEST(Mitigation, TheLedgerFindsReadsOfAKeyThatWasSetBackBehindItsBack) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.readShare = 0.5;
  // Half-way the hottest key is set back to its first version: all later reads of it are stale,
  // until it is written again.
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  std::atomic<bool> setBack{false};
  lab.meanwhile = [&](Nanos sinceStart) {
    if (sinceStart < kSecond || setBack.exchange(true)) return;
    const std::uint64_t id = lab.hottest(0);
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(admin->command({"SET", "obj:" + std::to_string(id), lab.value(id, 0)}));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  const Summary s = lab.run();
  EXPECT_TRUE(setBack);
  EXPECT_GT(s.verify.stale, 0U);
  EXPECT_EQ(s.mitigation.staleness.count, s.verify.stale);
  EXPECT_GT(s.mitigation.staleness.max, 0);
  EXPECT_EQ(countOf(s, Count::impossible), 0U);
}

TEST(Mitigation, TheAuditFindsAcknowledgedWritesThatAreGone) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.readShare = 0;
  // Every write of the hottest key is undone by another client at once, and the second hottest is
  // deleted; the last undoing comes when the load has ended, before the audit or soon after.
  std::atomic<bool> end{false};
  std::thread vandal([&] {
    auto admin = adminOf(*lab.redis);
    const std::string first = "obj:" + std::to_string(lab.hottest(0));
    const std::string second = "obj:" + std::to_string(lab.hottest(1));
    const std::string old = lab.value(lab.hottest(0), 0);
    while (admin && !end) {
      (void)admin->command({"SET", first, old});
      (void)admin->command({"DEL", second});
    }
  });
  const Summary s = lab.run();
  end = true;
  vandal.join();
  EXPECT_GT(s.verify.lostAcknowledged, 100U);
  EXPECT_EQ(s.mitigation.keysWithLoss, 2U);
  EXPECT_EQ(s.mitigation.missingKeys, 1U);
  EXPECT_EQ(s.verify.corrupt, 0U);
}

class LocalCacheOf : public testing::TestWithParam<Tracking> {};
INSTANTIATE_TEST_SUITE_P(BothKindsOfTracking, LocalCacheOf,
                         testing::Values(Tracking::keysRead, Tracking::prefix));

TEST_P(LocalCacheOf, ServesReadsAndNeverAWrongValue) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  lab.plan.engine.mitigation.tracking = GetParam();
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, 10'000U);
  EXPECT_GT(s.cache.localHits, 3000U);
  // Every read is answered once, by the cache or by the server.
  EXPECT_EQ(s.cache.localHits + s.cache.hits + s.cache.misses,
            s.latency.at("response").at("get").count);
  EXPECT_EQ(s.verify.corrupt, 0U);
  EXPECT_EQ(countOf(s, Count::impossible), 0U);
  EXPECT_EQ(s.verify.lostAcknowledged, 0U);
  EXPECT_GT(countOf(s, Count::invalidationsReceived), 0U);
  EXPECT_GT(s.mitigation.invalidationLag.count, 0U);
  EXPECT_EQ(s.mitigation.caches, 2U);
  EXPECT_GT(s.mitigation.cacheBytesUsed, 0U);
  ASSERT_EQ(s.mitigation.trackingTables.size(), 1U);
  EXPECT_EQ(s.mitigation.trackingTables[0].maxKeys, 1'000'000U);
  // With BCAST the server keeps no table of keys.
  EXPECT_EQ(s.mitigation.trackingTables[0].keys > 0, GetParam() == Tracking::keysRead);
}

TEST_P(LocalCacheOf, SeesAForeignWriteAfterItsInvalidation) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  lab.plan.engine.mitigation.tracking = GetParam();
  lab.plan.engine.mitigation.ledgerKeys = 0;
  lab.plan.engine.readShare = 1;
  // The hottest key gets a value of another data set: a reader that sees it counts it as corrupt.
  // From the end of the write on, all but the reads within the invalidation's delay must.
  std::uint64_t before = 0, after = 0;
  bool written = false;
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  lab.plan.engine.keys = 1;
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};
  watcher.interrupted = [] { return false; };
  watcher.onInterval = [&](const Interval& interval, Nanos sinceStart) {
    (written ? after : before) += interval.counts.corrupt;
    if (written || sinceStart < kSecond) return;
    ASSERT_TRUE(admin->command({"SET", "obj:0", std::string(lab.plan.engine.valueSize, 'x')}));
    written = true;
  };
  const auto outcome = runDriver(lab.plan, watcher);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(written);
  EXPECT_EQ(before, 0U);
  // About 0.8 s of 5000 reads a second are left; noise may have eaten into them.
  EXPECT_GT(after, 1000U);
  EXPECT_GT(outcome->summary.cache.localHits, 1000U);
}

TEST_P(LocalCacheOf, IsEmptiedByALostConnection) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.fill();
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  lab.plan.engine.mitigation.tracking = GetParam();
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  bool cut = false;
  lab.meanwhile = [&](Nanos sinceStart) {
    if (cut || sinceStart < kSecond) return;
    cut = true;
    ASSERT_TRUE(admin->command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
  };
  const Summary s = lab.run();
  EXPECT_TRUE(cut);
  EXPECT_GT(s.generator.reconnects, 0U);
  EXPECT_GE(countOf(s, Count::cacheFlushes), 2U) << "each worker's";
  EXPECT_EQ(s.verify.corrupt, 0U);
  EXPECT_EQ(countOf(s, Count::impossible), 0U);
  EXPECT_EQ(s.verify.lostAcknowledged, 0U);
}

TEST(Mitigation, ALocalCacheNeverServesAKeyBeyondItsTimeToLive) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  lab.plan.engine.mitigation.ledgerKeys = 0;
  lab.plan.engine.keys = 1;
  lab.plan.engine.readShare = 1;
  lab.plan.engine.ttlFraction = 1;
  lab.fill();
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  // The server itself deletes it late: nobody asks for it, and the active cycle is off.
  ASSERT_TRUE(admin->command({"DEBUG", "SET-ACTIVE-EXPIRE", "0"}));
  ASSERT_TRUE(admin->command({"PEXPIRE", "obj:0", "1400"}));
  const Summary s = lab.run();
  EXPECT_GT(s.cache.localHits, 1000U);
  EXPECT_GT(s.cache.misses, 1000U) << "once it had expired";
  EXPECT_EQ(countOf(s, Count::localExpired) > 0, true);
}

TEST(Mitigation, SplitWritesReachAllCopiesAndReadsFindThem) {
  for (const SplitMode mode : {SplitMode::spread, SplitMode::tag}) {
    MitigationLab lab(startRedis());
    ASSERT_TRUE(lab.redis);
    lab.fill();
    lab.plan.engine.duration = kSecond;
    lab.plan.engine.mitigation.kind = MitigationKind::keySplit;
    lab.plan.engine.mitigation.split = {mode, 4, 20};
    const Summary s = lab.run();
    EXPECT_EQ(s.rate.completed, 5000U);
    EXPECT_EQ(s.cache.misses, 0U);
    EXPECT_EQ(s.verify.corrupt + s.verify.stale + s.verify.lostAcknowledged, 0U);
    EXPECT_EQ(countOf(s, Count::copiesWritten), 4 * countOf(s, Count::splitWrites));
    EXPECT_GT(s.mitigation.writeFanOut, 1.5);
    EXPECT_LT(s.mitigation.writeFanOut, 4.0);
    auto admin = adminOf(*lab.redis);
    ASSERT_TRUE(admin);
    EXPECT_EQ(admin->command({"DBSIZE"})->integer, 2000 + 20 * 4);
    const std::string id = std::to_string(lab.hottest(0));
    for (int copy = 0; copy < 4; ++copy) {
      const std::string key = mode == SplitMode::tag ? "hot:{" + id + "}:" + std::to_string(copy)
                                                     : "hot:" + id + ":" + std::to_string(copy);
      const auto value = admin->command({"GET", key});
      ASSERT_TRUE(value);
      EXPECT_EQ(Values(lab.plan.engine.seed, 100)
                    .check(value->text, lab.hottest(0), nullptr, VerifyLevel::full),
                Values::Verdict::ok)
          << key;
    }
  }
}

TEST(Mitigation, ALocalCacheTakesInWhatARefillHasWritten) {
  MitigationLab lab(startRedis());
  ASSERT_TRUE(lab.redis);
  lab.plan.engine.mitigation.ledgerKeys = 0;
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  lab.plan.engine.readShare = 1;
  lab.plan.engine.onMiss = OnMiss::refill;
  const Summary s = lab.run();  // from empty
  EXPECT_GT(s.cache.refills, 500U);
  EXPECT_EQ(s.cache.refills, s.cache.misses);
  EXPECT_GT(s.cache.localHits, 1'000U);
  EXPECT_EQ(s.cache.hits + s.cache.misses + s.cache.localHits, s.rate.completed);
  EXPECT_EQ(s.verify.corrupt, 0U);
}

}  // namespace
}  // namespace redline
