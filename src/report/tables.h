#pragma once

#include <vector>

#include "report/document.h"
#include "report/report_data.h"

namespace redline {

/// "≥ 74,312" when operations outstanding at the end could make the figure larger; "–" when nothing
/// was measured.
std::string latencyCell(const LatencyFigures& figures, std::string_view name, double us);

/// The figures of one run. A table that would be empty is not there.
std::vector<Table> runTables(const RunData& run);

/// What a reader looks for first: rate, response time, hit rate, how busy the server was.
std::vector<KeyFigure> keyFigures(const RunData& run);

/// Several runs side by side: their figures, and the flags in which they differ.
std::vector<Table> comparisonTables(const std::vector<RunData>& runs);

}  // namespace redline
