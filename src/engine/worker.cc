#include "engine/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/share_of.h"
#include "record/validity.h"

namespace redline {
namespace {

/// -wait=auto: how close an event must be for spinning to be worth a core. A 200 µs sleep
/// oversleeps by up to about 60 µs.
constexpr Nanos kSpinSpan = 80 * kMicrosecond;
/// An idle look at the transport takes 0.1 µs (a ring) to 0.5 µs (epoll).
constexpr Nanos kLongestPoll = 2 * kMicrosecond;
/// In the open model a look takes microseconds beyond the sleep that was asked for, some hundreds
/// where it brings many replies: longer than that is a pause.
constexpr Nanos kPause = kMillisecond;
/// A node that owes replies and is silent for this long counts as paused: longer than what a
/// loaded server needs for a reply, shorter than reads should wait.
constexpr Nanos kDriverSilence = 100 * kMillisecond;

/// How connections that carry operations are set up.
Greeting greetingFor(const MitigationPlan& plan) {
  Greeting greeting;
  greeting.readOnly = plan.is(MitigationKind::replicaRead);
  if (plan.is(MitigationKind::localCache) && plan.tracking == Tracking::keysRead)
    greeting.tracking = Tracking::keysRead;
  return greeting;
}

LaneSetup laneSetup(const Shared& shared, unsigned index, const GreetingScript& greeting,
                    const GreetingScript& subscription) {
  const EnginePlan& plan = shared.plan;
  const bool subscribes = plan.mitigation.is(MitigationKind::localCache) &&
                          plan.mitigation.tracking == Tracking::prefix;
  return {shareOf(plan.conns, index, plan.threads), plan.batchSize(), &greeting,
          subscribes ? &subscription : nullptr, shared.cluster != nullptr};
}

}  // namespace

Worker::Worker(Shared& shared, unsigned index, Transport& transport, const Clock& clock,
               IntervalExchange& exchange)
    : shared_(shared),
      plan_(shared.plan),
      transport_(transport),
      clock_(clock),
      greeting_(greetingFor(shared.plan.mitigation), shared.plan.credentials),
      subscription_({false, Tracking::prefix}, shared.plan.credentials),
      mitigator_(plan_.mitigation.isUsed() ? std::make_unique<Mitigator>(plan_, shared.mitigations)
                                           : nullptr),
      lanes_(shared.cluster, plan_.target, laneSetup(shared, index, greeting_, subscription_),
             {kDriverSilence, plan_.mitigation.is(MitigationKind::replicaRead)}),
      links_(transport, lanes_, Backoff{2 * kMillisecond, kSecond}, plan_.longestReply()),
      recorder_(plan_, lanes_, exchange),
      encoder_(shared),
      storeClient_(shared.desk == nullptr
                       ? nullptr
                       : std::make_unique<StoreClient>(shared, *shared.desk, index, lanes_,
                                                       recorder_, mitigator_.get())),
      settler_(shared, encoder_, lanes_, recorder_, mitigator_.get(), storeClient_.get()),
      placer_(shared, index, encoder_, lanes_, recorder_, settler_, mitigator_.get(),
              storeClient_.get()) {}

// ---------------------------------------------------------------------------------------------------
// The loop

Status Worker::connect(Nanos deadline) {
  now_ = clock_.now();
  if (lanes_.inCluster()) adoptLatest();
  links_.openDue(now_);
  if (!lanes_.status()) return lanes_.status();
  while (const Lane* late = laneNotReady()) {
    for (const TransportEvent& event : transport_.wait(kMillisecond)) {
      now_ = clock_.now();
      const Connection& c = links_.of(event.conn);
      links_.handle(event, now_, *this);
      if (!lanes_.status()) return lanes_.status();
      if (c.state == Link::State::down)
        return fail(ErrorCode::unreachable, "cannot connect to {}: {}", c.lane->endpoint().text(),
                    lossText(c.lossError));
    }
    if (clock_.now() > deadline)
      return fail(ErrorCode::timeout, "{} does not accept {} connections in time",
                  late->endpoint().text(), late->connections().size());
  }
  return {};
}

const Lane* Worker::laneNotReady() const {
  for (const auto& lane : lanes_.all())
    if (!lane->isReady()) return lane.get();
  return nullptr;
}

Status Worker::run(const Window& window) {
  now_ = lastStamp_ = lastActive_ = clock_.now();
  encoder_.setWallOffset(wallNow() - now_);
  links_.takeCounts();  // the log-in is in no interval
  recorder_.start(window);
  placer_.start(window.start);
  while (!isFinished()) pass();
  recordUnfinished();
  closeCounts();
  recorder_.finish(now_);
  return lanes_.status();
}

void Worker::pass() {
  const Nanos span = waitSpan();
  const auto events = transport_.wait(span);
  const Nanos before = lastStamp_;
  now_ = lastStamp_ = clock_.now();
  if (!plan_.closed()) notePause(now_ - before - span);
  if (now_ >= recorder_.intervalEnd()) {
    closeCounts();
    recorder_.rotate(now_);
  }
  for (const TransportEvent& event : events) links_.handle(event, now_, *this);
  if (lanes_.inCluster()) adoptLatest();
  links_.openDue(now_);
  if (lanes_.inCluster()) lanes_.checkSilence(now_);
  settler_.expireSent(now_);
  const bool answered = storeClient_ && storeClient_->settleReplies(now_);
  // What the worker's own cache serves is work too, although nothing is sent.
  const bool placed =
      now_ >= recorder_.window().start && placer_.place(now_, recorder_.window().measureEnd);
  const bool sent = send();
  if (storeClient_) storeClient_->submit();
  countPass(before, span, placed || sent || answered || !events.empty());
  if (!lanes_.status()) shared_.stop(now_);
  if (const Nanos stop = shared_.stopAt.load(std::memory_order_relaxed); stop <= now_)
    recorder_.endWindow(stop, now_);
}

void Worker::adoptLatest() {
  if (lanes_.adoptLatest(now_)) recorder_.addNodes();
}

/// Sends the batches that are complete, all with one reading of the clock.
bool Worker::send() {
  if (placer_.complete().empty()) return false;
  lastStamp_ = clock_.now();
  placer_.stamp(lastStamp_);
  for (const Connection* const c : placer_.complete()) transport_.flush(c->id);
  placer_.clearComplete();
  return true;
}

// How long the transport may sleep. 0: look and come back at once.
Nanos Worker::waitSpan() const {
  if (plan_.wait == WaitMode::spin || placer_.hasMore()) return 0;
  const Window& window = recorder_.window();
  const Nanos due = placer_.nextDue(now_, window.measureEnd);
  if (due <= now_) return 0;
  const Nanos phase = lastStamp_ < window.start ? window.start : recorder_.intervalEnd();
  const Nanos until = std::min(std::min(due, phase) - lastStamp_, kLongestSleep);
  if (plan_.wait == WaitMode::block || plan_.wait == WaitMode::realtime)
    return std::max<Nanos>(until, 0);
  const bool replyExpected = inFlight() != 0 && lastStamp_ - lastActive_ < kSpinSpan;
  if (replyExpected || until <= kSpinSpan) return 0;
  return until - kSpinSpan;
}

/// `beyond`: by how much the wait was longer than asked for.
void Worker::notePause(Nanos beyond) {
  if (beyond < kPause) return;
  Counters& counters = recorder_.counters();
  counters.paused += beyond;
  counters.longestPause = std::max(counters.longestPause, beyond);
}

// `before`: the last reading of the clock in the pass before. `span`: the wait that was asked for.
void Worker::countPass(Nanos before, Nanos span, bool active) {
  Counters& counters = recorder_.counters();
  ++counters.passes;
  if (active) {
    lastActive_ = now_;
    counters.longestPass = std::max(counters.longestPass, lastStamp_ - now_);
  } else if (span == 0) {
    ++counters.idlePasses;
    // Longer than that is not a poll: another program had the core, and our CPU time did not run.
    counters.idleTime += std::min(now_ - before, kLongestPoll);
  }
}

// ---------------------------------------------------------------------------------------------------
// Connections

void Worker::onReady(Connection& c) {
  if (c.carriesOperations) {
    c.lane->release(c, now_);
    return;
  }
  mitigator_->onTrackingLost(now_);  // reads under way may have missed an invalidation
}

bool Worker::onReply(Connection& c, const ReplyView& reply) {
  if (reply.type == ReplyType::push) {
    if (mitigator_) mitigator_->onPush(reply, c.answeredSentAt, now_, recorder_.interval());
    return true;
  }
  if (c.use == Connection::Use::busy) {
    c.proved |= !reply.isError();
    settler_.onReply(c, reply, now_);
    return true;
  }
  links_.lose(c, kNotResp, now_, *this);  // a reply to nothing
  return false;
}

void Worker::onLost(Connection& c, bool wasReady, int error) {
  placer_.withdraw(c);
  if (c.carriesOperations) settler_.onLost(c, error, now_);
  if (wasReady && mitigator_ && mitigator_->caches()) mitigator_->onTrackingLost(now_);
  if (plan_.onDisconnect == OnDisconnect::stop)
    lanes_.fail({ErrorCode::unreachable,
                 fmt::format("the connection to {} was lost ({}) and -on-disconnect=stop",
                             c.lane->endpoint().text(), lossText(error))});
}

// ---------------------------------------------------------------------------------------------------
// The end

/// Moves what the parts have counted into the interval, before it ends.
void Worker::closeCounts() {
  Counters& counters = recorder_.counters();
  const auto [reconnects, refusedConnections, bytesReceived] = links_.takeCounts();
  counters.reconnects += reconnects;
  counters.refusedConnections += refusedConnections;
  counters.bytesReceived += bytesReceived;
  if (mitigator_) mitigator_->moveCountsTo(counters);
  if (storeClient_) storeClient_->noteLevels(counters);
  placer_.noteLevels(counters, inFlight() + inStore(), now_, recorder_.window().measureEnd);
}

bool Worker::isFinished() const {
  const Window& window = recorder_.window();
  if (now_ < window.measureEnd) return false;
  return now_ >= window.drainEnd ||
         (placer_.hasDrawnAll(window.measureEnd) && inFlight() == 0 && inStore() == 0 &&
          lanes_.queued() == 0 && lanes_.delayed().empty());
}

// What was scheduled and has no reply: it waited at least until now.
void Worker::recordUnfinished() {
  const auto record = [this](const PendingOp& op) { settler_.unfinished(op, now_); };
  for (const auto& lane : lanes_.all())
    for (const Connection& c : lane->connections()) {
      c.forEachOpen(record);
      noteUnanswered(c);
    }
  lanes_.forEachWaiting(record);
  if (storeClient_) storeClient_->forEachWaiting(record);
  placer_.recordUndrawn(recorder_.countFrom(), recorder_.window().measureEnd, now_);
}

void Worker::noteUnanswered(const Connection& c) {
  if (c.sentAt == 0 || now_ - c.sentAt < kUnansweredAfter) return;
  Counters& counters = recorder_.counters();
  c.forEachOpen([&counters](const PendingOp&) { ++counters.unansweredAtEnd; });
  counters.longestUnanswered = std::max(counters.longestUnanswered, now_ - c.sentAt);
}

}  // namespace redline
