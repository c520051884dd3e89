#include "engine/worker.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/judge.h"
#include "resp/request.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
/// -wait=auto: how close an event must be for spinning to be worth a core. A 200 µs sleep
/// oversleeps by up to about 60 µs.
constexpr Nanos kSpinSpan = 80 * kMicrosecond;
/// The longest sleep: how soon a stop request and a rotation are seen.
constexpr Nanos kLongestSleep = 10 * kMillisecond;
/// New operations in one pass, at the least: bounds how long completions wait for attention.
constexpr unsigned kPlacedPerPass = 512;
/// An idle look at the transport takes 0.1 µs (a ring) to 0.5 µs (epoll).
constexpr Nanos kLongestPoll = 2 * kMicrosecond;
constexpr std::uint8_t kMaxAttempts = 4;
constexpr Nanos kFirstBackoff = 2 * kMillisecond;
constexpr Nanos kLongestBackoff = kSecond;

unsigned shareOf(unsigned total, unsigned index, unsigned parts) {
  return total / parts + (index < total % parts ? 1 : 0);
}

}  // namespace

Shared::Shared(const EnginePlan& enginePlan)
    : plan(enginePlan),
      workload(
          KeyChooser(enginePlan.distribution, enginePlan.zipfS, enginePlan.keys, enginePlan.seed),
          Mix(enginePlan.readShare)),
      values(enginePlan.seed, enginePlan.valueSize),
      ttls(enginePlan.seed, enginePlan.ttlFraction, enginePlan.ttlMin, enginePlan.ttlMax) {}

Worker::Worker(Shared& shared, unsigned index, Transport& transport, const Clock& clock,
               IntervalExchange& exchange)
    : shared_(shared),
      plan_(shared.plan),
      index_(index),
      transport_(transport),
      clock_(clock),
      exchange_(exchange),
      schedule_(Schedule::closed(index, shared.plan.threads)),
      rng_(shared.plan.runSeed, index),
      connections_(shareOf(shared.plan.conns, index, shared.plan.threads)),
      free_(connections_.size()),
      forming_(kNone),
      down_(connections_.size()),
      interval_(std::make_unique<Interval>()) {
  for (auto& c : connections_) c.batch.reserve(plan_.batchSize());
  dirty_.reserve(connections_.size());
}

// ---------------------------------------------------------------------------------------------------
// Connections

Status Worker::connect(Nanos deadline) {
  now_ = clock_.now();
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    open(i);
    if (!ended_) return ended_;
  }
  while (freeCount_ < connections_.size()) {
    for (const TransportEvent& event : transport_.wait(kMillisecond)) {
      now_ = clock_.now();
      handle(event);
      if (!ended_) return ended_;
      if (event.kind == TransportEvent::Kind::closed)
        return fail(ErrorCode::unreachable, "cannot connect to {}: {}", plan_.target.text(),
                    event.error == 0 ? "the server closed the connection (maxclients?)"
                                     : errnoText(event.error));
    }
    if (clock_.now() > deadline)
      return fail(ErrorCode::timeout, "{} does not accept {} connections in time",
                  plan_.target.text(), connections_.size());
  }
  return {};
}

void Worker::open(std::size_t at) {
  Connection& c = connections_[at];
  auto id = transport_.open(plan_.target);
  if (!id) {
    ended_ = fail(id.error());
    return;
  }
  --down_;
  c.id = *id;
  c.state = Connection::State::connecting;
  c.scanner.reset();
  if (byId_.size() <= c.id) byId_.resize(c.id + 1);
  byId_[c.id] = at;
}

void Worker::onConnected(Connection& c) {
  if (plan_.login.password.empty()) {
    makeFree(c);
    return;
  }
  std::string_view user = "default";
  if (!plan_.login.user.empty()) user = plan_.login.user;
  OutBuffer& out = transport_.outbound(c.id);
  char* at = out.reserve(kRequestOverhead + user.size() + plan_.login.password.size());
  at = detail::put(at, "*3\r\n$4\r\nAUTH\r\n");
  out.commit(detail::putBulk(detail::putBulk(at, user), plan_.login.password));
  transport_.flush(c.id);
  c.state = Connection::State::handshaking;
}

