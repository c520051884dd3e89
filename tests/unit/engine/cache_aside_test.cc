// A worker with a store behind the cache, on a simulated clock, wire, cache and store.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/worker.h"
#include "record/recorder.h"
#include "support/sim_backing.h"
#include "support/sim_cache.h"
#include "support/sim_transport.h"

namespace redline::cache_aside_test {
namespace {

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return counts[0] + counts[1];
}

void expectConserved(const Interval& total) {
  const Counters& c = total.counts;
  EXPECT_EQ(c.scheduled, sum(c.completed) + sum(c.failed) + c.outstandingAtEnd);
  EXPECT_EQ(total.of(Measure::response, OpKind::get).count() +
                total.of(Measure::response, OpKind::set).count(),
            sum(c.completed) + c.outstandingAtEnd);
  EXPECT_EQ(total.of(Measure::service, OpKind::get).count(), c.completed[0]);
  EXPECT_EQ(c.hits + c.misses, c.completed[0]);
  EXPECT_EQ(c.corrupt, 0U);
}

struct Rig {
  EnginePlan plan;
  ManualClock clock{kSecond};
  SimTransport transport{clock};
  SimCache cache{transport, clock};
  std::unique_ptr<SimBacking> store;
  Mitigations mitigations;
  std::vector<Counters> intervals;
  Recorder recorder{1, [this](const Interval& i) { intervals.push_back(i.counts); }};
  Status ended;

  static constexpr Nanos kBegin = 2 * kSecond;

  Rig() {
    plan.onMiss = OnMiss::store;
    plan.backing.used = true;
    plan.backing.onWrite = OnWrite::invalidate;
    plan.keys = 100;
    plan.rate = 10'000;
    plan.warmup = 0;
    plan.duration = 2 * kSecond;
    plan.conns = 20;
    plan.readShare = 1.0;
    store = std::make_unique<SimBacking>(clock, Values(plan.seed, plan.valueSize));
    transport.nextElsewhere = [this] { return store->next(); };
    transport.elsewhere = [this] { store->deliver(); };
    plan.wait = WaitMode::block;
    transport.serviceTime = kMicrosecond;
  }
  /// One key that expires every 100 ms.
  void oneHotKey() {
    plan.keys = 1;
    plan.ttlFraction = 1;
    plan.ttlMin = plan.ttlMax = 100 * kMillisecond;
  }

