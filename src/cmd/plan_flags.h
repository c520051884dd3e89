#pragma once

#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "plan/request.h"

namespace redline {

/// The flags that describe what `redline plan` sizes.
std::vector<FlagSpec> planFlags();
/// usage: -keys or -rate is missing, or values contradict each other.
Result<SizingRequest> sizingRequest(const FlagValues& flags);

}  // namespace redline
