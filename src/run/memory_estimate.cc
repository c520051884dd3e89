#include "run/memory_estimate.h"

#include <fmt/format.h>

#include "base/units.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// What resident memory is above used_memory after a load: fragmentation, and the server's own.
constexpr double kResidentFactor = 1.05;
constexpr std::string_view kWayOut = "load fewer -keys or a smaller -value-size";

}  // namespace

MemoryEstimate estimateMemory(std::uint64_t newKeys, std::uint64_t lastId,
                              std::uint64_t presentKeys, std::size_t valueSize, double ttlFraction,
                              ServerKind kind) {
  return memoryOf({.keys = newKeys,
                   .before = presentKeys,
                   .keyLength = keyLength(lastId),
                   .valueLength = valueSize,
                   .ttlShare = ttlFraction,
                   .kind = kind});
}

Status checkFits(const MemoryEstimate& estimate, const MemoryLimits& limits,
                 std::string_view what) {
  const std::uint64_t need = limits.used + estimate.total();
  if (limits.maxmemory == 0 || need <= limits.maxmemory) return {};
  return fail(
      ErrorCode::noSpace,
      "{} takes about {}, with the {} in use {}, but the server's maxmemory is {}: it would {}; "
      "give it a larger maxmemory, {}",
      what, estimate.text(), formatSize(limits.used), formatSize(need),
      formatSize(limits.maxmemory),
      limits.policy == "noeviction" ? std::string("refuse writes")
                                    : fmt::format("evict keys ({})", limits.policy),
      kWayOut);
}

Status checkMachine(std::uint64_t bytes, std::string_view text, std::uint64_t available) {
  const auto resident = static_cast<std::uint64_t>(static_cast<double>(bytes) * kResidentFactor);
  if (available == 0 || resident <= available) return {};
  return fail(ErrorCode::noSpace,
              "the data set takes about {}, x {} with fragmentation {}, but this machine has {} "
              "available: {}",
              text, kResidentFactor, formatSize(resident), formatSize(available), kWayOut);
}

}  // namespace redline
