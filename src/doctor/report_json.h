#pragma once

#include <string>
#include <vector>

#include "doctor/check_result.h"

namespace redline {

/// For programs: how many results of each severity, and the results (docs/doctor.md).
std::string doctorJson(const std::vector<CheckResult>& results);

/// "dangerous", "costs latency", "unknown", "fine".
std::string_view nameOf(Severity severity);

}  // namespace redline
