#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "lab/experiment.h"

namespace redline {

/// The first CPU of a list like 0,2-3; none where the list is empty.
std::optional<unsigned> firstCpu(std::string_view list);

/// When a core was not there: what a thread that does nothing but read the clock on it misses.
/// Ticks and interrupts, other threads, and what a hypervisor takes without telling. A server on
/// that core is stopped for as long.
struct CoreGaps {
  std::vector<double> gapsUs;  ///< those of 50 µs or more, the longest first
  double windowS = 0;          ///< for how long was looked

  double sumUs() const;
};

/// Spins on `cpu` for `span`. Fails where we may not run there.
Result<CoreGaps> measureCoreGaps(unsigned cpu, Nanos span);

/// An action before a run: looks at the server's core for a second, while the server has nothing to
/// do. Nothing where the lab pins nothing.
Status noteCoreGaps(Bench& bench);
/// How long that takes, seconds.
inline constexpr double kCoreGapsS = 1;
/// What noteCoreGaps() left, of all these runs together; a window of 0 where it left nothing.
CoreGaps coreGapsOf(const std::vector<const Reading*>& runs);

}  // namespace redline
