// Whatever the plan, the replies, the losses and the clock do, the books of a worker balance.
//
//     REDLINE_PROPERTY_RUNS=1000000   other than the 100,000 of the suite
//     REDLINE_PROPERTY_SEED=N         begins with that run: the seed that a failure prints
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "engine/worker.h"
#include "random_servers.h"

namespace redline::worker_property_test {
namespace {

constexpr Nanos kBegin = 2 * kSecond;

std::uint64_t fromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

template <typename T, std::size_t N>
T oneOf(Rng& rng, const std::array<T, N>& values) {
  return values[rng.below(N)];
}

void planStore(Rng& rng, EnginePlan& plan) {
  plan.onMiss = OnMiss::store;
  plan.transactions = false;
  plan.waitReplicas = 0;
  plan.ttlFraction = oneOf(rng, std::array{0.0, 0.5, 1.0});
  plan.ttlMin = plan.ttlMax = 2 * kMillisecond;
  BackingPlan& backing = plan.backing;
  backing.used = true;
  backing.timeout = oneOf<Nanos>(
      rng, std::array<Nanos, 3>{200 * kMicrosecond, 2 * kMillisecond, 20 * kMillisecond});
  backing.onWrite =
      oneOf<OnWrite>(rng, std::array{OnWrite::none, OnWrite::through, OnWrite::invalidate});
  backing.coalesce = rng.below(2) == 0;
  backing.missLock = rng.below(2) == 0 ? 2 * kMillisecond : 0;
  backing.freshness.beta = rng.below(2) == 0 ? 1.0 : 0.0;
  backing.freshness.staleWindow = rng.below(2) == 0 ? kMillisecond : 0;
}

EnginePlan randomPlan(Rng& rng) {
  EnginePlan plan;
  plan.keys = 40;
  plan.valueSize = 40;
  plan.seed = 1;
  plan.runSeed = rng();
  plan.arrivals =
      oneOf<Arrivals>(rng, std::array{Arrivals::constant, Arrivals::poisson, Arrivals::closed});
  plan.rate = oneOf(rng, std::array{1e4, 5e4, 2e5, 1e6});
  plan.conns = static_cast<unsigned>(1 + rng.below(4));
  plan.pipeline = oneOf(rng, std::array{0U, 1U, 2U, 5U, 16U});
  plan.transactions = plan.pipeline > 1 && rng.below(2) == 0;
  plan.batchWait = oneOf<Nanos>(rng, std::array<Nanos, 3>{0, 0, 300 * kMicrosecond});
  plan.readShare = oneOf(rng, std::array{0.0, 0.5, 0.9, 1.0});
  plan.warmup = oneOf<Nanos>(rng, std::array<Nanos, 4>{0, 0, 0, 200 * kMicrosecond});
  plan.duration = oneOf<Nanos>(rng, std::array<Nanos, 4>{kMicrosecond, 200 * kMicrosecond,
                                                         500 * kMicrosecond, kMillisecond});
  plan.drain =
      oneOf<Nanos>(rng, std::array<Nanos, 4>{0, kMillisecond, 2 * kMillisecond, 10 * kMillisecond});
  plan.interval =
      oneOf<Nanos>(rng, std::array<Nanos, 4>{150 * kMicrosecond, kSecond, kSecond, kSecond});
  plan.opTimeout = oneOf<Nanos>(rng, std::array<Nanos, 3>{0, 0, 300 * kMicrosecond});
  plan.onDisconnect = rng.below(8) == 0 ? OnDisconnect::stop : OnDisconnect::retry;
  plan.onMiss = rng.below(4) == 0 ? OnMiss::refill : OnMiss::none;
  plan.waitReplicas = rng.below(4) == 0 ? 1 : 0;
  if (rng.below(3) == 0) planStore(rng, plan);
  if (plan.onMiss == OnMiss::store && rng.below(2) == 0) plan.mitigation.ledgerKeys = 4;
  plan.maxBacklog = oneOf<std::size_t>(rng, std::array<std::size_t, 2>{8, 100'000});
  plan.wait =
      oneOf<WaitMode>(rng, std::array{WaitMode::automatic, WaitMode::spin, WaitMode::block});
  if (plan.transactions || plan.onMiss != OnMiss::none) return plan;
  switch (rng.below(6)) {
    case 0:
      plan.mitigation.kind = MitigationKind::keySplit;
      plan.mitigation.split = {oneOf<SplitMode>(rng, std::array{SplitMode::spread, SplitMode::tag}),
                               3, 4};
      break;
    case 1:
      plan.mitigation.kind = MitigationKind::localCache;
      break;
    default:
      break;
  }
  if (rng.below(4) == 0) plan.mitigation.ledgerKeys = 4;
  return plan;
}

RandomServers::Chances randomChances(Rng& rng) {
  RandomServers::Chances chances;
  const auto sometimes = [&rng](unsigned oneIn) { return rng.below(3) == 0 ? oneIn : 0U; };
  chances.error = sometimes(10);
  chances.redirect = sometimes(5);
  chances.corrupt = sometimes(20);
  chances.garbage = sometimes(100);
  chances.close = sometimes(50);
  chances.silence = sometimes(60);
  chances.full = sometimes(2);
  return chances;
}

SlotMap threeMasters() {
  SlotMap map;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    map.moved(slot, "127.0.0.1", static_cast<std::uint16_t>(7001 + std::size_t{slot} * 3 / kSlots));
  return map;
}

std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
  return counts[0] + counts[1];
}

/// A store that answers at any time, or never, and whatever.
class RandomStore final : public Store {
 public:
  RandomStore(std::uint64_t seed, const ManualClock& clock, const Values& values)
      : rng_(seed, 2), clock_(clock), values_(values) {}

  void submit(std::span<const StoreRequest> requests, StoreInbox& replies) override {
    for (const StoreRequest& request : requests) {
      if (rng_.below(20) == 0) continue;
      const auto wait = static_cast<Nanos>(rng_.below(rng_.below(10) == 0 ? 20'000'000 : 300'000));
      pending_.push_back({clock_.now() + wait, replyTo(request), &replies});
    }
  }
  StoreLevels levels() const noexcept override { return {pending_.size(), 0, 1}; }

  void deliver() {
    for (std::size_t i = 0; i < pending_.size();) {
      if (pending_[i].at > clock_.now()) {
        ++i;
        continue;
      }
      Pending due = std::move(pending_[i]);
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
      due.reply.doneAt = clock_.now();
      std::vector<StoreReply> replies{due.reply};
      if (rng_.below(50) == 0) replies.push_back(due.reply);  // twice, which none should do
      due.inbox->post(replies);
    }
  }

 private:
  struct Pending {
    Nanos at;
    StoreReply reply;
    StoreInbox* inbox;
  };

  StoreReply replyTo(const StoreRequest& request) {
    using Outcome = StoreReply::Outcome;
    StoreReply reply;
    reply.ticket = request.ticket;
    reply.id = request.id;
    reply.kind = request.kind;
    reply.sentAt = rng_.below(3) == 0 ? 0 : clock_.now();
    const bool read = request.kind == StoreRequest::Kind::read;
    reply.outcome = read ? Outcome::found : Outcome::stored;
    reply.version = read ? rng_.below(3) : request.version;
    if (read) {
      reply.value.resize(values_.size());
      values_.write(reply.value.data(), request.id, reply.version);
      if (rng_.below(20) == 0) reply.value.back() ^= 1;
    }
    switch (rng_.below(10)) {
      case 0:
        reply.outcome = Outcome::missing;
        break;
      case 1:
        reply.outcome = Outcome::failed;
        reply.failure = static_cast<StoreFailure>(rng_.below(kStoreFailures));
        break;
      case 2:
        reply.outcome = rng_.below(2) == 0 ? Outcome::timedOut : Outcome::shed;
        break;
      default:
        break;
    }
    return reply;
  }

  Rng rng_;
  const ManualClock& clock_;
  const Values& values_;
  std::vector<Pending> pending_;
};

/// What is expensive to make is made once.
struct World {
  const Values values{1, 40};
  const SlotMap map = threeMasters();
  IntervalExchange exchange;
};

/// One run, and what its intervals add up to without the warm-up.
class RandomRun {
 public:
  RandomRun(World& world, std::uint64_t seed)
      : world_(world), rng_(seed), store_(seed, clock_, world.values) {
    plan_ = randomPlan(rng_);
    inCluster_ = rng_.below(2) == 0;
    servers_.emplace(seed, clock_, world.values, randomChances(rng_));
    servers_->inCluster = inCluster_;
    const KeyChooser chooser = plan_.keyChooser();
    if (plan_.mitigation.is(MitigationKind::keySplit))
      mitigations_.split = *KeySplit::make(plan_.mitigation.split, chooser, plan_.keys, 1,
                                           [](std::string_view) { return 0U; });
    if (plan_.mitigation.ledgerKeys != 0)
      mitigations_.ledger = std::make_unique<Ledger>(chooser, plan_.mitigation.ledgerKeys);
  }

  void run() {
    LiveSlotMap live(world_.map);
    Shared shared(plan_, inCluster_ ? &live : nullptr, &mitigations_);
    StoreDesk desk(store_);
    desk.inboxes.push_back(std::make_unique<StoreInbox>([] {}));
    if (plan_.onMiss == OnMiss::store) shared.desk = &desk;
    servers_->elsewhere = [this] { store_.deliver(); };
    Worker worker(shared, 0, *servers_, clock_, world_.exchange);
    ASSERT_TRUE(worker.connect(kBegin));
    clock_.set(std::max(clock_.now(), kBegin - 20 * kMicrosecond));
    SendLog log;
    worker.logSendsTo(log);
    ends_.reserve(1 << 12);
    worker.logEndsTo(ends_);
    if (rng_.below(8) == 0)
      shared.stop(kBegin + static_cast<Nanos>(rng_.below(
                               static_cast<std::uint64_t>(plan_.warmup + plan_.duration))));
    const Status ended = worker.run(plan_.windowFrom(kBegin));
    EXPECT_TRUE(ended || plan_.onDisconnect == OnDisconnect::stop) << ended.error().message;
    sends_ = log.takeRest();                                               // less than a chunk
    if (inCluster_ && rng_.below(4) == 0) tally_ = worker.clusterTally();  // a megabyte
    takeIntervals();
    expectConserved();
    expectNoneEndsTwice();
    expectNoWriteTwice();
    expectTimeInOrder();
  }
  std::uint64_t operations() const { return total_.scheduled; }

 private:
  struct Recorded {
    std::uint64_t response = 0, service = 0, lateness = 0, failed = 0, unfinished = 0;
  };

  void takeIntervals() {
    while (auto interval = world_.exchange.take()) {
      spans_.emplace_back(interval->start, interval->end);
      if (!interval->warmup) add(*interval);
      interval->nodes.clear();
      interval->reset(0, 0);
      world_.exchange.giveBack(std::move(interval));
    }
  }
  void add(const Interval& interval) {
    total_.follow(interval.counts);
    for (const OpKind kind : {OpKind::get, OpKind::set}) {
      recorded_.response += interval.of(Measure::response, kind).count();
      recorded_.service += interval.of(Measure::service, kind).count();
      recorded_.lateness += interval.of(Measure::lateness, kind).count();
      // Here every wait takes time, so a reply in none would be one from before its request.
      const Histogram& service = interval.of(Measure::service, kind);
      EXPECT_TRUE(service.count() == 0 || service.min() > 0);
      recorded_.unfinished += interval.unfinished[index(kind)].count();
    }
    recorded_.failed += interval.failed.count();
    for (const NodeInterval& node : interval.nodes) byNode_ += node.completed;
  }

  // Each operation ends in one way, and is recorded as often as it ends.
  void expectConserved() const {
    const std::uint64_t completed = sum(total_.completed), failed = sum(total_.failed);
    EXPECT_EQ(total_.scheduled, completed + failed + total_.outstandingAtEnd);
    EXPECT_LE(sum(total_.sent), total_.scheduled);
    EXPECT_LE(total_.hits + total_.misses, total_.completed[index(OpKind::get)]);
    std::uint64_t failures = 0;
    for (const std::uint64_t count : total_.failures) failures += count;
    EXPECT_EQ(failures, failed);
    const std::uint64_t local = total_.of(MitigationCount::localHits);
    EXPECT_EQ(recorded_.response, completed + total_.outstandingAtEnd);
    EXPECT_EQ(recorded_.service, completed - local);
    EXPECT_EQ(recorded_.lateness, completed);
    EXPECT_EQ(recorded_.failed, failed);
    EXPECT_EQ(recorded_.unfinished, total_.outstandingAtEnd);
    if (!inCluster_ || plan_.mitigation.is(MitigationKind::keySplit)) return;
    EXPECT_EQ(byNode_, completed - local);
    if (!tally_) return;
    std::uint64_t bySlot = 0;
    for (const std::uint64_t count : tally_->slots) bySlot += count;
    EXPECT_EQ(bySlot, completed - local);
  }

  // Whether it completes, fails or is left over.
  void expectNoneEndsTwice() {
    std::ranges::sort(ends_);
    EXPECT_EQ(std::ranges::adjacent_find(ends_), ends_.end());
    EXPECT_LE(sum(total_.completed) + sum(total_.failed), ends_.size());
  }

  // A write whose fate is unknown is not sent again, so no server carries one out twice.
  void expectNoWriteTwice() const {
    if (plan_.mitigation.is(MitigationKind::keySplit) || plan_.onMiss != OnMiss::none) return;
    if (plan_.transactions) return;  // what a transaction queued need not have been carried out
    for (const auto& [version, times] : servers_->stored) EXPECT_EQ(times, 1U) << version;
  }

  void expectTimeInOrder() const {
    EXPECT_TRUE(std::ranges::is_sorted(sends_));
    EXPECT_TRUE(sends_.empty() || sends_.front() >= kBegin);
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      EXPECT_LE(spans_[i].first, spans_[i].second);
      EXPECT_TRUE(i == 0 || spans_[i].first == spans_[i - 1].second);
    }
    if (plan_.arrivals != Arrivals::constant || plan_.onMiss != OnMiss::none) return;
    for (const auto& [version, at] : servers_->firstSent) {  // version n + 1 is due at n / rate
      const auto due = static_cast<Nanos>(static_cast<double>(version - 1) * 1e9 / plan_.rate);
      EXPECT_TRUE(version == 0 || at >= kBegin + due) << version;
    }
  }

  World& world_;
  Rng rng_;
  EnginePlan plan_;
  Mitigations mitigations_;
  bool inCluster_ = false;
  ManualClock clock_{kSecond};
  std::optional<RandomServers> servers_;
  RandomStore store_;
  std::vector<Nanos> sends_;
  std::vector<std::uint64_t> ends_;  // versions, which are the operations' numbers
  std::vector<std::pair<Nanos, Nanos>> spans_;
  std::optional<ClusterTally> tally_;
  Counters total_;
  Recorded recorded_;
  std::uint64_t byNode_ = 0;
};

/// The runs are dealt out, so that the parts can go side by side.
constexpr std::uint64_t kParts = 4;

class WorkerProperty : public testing::TestWithParam<std::uint64_t> {};

TEST_P(WorkerProperty, ConservesOperationsWhateverServersAndClockDo) {
  const std::uint64_t first = fromEnvironment("REDLINE_PROPERTY_SEED", 1);
  const std::uint64_t runs = fromEnvironment("REDLINE_PROPERTY_RUNS", 100'000);
  // Each run has histograms of its own: they come from the heap, and it keeps the memory.
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  World world;
  std::uint64_t operations = 0;
  for (std::uint64_t seed = first + GetParam(); seed < first + runs; seed += kParts) {
    RandomRun run(world, seed);
    run.run();
    operations += run.operations();
    if (HasFailure())
      FAIL() << "to repeat it: REDLINE_PROPERTY_RUNS=1 REDLINE_PROPERTY_SEED=" << seed;
  }
  RecordProperty("operations", std::to_string(operations));
  EXPECT_GE(operations, runs / kParts * 10);
}
INSTANTIATE_TEST_SUITE_P(Parts, WorkerProperty, testing::Range<std::uint64_t>(0, kParts));

}  // namespace
}  // namespace redline::worker_property_test
