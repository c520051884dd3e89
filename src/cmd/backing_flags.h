#pragma once

#include <vector>

#include "backing/backing_plan.h"
#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "engine/plan.h"

namespace redline {

/// The driver's flags about reads that miss, the store behind the cache, and stampedes.
std::vector<FlagSpec> backingFlags();

/// -on-miss.
OnMiss onMissOf(const FlagValues& flags);

/// The plan from these flags. usage: a value out of range, or a combination, also with other flags
/// of the driver, that is meaningless or impossible.
Result<BackingPlan> backingPlan(const FlagValues& flags);

}  // namespace redline