bool Worker::onHandshakeReply(Connection& c, const ReplyView& reply) {
  if (!reply.isError()) {
    makeFree(c);
    return true;
  }
  ended_ = fail(ErrorCode::refused, "{} refuses the login: {}; set REDLINE_PASSWORD (and -user)",
                plan_.target.text(), reply.payload);
  return false;
}

void Worker::makeFree(Connection& c) {
  c.state = Connection::State::free;
  c.freeAt = now_;
  c.backoff = 0;
  c.batch.clear();
  c.answered = c.acknowledged = 0;
  const auto at = static_cast<std::size_t>(&c - connections_.data());
  std::size_t slot = freeHead_ + freeCount_++;
  if (slot >= free_.size()) slot -= free_.size();
  free_[slot] = at;
}

void Worker::onReceived(Connection& c) {
  InBuffer& in = transport_.inbound(c.id);
  const std::string_view bytes = in.readable();
  std::size_t used = 0;
  ReplyView reply;
  while (used < bytes.size()) {
    const auto status = c.scanner.next(bytes.substr(used), reply);
    if (status == ReplyScanner::Status::needMore) break;
    if (status == ReplyScanner::Status::malformed ||
        (c.state != Connection::State::busy && c.state != Connection::State::handshaking)) {
      onLost(c, EPROTO);
      return;
    }
    used += reply.size;
    if (c.state == Connection::State::handshaking) {
      if (!onHandshakeReply(c, reply)) return;
      continue;
    }
    if (plan_.transactions) {
      if (!settleTransaction(c, reply)) continue;
    } else {
      settle(c, c.batch[c.answered++], reply);
    }
    if (c.answered == c.batch.size()) makeFree(c);
  }
  in.consume(used);
  interval_->counts.bytesReceived += used;
}

// The connection is gone. Reads are asked again elsewhere, with their clocks running; the fate of a
// write that was sent is not known, and it may not be sent twice.
void Worker::onLost(Connection& c, int error) {
  transport_.close(c.id);
  const auto at = static_cast<std::size_t>(&c - connections_.data());
  if (c.state == Connection::State::free) {
    // Rare: rebuild the ring without it.
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < freeCount_; ++i) {
      const std::size_t other = free_[(freeHead_ + i) % free_.size()];
      if (other != at) kept.push_back(other);
    }
    freeHead_ = 0;
    freeCount_ = kept.size();
    std::copy(kept.begin(), kept.end(), free_.begin());
  }
  if (forming_ == at) forming_ = kNone;
  std::erase(dirty_, at);
  for (std::size_t i = c.answered; i < c.batch.size(); ++i) {
    const PendingOp& op = c.batch[i];
    --inFlight_;
    if (op.givenUp) continue;
    const bool mayRetry = op.kind == OpKind::get || op.attempts == 0;
    if (error == EPROTO)
      failOp(op, Failure::protocol);
    else if (!mayRetry)
      failOp(op, Failure::unknownFate);
    else if (plan_.onDisconnect == OnDisconnect::stop || op.attempts >= kMaxAttempts)
      failOp(op, Failure::disconnected);
    else
      retries_.push_back(op);
  }
  c.batch.clear();
  c.answered = c.acknowledged = 0;
  c.state = Connection::State::down;
  c.backoff = std::clamp(c.backoff * 2, kFirstBackoff, kLongestBackoff);
  c.reopenAt = now_ + c.backoff;
  ++down_;
  if (plan_.onDisconnect == OnDisconnect::stop && ended_) {
    ended_ =
        fail(ErrorCode::unreachable, "the connection to {} was lost ({}) and -on-disconnect=stop",
             plan_.target.text(), error == 0 ? "closed by the server" : errnoText(error));
    shared_.stop(now_);
  }
}

void Worker::reopenDue() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& c = connections_[i];
    if (c.state != Connection::State::down || c.reopenAt > now_) continue;
    ++interval_->counts.reconnects;
    open(i);
  }
}

void Worker::handle(const TransportEvent& event) {
  Connection& c = connectionOf(event.conn);
  if (c.state == Connection::State::down) return;  // it was given up earlier in this very pass
  switch (event.kind) {
    case TransportEvent::Kind::received:
      onReceived(c);
      break;
    case TransportEvent::Kind::connected:
      onConnected(c);
      break;
    case TransportEvent::Kind::closed:
      onLost(c, event.error);
      break;
  }
}

