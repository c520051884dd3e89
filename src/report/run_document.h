#pragma once

#include <vector>

#include "report/document.h"
#include "report/report_data.h"

namespace redline {

/// The report of one run, or of several: side by side, then each by itself. The pictures are not
/// drawn yet.
Document runDocument(const std::vector<RunData>& runs);

/// Valid, invalid and why, or not judged; with the run's notes and what its directory lacks.
Callout runVerdict(const RunData& run);

}  // namespace redline
