#pragma once

#include "base/result.h"
#include "record/summary.h"
#include "run/load_run.h"

namespace redline {

/// Fills the store behind the servers' cache, as the plan asks; figures without an address: there
/// is none to fill. refused: the plan asks for a store alone, and there is none.
Result<StoreFillFigures> fillStore(const LoadRunPlan& plan, const LoadWatcher& watcher);

}  // namespace redline
