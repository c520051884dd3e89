#pragma once

#include "record/server_sample.h"
#include "record/summary.h"

namespace redline {

/// One server's activity between two of its samples: counters as differences, memory as it was at
/// `after`. A server that restarted in between (its run_id differs or, where samples have none, its
/// count of commands fell) counts from zero.
///
/// The CPU time is the main thread's; its utilisation is that over the time between the two samples
/// less `steal`, the hypervisor's share of the machine's time: a core that was taken away was
/// neither busy nor idle. ops counts every command, ours to watch it included.
ServerFigures serverFigures(const ServerSample& before, const ServerSample& after,
                            double steal = 0);

}  // namespace redline
