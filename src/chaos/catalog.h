#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "chaos/fault.h"

namespace redline {

/// Every fault there is, in the order in which help lists them.
std::span<const FaultSpec> faults();

/// usage, with a suggestion, when there is none of that name.
Result<const FaultSpec*> findFault(std::string_view name);

// One function for each fault, in the file of its name.
FaultSpec bgsaveFault();
FaultSpec aofRewriteFault();
FaultSpec bigkeyOnFault();
FaultSpec reshardFault();
FaultSpec killMasterFault();
FaultSpec killNodeFault();
FaultSpec pauseNodeFault();
FaultSpec reconnectStormFault();

}  // namespace redline
