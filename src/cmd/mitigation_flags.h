#pragma once

#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "engine/mitigation_plan.h"

namespace redline {

/// The driver's flags against hot keys, and the ledger's.
std::vector<FlagSpec> mitigationFlags();

/// The plan from these flags. usage: a value out of range, or a combination, also with other flags
/// of the driver, that is meaningless or impossible.
Result<MitigationPlan> mitigationPlan(const FlagValues& flags);

}  // namespace redline
