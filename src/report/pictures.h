#pragma once

#include <string_view>
#include <vector>

#include "report/document.h"
#include "report/report_data.h"
#include "rundir/experiment.h"

namespace redline {

// What is drawn, as panels. A picture of nothing has none.

/// One run's, those for which it has data.
std::vector<Picture> picturesOf(const RunData& run);

// One by one.
Picture latencyOverTime(const RunData& run);
Picture partsOverTime(const RunData& run);
Picture blameOverTime(const RunData& run);
Picture latencyByPercentile(const RunData& run);
Picture throughputOverTime(const RunData& run);
Picture serversOverTime(const RunData& run);
Picture hitRateOverTime(const RunData& run);

/// Response time by percentile, a line for each run; of fewer than two runs: nothing.
Picture comparedPercentiles(const std::vector<RunData>& runs);

/// An experiment's plot; `prefix` makes its id unique in the report.
Picture pictureOf(const LabPlot& plot, std::string_view prefix);

}  // namespace redline