  const Interval& run() {
    cache.wallOffset = wallNow() - clock.now();
    Shared shared(plan, nullptr, &mitigations);
    StoreDesk desk(*store);
    desk.inboxes.push_back(std::make_unique<StoreInbox>([] {}));
    shared.desk = &desk;
    Worker worker(shared, 0, transport, clock, recorder.exchange(0));
    EXPECT_TRUE(worker.connect(clock.now() + kSecond));
    cache.wallOffset = wallNow() - clock.now();
    ended = worker.run(plan.windowFrom(kBegin));
    recorder.finish();
    flightsLeft = desk.flights.size();
    return recorder.total();
  }
  std::uint64_t count(BackingCount count) const { return recorder.total().counts.of(count); }
  std::uint64_t failures(Failure failure) const {
    return recorder.total().counts.failures[index(failure)];
  }
  std::size_t flightsLeft = 0;
};

TEST(CacheAside, ReadsTheRowOfAKeyThatIsMissingAndRefills) {
  Rig rig;
  const Interval& total = rig.run();
  EXPECT_GE(rig.count(BackingCount::reads), 100U);  // each key once, or a few times at once
  EXPECT_LT(rig.count(BackingCount::reads), 1000U);
  EXPECT_EQ(rig.count(BackingCount::found), rig.count(BackingCount::reads));
  EXPECT_EQ(total.counts.misses, rig.count(BackingCount::reads));
  EXPECT_EQ(total.counts.refills, total.counts.misses);
  EXPECT_EQ(rig.cache.keys.size(), 100U);
  EXPECT_EQ(total.counts.completed[0], 20'000U);
  EXPECT_EQ(total.counts.checked, 20'000U);  // what the store has brought too
  // The read ends when the client has the value: the store's time is in its response time, and not
  // in the cache's service time.
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(), 500 * kMicrosecond);
  EXPECT_LT(total.of(Measure::service, OpKind::get).max(), 500 * kMicrosecond);
  EXPECT_LT(total.of(Measure::dispatch, OpKind::get).max(), 100 * kMicrosecond);
  ASSERT_TRUE(total.store);
  EXPECT_EQ(total.store->read.count(), rig.count(BackingCount::reads));
  EXPECT_GE(total.store->service.min(), 499 * kMicrosecond);
  expectConserved(total);
}

TEST(CacheAside, ChecksTheRowsOfMeasuredReadsAndNotThoseThatTheWarmUpLeft) {
  Rig rig;
  rig.plan.keys = 1'000'000;  // hardly a read hits
  rig.plan.warmup = kSecond;
  const Interval& total = rig.run();
  EXPECT_GT(total.counts.carriedOver, 0U);
  EXPECT_EQ(total.counts.checked, total.counts.hits + total.counts.misses);
  EXPECT_EQ(total.counts.completed[0], 20'000U);
}

TEST(CacheAside, CountsOutcomesAndTimesOfThoseRequestsAloneThatItCounts) {
  Rig rig;
  rig.plan.keys = 1'000'000;
  rig.plan.readShare = 0.5;
  rig.plan.warmup = kSecond;
  rig.store->serviceTime = 20 * kMillisecond;  // some are under way when the warm-up ends
  rig.store->connections = 1000;
  const Interval& total = rig.run();
  EXPECT_GT(total.counts.carriedOver, 0U);
  EXPECT_GT(rig.count(BackingCount::reads), 0U);
  EXPECT_EQ(rig.count(BackingCount::found), rig.count(BackingCount::reads));
  EXPECT_EQ(rig.count(BackingCount::stored), rig.count(BackingCount::writes));
  EXPECT_EQ(total.store->read.count(), rig.count(BackingCount::reads));
  EXPECT_EQ(total.store->write.count(), rig.count(BackingCount::writes));
}

TEST(CacheAside, CountsTheTimeOutsOfThoseRequestsAloneThatItCounts) {
  Rig rig;
  rig.plan.keys = 1'000'000;
  rig.plan.rate = 1000;
  rig.plan.warmup = kSecond;
  rig.plan.backing.timeout = 50 * kMillisecond;
  rig.store->change = [](const StoreRequest&, StoreReply&, Nanos& at) {
    at = std::numeric_limits<Nanos>::max();
  };
  const Interval& total = rig.run();
  EXPECT_GT(rig.count(BackingCount::reads), 0U);
  EXPECT_EQ(rig.count(BackingCount::timedOut), rig.count(BackingCount::reads));
  EXPECT_EQ(total.store->read.count(), rig.count(BackingCount::reads));
}

TEST(CacheAside, CountsCoalescedReadsOnlyAmongTheMissesThatItCounts) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.warmup = kSecond;
  rig.plan.backing.coalesce = true;
  rig.plan.ttlMin = rig.plan.ttlMax = kMillisecond;  // hardly ever there
  rig.store->serviceTime = 20 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_GT(total.counts.carriedOver, 1U);
  EXPECT_LE(rig.count(BackingCount::coalesced), total.counts.misses);
}

TEST(CacheAside, CountsItsRequestsAsNoOperations) {
  Rig rig;
  const Interval& total = rig.run();
  EXPECT_EQ(sum(total.counts.sent), 20'000U);
  EXPECT_EQ(total.of(Measure::response, OpKind::set).count(), 0U);
}

// A hot key that expires: without a defence every read within the store's time asks the store.
TEST(CacheAside, LetsAHerdThroughWithoutADefence) {
  Rig rig;
  rig.oneHotKey();
  const Interval& total = rig.run();
  EXPECT_GE(rig.count(BackingCount::reads), 20U * 4);  // 5 of them come in 500 µs
  expectConserved(total);
}

TEST(CacheAside, SendsOneReadForEachExpiryWithCoalescing) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.coalesce = true;
  const Interval& total = rig.run();
  EXPECT_GE(rig.count(BackingCount::reads), 18U);
  EXPECT_LE(rig.count(BackingCount::reads), 21U);
  EXPECT_GE(rig.count(BackingCount::coalesced), 20U * 3);
  EXPECT_EQ(total.counts.refills, rig.count(BackingCount::reads));
  EXPECT_EQ(total.counts.misses,
            rig.count(BackingCount::reads) + rig.count(BackingCount::coalesced));
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

TEST(CacheAside, SendsOneReadForEachExpiryWithTheLock) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.missLock = 200 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_GE(rig.count(BackingCount::reads), 18U);
  // A GET that missed just before the refill finds the key there, and not only the lock free.
  EXPECT_LE(rig.count(BackingCount::reads), 21U);
  EXPECT_EQ(rig.count(BackingCount::locksTaken), rig.count(BackingCount::reads));
  EXPECT_GE(rig.count(BackingCount::lockWaits), 20U * 3);
  EXPECT_EQ(rig.count(BackingCount::fencedRefills), 0U);
  EXPECT_FALSE(rig.cache.keys.contains("lock:{obj:0}"));  // given back with the refill
  EXPECT_EQ(sum(total.counts.failed), 0U);
  expectConserved(total);
}

TEST(CacheAside, CombinesCoalescingAndTheLock) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.missLock = 200 * kMillisecond;
  rig.plan.backing.coalesce = true;
  const Interval& total = rig.run();
  EXPECT_LE(rig.count(BackingCount::locksTaken), 21U);
  EXPECT_EQ(rig.count(BackingCount::locksDenied), 0U);
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

// Another process holds the lock: the GET is sent again until the value is there.
TEST(CacheAside, WaitsForTheValueThatAnotherHolderOfTheLockBrings) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.rate = 1000;
  rig.plan.backing.missLock = 200 * kMillisecond;
  rig.plan.backing.coalesce = true;
  rig.cache.keys["lock:{obj:0}"] = {"another", Rig::kBegin + 100 * kMillisecond};
  const Interval& total = rig.run();
  EXPECT_GE(rig.count(BackingCount::locksDenied), 1U);
  EXPECT_GE(rig.count(BackingCount::lockWaits), 100U);
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(), 100 * kMillisecond);
  EXPECT_EQ(sum(total.counts.failed), 0U);
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

TEST(CacheAside, FailsReadsWhoseLockIsNeverGivenBack) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.rate = 1000;
  rig.plan.backing.missLock = 200 * kMillisecond;
  rig.plan.backing.timeout = 100 * kMillisecond;
  rig.cache.keys["lock:{obj:0}"] = {"another", 0};
  const Interval& total = rig.run();
  EXPECT_EQ(rig.failures(Failure::storeTimeout), 2000U);
  EXPECT_GE(total.failed.min(), 100 * kMillisecond);
  EXPECT_LT(total.failed.max(), 130 * kMillisecond);
  expectConserved(total);
}

