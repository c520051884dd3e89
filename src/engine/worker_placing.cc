// From the schedule to the wire: which operation comes next, which lane it takes, and when a batch
// leaves.
#include <algorithm>
#include <functional>
#include <limits>

#include "engine/key_slot.h"
#include "engine/worker.h"
#include "resp/request.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// New operations in one pass, at the least: bounds how long completions wait for attention.
constexpr unsigned kPlacedPerPass = 512;
constexpr std::string_view kMulti = "*1\r\n$5\r\nMULTI\r\n";
constexpr std::string_view kExec = "*1\r\n$4\r\nEXEC\r\n";

}  // namespace

// Puts operations into batches: first those that wait, then those that are due. On a single node
// what finds no room stays in the schedule: the queue is an index, not memory.
bool Worker::place() {
  if (!delayed_.empty()) releaseDelayed();
  const unsigned limit = std::max(kPlacedPerPass, plan_.batchSize());
  unsigned placed = queued_ == 0 ? 0 : placeQueued(limit);
  for (; placed < limit && isDue(); ++placed) {
    // Where nothing can be drawn, what is past its deadline fails where it waits.
    const bool expired = !plan_.closed() && isExpired(schedule_.due());
    if (!expired && !mayDraw()) break;
    const PendingOp op = draw();
    if (expired)
      failOp(op, Failure::timeout);
    else
      dispatch(op);
  }
  moreToPlace_ = placed == limit;
  closeDue();
  if (inCluster()) noteBlocked();
  return placed != 0;
}

// Fills what room there is with what waits; what waits for too long fails.
unsigned Worker::placeQueued(unsigned limit) {
  unsigned placed = 0;
  full_ = false;
  for (const auto& lane : lanes_) {
    for (; lane->queued() != 0 && placed < limit; ++placed) {
      const bool expired = isExpired(lane->next().intended);
      if (!expired && !makeRoom(*lane, lane->next())) break;
      --queued_;
      const PendingOp op = lane->takeNext();
      if (expired)
        failOp(op, Failure::timeout);
      else
        add(*lane, op);
    }
    full_ |= lane->queued() >= queueLimit();
  }
  return placed;
}

// Those that have waited for long enough go to where their slot is by now.
void Worker::releaseDelayed() {
  while (!delayed_.empty() && delayed_.front().at <= now_) {
    std::ranges::pop_heap(delayed_, std::greater<>{});
    const PendingOp op = delayed_.back().op;
    delayed_.pop_back();
    again(op, laneOf(op));
  }
}

bool Worker::isDue() const {
  const Nanos due = plan_.closed() ? now_ : schedule_.due();
  return due <= now_ && due < window_.measureEnd;
}

// Whether an operation that is due may be drawn: on a single node, when it can be put into a batch;
// in a cluster, where its key decides the lane, unless some lane is full.
bool Worker::mayDraw() const {
  if (!inCluster()) return queued_ == 0 && lanes_.front()->hasRoom();
  return !full_ && delayed_.size() < plan_.maxBacklog;
}

bool Worker::isExpired(Nanos intended) const {
  return plan_.opTimeout != 0 && now_ - intended >= plan_.opTimeout;
}

PendingOp Worker::draw() {
  const Operation drawn = shared_.workload.draw(rng_);
  PendingOp op;
  op.intended = plan_.closed() ? now_ : schedule_.due();
  op.id = drawn.id;
  op.version = schedule_.index() + 1;  // 0 is the loader's
  op.kind = drawn.isWrite ? OpKind::set : OpKind::get;
  schedule_.advance();
  if (counts(op)) ++interval_->counts.scheduled;
  if (!inCluster()) return op;
  if (shared_.slotKeys != nullptr) chooseInSlot(op);
  op.slot = slotOfKey(op.id);
  return op;
}

// Transactions: the first operation of a batch has the key that was drawn for it, the others take
// keys of the same slot.
void Worker::chooseInSlot(PendingOp& op) {
  if (groupLeft_ != 0) {
    --groupLeft_;
    op.id = shared_.slotKeys->draw(groupSlot_, groupId_, rng_);
    return;
  }
  groupId_ = op.id;
  groupSlot_ = slotOfKey(op.id);
  groupLeft_ = plan_.batchSize() - 1;
}

// Where an operation that has just been drawn goes. One that does not go to its key's master, or to
// several nodes, or nowhere because it is served here and now, parts from the others here.
void Worker::dispatch(const PendingOp& op) {
  if (mitigator_ && mitigate(op)) return;
  enqueue(laneOf(op), op);
}

void Worker::enqueue(Lane& lane, const PendingOp& op) {
  if (lane.queued() == 0 && makeRoom(lane, op)) {
    add(lane, op);
    return;
  }
  lane.waiting.push(op);
  ++queued_;
  full_ |= lane.queued() >= queueLimit();
}

/// An operation that was sent before, or nearly, waits for its lane.
void Worker::again(const PendingOp& op, Lane& lane) {
  lane.again.push(op);
  ++queued_;
}

// Whether the operation can be added to a batch of the lane. In a cluster a transaction keeps to
// one slot, and all of it follows an ASK or none of it does.
bool Worker::makeRoom(Lane& lane, const PendingOp& op) {
  if (plan_.transactions && inCluster() && lane.forming() != nullptr) {
    const PendingOp& first = lane.forming()->batch.front();
    if (first.slot != op.slot || first.asking != op.asking) close(lane, op.intended);
  }
  return lane.hasRoom();
}

