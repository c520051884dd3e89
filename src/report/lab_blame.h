#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "report/document.h"
#include "rundir/experiment.h"

namespace redline {

/// What caused the slow intervals of an experiment: all of its runs in one finding, and the time
/// line of the run with the most extra waiting.
struct LabBlame {
  LabFinding finding;
  Picture picture;  ///< without panels where no interval was slow
  Table table;      ///< without rows there
};

/// By experiment. Reads the open-model runs that have intervals; an experiment without any is not
/// there.
std::map<std::string, LabBlame> blameOfLab(const std::filesystem::path& lab,
                                           const std::vector<ExperimentDocument>& experiments);

}  // namespace redline