// ---------------------------------------------------------------------------------------------------
// Operations

Worker::Source Worker::source() const {
  if (!retries_.empty()) return Source::retry;
  const Nanos due = plan_.closed() ? now_ : schedule_.due();
  return due <= now_ && due < window_.measureEnd ? Source::schedule : Source::none;
}

PendingOp Worker::take(Source from) {
  if (from == Source::retry) {
    PendingOp op = retries_.front();
    retries_.pop_front();
    return op;
  }
  const Operation drawn = shared_.workload.draw(rng_);
  PendingOp op;
  op.intended = plan_.closed() ? now_ : schedule_.due();
  op.id = drawn.id;
  op.version = schedule_.index() + 1;  // 0 is the loader's
  op.kind = drawn.isWrite ? OpKind::set : OpKind::get;
  schedule_.advance();
  if (counts(op)) ++interval_->counts.scheduled;
  return op;
}

bool Worker::expiredUnsent(const PendingOp& op) {
  if (plan_.opTimeout == 0 || now_ - op.intended < plan_.opTimeout) return false;
  failOp(op, Failure::timeout);
  return true;
}

// Puts due operations into batches of free connections. What finds no room stays in the schedule:
// the queue is an index, not memory.
void Worker::place() {
  const unsigned limit = std::max(kPlacedPerPass, plan_.batchSize());
  for (unsigned placed = 0; placed < limit; ++placed) {
    const Source from = source();
    if (from == Source::none) break;
    if (forming_ == kNone) {
      if (freeCount_ == 0) {
        if (plan_.opTimeout == 0) break;
        // Nothing can be sent: what is past its deadline fails where it waits.
        const Nanos intended = from == Source::retry ? retries_.front().intended : schedule_.due();
        if (plan_.closed() || now_ - intended < plan_.opTimeout) break;
        failOp(take(from), Failure::timeout);
        continue;
      }
      forming_ = free_[freeHead_];
      if (++freeHead_ == free_.size()) freeHead_ = 0;
      --freeCount_;
      connections_[forming_].state = Connection::State::forming;
    }
    const PendingOp op = take(from);
    if (!expiredUnsent(op)) add(connections_[forming_], op);
    if (connections_[forming_].batch.size() == plan_.batchSize()) closeForming();
  }
  if (forming_ == kNone) return;
  Connection& c = connections_[forming_];
  if (c.batch.empty()) {
    makeFree(c);
    forming_ = kNone;
  } else if (!plan_.closed() && (now_ - c.batch.front().intended >= plan_.batchWait)) {
    closeForming();
  }
}

void Worker::add(Connection& c, PendingOp op) {
  OutBuffer& out = transport_.outbound(c.id);
  char key[kMaxKeyLength];
  const std::string_view name(key, writeKey(key, op.id));
  char* at = out.reserve(2 * kRequestOverhead + kMaxKeyLength + plan_.valueSize);
  if (plan_.transactions && c.batch.empty()) at = detail::put(at, "*1\r\n$5\r\nMULTI\r\n");
  if (op.kind == OpKind::get) {
    at = encodeGet(at, name);
  } else {
    const std::int64_t ttl = shared_.ttls.ttlMillisOf(op.id);
    at = beginSet(at, name, plan_.valueSize, ttl != 0);
    shared_.values.write(at, op.id, op.version);
    at += plan_.valueSize;
    at = ttl == 0
             ? endSet(at)
             : endSet(at, static_cast<std::uint64_t>((wallOffset_ + now_) / kMillisecond + ttl));
  }
  out.commit(at);
  c.batch.push_back(op);
  ++inFlight_;
}

void Worker::closeForming() {
  Connection& c = connections_[forming_];
  if (plan_.transactions) transport_.outbound(c.id).append("*1\r\n$4\r\nEXEC\r\n");
  c.state = Connection::State::busy;
  dirty_.push_back(forming_);
  forming_ = kNone;
}

