#pragma once

#include <string>

#include "record/summary.h"

namespace redline {

/// Appends the lines of the driver's table about what a mitigation bought and cost, and what the
/// ledger found; none where there was neither.
void addMitigation(std::string& out, const Summary& summary);

}  // namespace redline
