#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "engine/load_plan.h"
#include "engine/plan.h"

namespace redline {

/// Bytes that this process may need at most for what is under way, as the plan sizes it: requests
/// and replies on all connections, what waits for a node, local caches. `nodes`: that have
/// connections; 1 for a single node.
std::uint64_t generatorMemory(const EnginePlan& plan, std::size_t nodes);
std::uint64_t generatorMemory(const LoadPlan& plan, std::size_t nodes);

/// noSpace: the machine has not that much left; with what to make smaller.
Status checkGeneratorMemory(std::uint64_t needed, std::uint64_t available);

}  // namespace redline
