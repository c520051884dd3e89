#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rundir/run_dir_reader.h"

namespace redline {

// A run directory, and the series and figures that a report draws from it. Seconds count from the
// run's zero, latencies are microseconds, shares 0…1.

struct Span {
  double start = 0, end = 0;
  double length() const { return end - start; }
};

/// Response time of one interval, gets and sets together. Intervals in which nothing finished have
/// none.
struct LatencyPoint {
  Span at;
  bool warmup = false;
  double p50 = 0, p99 = 0, p999 = 0, max = 0;
  double serviceP99 = 0, latenessP99 = 0;  ///< the same operations', where the log has them
};

/// What was asked for and what was done in one interval; operations a second.
struct LoadPoint {
  Span at;
  bool warmup = false, drain = false;
  double due = 0, completed = 0, failed = 0;
  double outstanding = 0, backlog = 0;  ///< operations, at the interval's end
  std::optional<double> hitRate;        ///< none: no reads
};

struct ServerPoint {
  double at = 0;
  std::optional<double> busy;  ///< main thread's CPU time ÷ time since the sample before
  double usedMemory = 0, rss = 0;
};

struct ServerSeries {
  std::string addr;
  double maxMemory = 0;  ///< bytes; 0: no limit
  std::vector<ServerPoint> points;
};

/// A fault's bracket, or a lost connection's: from an event that begins to the one that ends it.
struct Bracket {
  Span at;
  std::string kind, name, node;
  bool open = false;  ///< never ended; `at.end` is the run's end
};

struct RunData {
  std::string name;  ///< for people: the directory's name
  std::string slug;  ///< for files and anchors: [a-z0-9-], unique in one report
  RunDir dir;
  /// There is a summary. Without one `figures` is put together from what the directory has.
  bool ended = true;
  Summary figures;
  Span whole;               ///< from the first interval to the last
  std::vector<Span> aside;  ///< warm-up and drain
  std::vector<LatencyPoint> latency;
  std::vector<LoadPoint> load;
  std::vector<ServerSeries> servers;
  std::vector<Bracket> brackets;

  const LatencyFigures& latencyOf(std::string_view measure, std::string_view kind = "all") const;
  /// A flag as the run had it; empty when not known.
  std::string flag(std::string_view flagName) const;
  bool closed() const { return figures.rate.target <= 0; }
};

/// Reads and prepares the runs, in the order given. A path twice is an error.
Result<std::vector<RunData>> readRuns(const std::vector<std::string>& paths);

/// The same for a directory already read.
RunData prepareRun(RunDir dir);

}  // namespace redline
