#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redline::lab::headroom {

// What the experiment `headroom` leaves for the planner: figures of its experiment.json.

/// Something that happens to the servers while a rate is held.
struct Fault {
  std::string_view label;  ///< of its runs, the same in every profile
  std::string_view title;
};
/// On one server: "none" is nothing. On a cluster whose servers share a core: "cluster-none".
std::vector<Fault> faults();

/// The name of the figure that has the highest share of the ceiling which keeps p99 below a limit:
/// 0 where none does, and in `high` the lowest that misses it.
std::string keptFigure(double limitUs, std::string_view fault);

}  // namespace redline::lab::headroom
