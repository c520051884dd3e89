#include "mitigation/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

using Kind = ReadVerdict::Kind;

const KeyChooser kChooser(Distribution::zipfian, 1.2, 1000, 1);

TEST(Ledger, KeepsTheHottestIdsAndNoOthers) {
  const Ledger ledger(kChooser, 3);
  for (std::uint64_t rank = 0; rank < 3; ++rank) {
    const auto key = ledger.find(kChooser.hottest(rank));
    ASSERT_TRUE(key);
    EXPECT_EQ(ledger.idOf(*key), kChooser.hottest(rank));
  }
  EXPECT_FALSE(ledger.find(kChooser.hottest(3)));
}

TEST(Ledger, AReadOfAnOverwrittenVersionIsStaleByTheAgeOfTheNewersAcknowledgement) {
  Ledger ledger(kChooser, 1);
  ledger.begin(0, 5, 100);
  ledger.acknowledge(0, 5, 200);
  const ReadVerdict verdict = ledger.judge(0, 0, 250);
  EXPECT_EQ(verdict.kind, Kind::stale);
  EXPECT_EQ(verdict.age, 50);
  EXPECT_FALSE(verdict.ageIsLowerBound);
  EXPECT_EQ(ledger.judge(0, 5, 250).kind, Kind::ok);
}

TEST(Ledger, TheAgeCountsFromTheFirstOfSeveralNewerWrites) {
  Ledger ledger(kChooser, 1);
  for (std::uint64_t version = 1; version <= 10; ++version) {
    const auto at = static_cast<Nanos>(version) * 100;
    ledger.begin(0, version, at);
    ledger.acknowledge(0, version, at + 10);
  }
  EXPECT_EQ(ledger.judge(0, 3, 2000).age, 2000 - 410);
  EXPECT_EQ(ledger.judge(0, 0, 2000).age, 2000 - 110);
}

TEST(Ledger, AReadThatWasSentBeforeTheAcknowledgementIsNotStale) {
  Ledger ledger(kChooser, 1);
  ledger.begin(0, 5, 100);
  EXPECT_EQ(ledger.judge(0, 0, 150).kind, Kind::ok) << "under way";
  ledger.acknowledge(0, 5, 200);
  EXPECT_EQ(ledger.judge(0, 0, 150).kind, Kind::ok);
  EXPECT_EQ(ledger.judge(0, 0, 200).kind, Kind::ok) << "at the same time is not before";
  EXPECT_EQ(ledger.judge(0, 0, 201).kind, Kind::stale);
}

TEST(Ledger, OverlappingWritesMayHaveHappenedInEitherOrder) {
  Ledger ledger(kChooser, 1);
  ledger.begin(0, 1, 100);
  ledger.begin(0, 2, 110);
  ledger.acknowledge(0, 1, 200);
  ledger.acknowledge(0, 2, 210);
  EXPECT_EQ(ledger.judge(0, 1, 1000).kind, Kind::ok);
  EXPECT_EQ(ledger.judge(0, 2, 1000).kind, Kind::ok);
  EXPECT_EQ(ledger.audit(0, 1).lostAcknowledged, 0U);
  EXPECT_EQ(ledger.audit(0, 2).lostAcknowledged, 0U);
}

TEST(Ledger, AWriteOfUnknownFateMayLandAtAnyTime) {
  Ledger ledger(kChooser, 1);
  ledger.begin(0, 1, 100);  // never acknowledged
  ledger.begin(0, 2, 500);
  ledger.acknowledge(0, 2, 600);
  EXPECT_EQ(ledger.judge(0, 1, 1000).kind, Kind::ok);
  EXPECT_EQ(ledger.audit(0, 1).lostAcknowledged, 0U);
  EXPECT_EQ(ledger.judge(0, 2, 1000).kind, Kind::ok) << "and it may not have landed";
}

TEST(Ledger, AVersionThatNobodyWroteIsImpossible) {
  Ledger ledger(kChooser, 1);
  EXPECT_EQ(ledger.judge(0, 1, 50).kind, Kind::impossible);
  ledger.begin(0, 5, 100);
  EXPECT_EQ(ledger.judge(0, 6, 150).kind, Kind::impossible);
  EXPECT_EQ(ledger.judge(0, 4, 150).kind, Kind::impossible);
  EXPECT_EQ(ledger.judge(0, 5, 150).kind, Kind::ok);
}

