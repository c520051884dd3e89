#pragma once

#include "base/result.h"
#include "cmd/command.h"
#include "run/driver_run.h"
#include "run/load_run.h"

namespace redline {

// What `redline driver` and `redline loader` make of their flags, for them and for the lab. The
// plan is all that there is to a run: what is not in it does not happen there either.

/// Flags that do not go together are refused. `out` is empty where -out is not given.
Result<DriverPlan> driverPlan(const Invocation& invocation);
Result<LoadRunPlan> loadRunPlan(const Invocation& invocation);

}  // namespace redline