void Worker::flushDirty() {
  if (dirty_.empty()) return;
  const Nanos sent = clock_.now();
  lastStamp_ = sent;
  Counters& counters = interval_->counts;
  for (const std::size_t at : dirty_) {
    Connection& c = connections_[at];
    c.sentAt = sent;
    for (PendingOp& op : c.batch) {
      if (op.attempts++ != 0)
        ++counters.retried;
      else if (counts(op))
        ++counters.sent[index(op.kind)];
    }
    ++counters.batches;
    if (sendLog_ != nullptr) sendLog_->insert(sendLog_->end(), c.batch.size(), sent);
    counters.bytesSent += transport_.outbound(c.id).view().size();
    transport_.flush(c.id);
  }
  dirty_.clear();
}

void Worker::settle(Connection& c, PendingOp& op, const ReplyView& reply) {
  --inFlight_;
  if (op.givenUp) return;
  const Judgement verdict = judge(op.kind, reply);
  Counters& counters = interval_->counts;
  if (verdict.outcome == Judgement::Outcome::failed) {
    failOp(op, verdict.failure);
    return;
  }
  if (verdict.outcome == Judgement::Outcome::hit && plan_.verify != VerifyLevel::none) {
    ++counters.checked;
    if (shared_.values.check(reply.payload, op.id, nullptr, plan_.verify) != Values::Verdict::ok)
      ++counters.corrupt;
  }
  if (!counts(op)) {
    ++counters.carriedOver;
    return;
  }
  if (verdict.outcome == Judgement::Outcome::hit)
    ++counters.hits;
  else if (verdict.outcome == Judgement::Outcome::miss)
    ++counters.misses;
  recordCompleted(c, op);
}

// In a transaction: +OK to MULTI, +QUEUED (or why not) to each command, and EXEC's reply, which
// settles them all. True when it did.
bool Worker::settleTransaction(Connection& c, const ReplyView& reply) {
  const std::size_t before = c.acknowledged++;
  if (before <= c.batch.size()) {
    if (reply.isError() && before != 0) c.batch[before - 1].refused = failureOf(reply.payload);
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
  const Failure whole = reply.isError() ? failureOf(reply.payload) : Failure::protocol;
  for (const PendingOp& op : c.batch) {
    --inFlight_;
    if (!op.givenUp) failOp(op, op.refused.value_or(whole));
  }
}

void Worker::recordCompleted(const Connection& c, const PendingOp& op) {
  // In the closed model an operation is due when it is sent, unless it had to be sent again.
  const Nanos intended = plan_.closed() && op.attempts == 1 ? c.sentAt : op.intended;
  ++interval_->counts.completed[index(op.kind)];
  interval_->of(Measure::response, op.kind).record(now_ - intended);
  interval_->of(Measure::service, op.kind).record(now_ - c.sentAt);
  interval_->of(Measure::lateness, op.kind).record(c.sentAt - intended);
  interval_->of(Measure::dispatch, op.kind)
      .record(plan_.closed() ? 0 : c.sentAt - std::max(intended, c.freeAt));
}

void Worker::failOp(const PendingOp& op, Failure failure) {
  if (!counts(op)) return;
  ++interval_->counts.failed[index(op.kind)];
  ++interval_->counts.failures[index(failure)];
  interval_->failed.record(now_ - op.intended);
}

// Operations on the wire that are past their deadline fail now; the connection goes on, and the
// replies that come after all are passed over.
void Worker::expireSent() {
  nextExpiry_ = now_ + std::min(kMillisecond, plan_.opTimeout);
  for (Connection& c : connections_) {
    if (c.state != Connection::State::busy) continue;
    for (std::size_t i = c.answered; i < c.batch.size(); ++i) {
      PendingOp& op = c.batch[i];
      if (now_ - op.intended < plan_.opTimeout) break;
      if (op.givenUp) continue;
      op.givenUp = true;
      failOp(op, Failure::timeout);
    }
  }
}

// ---------------------------------------------------------------------------------------------------
// The loop

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
    if (now_ >= intervalEnd_) rotate();
    for (const TransportEvent& event : events) handle(event);
    if (down_ != 0) reopenDue();
    if (plan_.opTimeout != 0 && now_ >= nextExpiry_) expireSent();
    if (now_ >= window_.start) place();
    const bool active = !events.empty() || !dirty_.empty();
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
  if (plan_.wait == WaitMode::spin || forming_ != kNone) return 0;
  if (source() != Source::none && freeCount_ != 0) return 0;
  const bool canPlace = freeCount_ != 0 && schedule_.due() < window_.measureEnd && !plan_.closed();
  Nanos next = canPlace ? schedule_.due() : std::numeric_limits<Nanos>::max();
  next = std::min(next, lastStamp_ < window_.start ? window_.start : intervalEnd_);
  const Nanos until = std::min(next - lastStamp_, kLongestSleep);
  if (plan_.wait == WaitMode::block) return std::max<Nanos>(until, 0);
  const bool replyExpected = inFlight_ != 0 && lastStamp_ - lastActive_ < kSpinSpan;
  if (replyExpected || until <= kSpinSpan) return 0;
  return until - kSpinSpan;
}

