#pragma once

#include "record/server_sample.h"
#include "record/summary.h"

namespace redline {

/// What one server did between two of its samples: counters as differences, memory as it was at
/// `after`. A server that restarted in between (its run_id differs) counts from zero.
///
/// mainThreadUtilisation is the main thread's CPU time over the time between the two samples; what
/// a hypervisor stole is for the caller to take out. ops counts every command, ours to watch it
/// included.
ServerFigures figures(const ServerSample& before, const ServerSample& after);

}  // namespace redline
