#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "chaos/arguments.h"
#include "chaos/fault.h"

namespace redline {

/// A fault with its arguments and its time.
struct PlannedFault {
  Nanos at = 0;                     ///< from the start of the measured window
  const FaultSpec* spec = nullptr;  ///< a line of faults(): lives as long as the program
  FaultArguments arguments;
};

/// The faults of a run. Brackets may overlap.
using ChaosPlan = std::vector<PlannedFault>;

/// Reads "5s:bgsave; 20s:reshard -slots=0-999 -target=127.0.0.1:7601": faults with semicolons
/// between them, each with its time, its name, and its parameters as flags. Sorted by time. Errors
/// are `usage`, name the fault, and suggest.
Result<ChaosPlan> parseChaosPlan(std::string_view text);

}  // namespace redline
