#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace redline {

/// Named measurements, each name with its unit: {"fork_us", 812}. In the order worth reading.
using Figures = std::vector<std::pair<std::string, double>>;

/// Something that happened during a run: a phase, a fault's bracket, a slow-log or latency-monitor
/// entry. One line of events.jsonl.
struct Event {
  Nanos at = 0;        ///< on the run's clock
  std::string kind;    ///< "phase", "fault", "stall", "slowlog", "latency", "warning", "connection"
  std::string name;    ///< "measure", "bgsave", "keys", …
  std::string phase;   ///< "begin", "end" or "point"
  std::string node;    ///< the server's address, or empty
  std::string detail;  ///< free text for people
  Nanos duration = 0;  ///< 0 when it has none
  Figures figures = {};
};

}  // namespace redline
