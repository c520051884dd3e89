#pragma once

#include <string>
#include <string_view>

#include "model/statistics.h"
#include "rundir/experiment.h"

namespace redline {

// How experiments put numbers into words. Units as in formatQuantity().

/// "118k/s [116k/s, 121k/s]"; without an interval "118k/s"; "–" when nothing was measured.
std::string words(const Estimate& estimate, std::string_view unit);
/// "6.3× [5.9×, 6.8×]".
std::string multiple(const Estimate& ratio);

/// A point of a plot with its interval as error bar.
LabPoint pointOf(double x, const Estimate& estimate);

/// "intervals: 95%, Student's t with a pooled spread, from 2 repeats each"; or that there is none.
std::string intervalNote(const Estimate& estimate);

}  // namespace redline
