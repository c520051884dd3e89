#include "report/axis_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/units.h"

namespace redline {
namespace {

bool isLogKind(AxisKind kind) {
  return kind == AxisKind::latency || kind == AxisKind::logCount;
}

/// The lowest value that a logarithmic axis shows: 0.1 µs, 0.1 of anything else.
constexpr double kLeast = 0.1;

/// The nearest 1, 2 or 5 times a power of ten at or below (`up` false) or at or above `value`.
double niceBound(double value, bool up) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  constexpr std::array<double, 4> kSteps{1, 2, 5, 10};
  double below = decade;
  for (const double step : kSteps) {
    const double bound = step * decade;
    if (up && bound >= value * (1 - 1e-9)) return bound;
    if (bound <= value * (1 + 1e-9)) below = bound;
  }
  return up ? 10 * decade : below;
}

using Range = std::pair<double, double>;

Range logRange(const Extent& extent) {
  const double low =
      niceBound(std::max(std::min(extent.lowestPositive, extent.high), kLeast), false);
  const double high = niceBound(std::max(extent.high, low), true);
  return {low, high < 5 * low ? niceBound(5 * low, true) : high};
}

Range countRange(const Extent& extent) {
  constexpr double kTicks = 5;
  const double most = std::max(extent.high, 1.0);
  const double step = niceBound(most / kTicks, true);
  return {0, step * std::ceil(most / step - 1e-9)};
}

/// To 100% where the data comes near it; from 90% or 99% where it never leaves that.
Range shareRange(const Extent& extent) {
  constexpr double kHalf = 0.5;
  const double floor = extent.low >= 0.99 ? 0.99 : extent.low >= 0.9 ? 0.9 : 0;
  if (extent.high > kHalf) return {floor, extent.high <= 1.001 ? 1 : extent.high * 1.02};
  return {0, niceBound(std::max(extent.high, 0.001), true)};
}

Range linearRange(const Extent& extent) {
  const double length = extent.high - extent.low;
  // A single value stands in the middle.
  const double margin = length > 0 ? length * 0.03 : std::max(std::abs(extent.high), 1.0) / 2;
  return {extent.low >= 0 && extent.low < length ? 0 : extent.low - margin, extent.high + margin};
}

Range namesRange(std::size_t names) {
  constexpr double kMargin = 0.5;
  return {-kMargin, static_cast<double>(std::max<std::size_t>(names, 1)) - 1 + kMargin};
}

Range rangeOf(const PanelAxis& axis, const Extent& extent) {
  if (axis.range)
    return {axis.range->first, std::max(axis.range->second, axis.range->first + 1e-9)};
  if (axis.kind == AxisKind::names) return namesRange(axis.names.size());
  if (extent.empty()) return isLogKind(axis.kind) ? Range{1, 10} : Range{0, 1};
  switch (axis.kind) {
    case AxisKind::latency:
    case AxisKind::logCount:
      return logRange(extent);
    case AxisKind::count:
      return countRange(extent);
    case AxisKind::share:
      return shareRange(extent);
    case AxisKind::linear:
    case AxisKind::names:
      break;
  }
  return linearRange(extent);
}

}  // namespace

void Extent::add(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
  if (value > 0) lowestPositive = std::min(lowestPositive, value);
}

bool hasErrorBar(const LabPoint& point) {
  return std::isfinite(point.y) && std::isfinite(point.low) && std::isfinite(point.high);
}

double lowEnd(const LabPoint& point, AxisKind kind) {
  return isLogKind(kind) && point.low <= 0 ? point.y / 10 : point.low;
}

Extent extentX(const Panel& panel) {
  Extent extent;
  for (const PanelSeries& series : panel.series)
    for (const LabPoint& point : series.points) {
      extent.add(point.x);
      extent.add(point.x + series.cellWidth);
    }
  for (const PanelSpan& span : panel.spans) {
    extent.add(span.from);
    extent.add(span.to);
  }
  return extent;
}

