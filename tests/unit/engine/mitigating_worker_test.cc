// A worker with a mitigation, on a simulated clock, wire and node.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>

#include "engine/worker.h"
#include "record/recorder.h"
#include "support/sim_store.h"
#include "support/sim_transport.h"
#include "workload/keyspace.h"

namespace redline::mitigating_worker_test {
namespace {

struct Rig {
  EnginePlan plan;
  ManualClock clock{kSecond};
  SimTransport transport{clock};
  SimStore store{transport, clock};
  Recorder recorder{1, [](const Interval&) {}};
  Mitigations mitigations;
  LocalCacheTally caches;
  Status ended;

  static constexpr Nanos kBegin = 2 * kSecond;

  explicit Rig(MitigationKind kind) {
    plan.mitigation.kind = kind;
    plan.keys = 50;
    plan.warmup = 0;
    plan.duration = 4 * kSecond;
    plan.rate = 2000;
    plan.conns = 4;
    plan.distribution = Distribution::zipfian;
    plan.mitigation.cacheBytes = std::size_t{1} << 20;
  }

  KeyChooser chooser() const { return {plan.distribution, plan.zipfS, plan.keys, plan.seed}; }

  /// All keys and all copies of split ones, as they are after loading.
  void load() {
    const Values values(plan.seed, plan.valueSize);
    std::string value(plan.valueSize, '\0');
    for (std::uint64_t id = 0; id < plan.keys; ++id) {
      values.write(value.data(), id, 0);
      store.values["obj:" + std::to_string(id)] = value;
      const auto hot = mitigations.split ? mitigations.split->hotIndex(id) : std::nullopt;
      for (unsigned copy = 0; hot && copy < mitigations.split->ways(); ++copy)
        store.values[std::string(mitigations.split->key(*hot, copy))] = value;
    }
  }
  void split(SplitPlan split) {
    plan.mitigation.split = split;
    auto made = KeySplit::make(split, chooser(), plan.keys, 1, [](std::string_view) { return 0U; });
    ASSERT_TRUE(made);
    mitigations.split = std::move(*made);
  }
  void keepLedger(std::uint32_t keys) {
    plan.mitigation.ledgerKeys = keys;
    mitigations.ledger = std::make_unique<Ledger>(chooser(), keys);
  }

  const Interval& run() {
    load();
    Shared shared(plan, nullptr, &mitigations);
    Worker worker(shared, 0, transport, clock, recorder.exchange(0));
    EXPECT_TRUE(worker.connect(clock.now() + kSecond));
    ended = worker.run(plan.windowFrom(kBegin));
    worker.addTo(caches);
    recorder.finish();
    const Counters& c = total().counts;
    EXPECT_EQ(c.scheduled, completed() + failed() + c.outstandingAtEnd);
    EXPECT_EQ(c.corrupt, 0U);
    return total();
  }

