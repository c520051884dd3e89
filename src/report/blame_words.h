#pragma once

#include <optional>

#include "report/blame.h"
#include "report/document.h"
#include "report/findings.h"

namespace redline {

/// Every slow stretch (the worst, where there are many) with its waiting taken apart. No rows where
/// none stood out.
Table blameTable(const RunData& run, const Blame& blame);

/// Rule "blame": how much of the run was slow, and whose doing that was.
std::optional<Finding> blameFinding(const RunData& run, const Blame& blame);

}  // namespace redline
