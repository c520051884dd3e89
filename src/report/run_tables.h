#pragma once

#include <string>
#include <string_view>

#include "report/document.h"
#include "report/report_data.h"

namespace redline {

/// "≥ 74,312" when operations outstanding at the end could make the figure larger; "–" when nothing
/// was measured.
std::string latencyCell(const LatencyFigures& figures, std::string_view name, double us);

/// The figures of one run, as tables. One that would be empty is not there.
Blocks runTables(const RunData& run);

/// What a reader looks for first: rate, response time, hit rate, how busy the server was.
KeyFigures keyFigures(const RunData& run);

/// Several runs side by side: their figures, and the flags in which they differ. None for one.
Blocks comparisonTables(const std::vector<RunData>& runs);

}  // namespace redline