void Worker::rotate() {
  closeInterval();
  const Nanos end = interval_->end;
  const bool phaseGoesOn =
      interval_->warmup == window_.isWarmup(now_) && interval_->drain == window_.isDrain(now_);
  intervalEnd_ = window_.intervalEnd(now_);
  if (!phaseGoesOn)
    exchange_.tradeForSure(interval_);
  else if (!exchange_.trade(interval_))
    return;  // the recorder is late: this interval grows
  interval_->reset(end, end);
  interval_->warmup = window_.isWarmup(now_);
  interval_->drain = window_.isDrain(now_);
  if (!interval_->warmup) countFrom_ = window_.measureStart;
}

// Sets what is known only at the end of an interval: its bounds, the levels and the CPU time.
void Worker::closeInterval() {
  interval_->end = std::min(now_, std::max(intervalEnd_, window_.start));
  Counters& counters = interval_->counts;
  counters.outstanding = inFlight_ + retries_.size();
  const Nanos due = schedule_.due();
  const Nanos dueUntil = std::min(now_, window_.measureEnd);
  if (!plan_.closed() && due < dueUntil) {
    const double late = static_cast<double>(dueUntil - due) / static_cast<double>(kSecond);
    counters.backlog = static_cast<std::uint64_t>(late * plan_.rate / plan_.threads);
  }
  const ThreadUsage usage = readThreadUsage();
  const ThreadUsage spent = usage - std::exchange(usageSeen_, usage);
  counters.cpuUser += spent.user;
  counters.cpuSystem += spent.system;
  counters.cpuWaiting += spent.waiting;
}

bool Worker::finished() const {
  if (now_ < window_.measureEnd) return false;
  const bool allSent = plan_.closed() || schedule_.due() >= window_.measureEnd;
  return now_ >= window_.drainEnd || (allSent && inFlight_ == 0 && retries_.empty());
}

void Worker::endWindow(Nanos at) {
  if (at >= window_.measureEnd) return;
  window_.measureEnd = at;
  window_.measureStart = std::min(window_.measureStart, at);
  window_.drainEnd = std::min(window_.drainEnd, at + plan_.drain);
  intervalEnd_ = std::min(intervalEnd_, at);
}

// What was scheduled and has no answer: it waited at least until now.
void Worker::accountForUnfinished() {
  const auto unfinished = [this](OpKind kind, Nanos intended) {
    const Nanos waited = now_ - intended;
    interval_->of(Measure::response, kind).record(waited);
    interval_->unfinished[index(kind)].record(waited);
    ++interval_->counts.outstandingAtEnd;
  };
  for (const Connection& c : connections_)
    for (std::size_t i = c.answered; i < c.batch.size(); ++i)
      if (!c.batch[i].givenUp && counts(c.batch[i]))
        unfinished(c.batch[i].kind, c.batch[i].intended);
  for (const PendingOp& op : retries_)
    if (counts(op)) unfinished(op.kind, op.intended);
  if (plan_.closed()) return;
  for (; schedule_.due() < window_.measureEnd; schedule_.advance()) {
    if (schedule_.due() < countFrom_) continue;
    ++interval_->counts.scheduled;
    unfinished(shared_.workload.draw(rng_).isWrite ? OpKind::set : OpKind::get, schedule_.due());
  }
}

}  // namespace redline
