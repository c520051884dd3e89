#include "engine/op_encoder.h"

#include "engine/store_client.h"
#include "resp/request.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// Stores a value only while the lock has the token of who made it, and gives the lock back: who
/// took longer than the lock lives, or was overtaken by an invalidation, may not bring an old
/// value.
constexpr std::string_view kFencedSet =
    "if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end "
    "if ARGV[3] then redis.call('SET',KEYS[2],ARGV[2],'PXAT',ARGV[3]) "
    "else redis.call('SET',KEYS[2],ARGV[2]) end "
    "redis.call('DEL',KEYS[1]) return 1";

/// Takes the lock only while its key is missing: another's refill may have come between the GET
/// that missed and this.
constexpr std::string_view kLockOfMissing =
    "if redis.call('EXISTS',KEYS[2])==1 then return nil end "
    "return redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2])";
static_assert(kLockOfMissing.size() <= kFencedSet.size());  // the room for either is the latter's

constexpr std::string_view kLockPrefix = "lock:{";
constexpr std::size_t kMaxLockKeyLength = kLockPrefix.size() + kMaxKeyLength + 1;

/// In the slot of its key.
std::string_view lockKeyOf(char* out, std::string_view key) {
  char* const end = detail::put(detail::put(detail::put(out, kLockPrefix), key), "}");
  return {out, static_cast<std::size_t>(end - out)};
}

}  // namespace

OpEncoder::OpEncoder(const Shared& shared)
    : shared_(shared),
      valueSize_(shared.plan.valueSize),
      asksForTtls_((shared.plan.mitigation.is(MitigationKind::localCache) ||
                    shared.plan.backing.freshness.isUsed()) &&
                   !shared.plan.transactions),
      keptMillis_(
          static_cast<std::uint64_t>(shared.plan.backing.freshness.staleWindow / kMillisecond)),
      tokenPrefix_(shared.desk == nullptr ? 0 : shared.desk->tokenPrefix) {
  const std::size_t script =
      shared.plan.backing.missLock != 0 ? kFencedSet.size() + kMaxLockKeyLength : 0;
  const std::size_t request = kRequestOverhead + kMaxSplitKeyLength + valueSize_ + script;
  const unsigned ways = shared.mitigations.split ? shared.mitigations.split->ways() : 1;
  roomForOne_ = 2 * kRequestOverhead + request;
  roomForCopies_ = 2 * kRequestOverhead + ways * request;
}

char* OpEncoder::encode(char* at, const PendingOp& op, Nanos now) const {
  if (op.copy == PendingOp::kAllCopies) return encodeMset(at, op);
  char own[kMaxKeyLength];
  const std::string_view key = op.copy == PendingOp::kNoCopy
                                   ? std::string_view(own, writeKey(own, op.id))
                                   : copyOf(op, op.copy);
  if (op.kind == OpKind::set)
    return op.request == PendingOp::Request::own ? encodeSet(at, key, op, now)
                                                 : encodeRequest(at, key, op, now);
  if (asksForTtl(op)) at = encodePttl(at, key);
  return encodeGet(at, key);
}

char* OpEncoder::encodeSet(char* at, std::string_view key, const PendingOp& op, Nanos now) const {
  const std::int64_t ttl = shared_.ttls.ttlMillisOf(op.id);
  at = beginSet(at, key, valueSize_, ttl != 0);
  shared_.values.write(at, op.id, op.version);
  at += valueSize_;
  if (ttl == 0) return endSet(at);
  return endSet(at, expiryOf(ttl, now));
}

char* OpEncoder::encodeRequest(char* at, std::string_view key, const PendingOp& op,
                               Nanos now) const {
  using detail::put;
  using detail::putBulk;
  char lock[kMaxLockKeyLength];
  switch (op.request) {
    case PendingOp::Request::invalidation:
      // Without the lock, whoever holds it refills no more.
      if (shared_.plan.backing.missLock == 0) return putBulk(put(at, "*2\r\n$3\r\nDEL\r\n"), key);
      at = putBulk(put(at, "*3\r\n$3\r\nDEL\r\n"), key);
      return putBulk(at, lockKeyOf(lock, key));
    case PendingOp::Request::missLock:
      at = putBulk(put(at, "*7\r\n$4\r\nEVAL\r\n"), kLockOfMissing);
      at = putBulk(putBulk(put(at, "$1\r\n2\r\n"), lockKeyOf(lock, key)), key);
      return putBulk(putBulk(at, tokenOf(op).view()), lockMillis().view());
    case PendingOp::Request::refreshLock:
      at = putBulk(put(at, "*6\r\n$3\r\nSET\r\n"), lockKeyOf(lock, key));
      at = put(putBulk(at, tokenOf(op).view()), "$2\r\nNX\r\n$2\r\nPX\r\n");
      return putBulk(at, lockMillis().view());
    case PendingOp::Request::fencedRefill:
      return encodeFencedRefill(at, key, op, now);
    case PendingOp::Request::refill:
    case PendingOp::Request::own:
      break;
  }
  return encodeSet(at, key, op, now);
}

char* OpEncoder::encodeFencedRefill(char* at, std::string_view key, const PendingOp& op,
                                    Nanos now) const {
  using detail::put;
  using detail::putBulk;
  char lock[kMaxLockKeyLength];
  const std::int64_t ttl = shared_.ttls.ttlMillisOf(op.id);
  at = putBulk(put(at, ttl == 0 ? "*7\r\n$4\r\nEVAL\r\n" : "*8\r\n$4\r\nEVAL\r\n"), kFencedSet);
  at = putBulk(put(at, "$1\r\n2\r\n"), lockKeyOf(lock, key));
  at = putBulk(putBulk(at, key), tokenOf(op).view());
  at = detail::putBulkHeader(at, valueSize_);
  shared_.values.write(at, op.id, op.version);
  at = put(at + valueSize_, "\r\n");
  return ttl == 0 ? at : putBulk(at, Decimal(expiryOf(ttl, now)).view());
}

OpEncoder::Decimal OpEncoder::lockMillis() const {
  return Decimal(static_cast<std::uint64_t>(shared_.plan.backing.missLock / kMillisecond));
}

// Of one attempt to make a value: no other in any process has it.
OpEncoder::Decimal OpEncoder::tokenOf(const PendingOp& op) const {
  return Decimal((tokenPrefix_ << 32) | op.write);
}

// Without times to live, which MSET cannot set.
char* OpEncoder::encodeMset(char* at, const PendingOp& op) const {
  const unsigned ways = shared_.mitigations.split->ways();
  at = beginMset(at, ways);
  for (unsigned copy = 0; copy < ways; ++copy) {
    at = beginMsetPair(at, copyOf(op, copy), valueSize_);
    shared_.values.write(at, op.id, op.version);
    at = endSet(at + valueSize_);
  }
  return at;
}

/// The key of a copy of op's key, which is split.
std::string_view OpEncoder::copyOf(const PendingOp& op, unsigned copy) const {
  const KeySplit& split = *shared_.mitigations.split;
  return split.key(*split.hotIndex(op.id), copy);
}

}  // namespace redline
