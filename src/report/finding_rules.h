#pragma once

#include <optional>
#include <string_view>

#include "report/findings.h"

namespace redline {

// One function for each rule; the table in findings.cc lists them. A rule that does not hold gives
// nothing. Times are microseconds, shares 0…1.

using Rule = std::optional<Finding> (*)(const RunData&);

// finding_load.cc: what was asked for and what was done.
std::optional<Finding> notEnded(const RunData& run);
std::optional<Finding> notConserved(const RunData& run);
std::optional<Finding> overloaded(const RunData& run);
std::optional<Finding> keptUp(const RunData& run);
std::optional<Finding> nothingMeasured(const RunData& run);
std::optional<Finding> nothingCompleted(const RunData& run);
std::optional<Finding> noReply(const RunData& run);
std::optional<Finding> failedOperations(const RunData& run);
std::optional<Finding> connectionsLost(const RunData& run);
std::optional<Finding> closedLoop(const RunData& run);
std::optional<Finding> smallBatches(const RunData& run);

// finding_latency.cc: where the time went.
std::optional<Finding> lowerBounds(const RunData& run);
std::optional<Finding> waitBeforeSend(const RunData& run);
std::optional<Finding> waitInService(const RunData& run);
std::optional<Finding> worstInterval(const RunData& run);
std::optional<Finding> slowStretches(const RunData& run);  // blame_table.cc
std::optional<Finding> serverSilent(const RunData& run);
std::optional<Finding> slowCommands(const RunData& run);
std::optional<Finding> generatorStall(const RunData& run);
std::optional<Finding> hiddenSteal(const RunData& run);
std::optional<Finding> stolenTime(const RunData& run);
std::optional<Finding> generatorBusy(const RunData& run);

// finding_server.cc: what the server did, and what it answered.
std::optional<Finding> wrongValues(const RunData& run);
std::optional<Finding> rightValues(const RunData& run);
std::optional<Finding> misses(const RunData& run);
std::optional<Finding> serverBound(const RunData& run);
std::optional<Finding> serverWithoutCore(const RunData& run);
std::optional<Finding> fragmentation(const RunData& run);
std::optional<Finding> memoryGrew(const RunData& run);
std::optional<Finding> forked(const RunData& run);
std::optional<Finding> delayedFsync(const RunData& run);

// The thresholds, for the docs and the tests.
inline constexpr double kWaitedBeforeSend = 2.0;   ///< response p99 ÷ service p99
inline constexpr double kHardlyWaited = 1.25;      ///< the same
inline constexpr double kOutstandingInterval = 5;  ///< worst interval's p99 ÷ the median one's
inline constexpr double kWorthNamingUs = 1'000;    ///< shorter waits are not reported
inline constexpr double kSilent = 3;               ///< gap between INFO samples ÷ the median gap
inline constexpr double kSilentAtLeast = 0.3;      ///< seconds
inline constexpr double kWithoutCoreWorthNaming = 0.005;  ///< of a main thread's time
inline constexpr double kStealWorthNaming = 0.005;        ///< of the machine's time
inline constexpr double kGeneratorNearBound = 0.8;        ///< busy share
inline constexpr double kFragmented = 1.5;                ///< rss ÷ used
inline constexpr double kFragmentedAtLeast =
    256.0 * 1024 * 1024;                       ///< bytes; below, rss is overhead
inline constexpr double kMemoryGrowth = 0.05;  ///< from the first sample to the last

/// The busiest server's; below 0: not known.
double busiestServer(const RunData& run);

}  // namespace redline
