#pragma once

#include <functional>
#include <string_view>

#include "lab/experiment.h"
#include "record/backing_count.h"
#include "record/histogram.h"

namespace redline {

// One number of one run, by the names that experiments think in. Not a number where the run has
// none. Server counters are differences over the whole run, warm-up included, as the samples have
// them; rates and latencies are the summary's.

using Measurement = std::function<double(const Reading&)>;

/// Operations completed in the window, a second. `drive`: which of a run's drives.
double achievedRate(const Reading& reading, std::size_t drive = 0);

/// `measure`: "response", "service", …; `kind`: "all", "get", "set"; `percentile`: "p50", …,
/// "p9999", "mean", "max". Microseconds.
double latencyUs(const Reading& reading, std::string_view percentile,
                 std::string_view measure = "response", std::string_view kind = "all",
                 std::size_t drive = 0);
/// Response times of all the run's drives together; empty where none has them.
Histogram responsesOf(const Reading& reading);
/// latencyUs, to be handed on.
Measurement latency(std::string_view percentile, std::string_view measure = "response",
                    std::string_view kind = "all", std::size_t drive = 0);

/// achievedRate of the first drive, to be handed on.
double rateOf(const Reading& reading);

/// Completed ÷ offered, of an open model's first drive.
double keptUp(const Reading& reading);

/// Of the store behind the cache, in the window: the sum over all of a run's drives, since each is
/// a process of its own to the store. 0 where it did not happen.
double storeCount(const Reading& reading, BackingCount count);
/// storeCount, to be handed on.
Measurement storeCounted(BackingCount count);

/// Busy share of the busiest server's main thread in the window.
double mainThreadBusy(const Reading& reading);
/// Busy share of the generator's workers in the window.
double generatorBusy(const Reading& reading);
double meanBatch(const Reading& reading);

/// Of the run's one server, from its first sample of INFO to its last; `field` as servers.csv has
/// it.
double serverDelta(const Reading& reading, std::string_view field);
/// serverDelta, to be handed on.
Measurement counted(std::string_view field);
/// A figure that the run's actions wrote down (Bench::figure).
Measurement recorded(std::string_view figure);
/// Commands that the server executed for each read(2) of a client's socket.
double commandsPerRead(const Reading& reading);
/// Main-thread CPU for each command, microseconds: in the kernel, in Redis, and of the latter what
/// the commands themselves took by commandstats (its clock calls included).
double kernelUsPerCommand(const Reading& reading);
double userUsPerCommand(const Reading& reading);
double executionUsPerCommand(const Reading& reading);
/// Kernel and Redis together.
double mainThreadUsPerCommand(const Reading& reading);

}  // namespace redline
