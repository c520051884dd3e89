#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/document.h"
#include "report/gnuplot.h"

namespace redline {

/// Has every picture of the document drawn. One that cannot be drawn stays empty, and a line at the
/// document's beginning says why.
void drawPictures(Document& document, const Drawer& draw);

struct ReportFiles {
  std::filesystem::path html, findings;
};

/// Reads run directories, or one directory of a lab, and nothing else, and writes report.html,
/// FINDINGS.md and plots/*.svg into `out`, which is created. What an earlier report left there is
/// replaced.
Result<ReportFiles> writeReport(const std::vector<std::string>& directories,
                                const std::filesystem::path& out, const Drawer& draw);

}  // namespace redline
