#include "model/service_level.h"

#include <algorithm>
#include <array>

#include "base/units.h"

namespace redline {

std::optional<ServiceLevel> parseLevel(std::string_view text) {
  constexpr std::array<std::string_view, 5> kPercentiles{"p50", "p90", "p99", "p999", "p9999"};
  const std::size_t less = text.find('<');
  if (less == std::string_view::npos) return std::nullopt;
  const std::string_view percentile = text.substr(0, less);
  const auto limit = parseDuration(text.substr(less + 1));
  const bool isKnown = std::ranges::find(kPercentiles, percentile) != kPercentiles.end();
  if (!isKnown || !limit || *limit <= 0) return std::nullopt;
  return ServiceLevel{std::string(percentile), static_cast<double>(*limit) / 1e3};
}

}  // namespace redline
