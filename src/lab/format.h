#pragma once

#include <string>
#include <string_view>

#include "model/statistics.h"
#include "rundir/experiment.h"

namespace redline {

// How experiments print numbers. Units as in formatQuantity().

/// "118k/s [116k – 121k]"; where their units differ "1.1 ms [940 µs – 1.3 ms]"; without an interval
/// "118k/s"; "–" when nothing was measured.
std::string formatEstimate(const Estimate& estimate, std::string_view unit);
/// The same for a table: the interval apart from its figure.
LabCell cellOf(const Estimate& estimate, std::string_view unit);
/// "6.3× [5.9 – 6.8]".
std::string formatRatio(const Estimate& ratio);

/// "8.21"; "–" when not finite.
std::string formatDecimals(double value);

/// A point of a plot with its interval as error bar.
LabPoint pointOf(double x, const Estimate& estimate);

/// What was measured where this was predicted, with its interval where it has one.
void setMeasured(LabPrediction& prediction, const Estimate& estimate);
/// "1.3× the prediction"; "as predicted" where both are 0.
std::string relativeToPrediction(double measured, double predicted);

/// How the intervals of a Quantity were made, by one of its estimates; or that it has none.
std::string intervalNote(const Estimate& estimate);

}  // namespace redline
