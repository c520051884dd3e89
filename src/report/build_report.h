#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/document.h"
#include "report/gnuplot.h"
#include "report/report_data.h"

namespace redline {

/// Puts the report together and has its plots drawn. The same runs and the same drawer give the
/// same report.
Result<Report> buildReport(const std::vector<RunData>& runs, const Drawer& draw);

/// What of this run may be believed.
ReportVerdict verdictOf(const RunData& run);

struct ReportFiles {
  std::filesystem::path html, findings;
};

/// Reads run directories, or one directory of a lab, and nothing else, and writes report.html,
/// FINDINGS.md and plots/*.svg into `out`, which is created. What an earlier report left there is
/// replaced.
Result<ReportFiles> writeReport(const std::vector<std::string>& directories,
                                const std::filesystem::path& out, const Drawer& draw);

}  // namespace redline
