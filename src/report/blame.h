#pragma once

#include <string>
#include <vector>

#include "model/curve.h"
#include "report/report_data.h"

namespace redline {

// The slow intervals of a run, and where their operations waited. Response time = generator + queue
// + server, exactly, for the means that are used here:
//
//   generator   dispatch: the operation was due, a connection was free, and it was not sent
//   queue       lateness − dispatch: it was due and no connection was free
//   server      service: from the send to the reply; Redis, the kernel, the network

/// Mean microseconds of each operation.
struct Waiting {
  double operations = 0;
  double generator = 0, queue = 0, server = 0;

  double total() const { return generator + queue + server; }
  /// The mean over both sets of operations.
  void add(const Waiting& other);
};

struct BlamedInterval {
  Span at;
  bool warmup = false, drain = false;
  double p99 = 0, max = 0;  ///< of response time, µs
  Waiting waiting;
  double longestDispatch = 0, longestService = 0;  ///< of one operation, µs
  bool slow = false;
};

enum class Culprit {
  generator,        ///< half or more of the extra waiting was the generator's own lateness
  server,           ///< … arose between send and reply
  behindGenerator,  ///< … was for a connection, after a stall of the generator
  behindServer,     ///< … was for a connection, while the others waited for Redis
  connections,      ///< … was for a connection, without a stall
  several,          ///< no part has half
};
std::string_view culpritName(Culprit culprit);

/// Slow intervals that follow each other (one that is not may lie between).
struct SlowStretch {
  Span at;
  double since = 0;  ///< when the first of those operations was due: at.start − the longest wait
  double worstP99 = 0, max = 0;
  double longestDispatch = 0, longestService = 0;
  Waiting waiting;
  Waiting beyond;  ///< waiting − what is usual in this run; never below 0
  Culprit culprit = Culprit::several;
  std::vector<std::string> faults;    ///< whose brackets it touches
  std::vector<std::string> evidence;  ///< recorded about server and generator at that time
};

struct Blame {
  bool judged = false;  ///< there were enough intervals
  double usualP99 = 0, threshold = 0;
  Waiting usual;  ///< median of the intervals that are not slow, part by part
  double measuredS = 0;
  std::vector<BlamedInterval> intervals;
  std::vector<SlowStretch> stretches;
};

/// Slow: response p99 above 2 × the median of the measured intervals, and above that by more than 6
/// scaled median absolute deviations and 200 µs.
inline constexpr SpikeRule kSlowRule{.factor = 2, .deviations = 6, .least = 200};
/// Share of the excess that makes one part the culprit; and a wait of one operation that is this
/// share of the longest response counts as a stall that others queued behind.
inline constexpr double kMostOfIt = 0.5;

/// Pure: the same run gives the same answer. The closed model has no queue and no lateness.
Blame blameOf(const RunData& run);

}  // namespace redline
