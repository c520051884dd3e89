#pragma once

#include <string>
#include <vector>

#include "report/report_data.h"

namespace redline {

/// Names of the faults whose brackets touch `window`, and lost connections.
std::vector<std::string> faultsWithin(const RunData& run, const Span& window);

/// What was recorded about the servers within `window`, in words, the most telling first: how busy
/// the main thread was, silence, slow-log entries, the latency monitor, forks and their children,
/// fsync, evictions and expiries. Empty: nothing was recorded, so Redis knows of no cause. Where
/// several servers are watched, each sentence names its server.
std::vector<std::string> evidenceWithin(const RunData& run, const Span& window);

}  // namespace redline
