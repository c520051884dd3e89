#pragma once

#include <string>
#include <vector>

#include "report/report_data.h"

namespace redline {

/// A picture to be drawn: gnuplot's script and what it shows, in words.
struct Plot {
  std::string id;
  std::string title;
  std::string description;
  std::string script;
};

/// The plots of one run, those for which it has data.
std::vector<Plot> plotsOf(const RunData& run);

/// Response time by percentile, a line for each run; none when fewer than two have any.
std::vector<Plot> comparisonPlots(const std::vector<RunData>& runs);

// One by one; an empty script when there is nothing to draw.
Plot latencyOverTime(const RunData& run);
Plot partsOverTime(const RunData& run);
Plot blameOverTime(const RunData& run);  // blame_plot.cc
Plot latencyByPercentile(const RunData& run);
Plot throughputOverTime(const RunData& run);
Plot serversOverTime(const RunData& run);
Plot hitRateOverTime(const RunData& run);

}  // namespace redline