Extent extentY(const Panel& panel) {
  Extent extent;
  for (const PanelSeries& series : panel.series) {
    if (!series.sizesAxis) continue;
    const bool isArea =
        series.shape == PanelSeries::Shape::band || series.shape == PanelSeries::Shape::heat;
    for (const LabPoint& point : series.points) {
      if (!isArea) extent.add(point.y);
      if (!hasErrorBar(point)) continue;
      extent.add(lowEnd(point, panel.y.kind));
      extent.add(point.high);
    }
  }
  return extent;
}

bool Panel::empty() const {
  const Extent across = extentX(*this), up = extentY(*this);
  return across.empty() || up.empty() || (isLogKind(y.kind) && !std::isfinite(up.lowestPositive));
}

AxisScale::AxisScale(const PanelAxis& axis, const Extent& extent) : axis_(axis) {
  std::tie(low_, high_) = rangeOf(axis, extent);
}

bool AxisScale::isLog() const {
  return isLogKind(axis_.kind);
}

double AxisScale::place(double value) const {
  if (!std::isfinite(value)) return kNaN;
  if (!isLog()) return (value - low_) / (high_ - low_);
  return value <= 0 ? kNaN : std::log(value / low_) / std::log(high_ / low_);
}

std::string AxisScale::label(double value) const {
  switch (axis_.kind) {
    case AxisKind::latency:
      return formatMicros(value);
    case AxisKind::count:
    case AxisKind::logCount:
      return formatCount(value);
    case AxisKind::share:
      return fmt::format("{:.6g}%", 100 * value);
    case AxisKind::linear:
    case AxisKind::names:
      break;
  }
  return fmt::format("{:.6g}", value);
}

std::vector<Tick> AxisScale::logTicks(const std::vector<double>& steps, int everyDecades) const {
  std::vector<Tick> ticks;
  const int first = static_cast<int>(std::floor(std::log10(low_) + 1e-9));
  for (int power = first; std::pow(10, power) <= high_ * 1.001; ++power) {
    if ((power - first) % everyDecades != 0) continue;
    for (const double step : steps)
      if (const double at = step * std::pow(10, power); at > low_ * 0.999 && at < high_ * 1.001)
        ticks.push_back({place(at), label(at)});
  }
  return ticks;
}

std::vector<Tick> AxisScale::linearTicks(double step) const {
  std::vector<Tick> ticks;
  const double slack = step * 1e-6;
  for (double n = std::ceil((low_ - slack) / step); n * step <= high_ + slack; ++n)
    ticks.push_back({place(n * step), label(n == 0 ? 0 : n * step)});
  return ticks;
}

std::vector<Tick> AxisScale::ticks(const Fits& fits) const {
  std::vector<std::vector<Tick>> choices;  // the densest first
  if (!axis_.ticks.empty()) {
    std::vector<Tick> given;
    for (const auto& [at, text] : axis_.ticks) given.push_back({place(at), text});
    return given;
  }
  if (axis_.kind == AxisKind::names) {
    std::vector<Tick> named;
    for (const std::string& name : axis_.names)
      named.push_back({place(static_cast<double>(named.size())), name});
    return named;
  }
  if (isLog()) {
    constexpr double kFewDecades = 2.5;
    if (std::log10(high_ / low_) <= kFewDecades) choices.push_back(logTicks({1, 2, 5}, 1));
    for (int every = 1; every <= 4; ++every) choices.push_back(logTicks({1}, every));
    std::erase_if(choices, [](const std::vector<Tick>& ticks) { return ticks.size() < 2; });
    if (choices.empty()) choices.push_back(logTicks({1, 2, 5}, 1));
  } else {
    constexpr double kMost = 10;
    double step = axis_.step > 0 ? axis_.step : niceBound((high_ - low_) / kMost, true);
    for (; choices.empty() || step <= high_ - low_; step = niceBound(step * 1.5, true))
      choices.push_back(linearTicks(step));
  }
  const auto first = std::ranges::find_if(choices, fits);
  return first == choices.end() ? choices.back() : *first;
}

}  // namespace redline
