#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "lab/experiment.h"
#include "lab/parameters.h"
#include "lab/replica_probe.h"
#include "lab/study.h"

namespace redline::lab::replica_staleness {

// What `replica-staleness` runs, and what it reads from a run.

inline constexpr std::size_t kMasters = 3;

// Figures of a run; times in microseconds.
inline constexpr const char* kWindowP50 = "window_p50_us";
inline constexpr const char* kWindowP99 = "window_p99_us";
inline constexpr const char* kFirstStale = "first_read_stale_share";
inline constexpr const char* kBehindMean = "behind_mean_bytes";
inline constexpr const char* kBehindP99 = "behind_p99_bytes";
inline constexpr const char* kMasterSays = "master_says_mean_bytes";
inline constexpr const char* kStream = "stream_bytes_per_s";
// Of a run with a fault.
inline constexpr const char* kWorstBefore = "worst_before_us";
inline constexpr const char* kWorstAsLongAfter = "worst_as_long_after_us";
inline constexpr const char* kWorstAfter = "worst_after_us";
inline constexpr const char* kOpenAtEnd = "open_at_end";  ///< 1: the replica still lacked a write
inline constexpr const char* kRefused = "refused_us";
inline constexpr const char* kRecovered = "recovered_after_us";
inline constexpr const char* kFaultTook = "fault_command_us";
inline constexpr const char* kBehindAfter = "behind_after_max_bytes";
// Of a run with WAIT or without.
inline constexpr const char* kRoundP50 = "round_p50_us";
inline constexpr const char* kRoundP99 = "round_p99_us";
inline constexpr const char* kWritesPerS = "writes_per_s";
inline constexpr const char* kMasterCpu = "master_us_per_write";
inline constexpr const char* kStaleAfter = "stale_reads_after";
inline constexpr const char* kReadsAfter = "reads_after";
inline constexpr const char* kShort = "waits_short_of_a_replica";

// A series of how old the oldest acknowledged write is that the replica lacks, in bins around the
// fault: figures age_us_000 …
inline constexpr double kSeriesBeforeS = 0.5, kSeriesAfterS = 2.5, kBinS = 0.05;
inline constexpr int kBins = static_cast<int>((kSeriesBeforeS + kSeriesAfterS) / kBinS);
std::string ageFigure(int bin);

inline constexpr double kCompareS = 1;  ///< what is before a fault, and after its begin

/// The pair that is watched: the hottest key's master, and its replica.
WatchedPair pairOf(const Parameters& p);
/// The watched pair has a core for itself, and everything else has the other: a replica that waits
/// for its core behind strangers would be behind for that alone.
std::string clusterOf(Study& s);
/// The load. `rate`: operations/s in the cluster; `reads`: their share of it; `duration`: measured.
Flags driveOf(const Parameters& p, std::uint64_t rate, const std::string& reads,
              const std::string& duration);
/// Watches the pair beside the load, and writes down its windows after warm-up and the bytes that
/// the replica is behind. Fails where it saw no write come to the replica.
BesideAction watching(const Parameters& p);

// Around a fault; `trouble` is one of the parameter `faults`, a literal: actions keep it as it is.

/// Before the load: what the slow command reads.
Action preparing(const Parameters& p, std::string_view trouble);
/// Watches the pair beside the load, brings the trouble at `at`, and writes down the windows before
/// and after it.
BesideAction inflicting(const Parameters& p, std::string_view trouble);
/// Removes what any of them leaves behind in the data set.
Action removing(const Parameters& p);

/// Writes of one connection, with WAIT or without, in round trips of `batch`.
struct Writing {
  WatchedPair pair;
  bool waits = false;
  std::uint64_t batch = 1, valueSize = 0;  ///< writes, bytes
  Nanos warmup = 0, duration = 0;
  std::uint64_t checks = 0;  ///< writes that are read from the replica at once, after the others
};
/// The whole of a run without a load. Writes down no figures where it was interrupted.
Status writeAndMeasure(Bench& bench, const Writing& writing);

/// Of the driver's ledger, over all runs of a cell.
struct StaleReads {
  std::uint64_t stale = 0, judged = 0;
  double worstUs = 0;
};
StaleReads staleReadsOf(const Study& s, const Cell& cell);
/// Bytes that are under way for as long as the window lasts: Little's law.
double littleBytes(const Reading& run);

}  // namespace redline::lab::replica_staleness