void Worker::add(Lane& lane, const PendingOp& op) {
  Connection& c = lane.fill(blockedAt_);
  OutBuffer& out = transport_.outbound(c.id);
  const std::size_t requests = op.copy == PendingOp::kAllCopies ? mitigator_->split()->ways() : 1;
  char* at = out.reserve(2 * kRequestOverhead +
                         requests * (kRequestOverhead + kMaxSplitKeyLength + plan_.valueSize));
  const bool begins = c.batch.empty();
  if (op.asking && (begins || !plan_.transactions)) at = encodeAsking(at);
  if (plan_.transactions && begins) at = detail::put(at, kMulti);
  out.commit(encode(at, op));
  c.batch.push_back(op);
  ++inFlight_;
  if (mitigator_) {
    if (begins) c.ticket = mitigator_->ticket();
    mitigator_->sending(c.batch.back(), now_);
  }
  if (c.batch.size() == plan_.batchSize()) close(lane, op.intended);
}

char* Worker::encode(char* at, const PendingOp& op) const {
  if (op.copy == PendingOp::kAllCopies) return putMset(at, op);
  char key[kMaxKeyLength];
  const std::string_view name = op.copy == PendingOp::kNoCopy
                                    ? std::string_view(key, writeKey(key, op.id))
                                    : copyOf(op, op.copy);
  if (op.kind == OpKind::set) return putSet(at, name, op);
  if (asksForTtl(op)) at = encodePttl(at, name);
  return encodeGet(at, name);
}

char* Worker::putSet(char* at, std::string_view key, const PendingOp& op) const {
  const std::int64_t ttl = shared_.ttls.ttlMillisOf(op.id);
  at = beginSet(at, key, plan_.valueSize, ttl != 0);
  shared_.values.write(at, op.id, op.version);
  at += plan_.valueSize;
  if (ttl == 0) return endSet(at);
  return endSet(at, static_cast<std::uint64_t>((wallOffset_ + now_) / kMillisecond + ttl));
}

// The batch that is being filled is complete: it leaves with this pass. `ripe`: the moment that
// completed it, which is what a batch that may wait has been waiting for.
void Worker::close(Lane& lane, Nanos ripe) {
  Connection& c = lane.close();
  if (plan_.batchWait != 0) c.freeAt = std::max(c.freeAt, ripe);
  OutBuffer& out = transport_.outbound(c.id);
  if (plan_.transactions) out.append(kExec);
  // On this connection, since WAIT speaks of its own writes alone; behind EXEC, since it returns at
  // once inside of a MULTI.
  c.waits = !wait_.empty() && std::ranges::any_of(c.batch, [](const PendingOp& op) {
    return op.kind == OpKind::set;
  });
  if (c.waits) out.append(wait_);
  dirty_.push_back(&c);
}

// Closes the batches that have waited to fill for as long as they may. In the closed model they
// wait for as long as there is something to fill them with.
void Worker::closeDue() {
  bool anyForming = false;
  for (const auto& lane : lanes_) {
    const Connection* const c = lane->forming();
    if (c == nullptr) continue;
    const Nanos waitEnds = c->batch.front().intended + plan_.batchWait;
    if (plan_.closed() ? now_ >= window_.measureEnd : now_ >= waitEnds)
      close(*lane, waitEnds);
    else
      anyForming = true;
  }
  if (!anyForming) groupLeft_ = 0;
}

// When the first of the batches that wait to fill has waited for long enough.
Nanos Worker::nextBatchDue() const {
  Nanos next = std::numeric_limits<Nanos>::max();
  for (const auto& lane : lanes_)
    if (const Connection* const c = lane->forming(); c != nullptr)
      next = std::min(next, c->batch.front().intended + plan_.batchWait);
  return next;
}

// Time that passes while an operation is due and may not be drawn, since a lane is full.
void Worker::noteBlocked() {
  const bool blocked = !plan_.closed() && isDue() && !mayDraw();
  if (blocked && wasBlocked_) interval_->counts.blocked += now_ - blockedAt_;
  if (blocked) blockedAt_ = now_;
  wasBlocked_ = blocked;
}

/// How many operations may wait in one lane. The closed model has no use for more than keeps the
/// other nodes busy while one of them is behind.
std::size_t Worker::queueLimit() const {
  if (!plan_.closed()) return plan_.maxBacklog;
  constexpr std::size_t kLeast = 1024;
  const std::size_t fourBatchesEach = std::size_t{4} * plan_.conns * plan_.batchSize();
  return std::min<std::size_t>(plan_.maxBacklog, std::max(kLeast, fourBatchesEach));
}

void Worker::flushDirty() {
  if (dirty_.empty()) return;
  const Nanos sent = clock_.now();
  lastStamp_ = sent;
  Counters& counters = interval_->counts;
  for (Connection* const c : dirty_) {
    c->sentAt = sent;
    std::size_t operations = 0;
    for (PendingOp& op : c->batch) {
      const bool first = op.attempts == 0;
      op.attempts = first ? 1 : 2;
      if (op.refill) continue;
      ++operations;
      if (!first)
        ++counters.retried;
      else if (counts(op) && (!op.isPart() || op.copy == 0))
        ++counters.sent[index(op.kind)];
    }
    counters.batches += operations != 0 ? 1 : 0;
    if (sendLog_ != nullptr) sendLog_->insert(sendLog_->end(), operations, sent);
    counters.bytesSent += transport_.outbound(c->id).view().size();
    transport_.flush(c->id);
  }
  dirty_.clear();
}

}  // namespace redline
