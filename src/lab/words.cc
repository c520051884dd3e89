#include "lab/words.h"

#include <fmt/format.h>

#include "base/units.h"

namespace redline {

std::string words(const Estimate& estimate, std::string_view unit) {
  if (estimate.count == 0) return "–";
  const std::string value = formatQuantity(estimate.value, unit);
  if (!estimate.hasInterval()) return value;
  return fmt::format("{} [{}, {}]", value, formatQuantity(estimate.low, unit),
                     formatQuantity(estimate.high, unit));
}

std::string multiple(const Estimate& ratio) {
  return words(ratio, "x");
}

LabPoint pointOf(double x, const Estimate& estimate) {
  if (estimate.count == 0) return {x, kNothing};
  LabPoint point{x, estimate.value};
  if (estimate.hasInterval()) {
    point.low = estimate.low;
    point.high = estimate.high;
  }
  return point;
}

std::string intervalNote(const Estimate& estimate) {
  if (!estimate.hasInterval())
    return "No intervals: a condition was measured once, so small differences mean nothing";
  return fmt::format("Intervals [low, high]: {:.0f}%, {}", 100 * estimate.confidence,
                     methodName(estimate.method));
}

}  // namespace redline
