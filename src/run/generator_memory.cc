#include "run/generator_memory.h"

#include <algorithm>

#include "base/units.h"
#include "engine/pending_op.h"
#include "mitigation/local_cache.h"

namespace redline {
namespace {

/// Buffers of a connection that carries next to nothing.
constexpr std::uint64_t kConnection = 64 * 1024;
/// Of a request beside the value.
constexpr std::uint64_t kOverhead = 128;

}  // namespace

std::uint64_t generatorMemory(const EnginePlan& plan, std::size_t nodes) {
  const std::uint64_t batch = plan.batchSize();
  const std::uint64_t written =
      plan.readShare < 1 || plan.onMiss != OnMiss::none ? plan.valueSize : 0;
  const std::uint64_t requests = batch * (sizeof(PendingOp) + kOverhead + written);
  const std::uint64_t replies = (plan.transactions ? batch : 1) * plan.valueSize;
  std::uint64_t bytes = plan.conns * nodes * (kConnection + requests + replies);
  if (plan.cluster()) bytes += plan.threads * plan.maxBacklog * sizeof(PendingOp);
  if (plan.mitigation.is(MitigationKind::localCache))
    bytes +=
        plan.threads * std::min<std::uint64_t>(plan.mitigation.cacheBytes,
                                               plan.keys * (plan.valueSize + sizeof(PendingOp)));
  return bytes;
}

std::uint64_t generatorMemory(const LoadPlan& plan, std::size_t nodes) {
  const std::uint64_t parcel = plan.blockSize() * plan.bytesPerKey();
  return plan.conns * nodes * (kConnection + plan.inFlight * parcel);
}

Status checkGeneratorMemory(std::uint64_t needed, std::uint64_t available) {
  if (needed <= available) return {};
  return fail(ErrorCode::noSpace,
              "what is under way may take {} of this machine's memory, and {} is available: use "
              "fewer -conns, or smaller batches, values or caches",
              formatSize(needed), formatSize(available));
}

}  // namespace redline
