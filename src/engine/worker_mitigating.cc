// Where mitigations make it another way: operations that are answered here, go to several copies or
// to a replica, and what replies tell the ledger and the cache.
#include <array>

#include "cluster/hash_slot.h"
#include "engine/worker.h"
#include "resp/request.h"

namespace redline {

// What is done with an operation that has just been drawn. False: nothing, it goes its usual way.
bool Worker::mitigate(const PendingOp& op) {
  switch (plan_.mitigation.kind) {
    case MitigationKind::localCache:
      return op.kind == OpKind::get && serveLocally(op);
    case MitigationKind::keySplit:
      return splitUp(op);
    case MitigationKind::replicaRead:
      return op.kind == OpKind::get && readAnywhere(op);
    case MitigationKind::none:
      break;
  }
  return false;
}

// ---------------------------------------------------------------------------------------------------
// Local cache

// A read that the cache answers is complete at once: it has a response time, and no service time,
// since nobody served it.
bool Worker::serveLocally(const PendingOp& op) {
  const auto value = mitigator_->serve(op, laneOf(op).number(), now_);
  if (!value) return false;
  const auto version = check(*value, op);
  const bool counted = counts(op);
  if (version) mitigator_->judge(op, *version, now_, counted ? interval_.get() : nullptr);
  if (!counted) return true;
  ++interval_->counts.of(MitigationCount::localHits);
  ++interval_->counts.completed[index(op.kind)];
  interval_->of(Measure::response, op.kind).record(now_ - op.intended);
  interval_->of(Measure::lateness, op.kind).record(now_ - op.intended);
  return true;
}

// A key that will expire is deleted some time later, and only then does the server say so: the
// cache has to know itself how long the value may be served.
bool Worker::asksForTtl(const PendingOp& op) const {
  return mitigator_ && mitigator_->caches() && op.kind == OpKind::get && !op.asking &&
         !plan_.transactions && shared_.ttls.ttlMillisOf(op.id) != 0;
}

// ---------------------------------------------------------------------------------------------------
// Key split

/// The key of a copy of op's key, which is split.
std::string_view Worker::copyOf(const PendingOp& op, unsigned copy) const {
  const KeySplit& split = *mitigator_->split();
  return split.key(*split.hotIndex(op.id), copy);
}

// A read takes one copy. A write goes to all: as one request where they lie in one slot, else as
// one for each.
bool Worker::splitUp(PendingOp op) {
  const KeySplit& split = *mitigator_->split();
  const auto hot = split.hotIndex(op.id);
  if (!hot) return false;
  Counters& counters = interval_->counts;
  const bool counted = counts(op);
  const auto goTo = [&](unsigned copy) {
    if (inCluster()) op.slot = hashSlot(split.key(*hot, copy));
    enqueue(laneOf(op), op);
  };
  if (op.kind == OpKind::get) {
    if (counted) ++counters.of(MitigationCount::splitReads);
    op.copy = static_cast<std::uint8_t>(split.pick(choices_));
    goTo(op.copy);
    return true;
  }
  if (counted) {
    ++counters.of(MitigationCount::splitWrites);
    counters.of(MitigationCount::copiesWritten) += split.ways();
  }
  if (split.plan().mode == SplitMode::tag) {
    op.copy = PendingOp::kAllCopies;
    goTo(0);
    return true;
  }
  mitigator_->sending(op, now_);  // of all copies, before the first of them
  op.write = mitigator_->fanOut(op);
  for (unsigned copy = 0; copy < split.ways(); ++copy) {
    op.copy = static_cast<std::uint8_t>(copy);
    goTo(copy);
  }
  return true;
}

// All copies at once: without times to live, which MSET does not know.
char* Worker::putMset(char* at, const PendingOp& op) const {
  const unsigned ways = mitigator_->split()->ways();
  at = beginMset(at, ways);
  for (unsigned copy = 0; copy < ways; ++copy) {
    at = beginMsetPair(at, copyOf(op, copy), plan_.valueSize);
    shared_.values.write(at, op.id, op.version);
    at = endSet(at + plan_.valueSize);
  }
  return at;
}

// One part of a write to all copies is settled; with the last one, the write is.
void Worker::settlePart(const Connection* c, const PendingOp& part,
                        std::optional<Failure> failure) {
  if (c != nullptr && counts(part)) recordPlace(*c, part);
  auto write = mitigator_->settlePart(part.write, failure);
  if (!write) return;
  PendingOp& whole = write->whole;
  Counters& counters = interval_->counts;
  if (write->failure) {
    if (write->partial && counts(whole)) ++counters.of(MitigationCount::partialWrites);
    failOp(whole, *write->failure);
    return;
  }
  mitigator_->stored(whole, now_, *interval_);
  whole.attempts = part.attempts;
  if (counts(whole))
    recordTimes(*c, whole);
  else
    ++counters.carriedOver;
}

// ---------------------------------------------------------------------------------------------------
// Replica reads

// Who follows whom, as the map that has just been adopted says.
void Worker::adoptReplicas(const SlotMap& map) {
  for (auto& replicas : replicas_) replicas.clear();
  for (std::uint16_t master = 0; master < map.nodes().size(); ++master) {
    if (map.rangesOf(master).empty()) continue;
    const NodeAddress& address = map.nodes()[master].address;
    const Lane* const lane = laneTo(address.host, address.port);
    if (lane == nullptr) return;
    const std::uint16_t number = lane->number();
    if (replicas_.size() <= number) replicas_.resize(std::size_t{number} + 1);
    for (const std::uint16_t replica : map.replicasOf(master)) {
      const NodeAddress& where = map.nodes()[replica].address;
      const Lane* const its = laneTo(where.host, where.port);
      if (its == nullptr) return;
      replicas_[number].push_back(its->number());
    }
  }
}

bool Worker::isReplica(const Lane& lane) const {
  for (const auto& replicas : replicas_)
    for (const auto number : replicas)
      if (number == lane.number()) return true;
  return false;
}

/// The lane is of a replica, and the operation, which waits in it, may stay there.
bool Worker::mayAnswer(const Lane& lane, const PendingOp& op) const {
  if (op.kind != OpKind::get || replicas_.empty() || lane.isGone() || lane.silent) return false;
  const std::uint16_t master = routes_.laneOf(op.slot);
  if (master >= replicas_.size()) return false;
  for (const auto number : replicas_[master])
    if (number == lane.number()) return true;
  return false;
}

// A read goes to the master of its key or to one of its replicas that can be reached and answers.
// Where none does, the master is what is left, whatever the policy.
bool Worker::readAnywhere(const PendingOp& op) {
  const std::uint16_t master = routes_.laneOf(op.slot);
  std::array<ReplicaRead::Node, 16> usable;
  std::size_t count = 0;
  if (master < replicas_.size())
    for (const auto number : replicas_[master])
      if (count < usable.size() && !lanes_[number]->isGone() && !lanes_[number]->silent)
        usable[count++] = number;
  const auto chosen = replicaRead_.pick(master, std::span(usable).first(count), choices_);
  if (counts(op)) {
    Counters& counters = interval_->counts;
    ++counters.of(chosen == master ? MitigationCount::masterReads : MitigationCount::replicaReads);
    if (count == 0) ++counters.of(MitigationCount::fallbackReads);
  }
  enqueue(*lanes_[chosen], op);
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Replies

// What a reply that is no error tells. True: that is all about it, it was to a part of a write.
bool Worker::learn(Connection& c, const PendingOp& op, std::string_view value,
                   std::optional<std::uint64_t> version) {
  if (op.isPart()) {
    settlePart(&c, op, std::nullopt);
    return true;
  }
  if (op.kind == OpKind::set) {
    mitigator_->stored(op, now_, *interval_);
    return false;
  }
  if (plan_.mitigation.is(MitigationKind::replicaRead))
    replicaRead_.observe(c.lane->number(), now_ - c.sentAt);
  if (!version) return false;
  mitigator_->judge(op, *version, c.sentAt, counts(op) ? interval_.get() : nullptr);
  if (!mitigator_->caches() || !c.lane->hears()) return false;
  const bool expires = shared_.ttls.ttlMillisOf(op.id) != 0;
  mitigator_->fill(op, {c.lane->number(), c.ticket}, value, expires,
                   asksForTtl(op) ? c.ttlMillis : -2, c.sentAt);
  return false;
}

}  // namespace redline
