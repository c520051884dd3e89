#include "lab/stall_watch.h"

#include <algorithm>

namespace redline::lab {

void StallWatch::note(const Event& event) {
  if (event.at + event.duration < since_) return;
  const double waitedUs = event.figures.empty() ? 0 : event.figures.front().second;
  longest_ = std::max(longest_, event.duration - static_cast<Nanos>(waitedUs * kMicrosecond));
}

}  // namespace redline::lab
