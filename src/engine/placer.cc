#include "engine/placer.h"

#include <algorithm>
#include <limits>

#include "engine/share_of.h"
#include "resp/command.h"
#include "resp/request.h"

namespace redline {
namespace {

constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
/// The minimum number of new operations in one pass: bounds how long completions wait.
constexpr unsigned kPlacedPerPass = 512;
constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr std::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

/// How many operations may wait in one lane. The closed model has no use for more than keeps the
/// other nodes busy while one of them is behind.
std::size_t queueLimitOf(const EnginePlan& plan) {
  if (!plan.closed()) return plan.maxBacklog;
  constexpr std::size_t kLeast = 1024;
  const std::size_t fourBatchesEach = std::size_t{4} * plan.conns * plan.batchSize();
  return std::min<std::size_t>(plan.maxBacklog, std::max(kLeast, fourBatchesEach));
}

}  // namespace

Placer::Placer(const Shared& shared, unsigned index, OpEncoder& encoder, ClusterLanes<Lane>& lanes,
               OpRecorder& recorder, Settler& settler, Mitigator* mitigator,
               StoreClient* storeClient)
    : plan_(shared.plan),
      lanes_(lanes),
      recorder_(recorder),
      settler_(settler),
      mitigator_(mitigator),
      storeClient_(storeClient),
      encoder_(encoder),
      source_(shared, index),
      closed_(plan_.closed()),
      inCluster_(lanes.inCluster()),
      transactions_(plan_.transactions),
      batchSize_(plan_.batchSize()),
      limit_(std::max(kPlacedPerPass, plan_.batchSize())),
      queueLimit_(queueLimitOf(plan_)),
      clients_(shareOf(plan_.conns, index, plan_.threads) * batchSize_) {
  if (mitigator != nullptr)
    dispatcher_ = std::make_unique<Dispatcher>(shared, index, lanes, recorder, settler, *mitigator);
  if (plan_.waitReplicas != 0)
    appendCommand(wait_, {"WAIT", std::to_string(plan_.waitReplicas),
                          std::to_string(plan_.waitTimeout / kMillisecond)});
}

// ---------------------------------------------------------------------------------------------------
// Which operations

// On a single node what finds no room stays in the schedule: the queue is an index, not memory.
bool Placer::place(Nanos now, Nanos end) {
  lanes_.releaseDelayed(now);
  unsigned placed = lanes_.queued() == 0 ? 0 : placeQueued(now);
  const unsigned last =
      storeClient_ == nullptr
          ? limit_
          : static_cast<unsigned>(std::min<std::size_t>(limit_, placed + storeRoom()));
  for (; placed < last && isDue(now, end); ++placed) {
    // Where nothing may be drawn, what is past its deadline fails where it waits.
    const bool expired = !closed_ && plan_.isExpired(source_.due(), now);
    if (!expired && !mayDraw()) break;
    const PendingOp op = draw(now);
    if (expired)
      settler_.fail(op, Failure::timeout, now);
    else
      dispatch(op, now);
  }
  hasMore_ = placed == limit_;
  closeDue(now, end);
  if (inCluster_) noteBlocked(now, end);
  return placed != 0;
}

// Fills what room there is with what waits; what is past its deadline fails.
unsigned Placer::placeQueued(Nanos now) {
  unsigned placed = 0;
  isFull_ = false;
  for (const auto& lane : lanes_.all()) {
    for (; !lane->queue.empty() && placed < limit_; ++placed) {
      const bool expired = plan_.isExpired(lane->queue.front().intended, now);
      if (!expired && !makeRoom(*lane, lane->queue.front())) break;
      const PendingOp op = lanes_.dequeue(*lane);
      if (expired) {
        settler_.fail(op, Failure::timeout, now);
        continue;
      }
      // What it waited for before this pass was the store, and not its sender.
      if (op.storedBefore) {
        Connection& c = lane->fill(now);
        c.freeAt = std::max(c.freeAt, now);
      }
      add(*lane, op, now);
    }
    isFull_ |= lane->queue.size() >= queueLimit_;
  }
  return placed;
}

bool Placer::isDue(Nanos now, Nanos end) const {
  const Nanos due = closed_ ? now : source_.due();
  return due <= now && due < end;
}

// Whether an operation that is due may be drawn: on a single node, when it can be put into a batch;
// in a cluster, where its key decides the lane, unless some lane is full.
bool Placer::mayDraw() const {
  if (!inCluster_) return lanes_.queued() == 0 && lanes_[0].hasRoom();
  return !isFull_ && lanes_.delayed().size() < plan_.maxBacklog;
}

// How many operations may come to wait for the store. In the closed model each waits in the place
// of one of the lanes' connections, which is free meanwhile.
std::size_t Placer::storeRoom() const {
  if (!closed_) return storeClient_->room();
  const std::size_t clients = clients_ * lanes_.all().size();
  const std::size_t underWay = storeClient_->waiting() + lanes_.delayed().size() +
                               static_cast<std::size_t>(placed_ - settler_.released());
  return underWay < clients ? std::min(clients - underWay, storeClient_->room()) : 0;
}

PendingOp Placer::draw(Nanos now) {
  const PendingOp op = source_.draw(now);
  if (recorder_.counts(op)) ++recorder_.counters().scheduled;
  return op;
}

Nanos Placer::nextDue(Nanos now, Nanos end) const {
  Nanos next = kNever;
  if (mayDraw() && (storeClient_ == nullptr || storeRoom() != 0)) {
    if (isDue(now, end)) return now;
    if (!closed_ && source_.due() < end) next = source_.due();
  }
  if (!closed_) next = std::min(next, nextBatchDue());
  if (!lanes_.delayed().empty()) next = std::min(next, lanes_.delayed().soonest());
  return next;
}

// Time that passes while an operation is due and may not be drawn, since a lane is full.
void Placer::noteBlocked(Nanos now, Nanos end) {
  const bool blocked = !closed_ && isDue(now, end) && !mayDraw();
  if (blocked && wasBlocked_) recorder_.counters().blocked += now - blockedAt_;
  if (blocked) blockedAt_ = now;
  wasBlocked_ = blocked;
}

// ---------------------------------------------------------------------------------------------------
// Into which batch

void Placer::dispatch(const PendingOp& op, Nanos now) {
  if (storeClient_ != nullptr && storeClient_->takesWrite(op, now)) return;
  if (dispatcher_ == nullptr) {
    enqueue(lanes_.laneOf(op), op, now);
    return;
  }
  for (const Send& send : dispatcher_->dispatch(op, now)) enqueue(*send.lane, send.op, now);
}

void Placer::enqueue(Lane& lane, const PendingOp& op, Nanos now) {
  if (lane.queue.empty() && makeRoom(lane, op)) {
    add(lane, op, now);
    return;
  }
  lanes_.enqueue(lane, op);
  isFull_ |= lane.queue.size() >= queueLimit_;
}

// Whether the operation can be added to a batch of the lane. In a cluster a transaction keeps to
// one slot, and all of it follows an ASK or none of it does.
bool Placer::makeRoom(Lane& lane, const PendingOp& op) {
  if (transactions_ && inCluster_ && lane.forming() != nullptr) {
    const PendingOp& first = lane.forming()->batch.front();
    if (first.slot != op.slot || first.asking != op.asking) close(lane, op.intended);
  }
  return lane.hasRoom();
}

void Placer::add(Lane& lane, const PendingOp& op, Nanos now) {
  Connection& c = lane.fill(blockedAt_);
  char* at = c.out->reserve(encoder_.roomFor(op));
  const bool begins = c.batch.empty();
  if (op.asking && (begins || !transactions_)) at = encodeAsking(at);
  if (transactions_ && begins) at = detail::put(at, kMulti);
  c.out->commit(encoder_.encode(at, op, now));
  c.batch.push_back(op);
  ++placed_;
  if (mitigator_ != nullptr) {
    if (begins) c.ticket = mitigator_->ticket();
    mitigator_->beforeSend(c.batch.back(), now);
  }
  if (c.batch.size() == batchSize_) close(lane, op.intended);
}

// The batch that is being filled is complete: it leaves with this pass. `completedAt`: since when
// it could have left, where batches may wait to be filled.
void Placer::close(Lane& lane, Nanos completedAt) {
  Connection& c = lane.close();
  if (plan_.batchWait != 0) c.freeAt = std::max(c.freeAt, completedAt);
  if (transactions_) c.out->append(kExec);
  // On this connection, since WAIT is about its own writes alone; behind EXEC, since inside of a
  // MULTI it returns at once.
  c.awaitsReplicas = !wait_.empty() && std::ranges::any_of(c.batch, [](const PendingOp& op) {
    return op.kind == OpKind::set;
  });
  if (c.awaitsReplicas) c.out->append(wait_);
  complete_.push_back(&c);
}

// Closes the batches that have waited to be filled for -batch-wait. In the closed model they wait
// for as long as there is something to fill them with.
void Placer::closeDue(Nanos now, Nanos end) {
  bool anyForming = false;
  for (const auto& lane : lanes_.all()) {
    const Connection* const c = lane->forming();
    if (c == nullptr) continue;
    const Nanos waitEnds = c->batch.front().intended + plan_.batchWait;
    if (closed_ ? now >= end : now >= waitEnds)
      close(*lane, waitEnds);
    else
      anyForming = true;
  }
  if (!anyForming) source_.endGroup();
}

// When the first of the batches that wait to be filled has waited for -batch-wait.
Nanos Placer::nextBatchDue() const {
  Nanos next = kNever;
  for (const auto& lane : lanes_.all())
    if (const Connection* const c = lane->forming(); c != nullptr)
      next = std::min(next, c->batch.front().intended + plan_.batchWait);
  return next;
}

void Placer::stamp(Nanos sent) {
  Counters& counters = recorder_.counters();
  for (Connection* const c : complete_) {
    c->sentAt = sent;
    std::size_t operations = 0;
    for (PendingOp& op : c->batch) {
      const bool first = op.attempts == 0;
      op.attempts = first ? 1 : 2;
      if (!op.isOperation()) continue;
      ++operations;
      if (!first)
        ++counters.retried;
      else if (recorder_.counts(op) && (!op.isCopyWrite() || op.copy == 0))
        ++counters.sent[index(op.kind)];
    }
    counters.batches += operations != 0 ? 1 : 0;
    if (sendLog_ != nullptr) sendLog_->append(sent, operations);
    counters.bytesSent += c->out->view().size();
  }
}

// ---------------------------------------------------------------------------------------------------
// At the end of an interval, and of the run

void Placer::noteLevels(Counters& counters, std::size_t inFlight, Nanos now, Nanos end) const {
  counters.outstanding = inFlight + lanes_.queued() + lanes_.delayed().size();
  if (closed_) return;
  const Nanos dueUntil = std::min(now, end);
  if (source_.due() < dueUntil) {
    const double late =
        static_cast<double>(dueUntil - source_.due()) / static_cast<double>(kSecond);
    counters.backlog = static_cast<std::uint64_t>(late * plan_.rate / plan_.threads);
  }
  for (const auto& lane : lanes_.all()) {
    counters.outstanding -= lane->queue.waiting.size();
    counters.backlog += lane->queue.waiting.size();
  }
}

void Placer::recordUndrawn(Nanos from, Nanos end, Nanos now) {
  if (closed_) return;
  source_.skipUntil(from);
  while (source_.due() < end) {
    const OpSource::Undrawn undrawn = source_.takeUndrawn(end, now);
    recorder_.unfinished(OpKind::get, undrawn.waited, undrawn.gets);
    recorder_.unfinished(OpKind::set, undrawn.waited, undrawn.sets);
    recorder_.counters().scheduled += undrawn.gets + undrawn.sets;
  }
}

}  // namespace redline
