#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace redline {

/// "p99<1ms".
struct ServiceLevel {
  std::string percentile;
  double limitUs = 0;
};

/// None unless it is p50, p90, p99, p999 or p9999, '<' and a duration above 0.
std::optional<ServiceLevel> parseLevel(std::string_view text);

}  // namespace redline