TEST(Ledger, TheAuditCountsAcknowledgedWritesThatAreGone) {
  Ledger ledger(kChooser, 2);
  for (std::uint64_t version = 1; version <= 5; ++version) {
    ledger.begin(0, version, static_cast<Nanos>(version) * 100);
    ledger.acknowledge(0, version, static_cast<Nanos>(version) * 100 + 50);
  }
  EXPECT_EQ(ledger.audit(0, 5).lostAcknowledged, 0U);
  EXPECT_EQ(ledger.audit(0, 3).lostAcknowledged, 2U);
  EXPECT_EQ(ledger.audit(0, 0).lostAcknowledged, 5U);
  EXPECT_EQ(ledger.audit(0, std::nullopt).lostAcknowledged, 5U);
  EXPECT_TRUE(ledger.audit(0, 99).impossible);
  EXPECT_EQ(ledger.audit(1, 0).lostAcknowledged, 0U) << "never written";
  EXPECT_EQ(ledger.audit(1, std::nullopt).lostAcknowledged, 0U);
}

TEST(Ledger, NamesTheLastWritesAcknowledgement) {
  Ledger ledger(kChooser, 1);
  EXPECT_EQ(ledger.lastWrite(0).number, 0U);
  ledger.begin(0, 1, 100);
  EXPECT_EQ(ledger.lastWrite(0).number, 1U);
  EXPECT_FALSE(ledger.lastWrite(0).acknowledged) << "under way";
  ledger.acknowledge(0, 1, 120);
  EXPECT_EQ(ledger.lastWrite(0).acknowledged, 120);
}

TEST(Ledger, JudgesVersionsThatDroppedOutOfTheRingMildly) {
  Ledger ledger(kChooser, 1);
  const std::uint64_t writes = 3 * ledger.writesKept();
  for (std::uint64_t version = 1; version <= writes; ++version) {
    ledger.begin(0, version, static_cast<Nanos>(version) * 100);
    ledger.acknowledge(0, version, static_cast<Nanos>(version) * 100 + 50);
  }
  const auto end = static_cast<Nanos>(writes) * 100 + 1000;
  const ReadVerdict old = ledger.judge(0, 1, end);
  EXPECT_EQ(old.kind, Kind::stale);
  EXPECT_TRUE(old.ageIsLowerBound);
  EXPECT_LT(old.age, end - 150);
  EXPECT_EQ(ledger.judge(0, writes, end).kind, Kind::ok);
}

