#pragma once

#include <filesystem>

#include "base/result.h"
#include "plan/headroom.h"
#include "rundir/experiment.h"

namespace redline {

/// What the experiment `headroom` of a lab in `directory` (or in the experiment's own) found, for
/// the limits that coefficients are known for. io, invalidInput: there is none, or nothing of use.
Result<MeasuredHeadroom> readHeadroom(const std::filesystem::path& directory);

/// The same from its document; `place` is named in errors and as the source.
Result<MeasuredHeadroom> headroomOf(const ExperimentDocument& document, const std::string& place);

}  // namespace redline
