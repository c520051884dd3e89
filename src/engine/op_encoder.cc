#include "engine/op_encoder.h"

#include "resp/request.h"
#include "workload/keyspace.h"

namespace redline {

OpEncoder::OpEncoder(const Shared& shared)
    : shared_(shared),
      valueSize_(shared.plan.valueSize),
      caches_(shared.plan.mitigation.is(MitigationKind::localCache) && !shared.plan.transactions) {
  const std::size_t request = kRequestOverhead + kMaxSplitKeyLength + valueSize_;
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
  if (op.kind == OpKind::set) return encodeSet(at, key, op, now);
  if (asksForTtl(op)) at = encodePttl(at, key);
  return encodeGet(at, key);
}

char* OpEncoder::encodeSet(char* at, std::string_view key, const PendingOp& op, Nanos now) const {
  const std::int64_t ttl = shared_.ttls.ttlMillisOf(op.id);
  at = beginSet(at, key, valueSize_, ttl != 0);
  shared_.values.write(at, op.id, op.version);
  at += valueSize_;
  if (ttl == 0) return endSet(at);
  return endSet(at, static_cast<std::uint64_t>((wallOffset_ + now) / kMillisecond + ttl));
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
