#pragma once

#include <vector>

#include "report/document.h"
#include "rundir/experiment.h"

namespace redline {

/// An experiment's pictures, the main one first. Plots over the same x axis are panes of one
/// picture, on one scale, so that they can be read at the same moment.
std::vector<Picture> picturesOf(const ExperimentDocument& experiment);

/// Its main plot alone, small, for the first page; without panels where it has none.
Picture glanceOf(const ExperimentDocument& experiment);
/// Whether the experiment says which plot that is.
bool declaresMainPlot(const ExperimentDocument& experiment);

}  // namespace redline