TEST(Ledger, DoesNotJudgeADroppedVersionThatMayHaveBeenOfUnknownFate) {
  Ledger ledger(kChooser, 1);
  ledger.begin(0, 1, 100);  // never acknowledged
  const std::uint64_t writes = 2 * ledger.writesKept();
  for (std::uint64_t version = 2; version <= writes; ++version) {
    ledger.begin(0, version, static_cast<Nanos>(version) * 100);
    ledger.acknowledge(0, version, static_cast<Nanos>(version) * 100 + 50);
  }
  const ReadVerdict verdict = ledger.judge(0, 1, 1'000'000'000);
  EXPECT_EQ(verdict.kind, Kind::ok);
  EXPECT_FALSE(verdict.judged);
  ledger.acknowledge(0, 1, 999'000'000);  // late, after it was dropped
  EXPECT_TRUE(ledger.judge(0, 1, 1'000'000'000).judged);
  EXPECT_EQ(ledger.judge(0, 1, 1'000'000'000).kind, Kind::ok);
}

TEST(Ledger, FewKeysAreRememberedLongManyKeysStayWithinTheMemory) {
  EXPECT_EQ(Ledger(kChooser, 10).writesKept(), 2048U);
  const KeyChooser many(Distribution::uniform, 1, 1'000'000, 1);
  const Ledger big(many, 10'000);
  EXPECT_GE(big.writesKept(), 32U);
  EXPECT_LT(big.memoryBytes(), std::size_t{64} << 20);
}

/// A made-up history of one key: clients that write and read a register, each request sent, applied
/// and answered at times of its own. All is told to the ledger in the order of time.
struct History {
  struct Write {
    std::uint64_t version;
    Nanos sent, applied, acknowledged;  // the last two: kNever
  };
  struct Read {
    Nanos sent, seen, answered;  // `seen`: which moment's state it returned
  };
  static constexpr Nanos kNever = 1'000'000'000;
  std::vector<Write> writes;
  std::vector<Read> reads;

  /// `lag`: how old the state may be that a read sees (a replica); 0: linearizable. One in so many
  /// writes loses its connection, and its fate is unknown.
  static History random(Rng& rng, int clients, Nanos length, Nanos lag,
                        std::uint64_t unknownOneIn = 10) {
    History h;
    std::uint64_t version = 0;
    for (int c = 0; c < clients; ++c) {
      for (Nanos t = 1 + static_cast<Nanos>(rng.below(50)); t < length;) {
        const Nanos sent = t;
        const Nanos applied = sent + 1 + static_cast<Nanos>(rng.below(40));
        const Nanos answered = applied + 1 + static_cast<Nanos>(rng.below(40));
        t = answered + static_cast<Nanos>(rng.below(30));
        if (rng.below(2) == 0) {
          const Nanos seen = std::max<Nanos>(
              0,
              applied -
                  (lag == 0 ? 0 : static_cast<Nanos>(rng.below(static_cast<std::uint64_t>(lag)))));
          h.reads.push_back({sent, seen, answered});
          continue;
        }
        Write w{++version, sent, applied, answered};
        if (rng.below(unknownOneIn) == 0) {  // the connection is lost: it lands late, or never
          w.acknowledged = kNever;
          w.applied = rng.below(2) == 0 ? kNever : sent + static_cast<Nanos>(rng.below(600));
        }
        h.writes.push_back(w);
      }
    }
    return h;
  }

  std::uint64_t stateAt(Nanos t) const {
    std::pair<Nanos, std::uint64_t> last{0, 0};
    for (const Write& w : writes)
      if (w.applied <= t) last = std::max(last, {w.applied, w.version});
    return last.second;
  }

  /// The definition, by looking at all that happened: the first acknowledgement among the writes
  /// later than `version`, where it came before `sent`.
  std::optional<Nanos> firstNewer(std::uint64_t version, Nanos sent) const {
    Nanos bound = 0;
    for (const Write& w : writes)
      if (w.version == version) bound = w.acknowledged;
    std::optional<Nanos> first;
    for (const Write& w : writes)
      if (w.sent > bound && w.acknowledged < sent)
        first = std::min(first.value_or(kNever), w.acknowledged);
    return first;
  }

  /// Plays it into a ledger; `onRead` gets each read with what it returned and the verdict.
  template <typename OnRead>
  void play(Ledger& ledger, OnRead onRead) const {
    enum Step { acknowledge, begin, answer };
    std::vector<std::tuple<Nanos, Step, std::size_t>> steps;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      steps.emplace_back(writes[i].sent, begin, i);
      if (writes[i].acknowledged != kNever)
        steps.emplace_back(writes[i].acknowledged, acknowledge, i);
    }
    for (std::size_t i = 0; i < reads.size(); ++i) steps.emplace_back(reads[i].answered, answer, i);
    std::ranges::sort(steps);
    for (const auto& [at, step, i] : steps) {
      if (step == begin) {
        ledger.begin(0, writes[i].version, at);
      } else if (step == acknowledge) {
        ledger.acknowledge(0, writes[i].version, at);
      } else {
        const std::uint64_t version = stateAt(reads[i].seen);
        onRead(reads[i], version, ledger.judge(0, version, reads[i].sent));
      }
    }
  }
};

TEST(Ledger, NeverAccusesALinearizableStore) {
  std::size_t reads = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    const History h = History::random(rng, 1 + static_cast<int>(rng.below(12)), 3000, 0);
    Ledger ledger(kChooser, 1);
    h.play(ledger, [&](const History::Read&, std::uint64_t version, const ReadVerdict& verdict) {
      ++reads;
      EXPECT_EQ(verdict.kind, Kind::ok) << "seed " << seed << " version " << version;
    });
    EXPECT_EQ(ledger.audit(0, h.stateAt(History::kNever)).lostAcknowledged, 0U) << "seed " << seed;
  }
  EXPECT_GT(reads, 10'000U);
}

TEST(Ledger, FindsExactlyTheStaleReadsOfALaggingReplicaAndTheirAges) {
  std::size_t stale = 0, fresh = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    const History h = History::random(rng, 1 + static_cast<int>(rng.below(12)), 3000, 500);
    Ledger ledger(kChooser, 1);
    h.play(ledger,
           [&](const History::Read& read, std::uint64_t version, const ReadVerdict& verdict) {
             const auto first = h.firstNewer(version, read.sent);
             ASSERT_EQ(verdict.kind == Kind::stale, first.has_value()) << "seed " << seed;
             if (first) {
               EXPECT_EQ(verdict.age, read.sent - *first);
             }
             ++(first ? stale : fresh);
           });
  }
  EXPECT_GT(stale, 1000U);
  EXPECT_GT(fresh, 1000U);
}

TEST(Ledger, AShortMemoryMakesVerdictsMilderNeverHarsher) {
  // So many keys that each keeps few writes; all of the history happens to one of them.
  const KeyChooser many(Distribution::uniform, 1, 1'000'000, 1);
  std::size_t found = 0, missed = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    const History h = History::random(rng, 8, 20'000, 3000, 1000);
    Ledger ledger(many, 50'000);
    ASSERT_LE(ledger.writesKept(), 64U);
    h.play(ledger,
           [&](const History::Read& read, std::uint64_t version, const ReadVerdict& verdict) {
             const auto first = h.firstNewer(version, read.sent);
             ASSERT_NE(verdict.kind, Kind::impossible);
             if (verdict.kind == Kind::stale) {
               ASSERT_TRUE(first) << "seed " << seed;
               EXPECT_LE(verdict.age, read.sent - *first);
               if (!verdict.ageIsLowerBound) {
                 EXPECT_EQ(verdict.age, read.sent - *first);
               }
               ++found;
             } else if (first) {
               ++missed;
             }
           });
  }
  EXPECT_GT(found, missed) << "and still catches most";
}

TEST(Ledger, FindsTheWritesThatAFailoverLost) {
  Rng rng(7);
  std::size_t lossy = 0;
  for (int round = 0; round < 200; ++round) {
    const History h = History::random(rng, 1, 3000, 0);
    Ledger ledger(kChooser, 1);
    h.play(ledger, [](const auto&, auto, const auto&) {});
    const auto cut = static_cast<Nanos>(rng.below(3000));  // what came later is gone
    const std::uint64_t found = h.stateAt(cut);
    Nanos bound = 0;
    for (const auto& w : h.writes)
      if (w.version == found) bound = w.acknowledged;
    std::uint64_t expected = 0;
    for (const auto& w : h.writes)
      expected += w.acknowledged != History::kNever && w.sent > bound ? 1 : 0;
    EXPECT_EQ(ledger.audit(0, found).lostAcknowledged, expected);
    lossy += expected != 0 ? 1 : 0;
  }
  EXPECT_GT(lossy, 100U);
}

// Real threads, a real clock, and a register behind a mutex: nobody is ever accused, with rings
// that wrap all the time.
TEST(Ledger, NeverAccusesALinearizableStoreUnderThreads) {
  const KeyChooser many(Distribution::uniform, 1, 1'000'000, 1);
  Ledger ledger(many, 50'000);
  constexpr int kThreads = 4;
  constexpr Ledger::Key kKeys = 3;
  struct Register {
    std::mutex mutex;
    std::uint64_t version = 0;
  };
  std::vector<Register> store(kKeys);
  std::atomic<std::uint64_t> next{1};
  std::atomic<int> accusations{0}, unjudged{0}, reads{0};
  const auto client = [&](int index) {
    Rng rng(1, static_cast<std::uint64_t>(index));
    for (int i = 0; i < 40'000; ++i) {
      const auto key = static_cast<Ledger::Key>(rng.below(kKeys));
      const Nanos sent = SteadyClock::read();
      if (rng.below(3) == 0) {
        const std::uint64_t version = next.fetch_add(1);
        ledger.begin(key, version, sent);
        {
          const std::lock_guard lock(store[key].mutex);
          store[key].version = version;
        }
        if (rng.below(1000) != 0) ledger.acknowledge(key, version, SteadyClock::read());
      } else {
        std::uint64_t version = 0;
        {
          const std::lock_guard lock(store[key].mutex);
          version = store[key].version;
        }
        const ReadVerdict verdict = ledger.judge(key, version, sent);
        if (verdict.kind != Kind::ok) ++accusations;
        if (!verdict.judged) ++unjudged;
        ++reads;
      }
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(client, t);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accusations, 0);
  EXPECT_LT(unjudged, reads / 10);
  for (Ledger::Key key = 0; key < kKeys; ++key)
    EXPECT_EQ(ledger.audit(key, store[key].version).lostAcknowledged, 0U);
}

}  // namespace
}  // namespace redline
