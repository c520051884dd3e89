#pragma once

#include <string>
#include <vector>

#include "record/summary.h"

namespace redline {

/// A sentence for each kind of error that shapes the run (1% of the operations or more), the most
/// frequent first: what Redis means by it, and what to do. None for a run that went well.
std::vector<std::string> errorNotes(const RateFigures& rate);

}  // namespace redline
