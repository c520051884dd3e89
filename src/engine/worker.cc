#include "engine/worker.h"

#include <algorithm>
#include <random>
#include <utility>

#include "resp/command.h"

namespace redline {
namespace {

/// -wait=auto: how close an event must be for spinning to be worth a core. A 200 µs sleep
/// oversleeps by up to about 60 µs.
constexpr Nanos kSpinSpan = 80 * kMicrosecond;
/// The longest sleep: how soon a stop request and a rotation are seen.
constexpr Nanos kLongestSleep = 10 * kMillisecond;
/// An idle look at the transport takes 0.1 µs (a ring) to 0.5 µs (epoll).
constexpr Nanos kLongestPoll = 2 * kMicrosecond;
/// In the open model a look takes microseconds beyond the sleep that was asked for, some hundreds
/// where it brings many replies: more than that is a pause.
constexpr Nanos kPause = kMillisecond;

const Mitigations kNoMitigations;
/// Apart from the streams that draw keys and arrivals.
constexpr std::uint64_t kChoices = 0x63686f69636573;  // "choices"

/// What a connection that operations go over needs to be.
Greeting greetingFor(const MitigationPlan& plan) {
  Greeting greeting;
  greeting.readOnly = plan.is(MitigationKind::replicaRead);
  if (plan.is(MitigationKind::localCache) && plan.tracking == Tracking::keysRead)
    greeting.tracking = Tracking::keysRead;
  return greeting;
}

}  // namespace

Shared::Shared(const EnginePlan& enginePlan, LiveSlotMap* liveMap,
               const Mitigations* theMitigations)
    : plan(enginePlan),
      cluster(liveMap),
      workload(enginePlan.keyChooser(), Mix(enginePlan.readShare)),
      values(enginePlan.seed, enginePlan.valueSize),
      ttls(enginePlan.seed, enginePlan.ttlFraction, enginePlan.ttlMin, enginePlan.ttlMax),
      mitigations(theMitigations == nullptr ? kNoMitigations : *theMitigations) {
  if (cluster != nullptr && plan.transactions) slotKeys = std::make_unique<SlotKeys>(plan.keys);
}

Worker::Worker(Shared& shared, unsigned index, Transport& transport, const Clock& clock,
               IntervalExchange& exchange)
    : shared_(shared),
      plan_(shared.plan),
      index_(index),
      transport_(transport),
      clock_(clock),
      exchange_(exchange),
      greeting_(greetingFor(shared.plan.mitigation), shared.plan.login),
      subscription_({false, Tracking::prefix}, shared.plan.login),
      schedule_(Schedule::closed(index, shared.plan.threads)),
      rng_(shared.plan.runSeed, index),
      choices_(shared.plan.runSeed ^ kChoices, index),
      replicaRead_(shared.plan.mitigation.replicaPolicy),
      interval_(std::make_unique<Interval>()) {
  if (plan_.waitReplicas != 0)
    appendCommand(wait_, {"WAIT", std::to_string(plan_.waitReplicas),
                          std::to_string(plan_.waitTimeout / kMillisecond)});
  if (plan_.mitigation.isUsed())
    mitigator_ = std::make_unique<Mitigator>(plan_, shared.mitigations);
  if (inCluster())
    slotsDone_.resize(kSlots);
  else
    addLane(plan_.target);
}

Status Worker::run(const Window& window) {
  window_ = window;
  switch (plan_.arrivals) {
    case Arrivals::constant:
      schedule_ = Schedule::constant(window.start, plan_.rate, index_, plan_.threads);
      break;
    case Arrivals::poisson:
      schedule_ = Schedule::poisson(window.start, plan_.rate, index_, plan_.threads, plan_.runSeed);
      break;
    case Arrivals::closed:
      break;
  }
  now_ = lastStamp_ = lastActive_ = clock_.now();
  wallOffset_ = wallNow() - now_;
  countFrom_ = window_.isWarmup(window_.start) ? window_.start : window_.measureStart;
  intervalEnd_ = window_.intervalEnd(window_.start);
  interval_->reset(window_.start, window_.start);
  interval_->warmup = window_.isWarmup(window_.start);
  usageSeen_ = readThreadUsage();

  while (!finished()) {
    const Nanos span = waitSpan();
    const auto events = transport_.wait(span);
    const Nanos before = lastStamp_;
    now_ = lastStamp_ = clock_.now();
    if (!plan_.closed() && now_ - before - span >= kPause) notePause(now_ - before - span);
    if (now_ >= intervalEnd_) rotate();
    for (const TransportEvent& event : events) handle(event);
    if (inCluster()) adoptLatest();
    if (down_ != 0) reopenDue();
    if (inCluster() && now_ >= nextLook_) lookForSilence();
    if (plan_.opTimeout != 0 && now_ >= nextExpiry_) expireSent();
    // What the worker's own cache serves is work too, although nothing is sent.
    const bool placed = now_ >= window_.start && place();
    const bool active = placed || !events.empty() || !dirty_.empty();
    flushDirty();
    Counters& counters = interval_->counts;
    ++counters.passes;
    if (active) {
      lastActive_ = now_;
      counters.longestPass = std::max(counters.longestPass, lastStamp_ - now_);
    } else if (span == 0) {
      ++counters.idlePasses;
      // Longer than that is no poll: another program had the core, and our CPU time did not run.
      counters.idleTime += std::min(now_ - before, kLongestPoll);
    }
    if (const Nanos stop = shared_.stopAt.load(std::memory_order_relaxed); stop <= now_)
      endWindow(stop);
  }
  accountForUnfinished();
  closeInterval();
  exchange_.finish(std::move(interval_));
  return ended_;
}

// How long the transport may sleep. 0: look and come back at once.
Nanos Worker::waitSpan() const {
  if (plan_.wait == WaitMode::spin || moreToPlace_) return 0;
  const bool mayDrawNext = mayDraw() && schedule_.due() < window_.measureEnd;
  if (mayDrawNext && isDue()) return 0;
  Nanos next = std::numeric_limits<Nanos>::max();
  if (!plan_.closed()) {
    if (mayDrawNext) next = schedule_.due();
    next = std::min(next, nextBatchDue());
  }
  if (!delayed_.empty()) next = std::min(next, delayed_.front().at);
  next = std::min(next, lastStamp_ < window_.start ? window_.start : intervalEnd_);
  const Nanos until = std::min(next - lastStamp_, kLongestSleep);
  if (plan_.wait == WaitMode::block) return std::max<Nanos>(until, 0);
  const bool replyExpected = inFlight_ != 0 && lastStamp_ - lastActive_ < kSpinSpan;
  if (replyExpected || until <= kSpinSpan) return 0;
  return until - kSpinSpan;
}

void Worker::notePause(Nanos took) {
  Counters& counters = interval_->counts;
  counters.paused += took;
  counters.longestPause = std::max(counters.longestPause, took);
}

void Worker::rotate() {
  const bool wasWarmup = interval_->warmup;
  closeInterval();
  const Nanos end = interval_->end;
  const bool phaseGoesOn =
      wasWarmup == window_.isWarmup(now_) && interval_->drain == window_.isDrain(now_);
  intervalEnd_ = window_.intervalEnd(now_);
  if (!phaseGoesOn)
    exchange_.tradeForSure(interval_);
  else if (!exchange_.trade(interval_))
    return;  // the recorder is late: this interval grows
  interval_->reset(end, end);
  interval_->warmup = window_.isWarmup(now_);
  interval_->drain = window_.isDrain(now_);
  nameNodes();
  if (interval_->warmup) return;
  countFrom_ = window_.measureStart;
  if (wasWarmup) forgetPlaces();
}

// Sets what is known only at the end of an interval: its bounds, the levels and the CPU time.
void Worker::closeInterval() {
  interval_->end = std::min(now_, std::max(intervalEnd_, window_.start));
  Counters& counters = interval_->counts;
  if (mitigator_) mitigator_->handOver(counters);
  counters.outstanding = inFlight_ + queued_ + delayed_.size();
  const Nanos due = schedule_.due();
  const Nanos dueUntil = std::min(now_, window_.measureEnd);
  if (!plan_.closed() && due < dueUntil) {
    const double late = static_cast<double>(dueUntil - due) / static_cast<double>(kSecond);
    counters.backlog = static_cast<std::uint64_t>(late * plan_.rate / plan_.threads);
  }
  if (!plan_.closed())
    for (const auto& lane : lanes_) {
      counters.outstanding -= lane->waiting.size();
      counters.backlog += lane->waiting.size();
    }
  const ThreadUsage usage = readThreadUsage();
  const ThreadUsage spent = usage - std::exchange(usageSeen_, usage);
  counters.cpuUser += spent.user;
  counters.cpuSystem += spent.system;
  counters.cpuWaiting += spent.waiting;
}

bool Worker::finished() const {
  if (now_ < window_.measureEnd) return false;
  const bool allDrawn = plan_.closed() || schedule_.due() >= window_.measureEnd;
  return now_ >= window_.drainEnd ||
         (allDrawn && inFlight_ == 0 && queued_ == 0 && delayed_.empty());
}

// A warm-up that is broken off ends behind all that this worker drew in it. `at` is the time of
// whoever stopped the run: what was drawn since then has been counted as the warm-up's.
void Worker::endWindow(Nanos at) {
  if (window_.isWarmup(at)) at = std::max(at, now_ + 1);
  if (at >= window_.measureEnd) return;
  window_.measureEnd = at;
  window_.measureStart = std::min(window_.measureStart, at);
  window_.drainEnd = std::min(window_.drainEnd, at + plan_.drain);
  intervalEnd_ = std::min(intervalEnd_, at);
}

// What was scheduled and has no answer: it waited at least until now.
void Worker::accountForUnfinished() {
  const auto ifItCounts = [&](const PendingOp& op) {
    if (op.givenUp || !counts(op)) return;
    if (op.refill) ++interval_->counts.refillsFailed;
    // Of a write to several copies each that is unfinished comes along here.
    else if (!op.isPart() || mitigator_->isFirstUnfinished(op.write))
      recordUnfinished(op.kind, now_ - op.intended, 1);
  };
  for (const auto& lane : lanes_) {
    for (const Connection& c : lane->connections())
      for (std::size_t i = c.openFrom(); i < c.batch.size(); ++i)
        if (c.isOpen(i)) ifItCounts(c.batch[i]);
    for (std::size_t i = 0; i < lane->again.size(); ++i) ifItCounts(lane->again.at(i));
    for (std::size_t i = 0; i < lane->waiting.size(); ++i) ifItCounts(lane->waiting.at(i));
  }
  for (const Delayed& delayed : delayed_) ifItCounts(delayed.op);
  if (!plan_.closed()) accountForUndrawn();
}

// What has not even been drawn. At an impossible rate these are billions: they are counted by the
// histogram's slots, and not one by one.
void Worker::accountForUndrawn() {
  schedule_.takeUntil(countFrom_);
  while (schedule_.due() < window_.measureEnd) {
    const Nanos waited = now_ - schedule_.due();
    const Nanos shortest =
        Histogram::lowestOf(Histogram::slotOf(std::min(waited, Histogram::kHighest)));
    const std::uint64_t alike =
        schedule_.takeUntil(std::min(window_.measureEnd, now_ - shortest + 1));
    const std::uint64_t gets =
        std::binomial_distribution<std::uint64_t>(alike, plan_.readShare)(rng_);
    recordUnfinished(OpKind::get, waited, gets);
    recordUnfinished(OpKind::set, waited, alike - gets);
    interval_->counts.scheduled += alike;
  }
}

void Worker::recordUnfinished(OpKind kind, Nanos waited, std::uint64_t times) {
  if (times == 0) return;
  interval_->of(Measure::response, kind).record(waited, times);
  interval_->unfinished[index(kind)].record(waited, times);
  interval_->counts.outstandingAtEnd += times;
}

// What was counted by place belongs to the warm-up, which is over.
// The interval has room for what each lane's node does.
void Worker::nameNodes() {
  if (!inCluster()) return;
  for (std::size_t i = interval_->nodes.size(); i < lanes_.size(); ++i)
    interval_->nodes.push_back({lanes_[i]->endpoint().text(), 0, 0, {}});
}

void Worker::forgetPlaces() {
  std::ranges::fill(slotsDone_, 0);
  for (const auto& lane : lanes_) lane->forget();
}

ClusterTally Worker::clusterTally() const {
  ClusterTally tally;
  tally.slots = slotsDone_;
  for (const auto& lane : lanes_)
    tally.nodes.push_back(
        {lane->endpoint().text(), lane->completed, lane->redirected, *lane->service});
  return tally;
}

}  // namespace redline