  const Interval& total() const { return recorder.total(); }
  std::uint64_t count(MitigationCount which) const { return total().counts.of(which); }
  std::uint64_t completed() const {
    return total().counts.completed[0] + total().counts.completed[1];
  }
  std::uint64_t failed() const { return total().counts.failed[0] + total().counts.failed[1]; }
  static int sum(const std::map<std::string, int>& counts) {
    return std::accumulate(counts.begin(), counts.end(), 0,
                           [](int n, const auto& entry) { return n + entry.second; });
  }
};

using Count = MitigationCount;

TEST(MitigatingWorker, ALocalCacheAsksTheServerOnceForEachKeyThatDoesNotChange) {
  for (const Tracking tracking : {Tracking::keysRead, Tracking::prefix}) {
    Rig rig(MitigationKind::localCache);
    rig.plan.mitigation.tracking = tracking;
    rig.plan.readShare = 1;
    const Interval& total = rig.run();
    EXPECT_EQ(rig.completed(), 8000U);
    // Reads that were under way together both ask.
    EXPECT_LE(Rig::sum(rig.store.reads), 60);
    EXPECT_EQ(rig.count(Count::localHits) + total.counts.hits, 8000U);
    EXPECT_EQ(total.of(Measure::response, OpKind::get).count(), 8000U);
    EXPECT_EQ(total.of(Measure::service, OpKind::get).count(), total.counts.hits)
        << "nobody served the others";
    EXPECT_EQ(rig.store.trackers, tracking == Tracking::keysRead ? 4U : 0U);
    EXPECT_EQ(rig.store.subscribers, tracking == Tracking::prefix ? 1U : 0U);
    EXPECT_EQ(rig.caches.caches, 1U);
    EXPECT_EQ(rig.caches.entriesEach, 50U) << "no larger than the data set";
    EXPECT_GT(rig.caches.bytesUsed, 0U);
  }
}

TEST(MitigatingWorker, ALocalCacheIsStaleForNoLongerThanAnInvalidationTakes) {
  for (const Tracking tracking : {Tracking::keysRead, Tracking::prefix}) {
    Rig rig(MitigationKind::localCache);
    rig.plan.mitigation.tracking = tracking;
    rig.plan.readShare = 0.9;
    rig.plan.rate = 20'000;
    rig.keepLedger(50);
    // On a connection that carries requests too, a push cannot fall behind later replies.
    const Nanos delay = tracking == Tracking::prefix ? 3 * kMillisecond : 60 * kMicrosecond;
    rig.store.pushDelay = delay;
    rig.transport.serviceTime = 30 * kMicrosecond;
    rig.plan.arrivals = Arrivals::poisson;  // so that requests overlap
    const Interval& total = rig.run();
    EXPECT_GT(rig.count(Count::localHits), 20'000U);
    EXPECT_GT(rig.count(Count::invalidationsReceived), 1000U);
    EXPECT_GT(rig.count(Count::poisonedFills), 0U);
    // Own writes invalidate at once: with one worker nothing is ever stale.
    EXPECT_EQ(rig.count(Count::stale), 0U);
    EXPECT_EQ(rig.count(Count::impossible), 0U);
    EXPECT_GT(rig.count(Count::ledgerReads), 60'000U);
    EXPECT_GT(total.invalidationLag.count(), 0U);
    EXPECT_GT(total.invalidationLag.quantile(0.5), delay / 4);
    EXPECT_LE(total.invalidationLag.quantile(0.5), delay);
  }
}

// Keys expire and are evicted, and entries of the server's table of tracked keys are too: what it
// says of them then is no consequence of the last write, which may have been long ago.
TEST(MitigatingWorker, InvalidationsOfOtherCausesAreNoLagOfAWrite) {
  for (const Tracking tracking : {Tracking::keysRead, Tracking::prefix}) {
    Rig rig(MitigationKind::localCache);
    rig.plan.mitigation.tracking = tracking;
    rig.plan.readShare = 0.99;
    rig.keepLedger(50);
    rig.store.pushDelay = 20 * kMicrosecond;
    std::uint64_t others = 0;
    for (Nanos at = Rig::kBegin; at < Rig::kBegin + 4 * kSecond; at += kSecond)
      for (std::uint64_t id = 0; id < 50; ++id) {
        const std::string key = "obj:" + std::to_string(id);
        const ConnId conn = tracking == Tracking::prefix ? 4 : static_cast<ConnId>(id % 4);
        rig.transport.push(conn, at,
                           ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) +
                               "\r\n" + key + "\r\n");
        ++others;
      }
    const Interval& total = rig.run();
    EXPECT_GT(rig.count(Count::invalidationsReceived), others);
    EXPECT_GT(total.invalidationLag.count(), 0U);
    EXPECT_LE(total.invalidationLag.count(), rig.count(Count::ledgerWrites));
    EXPECT_LT(total.invalidationLag.max(), kMillisecond);
  }
}

TEST(MitigatingWorker, AForeignWriteIsSeenAfterItsInvalidationAndNotBefore) {
  Rig rig(MitigationKind::localCache);
  rig.plan.readShare = 1;
  rig.plan.keys = 1;
  rig.plan.duration = 2 * kSecond;
  rig.keepLedger(1);
  // Another client writes version 1 at 3 s, behind our back but with the ledger's knowledge.
  bool written = false;
  rig.transport.onRequest = [](Nanos, ConnId, const Value&) {};
  const Nanos at = Rig::kBegin + kSecond;
  rig.mitigations.ledger->begin(0, 1, at);
  rig.mitigations.ledger->acknowledge(0, 1, at + 1);
  // The one connection that has read the key is told 5 ms later.
  for (ConnId conn = 0; conn < 4; ++conn)
    rig.transport.push(conn, at + 5 * kMillisecond,
                       ">2\r\n$10\r\ninvalidate\r\n*1\r\n$5\r\nobj:0\r\n");
  rig.transport.answerOf = [&, inner = rig.transport.answerOf](const Endpoint& node, ConnId conn,
                                                               const Value& request) {
    if (request.items.at(0).text == "GET" && rig.clock.now() >= at && !written) {
      written = true;
      std::string value(rig.plan.valueSize, '\0');
      Values(rig.plan.seed, rig.plan.valueSize).write(value.data(), 0, 1);
      rig.store.values["obj:0"] = value;
    }
    return inner(node, conn, request);
  };
  const Interval& total = rig.run();
  EXPECT_TRUE(written) << "it asked again";
  // 2000 reads a second: about 10 were served from the cache in those 5 ms.
  EXPECT_NEAR(static_cast<double>(rig.count(Count::stale)), 10, 2);
  EXPECT_LE(total.staleness.max(), 5 * kMillisecond);
  EXPECT_GT(total.staleness.max(), 3 * kMillisecond);
}

TEST(MitigatingWorker, ALostConnectionEmptiesTheCache) {
  for (const Tracking tracking : {Tracking::keysRead, Tracking::prefix}) {
    Rig rig(MitigationKind::localCache);
    rig.plan.mitigation.tracking = tracking;
    rig.plan.readShare = 1;
    rig.plan.keys = 10;
    rig.transport.cutAllAt(Rig::kBegin + 2 * kSecond);
    rig.run();
    EXPECT_GT(rig.count(Count::cacheFlushes), 0U);
    for (const auto& [key, reads] : rig.store.reads) EXPECT_GE(reads, 2) << key;
    EXPECT_EQ(rig.completed(), 8000U);
  }
}

TEST(MitigatingWorker, AKeyThatExpiresIsNotServedBeyondItsTime) {
  Rig rig(MitigationKind::localCache);
  rig.plan.readShare = 1;
  rig.plan.keys = 1;
  rig.plan.ttlFraction = 1;
  rig.store.pttl = 100;
  rig.run();
  // 4 s of reads, each entry good for 100 ms.
  EXPECT_NEAR(rig.store.reads["obj:0"], 40, 3);
  EXPECT_NEAR(static_cast<double>(rig.count(Count::localExpired)), 39, 3);
}

TEST(MitigatingWorker, ReadsOfASplitKeyTakeAllCopiesAlikeAndWritesReachThemAll) {
  for (const SplitMode mode : {SplitMode::spread, SplitMode::tag}) {
    Rig rig(MitigationKind::keySplit);
    rig.plan.keys = 10;
    rig.plan.readShare = 0.8;
    rig.split({mode, 4, 3});
    rig.keepLedger(10);
    const Interval& total = rig.run();
    EXPECT_EQ(rig.completed(), 8000U);
    EXPECT_EQ(total.counts.misses, 0U);
    EXPECT_EQ(rig.count(Count::copiesWritten), 4 * rig.count(Count::splitWrites));
    EXPECT_EQ(rig.count(Count::partialWrites), 0U);
    EXPECT_EQ(rig.count(Count::stale) + rig.count(Count::impossible), 0U);
    EXPECT_GT(rig.count(Count::splitReads), 3000U);
    const KeySplit& split = *rig.mitigations.split;
    for (std::uint32_t hot = 0; hot < 3; ++hot) {
      EXPECT_EQ(rig.store.reads.count("obj:" + std::to_string(split.idOf(hot))), 0U);
      for (unsigned copy = 0; copy < 4; ++copy) {
        const std::string key(split.key(hot, copy));
        EXPECT_EQ(rig.store.values[key], rig.store.values[std::string(split.key(hot, 0))]);
        EXPECT_EQ(rig.store.writes[key], rig.store.writes[std::string(split.key(hot, 0))]);
        EXPECT_GT(rig.store.reads[key], rig.store.reads[std::string(split.key(hot, 0))] / 2);
      }
    }
  }
}

TEST(MitigatingWorker, AWriteThatACopyRefusesIsPartialAndFails) {
  Rig rig(MitigationKind::keySplit);
  rig.plan.keys = 1;
  rig.plan.readShare = 0;
  rig.split({SplitMode::spread, 4, 1});
  rig.keepLedger(1);
  rig.store.refuse[std::string(rig.mitigations.split->key(0, 2))] = "-OOM no room\r\n";
  rig.run();
  EXPECT_EQ(rig.failed(), 8000U);
  EXPECT_EQ(rig.count(Count::partialWrites), 8000U);
  EXPECT_EQ(rig.total().counts.failures[index(Failure::oom)], 8000U);
  EXPECT_EQ(rig.count(Count::ledgerWrites), 0U) << "none was acknowledged";
}

TEST(MitigatingWorker, EveryOperationIsCountedOnceWhenConnectionsAreCutUnderAFanOut) {
  Rig rig(MitigationKind::keySplit);
  rig.plan.keys = 5;
  rig.plan.readShare = 0.5;
  rig.plan.rate = 5000;
  rig.split({SplitMode::spread, 6, 5});
  rig.keepLedger(5);
  rig.transport.serviceTime = 40 * kMicrosecond;
  rig.transport.cutAllAt(Rig::kBegin + 2 * kSecond + 90 * kMicrosecond);
  rig.run();  // expects conservation
  EXPECT_GT(rig.total().counts.failures[index(Failure::unknownFate)], 0U);
  EXPECT_EQ(rig.count(Count::stale) + rig.count(Count::impossible), 0U);
}

TEST(MitigatingWorker, WhatIsUnfinishedOfAFanOutAtTheEndIsOneOperation) {
  Rig rig(MitigationKind::keySplit);
  rig.plan.keys = 1;
  rig.plan.readShare = 0;
  rig.plan.rate = 1000;
  rig.plan.drain = 100 * kMillisecond;
  rig.split({SplitMode::spread, 3, 1});
  rig.transport.freeze(Rig::kBegin + 2 * kSecond, Rig::kBegin + 100 * kSecond);
  rig.run();
  EXPECT_NEAR(static_cast<double>(rig.total().counts.outstandingAtEnd), 2000, 5);
}

TEST(MitigatingWorker, TheLedgerFollowsPlainOperationsToo) {
  Rig rig(MitigationKind::none);
  rig.keepLedger(50);
  rig.plan.readShare = 0.5;
  rig.plan.pipeline = 4;
  rig.run();
  EXPECT_NEAR(static_cast<double>(rig.count(Count::ledgerReads)), 4000, 300);
  EXPECT_NEAR(static_cast<double>(rig.count(Count::ledgerWrites)), 4000, 300);
  EXPECT_EQ(rig.count(Count::stale) + rig.count(Count::impossible) + rig.count(Count::unjudged),
            0U);
  for (Ledger::Key key = 0; key < 50; ++key) {
    std::uint64_t version = 0;
    const std::uint64_t id = rig.mitigations.ledger->idOf(key);
    Values(rig.plan.seed, rig.plan.valueSize)
        .check(rig.store.values["obj:" + std::to_string(id)], id, &version, VerifyLevel::full);
    EXPECT_EQ(rig.mitigations.ledger->audit(key, version).lostAcknowledged, 0U);
  }
}

}  // namespace
}  // namespace redline::mitigating_worker_test