TEST(CacheAside, RefreshesAHotKeyBeforeItExpires) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.freshness.beta = 2;
  const Interval& total = rig.run();
  EXPECT_GE(rig.count(BackingCount::earlyRefreshes), 15U);
  // Only the first value, and hardly ever another, is waited for.
  EXPECT_LT(total.counts.misses, 20U);
  EXPECT_GT(rig.cache.commands["PTTL"], 19'000);
  expectConserved(total);
}

TEST(CacheAside, ServesStaleValuesWhileOneReadRefreshesThem) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.freshness.staleWindow = 50 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_LT(total.counts.misses, 20U);  // the first value
  EXPECT_GE(rig.count(BackingCount::staleRefreshes), 18U);
  EXPECT_LE(rig.count(BackingCount::staleRefreshes), 21U);
  EXPECT_GE(rig.count(BackingCount::staleServed), 20U * 3);
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

TEST(CacheAside, CombinesAllDefences) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.coalesce = true;
  rig.plan.backing.missLock = 200 * kMillisecond;
  rig.plan.backing.freshness = {1, 50 * kMillisecond};
  const Interval& total = rig.run();
  EXPECT_LE(rig.count(BackingCount::reads), 42U);
  EXPECT_LT(total.counts.misses, 20U);
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

TEST(CacheAside, FailsWhatAStoreThatNeverAnswersWasAskedFor) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.backing.timeout = 100 * kMillisecond;
  rig.store->change = [](const StoreRequest&, StoreReply&, Nanos& at) {
    at = std::numeric_limits<Nanos>::max();
  };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.failures(Failure::storeTimeout), 2000U);
  EXPECT_EQ(rig.count(BackingCount::timedOut), 2000U);
  EXPECT_GE(total.failed.min(), 100 * kMillisecond);
  EXPECT_LT(total.failed.max(), 115 * kMillisecond);
  EXPECT_EQ(total.store->read.count(), 2000U);
  expectConserved(total);
}

