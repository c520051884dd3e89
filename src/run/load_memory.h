#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "engine/load_plan.h"
#include "run/preflight.h"

namespace redline {

/// Whether what a load adds fits its servers: the maxmemory of the node, or of each master of a
/// cluster for its share of the keys, and the memory of this machine, which in a cluster holds the
/// replicas' copies too. Keys that are there already are looked for in samples. noSpace: the
/// arithmetic, and the way out. `onNote` hears at once of what takes long.
Status checkLoadFits(Preflight& servers, const LoadPlan& load,
                     const std::function<void(const std::string&)>& onNote = {});

}  // namespace redline
