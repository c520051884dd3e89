#include "engine/store_client.h"

#include <algorithm>
#include <utility>

#include "backing/miss_lock.h"

namespace redline {
namespace {

/// Apart from the streams that draw keys, arrivals and copies.
constexpr std::uint64_t kRefreshDraws = 0x72656672657368;  // "refresh"

Failure failureOfOutcome(StoreReply::Outcome outcome) {
  if (outcome == StoreReply::Outcome::timedOut) return Failure::storeTimeout;
  return outcome == StoreReply::Outcome::shed ? Failure::storeShed : Failure::storeFailed;
}

StoreReply resultOf(StoreReply::Outcome outcome, std::uint64_t version = 0) {
  StoreReply result;
  result.outcome = outcome;
  result.version = version;
  result.coalesced = true;
  return result;
}

}  // namespace

StoreClient::StoreClient(const Shared& shared, StoreDesk& desk, unsigned index,
                         ClusterLanes<Lane>& lanes, OpRecorder& recorder, Mitigator* mitigator)
    : shared_(shared),
      plan_(shared.plan),
      desk_(desk),
      index_(index),
      lanes_(lanes),
      recorder_(recorder),
      mitigator_(mitigator),
      lockPatience_(lockPatience(shared.plan.backing.timeout)),
      draws_(shared.plan.runSeed ^ kRefreshDraws, index) {}

// ---------------------------------------------------------------------------------------------------
// What begins to wait

bool StoreClient::onRead(const Connection& c, const PendingOp& op, bool hit, std::int64_t ttlMillis,
                         Nanos now) {
  if (!hit) {
    miss(op, {c.lane, c.sentAt, c.freeAt, now}, now);
    return true;
  }
  if (ttlMillis < 0) return false;
  switch (
      plan_.backing.freshness.judge(saturated(ttlMillis, kMillisecond), recompute_.get(), draws_)) {
    case Refresh::none:
      break;
    case Refresh::early: {
      // By itself it does not know of others that refresh the key.
      const bool alone = plan_.backing.coalesce;
      const Flights::Number flight = alone ? desk_.flights.lead(op.id) : 0;
      if (alone && flight == 0) break;
      ++counters().of(BackingCount::earlyRefreshes);
      refresh(op, flight, now);
      break;
    }
    case Refresh::stale:
      ++counters().of(BackingCount::staleServed);
      if (const Flights::Number flight = desk_.flights.lead(op.id); flight != 0) {
        ++counters().of(BackingCount::staleRefreshes);
        refresh(op, flight, now);
      }
      break;
  }
  return false;
}

void StoreClient::miss(const PendingOp& op, const Exchange& exchange, Nanos now) {
  using As = Flights::Joined::As;
  Waiting w;
  w.op = op;
  w.exchange = exchange;
  const StoreTicket ticket = add(std::move(w), now);
  if (!plan_.backing.coalesce) {
    proceed(ticket, now);
    return;
  }
  const auto joined = desk_.flights.join(op.id, {index_, ticket});
  Waiting& added = *waiting_.find(ticket);
  switch (joined.as) {
    case As::leader:
      added.leads = true;
      added.number = joined.flight;
      proceed(ticket, now);
      break;
    case As::passenger:
      added.stage = Waiting::Stage::passenger;
      break;
    case As::late: {
      added.stage = Waiting::Stage::passenger;
      StoreReply result = resultOf(StoreReply::Outcome::found, joined.version);
      result.ticket = ticket;
      onStoreReply(result, now);
      break;
    }
  }
}

// A refresh that nobody waits for. `flight`: what it leads; 0: none.
void StoreClient::refresh(const PendingOp& op, Flights::Number flight, Nanos now) {
  if (waiting_.size() >= 2 * plan_.maxBacklog) {
    if (flight != 0) endFlight(op.id, flight, resultOf(StoreReply::Outcome::shed));
    return;
  }
  Waiting w;
  w.what = Waiting::For::refresh;
  w.op.id = op.id;
  w.op.slot = op.slot;
  w.op.intended = op.intended;
  w.leads = flight != 0;
  w.number = flight;
  proceed(add(std::move(w), now), now);
}

void StoreClient::write(PendingOp op, Nanos now) {
  if (mitigator_ != nullptr) mitigator_->beforeSend(op, now);
  desk_.flights.forget(op.id);
  Waiting w;
  w.what = Waiting::For::write;
  w.op = op;
  const StoreTicket ticket = add(std::move(w), now);
  askStore(ticket, *waiting_.find(ticket), StoreRequest::Kind::write, now);
}

StoreTicket StoreClient::add(Waiting waiting, Nanos now) {
  waiting.since = now;
  waiting.deadline = now + plan_.backing.timeout;
  if (waiting.isOperation()) {
    ++clients_;
    const Nanos opDeadline = waiting.op.intended + plan_.opTimeout;
    waiting.endsAtOpTimeout = plan_.opTimeout != 0 && opDeadline < waiting.deadline;
    if (waiting.endsAtOpTimeout) waiting.deadline = opDeadline;
  }
  const Nanos deadline = waiting.deadline;
  return waiting_.add(std::move(waiting), deadline);
}

StoreClient::Waiting StoreClient::take(StoreTicket ticket) {
  Waiting w = std::move(*waiting_.take(ticket));
  if (w.isOperation()) --clients_;
  return w;
}

void StoreClient::proceed(StoreTicket ticket, Nanos now) {
  Waiting& w = *waiting_.find(ticket);
  if (plan_.backing.missLock != 0)
    askLock(ticket, w, now);
  else
    askStore(ticket, w, StoreRequest::Kind::read, now);
}

void StoreClient::askLock(StoreTicket ticket, Waiting& w, Nanos now) {
  if (w.number == 0) w.number = desk_.flights.newNumber();
  PendingOp lock;
  lock.intended = now;
  lock.id = w.op.id;
  lock.slot = w.op.slot;
  lock.kind = OpKind::set;
  lock.request = w.what == Waiting::For::refresh ? PendingOp::Request::refreshLock
                                                 : PendingOp::Request::missLock;
  lock.version = ticket;
  lock.write = w.number;
  lock.inLedger = true;
  lanes_.enqueue(lanes_.laneOf(lock), lock);
}

void StoreClient::askStore(StoreTicket ticket, Waiting& w, StoreRequest::Kind kind, Nanos now) {
  w.stage = Waiting::Stage::store;
  w.askedAt = now;
  w.askedInWarmup = recorder_.interval().warmup;
  ++counters().of(kind == StoreRequest::Kind::read ? BackingCount::reads : BackingCount::writes);
  requests_.push_back({kind, w.op.id, w.op.version, ticket, w.deadline});
}

void StoreClient::submit() {
  if (requests_.empty()) return;
  desk_.store.submit(requests_, *desk_.inboxes[index_]);
  requests_.clear();
}

// ---------------------------------------------------------------------------------------------------
// The lock

void StoreClient::onLock(const PendingOp& request, bool granted, Nanos now) {
  ++counters().of(granted ? BackingCount::locksTaken : BackingCount::locksDenied);
  Waiting* const w = waiting_.find(request.version);
  if (w == nullptr) return;  // past its deadline; the lock ends by itself
  if (granted)
    askStore(request.version, *w, StoreRequest::Kind::read, now);
  else
    denied(request.version, now);
}

// Another has the lock, or has refilled the key, or the lock could not be asked for: the cache has
// the value, or may have it soon.
void StoreClient::denied(StoreTicket ticket, Nanos now) {
  const Waiting w = take(ticket);
  if (w.leads) endFlight(w.op.id, w.number, resultOf(StoreReply::Outcome::retry));
  if (w.isOperation()) retryLater(w.op, now);
}

void StoreClient::retryLater(PendingOp op, Nanos now) {
  if (op.lockWaits >= lockPatience_) {
    if (recorder_.counts(op)) recorder_.failed(op, Failure::storeTimeout, now);
    return;
  }
  ++counters().of(BackingCount::lockWaits);
  const Nanos delay = lockRetryDelay(op.lockWaits++, plan_.backing.timeout);
  op.asking = false;
  lanes_.delay(now + delay, op);
}

void StoreClient::onFailed(const PendingOp& request, Nanos now) {
  if (request.isRefill()) {
    if (recorder_.counts(request)) ++counters().refillsFailed;
    if (request.endsFlight) endFlight(request.id, request.write, {});
    return;
  }
  ++counters().of(BackingCount::lockFailures);
  if (waiting_.find(request.version) != nullptr) denied(request.version, now);
}

// ---------------------------------------------------------------------------------------------------
// The store's replies

bool StoreClient::settleReplies(Nanos now) {
  bool any = false;
  StoreInbox& inbox = *desk_.inboxes[index_];
  while (inbox.hasReplies()) {
    inbox.take(replies_);
    for (StoreReply& reply : replies_) onStoreReply(reply, now);
    any = true;
  }
  while (const StoreTicket ticket = waiting_.expired(now)) {
    expire(ticket, now);
    any = true;
  }
  return any;
}

void StoreClient::onStoreReply(StoreReply& reply, Nanos now) {
  if (waiting_.find(reply.ticket) == nullptr) return;  // settled at its deadline
  Waiting w = take(reply.ticket);
  if (!reply.coalesced) noteOutcome(w, reply, now);
  if (w.what == Waiting::For::write)
    settleWrite(w, reply, now);
  else
    settleRead(w, reply, now);
}

void StoreClient::settleRead(Waiting& w, StoreReply& reply, Nanos now) {
  using Outcome = StoreReply::Outcome;
  if (reply.outcome == Outcome::found) {
    settleFound(w, reply, now);
    return;
  }
  if (w.leads) endFlight(w.op.id, w.number, resultOf(reply.outcome));
  if (!w.isOperation()) return;
  if (reply.coalesced && reply.outcome != Outcome::retry && recorder_.counts(w.op))
    ++counters().of(BackingCount::coalesced);
  if (reply.outcome == Outcome::retry)
    retryLater(w.op, now);
  else if (reply.outcome == Outcome::missing)
    complete(w, now);
  else
    failOperation(w, failureOfOutcome(reply.outcome), now);
}

void StoreClient::settleFound(Waiting& w, StoreReply& reply, Nanos now) {
  std::uint64_t version = reply.version;
  const bool sound = reply.coalesced || verify(reply, w.op, version);
  if (w.what == Waiting::For::read) {
    if (reply.coalesced && recorder_.counts(w.op)) ++counters().of(BackingCount::coalesced);
    if (sound && mitigator_ != nullptr)
      mitigator_->judge(w.op, version, w.exchange.sentAt,
                        recorder_.counts(w.op) ? &recorder_.interval() : nullptr);
    complete(w, now);
  }
  if (reply.coalesced) return;
  recompute_.observe(now - w.since);
  if (sound) {
    if (w.leads) {
      auto passengers = desk_.flights.land(w.op.id, w.number, version);
      tell(passengers, resultOf(StoreReply::Outcome::found, version));
    }
    refill(w, version, now);
  } else if (w.leads) {
    endFlight(w.op.id, w.number, resultOf(StoreReply::Outcome::found, version));
  }
}

// Whether the row's value is the one of its version.
bool StoreClient::verify(const StoreReply& reply, const PendingOp& op, std::uint64_t& version) {
  if (plan_.verify == VerifyLevel::none) return true;
  if (recorder_.counts(op)) ++counters().checked;
  std::uint64_t inValue = 0;
  const bool sound =
      shared_.values.check(reply.value, op.id, &inValue, plan_.verify) == Values::Verdict::ok &&
      (reply.value.size() < Values::kHeader || inValue == reply.version);
  if (!sound) ++counters().corrupt;
  version = reply.version;
  return sound;
}

void StoreClient::settleWrite(Waiting& w, const StoreReply& reply, Nanos now) {
  if (reply.outcome != StoreReply::Outcome::stored) {
    failOperation(w, failureOfOutcome(reply.outcome), now);
    return;
  }
  desk_.flights.forget(w.op.id);  // one that began before the row was written
  w.op.storedBefore = true;
  if (plan_.backing.onWrite == OnWrite::invalidate) w.op.request = PendingOp::Request::invalidation;
  lanes_.enqueue(lanes_.laneOf(w.op), w.op);
}

void StoreClient::expire(StoreTicket ticket, Nanos now) {
  const Waiting w = take(ticket);
  if (w.stage == Waiting::Stage::store) {
    StoreReply reply;
    reply.outcome = StoreReply::Outcome::timedOut;
    noteOutcome(w, reply, now);
  }
  if (w.leads) endFlight(w.op.id, w.number, resultOf(StoreReply::Outcome::timedOut));
  if (w.isOperation())
    failOperation(w, w.endsAtOpTimeout ? Failure::timeout : Failure::storeTimeout, now);
}

// ---------------------------------------------------------------------------------------------------
// What ends

// The client has its answer: a read's value, or that there is none.
void StoreClient::complete(const Waiting& w, Nanos now) {
  if (!recorder_.counts(w.op)) {
    ++counters().carriedOver;
    return;
  }
  ++counters().misses;
  recorder_.completed(w.exchange, w.op, now);
}

void StoreClient::failOperation(const Waiting& w, Failure failure, Nanos now) {
  if (recorder_.counts(w.op)) recorder_.failed(w.op, failure, now);
}

void StoreClient::refill(const Waiting& w, std::uint64_t version, Nanos now) {
  PendingOp op;
  op.intended = recorder_.counts(w.op) ? now : w.op.intended;
  op.id = w.op.id;
  op.version = version;
  op.kind = OpKind::set;
  op.slot = w.op.slot;
  op.request =
      plan_.backing.missLock != 0 ? PendingOp::Request::fencedRefill : PendingOp::Request::refill;
  op.write = w.number;
  op.endsFlight = w.leads;
  op.inLedger = true;  // it is no write
  lanes_.enqueue(lanes_.laneOf(op), op);
}

void StoreClient::onRefill(const Connection& c, const PendingOp& refill, bool carriedOut) {
  if (recorder_.counts(refill))
    ++(carriedOut ? counters().refills : counters().of(BackingCount::fencedRefills));
  if (carriedOut) judgeRefill(refill, c.sentAt);
  if (refill.endsFlight) endFlight(refill.id, refill.write, {});
}

// A refill with an older value than one that was acknowledged before it was sent: it was read
// before the write, and the cache has it now although the write invalidated, or replaced, what was
// there.
void StoreClient::judgeRefill(const PendingOp& refill, Nanos sent) {
  if (mitigator_ == nullptr) return;
  const auto age = mitigator_->staleBy(refill.id, refill.version, sent);
  if (!age) return;
  ++counters().of(BackingCount::staleRefills);
  recorder_.interval().storeLatency().staleRefillAge.record(*age);
}

void StoreClient::endFlight(std::uint64_t id, Flights::Number flight, const StoreReply& result) {
  auto passengers = desk_.flights.end(id, flight);
  tell(passengers, result);
}

// Hands the result to those who wait for it, each worker's together.
void StoreClient::tell(std::span<Flights::Passenger> passengers, const StoreReply& result) {
  std::ranges::sort(passengers, {}, &Flights::Passenger::worker);
  for (auto rest = passengers; !rest.empty();) {
    const unsigned worker = rest.front().worker;
    told_.clear();
    for (; !rest.empty() && rest.front().worker == worker; rest = rest.subspan(1)) {
      told_.push_back(result);
      told_.back().ticket = rest.front().ticket;
    }
    desk_.inboxes[worker]->post(told_);
  }
}

// ---------------------------------------------------------------------------------------------------
// Figures

// Where its request was counted: one of a warm-up that is over is in no figure.
void StoreClient::noteOutcome(const Waiting& w, const StoreReply& reply, Nanos now) {
  if (w.askedInWarmup && !recorder_.interval().warmup) return;
  countOutcome(reply);
  recordTimes(w, reply, now);
}

void StoreClient::countOutcome(const StoreReply& reply) {
  using Outcome = StoreReply::Outcome;
  const auto count = [&reply] {
    switch (reply.outcome) {
      case Outcome::found:
        return index(BackingCount::found);
      case Outcome::stored:
        return index(BackingCount::stored);
      case Outcome::missing:
        return index(BackingCount::missing);
      case Outcome::timedOut:
        return index(BackingCount::timedOut);
      case Outcome::shed:
        return index(BackingCount::shed);
      case Outcome::failed:
      case Outcome::retry:
        break;
    }
    return index(BackingCount::unreachable) + static_cast<std::size_t>(reply.failure);
  };
  ++counters().backing[count()];
}

// One that has timed out counts with the time that it has waited; one that was shed did not wait.
void StoreClient::recordTimes(const Waiting& w, const StoreReply& reply, Nanos now) {
  if (reply.outcome == StoreReply::Outcome::shed) return;
  StoreLatency& latency = recorder_.interval().storeLatency();
  (w.what == Waiting::For::write ? latency.write : latency.read).record(now - w.askedAt);
  if (reply.sentAt != 0) latency.service.record(reply.doneAt - reply.sentAt);
}

std::size_t StoreClient::room() const {
  const std::size_t waits = clients_ + lanes_.delayed().size();
  return waits < plan_.maxBacklog ? plan_.maxBacklog - waits : 0;
}

void StoreClient::noteLevels(Counters& counters) const {
  counters.storeWaiting = clients_;
  counters.storeQueue = index_ == 0 ? desk_.store.levels().queued : 0;
}

}  // namespace redline
