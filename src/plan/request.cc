#include "plan/request.h"

#include <array>
#include <string>

#include "base/units.h"

namespace redline {
namespace {

std::string sizeText(double bytes) {
  return formatSize(static_cast<std::uint64_t>(bytes));
}

}  // namespace

std::string_view nameOf(CachePolicy policy) {
  constexpr std::array<std::string_view, 3> kNames{"allkeys-lru", "allkeys-lfu", "allkeys-random"};
  return kNames[static_cast<std::size_t>(policy)];
}

double keyLengthOf(const SizingRequest& request) {
  constexpr std::string_view kPrefix = "obj:";
  if (request.keyBytes > 0) return request.keyBytes;
  return static_cast<double>(kPrefix.size() + std::to_string(request.keys - 1).size());
}

Status checkRequest(const SizingRequest& r) {
  if (r.ttlLeastS > r.ttlMostS)
    return fail(ErrorCode::usage, "-ttl-min is longer than -ttl-max: exchange them");
  if (r.sloUs < kLeastSloUs)
    return fail(ErrorCode::usage,
                "-slo: no coefficient says at which rate p99 stays below {}; the strictest that "
                "was measured is {}",
                formatMicros(r.sloUs), formatMicros(kLeastSloUs));
  if (r.maxmemory > 0 && r.maxmemory > r.nodeMemory)
    return fail(ErrorCode::usage,
                "-maxmemory={} is more than the {} of -node-memory, which also has to hold what a "
                "fork copies: lower one or raise the other",
                sizeText(r.maxmemory), sizeText(r.nodeMemory));
  if (r.replicaReads && r.replicas == 0)
    return fail(ErrorCode::usage,
                "-replica-reads needs replicas, and -replicas is 0: give each master one or more");
  if (r.shards > r.keys)
    return fail(ErrorCode::usage, "-shards={} are more than the {} of -keys", r.shards,
                formatCount(static_cast<double>(r.keys)));
  return {};
}

}  // namespace redline
