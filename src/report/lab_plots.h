#pragma once

#include <string_view>

#include "report/plots.h"
#include "rundir/experiment.h"

namespace redline {

/// An experiment's plot as gnuplot draws it. `prefix` makes its id unique in a report. An empty
/// script when it has no point to draw.
Plot labPlot(const LabPlot& plot, std::string_view prefix);

}  // namespace redline
