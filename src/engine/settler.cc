#include "engine/settler.h"

#include <algorithm>
#include <charconv>

namespace redline {
namespace {

/// A read is not sent again after this many lost connections.
constexpr std::uint8_t kMaxLossesOfARead = 3;

/// PTTL's reply; anything else is taken for "no such key".
std::int64_t ttlIn(const ReplyView& reply) {
  constexpr std::int64_t kNoSuchKey = -2;
  std::int64_t millis = 0;
  const char* const end = reply.payload.data() + reply.payload.size();
  const auto read = std::from_chars(reply.payload.data(), end, millis);
  return reply.type == ReplyType::integer && read.ptr == end ? millis : kNoSuchKey;
}

}  // namespace

Settler::Settler(const Shared& shared, const OpEncoder& encoder, ClusterLanes<Lane>& lanes,
                 OpRecorder& recorder, Mitigator* mitigator, StoreClient* storeClient)
    : shared_(shared),
      plan_(shared.plan),
      encoder_(encoder),
      lanes_(lanes),
      recorder_(recorder),
      mitigator_(mitigator),
      storeClient_(storeClient),
      transactions_(shared.plan.transactions),
      asksForTtls_(encoder.asksForTtls()) {}

// ---------------------------------------------------------------------------------------------------
// Replies

void Settler::onReply(Connection& c, const ReplyView& reply, Nanos now) {
  if (c.answered == c.batch.size()) {
    settleWait(c, reply, now);
  } else if (transactions_) {
    if (!settleTransaction(c, reply, now)) return;
  } else {
    if (isPreface(c, reply)) return;
    settle(c, c.batch[c.answered++], reply, now);
  }
  if (c.isDone()) c.lane->release(c, now);
}

// isPreface(), settle() and complete() have several callers each, and the compiler would not inline
// them by itself: 3% of a worker's own time at every batch size (bench/worker_loop).

// Whether the reply is to what goes before the next operation: ASKING, or PTTL.
[[gnu::always_inline]] inline bool Settler::isPreface(Connection& c, const ReplyView& reply) const {
  const PendingOp& op = c.batch[c.answered];
  if (!op.asking && !(asksForTtls_ && encoder_.asksForTtl(op))) return false;
  c.prefaceAnswered = !c.prefaceAnswered;
  if (c.prefaceAnswered && !op.asking) c.ttlMillis = ttlIn(reply);
  return c.prefaceAnswered;
}

[[gnu::always_inline]] inline void Settler::settle(Connection& c, PendingOp& op,
                                                   const ReplyView& reply, Nanos now) {
  const Judgement judgement =
      op.request == PendingOp::Request::own ? judge(op.kind, reply) : judge(op.request, reply);
  if (c.awaitsReplicas && judgement.outcome == Judgement::Outcome::stored) {
    op.awaitsReplicas = true;
    return;
  }
  ++released_;
  if (op.timedOut) return;
  if (judgement.outcome == Judgement::Outcome::failed)
    redirectOrFail(op, redirectionOf(c, op, reply, now), judgement.failure, now);
  else
    complete(c, op, judgement.outcome, reply.payload, now);
}

// WAIT's reply settles the batch's writes, which were carried out before.
void Settler::settleWait(Connection& c, const ReplyView& reply, Nanos now) {
  c.awaitsReplicas = false;
  const auto failure = judgeWait(reply, plan_.waitReplicas);
  for (const PendingOp& op : c.batch) {
    if (!op.awaitsReplicas) continue;
    ++released_;
    if (op.timedOut) continue;
    if (failure)
      fail(op, *failure, now);
    else
      complete(c, op, Judgement::Outcome::stored, {}, now);
  }
}

// In a transaction: +OK to ASKING and MULTI, +QUEUED (or an error) to each command, and EXEC's
// reply, which settles them all. True: it did.
bool Settler::settleTransaction(Connection& c, const ReplyView& reply, Nanos now) {
  const std::size_t heads = c.batch.front().asking ? 2 : 1;
  const std::size_t before = c.acknowledged++;
  if (before < heads + c.batch.size()) {
    if (before < heads || !reply.isError()) return false;
    c.refused.emplace_back(before - heads, failureOf(reply.payload));
    const auto to = redirectionOf(c, c.batch[before - heads], reply, now);
    if (!to.isFinal() && !c.redirection) c.redirection = to;
    return false;
  }
  settleExec(c, reply, now);
  c.answered = c.batch.size();
  return true;
}

void Settler::settleExec(Connection& c, const ReplyView& reply, Nanos now) {
  if (reply.type == ReplyType::array && !reply.isNull && reply.elements == c.batch.size()) {
    std::string_view rest = reply.payload;
    ReplyScanner scanner;
    ReplyView one;
    for (PendingOp& op : c.batch) {
      scanner.next(rest, one);  // complete: the scanner of the whole has seen every element's end
      rest.remove_prefix(one.size);
      settle(c, op, one, now);
    }
    return;
  }
  // Nothing was executed. EXEC names the reason itself, or it is EXECABORT and a command was
  // refused before.
  const Failure whole = reply.isError() ? failureOf(reply.payload) : Failure::protocol;
  const auto to = c.redirection ? *c.redirection : redirectionOf(c, c.batch.front(), reply, now);
  auto refused = c.refused.begin();
  for (std::size_t i = 0; i < c.batch.size(); ++i) {
    const bool itself = refused != c.refused.end() && refused->first == i;
    const Failure failure = itself ? (refused++)->second : whole;
    ++released_;
    if (!c.batch[i].timedOut) redirectOrFail(c.batch[i], to, failure, now);
  }
}

// In a cluster an error may say where else, or when, the operation will be served.
Redirection<Lane> Settler::redirectionOf(Connection& c, const PendingOp& op, const ReplyView& reply,
                                         Nanos now) {
  if (!lanes_.inCluster()) return {};
  const Nanos patience = plan_.opTimeout != 0 ? plan_.opTimeout : kRetrySpan;
  const auto to =
      lanes_.redirectionOf(*c.lane, op, reply, now, op.intended + patience, recorder_.counters());
  recorder_.addNodes();  // the reply may have named a node not met before
  if (to.next == Decision::Next::moved || to.next == Decision::Next::ask)
    ++recorder_.interval().nodes[c.lane->number()].redirected;
  return to;
}

/// The operation's clock keeps running.
void Settler::redirectOrFail(const PendingOp& op, const Redirection<Lane>& to, Failure failure,
                             Nanos now) {
  if (to.isFinal())
    fail(op, failure, now);
  else
    lanes_.redirect(op, to);
}

// ---------------------------------------------------------------------------------------------------
// Completed

// An operation has been carried out; `value` is what a read has brought.
[[gnu::always_inline]] inline void Settler::complete(Connection& c, const PendingOp& op,
                                                     Judgement::Outcome outcome,
                                                     std::string_view value, Nanos now) {
  std::optional<std::uint64_t> version;  // of a sound value
  if (outcome == Judgement::Outcome::hit) version = verify(value, op);
  if (!op.isOperation()) {
    completeRequest(c, op, outcome, now);
    return;
  }
  if (mitigator_ != nullptr) {
    if (op.isCopyWrite()) {
      settleCopy(&c, op, std::nullopt, now);
      return;
    }
    onReplyData(c, op, value, version, now);
  }
  if (plan_.onMiss != OnMiss::none && continues(c, op, outcome, now)) return;
  Counters& counters = recorder_.counters();
  if (!recorder_.counts(op)) {
    ++counters.carriedOver;
    return;
  }
  if (outcome == Judgement::Outcome::hit)
    ++counters.hits;
  else if (outcome == Judgement::Outcome::miss)
    ++counters.misses;
  recorder_.completed(c, op, now);
}

// What follows a read. True: it ends later.
bool Settler::continues(Connection& c, const PendingOp& op, Judgement::Outcome outcome, Nanos now) {
  const bool hit = outcome == Judgement::Outcome::hit;
  if (storeClient_ != nullptr) {
    constexpr std::int64_t kNotAsked = -1;
    return op.isRead() &&
           storeClient_->onRead(c, op, hit, encoder_.asksForTtl(op) ? c.ttlMillis : kNotAsked, now);
  }
  if (outcome == Judgement::Outcome::miss) refill(op, now);
  return false;
}

// A request that is no operation has been answered.
void Settler::completeRequest(Connection& c, const PendingOp& op, Judgement::Outcome outcome,
                              Nanos now) {
  const bool done = outcome == Judgement::Outcome::stored;
  if (op.isRefill() && mitigator_ != nullptr) mitigator_->onRefilled(op.id);
  if (storeClient_ == nullptr) {
    if (recorder_.counts(op)) ++recorder_.counters().refills;
  } else if (op.isRefill()) {
    storeClient_->onRefill(c, op, done);
  } else {
    storeClient_->onLock(op, done, now);
  }
}

void Settler::completeLocally(const PendingOp& op, std::string_view value, Nanos now) {
  const auto version = verify(value, op);
  const bool counted = recorder_.counts(op);
  if (version) mitigator_->judge(op, *version, now, counted ? &recorder_.interval() : nullptr);
  if (counted) recorder_.completedLocally(op, now);
}

// Compares a value that was read with what it must be. Its version (0 under -verify=none), unless
// it is corrupt.
std::optional<std::uint64_t> Settler::verify(std::string_view value, const PendingOp& op) {
  std::uint64_t version = 0;
  if (plan_.verify == VerifyLevel::none) return version;
  Counters& counters = recorder_.counters();
  if (recorder_.counts(op)) ++counters.checked;
  if (shared_.values.check(value, op.id, &version, plan_.verify) == Values::Verdict::ok)
    return version;
  ++counters.corrupt;
  return std::nullopt;
}

// Writes the key that a read has missed, where its master is by now. The value is a function of the
// key, so the client has had it since the miss was known and the read ends there; the write takes
// the way of operations and is not one. It counts where its read does.
void Settler::refill(const PendingOp& missed, Nanos now) {
  PendingOp op;
  op.intended = recorder_.counts(missed) ? now : missed.intended;
  op.id = missed.id;
  op.version = missed.version;
  op.kind = OpKind::set;
  op.slot = missed.slot;
  op.request = PendingOp::Request::refill;
  lanes_.enqueue(lanes_.laneOf(op), op);
}

// Reports a reply to the ledger, the local cache and the choice of replicas.
void Settler::onReplyData(Connection& c, const PendingOp& op, std::string_view value,
                          std::optional<std::uint64_t> version, Nanos now) {
  if (op.kind == OpKind::set) {
    mitigator_->onStored(op, now, recorder_.interval());
    return;
  }
  if (plan_.mitigation.is(MitigationKind::replicaRead))
    mitigator_->replicaRead().observe(c.lane->number(), now - c.sentAt);
  if (!version) return;
  mitigator_->judge(op, *version, c.sentAt, recorder_.counts(op) ? &recorder_.interval() : nullptr);
  if (!mitigator_->caches() || !c.lane->isSubscribed()) return;
  const bool expires = shared_.ttls.ttlMillisOf(op.id) != 0;
  constexpr std::int64_t kUnknown = -2;
  mitigator_->fill(op, {c.lane->number(), c.ticket}, value, expires,
                   encoder_.asksForTtl(op) ? c.ttlMillis : kUnknown, c.sentAt);
}

// One copy of a write to all copies is settled; with the last one, the write is. `c`: null where
// the copy failed.
void Settler::settleCopy(const Connection* c, const PendingOp& copy, std::optional<Failure> failure,
                         Nanos now) {
  if (c != nullptr && recorder_.counts(copy)) recorder_.recordPlace(*c, copy, now);
  auto write = mitigator_->settleCopy(copy.write, failure);
  if (!write) return;
  PendingOp& whole = write->whole;
  Counters& counters = recorder_.counters();
  if (write->failure) {
    if (write->partial && recorder_.counts(whole)) ++counters.of(MitigationCount::partialWrites);
    fail(whole, *write->failure, now);
    return;
  }
  mitigator_->onStored(whole, now, recorder_.interval());
  whole.attempts = copy.attempts;
  if (recorder_.counts(whole))
    recorder_.recordTimes(*c, whole, now);
  else
    ++counters.carriedOver;
}

// ---------------------------------------------------------------------------------------------------
// Not completed

void Settler::fail(const PendingOp& op, Failure failure, Nanos now) {
  if (!op.isOperation()) {
    if (storeClient_ != nullptr)
      storeClient_->onFailed(op, now);
    else if (recorder_.counts(op))
      ++recorder_.counters().refillsFailed;
  } else if (op.isCopyWrite()) {
    settleCopy(nullptr, op, failure, now);
  } else if (recorder_.counts(op)) {
    recorder_.failed(op, failure, now);
  }
}

void Settler::onLost(Connection& c, int error, Nanos now) {
  const bool sent = c.sentAt != 0;
  c.forEachOpen([&](PendingOp op) {
    ++released_;
    if (op.timedOut) return;
    if (isBrokenProtocol(error)) {
      fail(op, Failure::protocol, now);
    } else if (!op.isRead() && sent) {
      fail(op, Failure::unknownFate, now);
    } else if (plan_.onDisconnect == OnDisconnect::stop || op.losses >= kMaxLossesOfARead) {
      fail(op, Failure::disconnected, now);
    } else {
      if (sent) ++op.losses;
      op.asking = false;
      lanes_.requeue(lanes_.laneOf(op), op);
    }
  });
  c.lane->withdraw(c);
}

void Settler::expireAll(Nanos now) {
  nextExpiry_ = now + std::min(kMillisecond, plan_.opTimeout);
  for (const auto& lane : lanes_.all())
    for (Connection& c : lane->connections()) {
      if (c.use != Connection::Use::busy) continue;
      for (std::size_t i = c.openFrom(); i < c.batch.size(); ++i) {
        PendingOp& op = c.batch[i];
        if (!plan_.isExpired(op.intended, now)) {
          // Not in the order of the schedule.
          if (!op.isOperation() || op.storedBefore || op.lockWaits != 0) continue;
          break;
        }
        if (op.timedOut || !c.isOpen(i)) continue;
        op.timedOut = true;
        fail(op, Failure::timeout, now);
      }
    }
}

void Settler::unfinished(const PendingOp& op, Nanos now) {
  if (op.timedOut || !recorder_.counts(op)) return;
  if (!op.isOperation()) {
    if (op.isRefill()) ++recorder_.counters().refillsFailed;
    return;
  }
  // A write to all copies is one operation, however many of its copies come along here.
  if (op.isCopyWrite() && !mitigator_->isFirstUnfinished(op.write)) return;
  if (op.retries != 0) ++recorder_.counters().unservedAtEnd;
  recorder_.unfinished(op, now);
}

}  // namespace redline
