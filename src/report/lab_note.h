#pragma once

#include <vector>

#include "report/document.h"
#include "rundir/experiment.h"

namespace redline {

/// The lab as a note of about four pages, curves first: what a colleague reads who opens nothing
/// else. FINDINGS.md is made of it; everything that it leaves out is in details.md and on the page.
Document labNote(const std::vector<ExperimentDocument>& experiments);

}  // namespace redline
