#include "engine/mitigator.h"

#include <algorithm>
#include <utility>

#include "resp/push.h"
#include "workload/keyspace.h"

namespace redline {

Mitigator::Mitigator(const EnginePlan& plan, const Mitigations& shared)
    : shared_(shared), replicaRead_(plan.mitigation.replicaPolicy) {
  if (plan.mitigation.is(MitigationKind::localCache))
    cache_.emplace(
        std::min(LocalCache::entriesWithin(plan.mitigation.cacheBytes, plan.valueSize), plan.keys),
        plan.valueSize);
  if (cache_ && shared.ledger) invalidated_.resize(shared.ledger->size());
}

void Mitigator::beforeSend(PendingOp& op, Nanos now) {
  if (op.kind == OpKind::get) return;
  if (cache_) cache_->invalidate(op.id, LocalCache::Cause::ownWrite);
  if (op.inLedger) return;
  op.inLedger = true;
  if (const auto key = ledgerKeyOf(op.id)) shared_.ledger->begin(*key, op.version, now);
}

void Mitigator::onStored(const PendingOp& op, Nanos now, Interval& interval) {
  // Reads that were answered between the write's send and now may have put the old value in.
  if (cache_) cache_->invalidate(op.id, LocalCache::Cause::ownWrite);
  const auto key = ledgerKeyOf(op.id);
  if (!key) return;
  shared_.ledger->acknowledge(*key, op.version, now);
  ++interval.counts.of(MitigationCount::ledgerWrites);
}

void Mitigator::judge(const PendingOp& op, std::uint64_t version, Nanos sent,
                      Interval* interval) const {
  const auto key = interval == nullptr ? std::nullopt : ledgerKeyOf(op.id);
  if (!key) return;
  Counters& counts = interval->counts;
  ++counts.of(MitigationCount::ledgerReads);
  const ReadVerdict verdict = shared_.ledger->judge(*key, version, sent);
  if (!verdict.judged) ++counts.of(MitigationCount::unjudged);
  if (verdict.kind == ReadVerdict::Kind::impossible) ++counts.of(MitigationCount::impossible);
  if (verdict.kind != ReadVerdict::Kind::stale) return;
  ++counts.of(MitigationCount::stale);
  if (verdict.ageIsLowerBound) ++counts.of(MitigationCount::staleAgeAtLeast);
  interval->staleness.record(verdict.age);
}

std::optional<Nanos> Mitigator::staleBy(std::uint64_t id, std::uint64_t version, Nanos sent) const {
  const auto key = ledgerKeyOf(id);
  if (!key) return std::nullopt;
  const ReadVerdict verdict = shared_.ledger->judge(*key, version, sent);
  if (verdict.kind != ReadVerdict::Kind::stale) return std::nullopt;
  return verdict.age;
}

void Mitigator::fill(const PendingOp& op, LocalCache::Asked asked, std::string_view value,
                     bool expires, std::int64_t ttlMillis, Nanos sent) {
  // PTTL says -1 of a key that never expires, and -2 of one that was not there yet: then it is
  // unknown how long this value may be served.
  constexpr std::int64_t kNever = -1;
  if (expires && ttlMillis < kNever) return;
  cache_->fill(
      op.id, asked, value,
      expires && ttlMillis != kNever ? saturatedSum(sent, saturated(ttlMillis, kMillisecond)) : 0);
}

// How long after the key's last write its invalidation has come; nothing where that write cannot be
// the cause: keys expire and are evicted, and so are entries of the server's tracking table.
//
// One write is the cause of one invalidation; those that follow, as on other connections, are not
// counted. And a server sends it before it answers anything that was sent after the write's
// acknowledgement.
std::optional<Nanos> Mitigator::invalidationLag(Ledger::Key key, Nanos answered, Nanos now) {
  const auto [number, acknowledged] = shared_.ledger->lastWrite(key);
  if (invalidated_[key] == number) return std::nullopt;
  if (acknowledged && *acknowledged < std::max(answered, trackingLostAt_)) return std::nullopt;
  invalidated_[key] = number;
  return acknowledged ? now - *acknowledged : 0;  // it may overtake its own acknowledgement
}

void Mitigator::onPush(const ReplyView& push, Nanos answered, Nanos now, Interval& interval) {
  if (!cache_) return;
  const PushKind kind = readPush(push, [&](std::string_view key) {
    const auto id = parseKey(key);
    if (!id) return;
    cache_->invalidate(*id, LocalCache::Cause::server);
    const auto inLedger = ledgerKeyOf(*id);
    if (!inLedger) return;
    if (const auto lag = invalidationLag(*inLedger, answered, now))
      interval.invalidationLag.record(*lag);
  });
  if (kind == PushKind::flush) cache_->flush();
}

void Mitigator::addTo(LocalCacheTally& tally) const {
  if (!cache_) return;
  ++tally.caches;
  tally.entriesEach = cache_->capacity();
  tally.bytesUsed += cache_->memoryUsed();
  tally.bytes += cache_->memoryReserved();
}

void Mitigator::moveCountsTo(Counters& counters) {
  if (!cache_) return;
  const LocalCacheCounts seen = cache_->takeCounts();
  using Count = MitigationCount;
  counters.of(Count::localMisses) += seen.misses;
  counters.of(Count::localExpired) += seen.expired;
  counters.of(Count::localMoved) += seen.moved;
  counters.of(Count::fills) += seen.fills;
  counters.of(Count::poisonedFills) += seen.poisonedFills;
  counters.of(Count::oversizeFills) += seen.oversize;
  counters.of(Count::localEvictions) += seen.evictions;
  counters.of(Count::invalidationsReceived) += seen.pushes;
  counters.of(Count::invalidations) += seen.invalidations;
  counters.of(Count::ownInvalidations) += seen.ownInvalidations;
  counters.of(Count::cacheFlushes) += seen.flushes;
}

std::uint32_t Mitigator::fanOut(const PendingOp& whole) {
  if (freeWrites_.empty()) {
    freeWrites_.push_back(static_cast<std::uint32_t>(writes_.size()));
    writes_.emplace_back();
  }
  const std::uint32_t number = freeWrites_.back();
  freeWrites_.pop_back();
  writes_[number] = {whole, FanOut(shared_.split->ways()), std::nullopt, false};
  return number;
}

std::optional<Mitigator::SettledWrite> Mitigator::settleCopy(std::uint32_t number,
                                                             std::optional<Failure> failure) {
  Write& write = writes_[number];
  if (failure && !write.failure) write.failure = failure;
  const auto result =
      write.copies.settle(failure ? FanOut::Reply::failed : FanOut::Reply::acknowledged);
  if (!result) return std::nullopt;
  freeWrites_.push_back(number);
  return SettledWrite{write.whole, write.failure, *result == FanOut::Result::partial};
}

bool Mitigator::isFirstUnfinished(std::uint32_t number) {
  return !std::exchange(writes_[number].isAccounted, true);
}

}  // namespace redline
