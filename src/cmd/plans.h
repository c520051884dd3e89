#pragma once

#include "base/result.h"
#include "cmd/command.h"
#include "run/driver_run.h"
#include "run/load_run.h"

namespace redline {

// The plans of `redline driver` and `redline loader` from their flags, for them and for the lab. A
// plan describes a run completely.

/// Flags that do not go together are refused. `out` is empty where -out is not given.
Result<DriverPlan> driverPlan(const Invocation& invocation);
Result<LoadRunPlan> loadRunPlan(const Invocation& invocation);

}  // namespace redline
