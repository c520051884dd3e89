#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "record/summary.h"

namespace redline {

/// Contents of plan.json: all that is known before the first request.
struct Plan {
  std::string redlineVersion;
  std::vector<std::string> command;                         ///< argv; a password is never in it
  std::vector<std::pair<std::string, std::string>> config;  ///< every flag as resolved
  EnvironmentFigures environment;
  /// The run's zero, from which every time in the run directory counts, on both clocks: nanoseconds
  /// since 1970, and the reading of the run's Clock (CLOCK_MONOTONIC) at the same moment.
  Nanos wallZero = 0;
  Nanos clockZero = 0;
};

std::string planToJson(const Plan& plan);
/// `name` is put before errors. `cutOff`, when given, is set if the text merely ends too early.
Result<Plan> planFromJson(std::string_view text, std::string_view name, bool* cutOff = nullptr);

}  // namespace redline
