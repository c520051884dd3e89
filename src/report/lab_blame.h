#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "report/plots.h"
#include "rundir/experiment.h"

namespace redline {

/// Whose doing the slow intervals of an experiment were: all of its runs in one sentence, and the
/// time line of the one that waited most beyond its usual.
struct LabBlame {
  LabFinding finding;
  Plot plot;       ///< without a script where no run stood out
  LabTable table;  ///< without rows there
};

/// By experiment. Reads the open-model runs that have intervals; one that has none such is not
/// there.
std::map<std::string, LabBlame> blameOfLab(const std::filesystem::path& lab,
                                           const std::vector<ExperimentDocument>& experiments);

}  // namespace redline