TEST(CacheAside, IgnoresWhatComesAfterTheDeadline) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.backing.timeout = 10 * kMillisecond;
  rig.store->change = [](const StoreRequest&, StoreReply&, Nanos& at) { at += 20 * kMillisecond; };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.failures(Failure::storeTimeout), 2000U);
  EXPECT_EQ(rig.count(BackingCount::found), 0U);
  EXPECT_EQ(total.counts.refills, 0U);
  expectConserved(total);
}

TEST(CacheAside, EndsTheFlightOfAReadThatTimesOut) {
  Rig rig;
  rig.oneHotKey();
  rig.plan.backing.coalesce = true;
  rig.plan.backing.timeout = 50 * kMillisecond;
  rig.store->change = [](const StoreRequest&, StoreReply&, Nanos& at) {
    if (at < Rig::kBegin + kSecond) at = std::numeric_limits<Nanos>::max();
  };
  const Interval& total = rig.run();
  EXPECT_GE(rig.failures(Failure::storeTimeout), 9'000U);
  EXPECT_GT(total.counts.hits, 8'000U);
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

TEST(CacheAside, CountsWhatTheStoreStillOwesAsOutstanding) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.drain = 100 * kMillisecond;
  rig.plan.backing.timeout = 100 * kSecond;
  rig.store->change = [](const StoreRequest&, StoreReply&, Nanos& at) {
    at = std::numeric_limits<Nanos>::max();
  };
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.outstandingAtEnd, 2000U);
  EXPECT_EQ(total.counts.unansweredAtEnd, 0U);  // Redis has answered all
  EXPECT_EQ(total.counts.storeWaiting, 2000U);
  EXPECT_EQ(total.unfinished[0].count(), 2000U);
  expectConserved(total);
}

TEST(CacheAside, TellsTheFailuresOfTheStoreApart) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.store->change = [](const StoreRequest& request, StoreReply& reply, Nanos&) {
    if (request.id % 4 == 1) reply.outcome = StoreReply::Outcome::shed;
    if (request.id % 4 == 2) reply.outcome = StoreReply::Outcome::missing;
    if (request.id % 4 != 3) return;
    reply.outcome = StoreReply::Outcome::failed;
    reply.failure = StoreFailure::locked;
  };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.failures(Failure::storeShed), rig.count(BackingCount::shed));
  EXPECT_EQ(rig.failures(Failure::storeFailed), rig.count(BackingCount::locked));
  EXPECT_GT(rig.count(BackingCount::shed), 300U);
  EXPECT_GT(rig.count(BackingCount::locked), 300U);
  EXPECT_GT(rig.count(BackingCount::missing), 300U);  // the client knows that there is no value
  EXPECT_EQ(total.counts.misses, rig.count(BackingCount::missing) + rig.count(BackingCount::found));
  EXPECT_EQ(total.counts.refills, rig.count(BackingCount::found));
  expectConserved(total);
}

