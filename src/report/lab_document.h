#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/document.h"
#include "report/lab_blame.h"
#include "rundir/experiment.h"

namespace redline {

// The report of a lab, from the documents of its experiments. It knows no experiment by name.

/// Whether this directory is a lab's: it, or a directory in it, has an experiment.json.
bool isLabDirectory(const std::filesystem::path& path);

/// Every experiment of a lab's directory, in the order in which they began.
Result<std::vector<ExperimentDocument>> readLab(const std::filesystem::path& path);

/// `blame`: of blameOfLab(). The pictures are not drawn yet.
Document labDocument(const std::vector<ExperimentDocument>& experiments,
                     const std::map<std::string, LabBlame>& blame = {});

/// Each run's name, leading to its entry in the list of its experiment's runs.
std::vector<Hyperlink> runLinks(std::string_view experiment, const std::vector<std::string>& runs);

/// "met", "measured", … and "not as expected", … as tables have them.
std::string_view wordOf(SloVerdict verdict);
std::string_view wordOf(Standing standing);
/// The same where a sentence is to be read with care, and empty where it is not.
std::string_view cautionOf(Standing standing);

/// "118k/s"; with an interval "118k/s [116k/s – 121k/s]".
Cell quantityCell(double value, double low, double high, std::string_view unit);

}  // namespace redline
