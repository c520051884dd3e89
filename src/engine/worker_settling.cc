// From the reply to the figures: what became of an operation, and where it goes when that is not
// its end.
#include <algorithm>
#include <functional>
#include <limits>

#include "engine/judge.h"
#include "engine/worker.h"

namespace redline {

void Worker::settle(Connection& c, PendingOp& op, const ReplyView& reply) {
  const Judgement verdict = judge(op.kind, reply);
  if (c.waits && verdict.outcome == Judgement::Outcome::stored) {
    op.held = true;
    return;
  }
  --inFlight_;
  if (op.givenUp) return;
  if (verdict.outcome == Judgement::Outcome::failed) {
    const Onward onward = onwardOf(c, op, reply);
    if (onward.goesOn())
      goOn(op, onward);
    else
      failOp(op, verdict.failure);
    return;
  }
  complete(c, op, verdict.outcome, reply.payload);
}

// WAIT has answered: what is said of the batch's writes, which were carried out before.
void Worker::settleWait(Connection& c, const ReplyView& reply) {
  c.waits = false;
  const auto failure = judgeWait(reply, plan_.waitReplicas);
  for (const PendingOp& op : c.batch) {
    if (!op.held) continue;
    --inFlight_;
    if (op.givenUp) continue;
    if (failure)
      failOp(op, *failure);
    else
      complete(c, op, Judgement::Outcome::stored, {});
  }
}

// An operation has been carried out; `value` is what a read has brought.
void Worker::complete(Connection& c, const PendingOp& op, Judgement::Outcome outcome,
                      std::string_view value) {
  std::optional<std::uint64_t> version;  // of a sound value
  if (outcome == Judgement::Outcome::hit) version = check(value, op);
  if (mitigator_ && learn(c, op, value, version)) return;
  Counters& counters = interval_->counts;
  if (op.refill) {
    if (counts(op)) ++counters.refills;
    return;
  }
  if (outcome == Judgement::Outcome::miss && plan_.onMiss == OnMiss::refill) refill(op);
  if (!counts(op)) {
    ++counters.carriedOver;
    return;
  }
  if (outcome == Judgement::Outcome::hit)
    ++counters.hits;
  else if (outcome == Judgement::Outcome::miss)
    ++counters.misses;
  recordCompleted(c, op);
}

// Looks at a value that was read. Its version (0 under -verify=none), unless it is corrupt.
std::optional<std::uint64_t> Worker::check(std::string_view value, const PendingOp& op) {
  std::uint64_t version = 0;
  if (plan_.verify == VerifyLevel::none) return version;
  ++interval_->counts.checked;
  if (shared_.values.check(value, op.id, &version, plan_.verify) == Values::Verdict::ok)
    return version;
  ++interval_->counts.corrupt;
  return std::nullopt;
}

// Writes the key that a read has missed, where its master is by now. The value is a function of the
// key, so it was in hand when the miss was known and the read ends there; the write goes the way of
// operations and is none. It counts where its read does.
void Worker::refill(const PendingOp& missed) {
  PendingOp op;
  op.intended = counts(missed) ? now_ : missed.intended;
  op.id = missed.id;
  op.version = missed.version;
  op.kind = OpKind::set;
  op.slot = missed.slot;
  op.refill = true;
  enqueue(laneOf(op), op);
}

// In a transaction: +OK to ASKING and MULTI, +QUEUED (or why not) to each command, and EXEC's
// reply, which settles them all. True when it did.
bool Worker::settleTransaction(Connection& c, const ReplyView& reply) {
  const std::size_t heads = c.batch.front().asking ? 2 : 1;
  const std::size_t before = c.acknowledged++;
  if (before < heads + c.batch.size()) {
    if (before < heads || !reply.isError()) return false;
    c.refused.emplace_back(before - heads, failureOf(reply.payload));
    const Onward onward = onwardOf(c, c.batch[before - heads], reply);
    if (onward.goesOn() && !c.onward) c.onward = onward;
    return false;
  }
  settleExec(c, reply);
  c.answered = c.batch.size();
  return true;
}

void Worker::settleExec(Connection& c, const ReplyView& reply) {
  if (reply.type == ReplyType::array && !reply.isNull && reply.elements == c.batch.size()) {
    std::string_view rest = reply.payload;
    ReplyScanner scanner;
    ReplyView one;
    for (PendingOp& op : c.batch) {
      scanner.next(rest, one);  // complete: the scanner of the whole has seen every element's end
      rest.remove_prefix(one.size);
      settle(c, op, one);
    }
    return;
  }
  // Nothing was executed. EXEC names the reason itself, or it is EXECABORT and a command before it
  // was told.
  const Failure whole = reply.isError() ? failureOf(reply.payload) : Failure::protocol;
  const Onward onward = c.onward ? *c.onward : onwardOf(c, c.batch.front(), reply);
  auto refused = c.refused.begin();
  for (std::size_t i = 0; i < c.batch.size(); ++i) {
    const bool itself = refused != c.refused.end() && refused->first == i;
    const Failure why = itself ? (refused++)->second : whole;
    --inFlight_;
    if (c.batch[i].givenUp) continue;
    if (onward.goesOn())
      goOn(c.batch[i], onward);
    else
      failOp(c.batch[i], why);
  }
}

// In a cluster an error may say where else, or when, the operation will be served. What it says is
// counted, and learnt, here.
Onward Worker::onwardOf(Connection& c, const PendingOp& op, const ReplyView& reply) {
  if (!inCluster()) return {};
  using Kind = Decision::Kind;
  using Next = Decision::Next;
  const Nanos patience = plan_.opTimeout != 0 ? plan_.opTimeout : kRetrySpan;
  const Decision decision = decide(reply, {now_, op.intended + patience, op.redirects, op.retries});
  Counters& counters = interval_->counts;
  counters.moved += decision.kind == Kind::moved ? 1 : 0;
  counters.ask += decision.kind == Kind::ask ? 1 : 0;
  counters.tryagain += decision.kind == Kind::tryAgain ? 1 : 0;
  counters.clusterdown += decision.kind == Kind::clusterDown ? 1 : 0;
  if (decision.kind == Kind::moved || decision.kind == Kind::clusterDown)
    shared_.cluster->requestRefresh();
  Onward onward{decision.next, nullptr, decision.retryAt};
  if (decision.next != Next::moved && decision.next != Next::ask) return onward;
  ++c.lane->redirected;
  ++interval_->nodes[c.lane->number()].redirected;
  const std::string_view host =
      decision.to.host.empty() ? std::string_view(c.lane->endpoint().host) : decision.to.host;
  onward.lane = laneTo(host, decision.to.port);
  if (decision.next == Next::moved && onward.lane != nullptr)
    routes_.learn(decision.to.slot, onward.lane->number(), now_);
  return onward;
}

// Sends an operation on, with its clock running.
void Worker::goOn(PendingOp op, const Onward& onward) {
  op.asking = onward.next == Decision::Next::ask;
  if (onward.next == Decision::Next::tryAgain) {
    if (op.retries < std::numeric_limits<std::uint8_t>::max()) ++op.retries;
    delayed_.push_back({onward.retryAt, op});
    std::ranges::push_heap(delayed_, std::greater<>{});
    return;
  }
  ++op.redirects;
  again(op, *onward.lane);
}

void Worker::recordCompleted(const Connection& c, const PendingOp& op) {
  recordTimes(c, op);
  recordPlace(c, op);
}

void Worker::recordTimes(const Connection& c, const PendingOp& op) {
  // In the closed model an operation is due when it is sent, unless it had to be sent again.
  const Nanos intended = plan_.closed() && op.attempts == 1 ? c.sentAt : op.intended;
  ++interval_->counts.completed[index(op.kind)];
  interval_->of(Measure::response, op.kind).record(now_ - intended);
  interval_->of(Measure::service, op.kind).record(now_ - c.sentAt);
  interval_->of(Measure::lateness, op.kind).record(c.sentAt - intended);
  if (op.attempts == 1)  // else it was its first node that kept it
    interval_->of(Measure::dispatch, op.kind)
        .record(plan_.closed() ? 0 : c.sentAt - std::max(intended, c.freeAt));
}

void Worker::recordPlace(const Connection& c, const PendingOp& op) {
  if (!inCluster()) return;
  ++slotsDone_[op.slot];
  ++c.lane->completed;
  c.lane->service->record(now_ - c.sentAt);
  NodeInterval& node = interval_->nodes[c.lane->number()];
  ++node.completed;
  node.service.record(now_ - c.sentAt);
}

void Worker::failOp(const PendingOp& op, Failure failure) {
  if (op.refill) {
    if (counts(op)) ++interval_->counts.refillsFailed;
    return;
  }
  if (op.isPart()) {
    settlePart(nullptr, op, failure);
    return;
  }
  if (!counts(op)) return;
  ++interval_->counts.failed[index(op.kind)];
  ++interval_->counts.failures[index(failure)];
  interval_->failed.record(now_ - op.intended);
}

// Operations on the wire that are past their deadline fail now; the connection goes on, and the
// replies that come after all are passed over.
void Worker::expireSent() {
  nextExpiry_ = now_ + std::min(kMillisecond, plan_.opTimeout);
  for (const auto& lane : lanes_)
    for (Connection& c : lane->connections()) {
      if (c.state != Connection::State::busy) continue;
      for (std::size_t i = c.openFrom(); i < c.batch.size(); ++i) {
        PendingOp& op = c.batch[i];
        if (!isExpired(op.intended)) {
          if (op.refill) continue;  // not in the order of the schedule
          break;
        }
        if (op.givenUp || !c.isOpen(i)) continue;
        op.givenUp = true;
        failOp(op, Failure::timeout);
      }
    }
}

}  // namespace redline
