#include "engine/load_encoder.h"

#include <algorithm>
#include <array>

#include "resp/request.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// One MSET: so long that a command's own cost no longer counts, so short that it stays far below a
/// millisecond (Redis serves no other client meanwhile) and its arguments in the cache.
constexpr std::size_t kPairs = 128;
constexpr std::size_t kMsetBytes = 64 * 1024;

}  // namespace

LoadEncoder::LoadEncoder(const LoadPlan& plan, const Values& values, const Ttls& ttls)
    : plan_(plan),
      values_(values),
      ttls_(ttls),
      // The keys of one MSET must share a slot: in a cluster hardly two of a batch do.
      pairs_(plan.mset && !plan.cluster()
                 ? std::clamp<std::size_t>(kMsetBytes / plan.bytesPerKey(), 1, kPairs)
                 : 0) {
  lasting_.reserve(plan.blockSize());
}

std::uint64_t LoadEncoder::encode(OutBuffer& out, const std::vector<LoadKey>& keys) {
  // An MSET's head costs less than the overhead that bytesPerKey() counts for each of its pairs.
  char* at = out.reserve(keys.size() * (plan_.bytesPerKey() + kRequestOverhead));  // with ASKING
  std::uint64_t commands = 0;
  lasting_.clear();
  for (const LoadKey& key : keys) {
    const std::int64_t ttl = ttls_.ttlMillisOf(key.id);
    if (ttl == 0 && pairs_ != 0) {
      lasting_.push_back(key.id);
      continue;
    }
    if (key.asking) {
      at = encodeAsking(at);
      ++commands;
    }
    at = encodeSet(at, key.id, ttl);
    ++commands;
  }
  for (std::size_t i = 0; i < lasting_.size(); i += pairs_) {
    at = encodeMset(at, lasting_.data() + i, std::min(pairs_, lasting_.size() - i));
    ++commands;
  }
  out.commit(at);
  return commands;
}

char* LoadEncoder::encodeSet(char* at, std::uint64_t id, std::int64_t ttlMillis) const {
  std::array<char, kMaxKeyLength> key;
  at = beginSet(at, {key.data(), writeKey(key.data(), id)}, plan_.valueSize, ttlMillis != 0);
  values_.write(at, id, 0);
  at += plan_.valueSize;
  if (ttlMillis == 0) return endSet(at);
  return endSet(at, static_cast<std::uint64_t>(expiryOf(plan_, ttlMillis)));
}

char* LoadEncoder::encodeMset(char* at, const std::uint64_t* ids, std::size_t count) const {
  std::array<char, kMaxKeyLength> key;
  at = beginMset(at, count);
  for (std::size_t i = 0; i < count; ++i) {
    at = beginMsetPair(at, {key.data(), writeKey(key.data(), ids[i])}, plan_.valueSize);
    values_.write(at, ids[i], 0);
    at = endSet(at + plan_.valueSize);
  }
  return at;
}

}  // namespace redline
