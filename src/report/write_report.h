#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace redline {

struct ReportFiles {
  std::filesystem::path html, findings;
  std::filesystem::path details;  ///< of a lab: what the findings leave out; else empty
};

/// Reads run directories, or one directory of a lab, and nothing else, and writes report.html,
/// FINDINGS.md, for a lab details.md, and plots/*.svg into `out`, which is created. What an earlier
/// report left there is replaced.
Result<ReportFiles> writeReport(const std::vector<std::string>& directories,
                                const std::filesystem::path& out);

}  // namespace redline
