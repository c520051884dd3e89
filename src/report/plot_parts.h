#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "report/plot_script.h"
#include "report/report_data.h"

namespace redline {

// What the plots over time share.

inline constexpr int kWidth = 900;
inline constexpr int kHeight = 400;
inline constexpr double kBreak = kNaN;
/// Above the highest point of a logarithmic axis: the labels of shaded stretches stand there.
inline constexpr double kHeadroom = 1.7;
inline constexpr std::string_view kTimeAxis = "seconds from the start of the run";

/// The sentence that explains shadePhases, or nothing where nothing is shaded.
std::string aboutShade(const RunData& run);

inline double middle(const Span& span) {
  return (span.start + span.end) / 2;
}

/// Points on short runs, so that single intervals can be seen; none on long ones.
std::string lineStyle(std::size_t points, int dash, double width = 2);

/// Warm-up and drain, shaded.
void shadePhases(PlotScript& script, const RunData& run, bool labels);
/// Faults as tinted stretches, lost connections as lines where they begin and end.
void markBrackets(PlotScript& script, const RunData& run);
/// What Redis logged, as (when, how long); the longest 500.
std::vector<Point> logged(const RunData& run, std::string_view kind);
/// Widens [low, high] to hold every positive value.
void growRange(double& low, double& high, const std::vector<Series>& series);

}  // namespace redline
