#pragma once

#include "base/result.h"
#include "cmd/command.h"
#include "run/driver_run.h"
#include "run/load_run.h"
#include "transport/credentials.h"

namespace redline {

// The plans of `redline driver` and `redline loader` from their flags, for them and for the lab. A
// plan describes a run completely.

/// Flags that do not go together are refused. `out` is empty where -out is not given.
/// `credentials`: credentialsFrom() these flags.
Result<DriverPlan> driverPlan(const Invocation& invocation, const Credentials& credentials);
Result<LoadRunPlan> loadRunPlan(const Invocation& invocation, const Credentials& credentials);

}  // namespace redline
