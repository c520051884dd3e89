#include "lab/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace redline {
namespace {

/// What stands behind the number: "/s", " ms", "×", "%". The k and M of a count are part of the
/// number.
std::string_view unitOf(std::string_view text) {
  const std::size_t end = text.find_last_of("0123456789kMGT");
  return end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
}

}  // namespace

LabCell cellOf(const Estimate& estimate, std::string_view unit) {
  if (estimate.count == 0) return "–";
  const std::string value = formatQuantity(estimate.value, unit);
  if (!estimate.hasInterval()) return value;
  std::string low = formatQuantity(estimate.low, unit);
  // Intervals are of logarithms; a share ends at all of it.
  const double end = unit == "share" ? std::min(estimate.high, 1.0) : estimate.high;
  std::string high = formatQuantity(end, unit);
  const std::string_view shared = unitOf(value);
  if (!shared.empty() && unitOf(low) == shared && unitOf(high) == shared) {
    low.resize(low.size() - shared.size());
    high.resize(high.size() - shared.size());
  }
  return LabCell::of(value, fmt::format("[{} – {}]", low, high));
}

std::string formatEstimate(const Estimate& estimate, std::string_view unit) {
  const LabCell cell = cellOf(estimate, unit);
  return cell.range.empty() ? cell.text : fmt::format("{} {}", cell.text, cell.range);
}

std::string formatRatio(const Estimate& ratio) {
  return formatEstimate(ratio, "x");
}

std::string formatDecimals(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f}", value) : "–";
}

LabPoint pointOf(double x, const Estimate& estimate) {
  if (estimate.count == 0) return {x, kNaN};
  LabPoint point{x, estimate.value};
  if (estimate.hasInterval()) {
    point.low = estimate.low;
    point.high = estimate.high;
  }
  return point;
}

void setMeasured(LabPrediction& prediction, const Estimate& estimate) {
  prediction.measured = estimate.value;
  if (!estimate.hasInterval()) return;
  prediction.low = estimate.low;
  prediction.high = estimate.high;
}

std::string relativeToPrediction(double measured, double predicted) {
  if (predicted == 0) return measured == 0 ? "as predicted" : "not as predicted";
  return fmt::format("{} the prediction", formatQuantity(measured / predicted, "x"));
}

std::string intervalNote(const Estimate& estimate) {
  if (!estimate.hasInterval())
    return "No intervals: a condition was measured once, so small differences mean nothing";
  if (estimate.method == IntervalMethod::orderStatistic)
    return fmt::format(
        "Figures are medians of {} runs; intervals [low, high] hold them with {:.0f}% or more: of "
        "a "
        "level between two of the sorted values, of a ratio by the signed ranks of runs of the "
        "same "
        "block (docs/method.md)",
        estimate.count, 100 * estimate.confidence);
  return fmt::format(
      "Intervals [low, high]: {:.0f}%, {}; a condition that scatters more than the others by "
      "Cochran's test at 1% is judged by its own repeats",
      100 * estimate.confidence, methodName(IntervalMethod::pooledT));
}

}  // namespace redline
