// A peer that turns hostile at any byte of what it says: it hangs up, falls silent, says what is
// not RESP, or does not stop. Each time the run ends on time, and every operation is accounted for.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>

#include "cluster/hash_slot.h"
#include "engine/worker.h"
#include "record/interval_exchange.h"
#include "support/sim_cluster.h"
#include "support/sim_store.h"
#include "support/sim_transport.h"

namespace redline::hostile_peer_test {
namespace {

constexpr Nanos kBegin = 2 * kSecond;

enum class Turn { hangsUp, fallsSilent, saysGarbage, neverStops };
constexpr std::array kTurns{Turn::hangsUp, Turn::fallsSilent, Turn::saysGarbage, Turn::neverStops};
constexpr std::array<const char*, 4> kTurnNames{"hangs up", "falls silent", "says garbage",
                                                "never stops"};

/// Which of what Redis says is attacked.
enum class Talk { plain, credentials, transactions, asks, pushes };
constexpr std::array kTalks{Talk::plain, Talk::credentials, Talk::transactions, Talk::asks,
                            Talk::pushes};
constexpr std::array<const char*, 5> kTalkNames{"GET and SET", "a login", "MULTI/EXEC", "ASK",
                                                "pushes"};

/// What the workers of all scenes record into. One interval is 3.5 MB of histograms, and there are
/// thousands of scenes: they are not made anew for each.
class Intervals {
 public:
  IntervalExchange& exchange() { return exchange_; }
  /// All that the latest worker has counted.
  Counters takeCounts() {
    Counters counts;
    while (IntervalExchange::Ptr interval = exchange_.take()) {
      counts.follow(interval->counts);
      interval->reset(0, 0);
      interval->nodes.clear();
      exchange_.giveBack(std::move(interval));
    }
    return counts;
  }

 private:
  IntervalExchange exchange_;
};

/// One worker and the peers that it talks to.
class Scene {
 public:
  Scene(Talk talk, Intervals& intervals) : intervals_(intervals) {
    plan_.keys = 50;
    plan_.valueSize = 20;
    plan_.warmup = 0;
    plan_.duration = 20 * kMillisecond;
    plan_.drain = 30 * kMillisecond;
    plan_.rate = 2000;
    plan_.conns = 2;
    plan_.readShare = 0.5;
    if (talk == Talk::credentials) plan_.credentials = {"me", "secret"};
    if (talk == Talk::transactions) {
      plan_.transactions = true;
      plan_.pipeline = 3;
      plan_.batchWait = kMillisecond;
    }
    if (talk == Talk::asks || talk == Talk::transactions) {
      cluster_.emplace(transport_, clock_);
      map_.emplace(cluster_->truth);
    }
    if (talk == Talk::asks)
      for (std::uint64_t id = 0; id < plan_.keys; ++id)
        cluster_->migrating[hashSlot("obj:" + std::to_string(id))] = 7003;
    if (talk == Talk::pushes) {
      plan_.mitigation.kind = MitigationKind::localCache;
      plan_.mitigation.cacheBytes = 64 << 10;
      store_.emplace(transport_, clock_);
    }
  }

  /// The first peer turns at that byte of what it says on its first connection.
  void turnAt(std::size_t offset, Turn turn) {
    transport_.onArrival = [this, offset, turn](ConnId conn, std::string& bytes) {
      if (conn != 0) return true;
      const std::size_t before = said_;
      said_ += bytes.size();
      if (said_ <= offset) return true;
      if (turned_) bytes.clear();
      if (turned_) return turn != Turn::hangsUp;
      turned_ = true;
      const std::size_t at = offset - before;
      if (turn == Turn::saysGarbage) {
        bytes[at] = '\x01';
        turned_ = false;  // this one byte is wrong, and the rest as it was
        said_ = 0;
        transport_.onArrival = [](ConnId, std::string&) { return true; };
        return true;
      }
      bytes.resize(at);
      while (turn == Turn::neverStops && bytes.size() <= plan_.longestReply() + at)
        bytes += "*1\r\n";
      return turn != Turn::hangsUp;
    };
  }

  void run() {
    Shared shared(plan_, map_ ? &*map_ : nullptr, &mitigations_);
    Worker worker(shared, 0, transport_, clock_, intervals_.exchange());
    const Nanos deadline = clock_.now() + 500 * kMillisecond;
    const Status up = worker.connect(deadline);
    EXPECT_LT(clock_.now(), deadline + 10 * kMillisecond);
    if (!up) {
      EXPECT_NE(up.error().message, "");
      EXPECT_EQ(up.error().message.find('\n'), std::string::npos);
      return;
    }
    clock_.set(std::max(clock_.now(), kBegin - kMillisecond));
    const Status ended = worker.run(plan_.windowFrom(kBegin));
    const Counters c = intervals_.takeCounts();
    EXPECT_EQ(c.scheduled, sum(c.completed) + sum(c.failed) + c.outstandingAtEnd);
    EXPECT_EQ(sum(c.failed),
              std::accumulate(c.failures.begin(), c.failures.end(), std::uint64_t{0}));
    EXPECT_EQ(c.scheduled, 40U);
    EXPECT_LE(clock_.now(), kBegin + plan_.duration + plan_.drain + 20 * kMillisecond);
    EXPECT_TRUE(ended) << ended.error().message;
    // One connection is all that a peer can take along: the other one serves the rest.
    EXPECT_GT(sum(c.completed), 0U);
  }

  std::size_t said() const { return said_; }

 private:
  static std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
    return counts[0] + counts[1];
  }

  EnginePlan plan_;
  ManualClock clock_{kSecond};
  SimTransport transport_{clock_};
  std::optional<SimCluster> cluster_;
  std::optional<LiveSlotMap> map_;
  std::optional<SimStore> store_;
  Mitigations mitigations_;
  Intervals& intervals_;
  std::size_t said_ = 0;
  bool turned_ = false;
};

TEST(HostilePeer, MayTurnAtAnyByteOfWhatItSays) {
  Intervals intervals;
  std::size_t turns = 0;
  for (const Talk talk : kTalks) {
    constexpr std::size_t kNever = 1 << 20;
    Scene undisturbed(talk, intervals);
    undisturbed.turnAt(kNever, Turn::hangsUp);
    undisturbed.run();
    ASSERT_GT(undisturbed.said(), 60U) << kTalkNames[static_cast<std::size_t>(talk)];
    const std::size_t bytes = std::min<std::size_t>(undisturbed.said(), 400);
    for (std::size_t offset = 0; offset < bytes; ++offset)
      for (const Turn turn : kTurns) {
        // What never stops is megabytes each time: a few of the places will do.
        if (turn == Turn::neverStops && offset % 16 != 0) continue;
        SCOPED_TRACE(std::string(kTalkNames[static_cast<std::size_t>(talk)]) + ": " +
                     kTurnNames[static_cast<std::size_t>(turn)] + " at byte " +
                     std::to_string(offset));
        Scene scene(talk, intervals);
        scene.turnAt(offset, turn);
        scene.run();
        ++turns;
        if (testing::Test::HasFailure()) return;
      }
  }
  EXPECT_GT(turns, 1000U);
}

}  // namespace
}  // namespace redline::hostile_peer_test