TEST(CacheAside, CountsARowThatIsNotWhatItsVersionSaysAndKeepsItOutOfTheCache) {
  Rig rig;
  rig.plan.keys = 1;
  rig.plan.rate = 1000;
  rig.store->change = [](const StoreRequest&, StoreReply& reply, Nanos&) {
    reply.value.back() ^= 1;
  };
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.corrupt, 2000U);
  EXPECT_EQ(total.counts.refills, 0U);
  EXPECT_TRUE(rig.cache.keys.empty());
}

// Overload of the store: reads queue at it up to -max-backlog, and beyond that in the schedule.
TEST(CacheAside, QueuesWithinTheBacklogWhereTheStoreIsBehind) {
  Rig rig;
  rig.plan.keys = 1'000'000;
  rig.plan.maxBacklog = 500;
  rig.plan.drain = 20 * kSecond;
  rig.store->serviceTime = 4 * kMillisecond;  // 2000/s of 10,000/s
  rig.plan.backing.timeout = 100 * kSecond;
  const Interval& total = rig.run();
  EXPECT_LE(rig.store->mostAtOnce, 500U + rig.plan.conns);
  EXPECT_EQ(total.counts.completed[0], 20'000U);
  EXPECT_GE(total.of(Measure::response, OpKind::get).max(),
            7 * kSecond);  // it waits in the schedule
  expectConserved(total);
}

TEST(CacheAside, KeepsTheNumberOfClientsInTheClosedModel) {
  Rig rig;
  rig.plan.keys = 1'000'000;
  rig.plan.arrivals = Arrivals::closed;
  rig.plan.conns = 6;
  rig.plan.duration = 200 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_LE(rig.store->mostAtOnce, 6U);
  EXPECT_GE(rig.store->mostAtOnce, 5U);
  EXPECT_NEAR(static_cast<double>(total.counts.completed[0]), 6 * 400, 200);
  expectConserved(total);
}

TEST(CacheAside, FailsReadsPastTheirOwnTimeLimitAsTimeouts) {
  Rig rig;
  rig.plan.rate = 1000;
  rig.plan.opTimeout = 20 * kMillisecond;
  rig.store->change = [](const StoreRequest&, StoreReply&, Nanos& at) { at += kSecond; };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.failures(Failure::timeout), 2000U);
  expectConserved(total);
}

// ---------------------------------------------------------------------------------------------------
// Writes

TEST(CacheAside, WritesTheRowAndThenDeletesTheKey) {
  Rig rig;
  rig.plan.readShare = 0.5;
  const Interval& total = rig.run();
  EXPECT_EQ(rig.count(BackingCount::writes), total.counts.completed[1]);
  EXPECT_EQ(rig.count(BackingCount::stored), rig.count(BackingCount::writes));
  EXPECT_EQ(static_cast<std::uint64_t>(rig.cache.commands["DEL"]), total.counts.completed[1]);
  EXPECT_GE(total.of(Measure::response, OpKind::set).min(), 500 * kMicrosecond);
  EXPECT_LT(total.of(Measure::dispatch, OpKind::set).max(), 100 * kMicrosecond);
  EXPECT_GE(total.store->write.min(), 499 * kMicrosecond);
  expectConserved(total);
}

