#pragma once

#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "engine/mitigation_plan.h"

namespace redline {

/// The driver's flags against hot keys, and the ledger's.
std::vector<FlagSpec> mitigationFlags();

/// What they ask for. usage: a value out of range, or a combination that means nothing or cannot
/// be: the other flags of the driver are looked at as well.
Result<MitigationPlan> mitigationPlan(const FlagValues& flags);

}  // namespace redline
