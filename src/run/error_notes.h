#pragma once

#include <string>
#include <vector>

#include "record/summary.h"

namespace redline {

/// A sentence for each kind of error with a share of 1% of the operations or more, the most
/// frequent first: its meaning and what to do.
std::vector<std::string> errorNotes(const RateFigures& rate, bool cluster);

}  // namespace redline