TEST(CacheAside, WritesThroughTheRowToTheKey) {
  Rig rig;
  rig.plan.readShare = 0;
  rig.plan.backing.onWrite = OnWrite::through;
  rig.plan.conns = 1;
  const Interval& total = rig.run();
  EXPECT_EQ(rig.count(BackingCount::stored), 20'000U);
  const Values values(rig.plan.seed, rig.plan.valueSize);
  for (const auto& [key, entry] : rig.cache.keys) {
    std::uint64_t version = 0;
    const std::uint64_t id = std::stoull(key.substr(4));
    ASSERT_EQ(values.check(entry.value, id, &version, VerifyLevel::full), Values::Verdict::ok);
    EXPECT_EQ(version, rig.store->rows[id]) << key;
  }
  expectConserved(total);
}

TEST(CacheAside, LeavesTheRowAloneWithoutOnWrite) {
  Rig rig;
  rig.plan.readShare = 0.5;
  rig.plan.backing.onWrite = OnWrite::none;
  const Interval& total = rig.run();
  EXPECT_EQ(rig.count(BackingCount::writes), 0U);
  expectConserved(total);
}

TEST(CacheAside, FailsAWriteThatTheStoreDoesNotTakeAndLeavesTheCacheAlone) {
  Rig rig;
  rig.plan.readShare = 0;
  rig.store->change = [](const StoreRequest&, StoreReply& reply, Nanos&) {
    reply.outcome = StoreReply::Outcome::failed;
    reply.failure = StoreFailure::diskFull;
  };
  const Interval& total = rig.run();
  EXPECT_EQ(rig.failures(Failure::storeFailed), 20'000U);
  EXPECT_EQ(rig.count(BackingCount::diskFull), 20'000U);
  EXPECT_EQ(rig.cache.commands["DEL"], 0);
  expectConserved(total);
}

/// A slow read of the row overlaps with a write that invalidates: its refill brings the old value.
struct Race : Rig {
  Race() {
    oneHotKey();
    plan.rate = 2000;
    plan.readShare = 0.9;
    plan.distribution = Distribution::zipfian;
    plan.mitigation.ledgerKeys = 1;
    mitigations.ledger = std::make_unique<Ledger>(plan.keyChooser(), 1);
    store->serviceTime = 200 * kMicrosecond;
    store->change = [](const StoreRequest& request, StoreReply&, Nanos& at) {
      if (request.kind == StoreRequest::Kind::read) at += 10 * kMillisecond;
    };
  }
};

TEST(CacheAside, FindsStaleRefillsByTheirVersions) {
  Race rig;
  const Interval& total = rig.run();
  EXPECT_GT(rig.count(BackingCount::staleRefills), 10U);
  EXPECT_EQ(total.store->staleRefillAge.count(), rig.count(BackingCount::staleRefills));
  EXPECT_GT(total.store->staleRefillAge.max(), 0);
  EXPECT_LT(total.store->staleRefillAge.max(), 12 * kMillisecond);
  EXPECT_GT(total.counts.of(MitigationCount::stale), 0U);  // and reads that were served them
  EXPECT_EQ(total.counts.of(MitigationCount::impossible), 0U);
  expectConserved(total);
}

// An invalidation deletes the lock with the key: a refill that was read before it is fenced off.
TEST(CacheAside, FencesStaleRefillsOffWithTheLock) {
  Race rig;
  rig.plan.backing.missLock = 500 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_GT(rig.count(BackingCount::fencedRefills), 10U);
  EXPECT_EQ(rig.count(BackingCount::staleRefills), 0U);
  EXPECT_EQ(total.counts.of(MitigationCount::impossible), 0U);
  expectConserved(total);
}

TEST(CacheAside, GivesNoResultOfAnOldFlightToReadsBehindAWrite) {
  Race rig;
  rig.plan.backing.coalesce = true;
  rig.plan.backing.missLock = 500 * kMillisecond;
  const Interval& total = rig.run();
  EXPECT_EQ(total.counts.of(MitigationCount::stale), 0U);
  EXPECT_EQ(rig.flightsLeft, 0U);
  expectConserved(total);
}

}  // namespace
}  // namespace redline::cache_aside_test
