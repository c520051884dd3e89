#include "model/curve.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/statistics.h"

namespace redline {
namespace {

/// The points that reach into `window`; they are neighbours, as points are in order.
std::span<const SeriesPoint> searchedPart(std::span<const SeriesPoint> points,
                                          const Stretch& window) {
  const auto first = std::ranges::find_if(
      points, [&](const SeriesPoint& point) { return point.endS > window.fromS; });
  const auto last = std::find_if(
      first, points.end(), [&](const SeriesPoint& point) { return point.startS >= window.toS; });
  return {first, last};
}

double usualLength(std::span<const SeriesPoint> points) {
  std::vector<double> lengths;
  lengths.reserve(points.size());
  for (const SeriesPoint& point : points) lengths.push_back(point.endS - point.startS);
  return medianOf(lengths);
}

bool inside(const SeriesPoint& point, const Stretch& window) {
  return point.startS >= window.fromS && point.endS <= window.toS;
}

/// The excursion around `peak`: outwards while above, across at most `bridge` intervals that are
/// not.
std::pair<std::size_t, std::size_t> excursionAround(std::span<const SeriesPoint> points,
                                                    std::size_t peak, double threshold,
                                                    std::size_t bridge) {
  std::size_t first = peak, last = peak;
  for (std::size_t back = 1; back <= peak && first - (peak - back) <= bridge + 1; ++back)
    if (points[peak - back].value > threshold) first = peak - back;
  for (std::size_t i = peak + 1; i < points.size() && i - last <= bridge + 1; ++i)
    if (points[i].value > threshold) last = i;
  return {first, last};
}

void countExcursions(std::span<const SeriesPoint> points, std::size_t bridge, Spike& spike) {
  std::size_t below = bridge + 1;  // since the last interval above
  for (const SeriesPoint& point : points) {
    if (point.value <= spike.threshold) {
      ++below;
      continue;
    }
    if (below > bridge) ++spike.excursions;
    below = 0;
    spike.aboveS += point.endS - point.startS;
  }
}

}  // namespace

std::optional<std::size_t> findKnee(std::span<const double> x, std::span<const double> y,
                                    double leastBulge) {
  if (x.size() < 3 || x.size() != y.size()) return std::nullopt;
  const auto [low, high] = std::ranges::minmax(y);
  const double width = x.back() - x.front(), height = high - low;
  if (width <= 0 || height <= 0 || y.back() <= y.front()) return std::nullopt;
  std::size_t best = 0;
  double bulge = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double along = (x[i] - x.front()) / width;
    const double onLine = (y.front() - low + along * (y.back() - y.front())) / height;
    const double above = (y[i] - low) / height - onLine;
    if (above > bulge) {
      bulge = above;
      best = i;
    }
  }
  return bulge >= leastBulge ? std::optional(best) : std::nullopt;
}

std::optional<std::size_t> findPlateau(std::span<const double> y, double tolerance) {
  if (y.size() < 2) return std::nullopt;
  for (std::size_t i = 0; i + 1 < y.size(); ++i)
    if (std::ranges::max(y.subspan(i + 1)) <= y[i] * (1 + tolerance)) return i;
  return std::nullopt;
}

std::optional<std::size_t> findClimb(std::span<const double> y, double factor) {
  if (y.empty()) return std::nullopt;
  double lowest = y.front();
  for (std::size_t i = 1; i < y.size(); ++i) {
    if (std::ranges::min(y.subspan(i)) > factor * lowest) return i;
    lowest = std::min(lowest, y[i]);
  }
  return std::nullopt;
}

std::optional<Cliff> findCliff(std::span<const double> x, std::span<const double> y,
                               double tolerance) {
  if (x.size() < 2 || x.size() != y.size()) return std::nullopt;
  Cliff cliff;
  cliff.level = y.front();
  std::size_t below = 1;
  for (; below < y.size() && y[below] >= cliff.level - tolerance; ++below)
    cliff.level = std::max(cliff.level, y[below]);
  if (below == y.size()) return std::nullopt;
  cliff.firstBelow = below;
  cliff.lastFlat = below - 1;
  const double before = y[below - 1], line = cliff.level - tolerance;
  cliff.edge = x[below - 1] + (before - line) / (before - y[below]) * (x[below] - x[below - 1]);
  cliff.lost = cliff.level - y.back();
  for (std::size_t i = cliff.lastFlat; i + 1 < y.size(); ++i) {
    const double slope = (y[i] - y[i + 1]) / (x[i + 1] - x[i]);
    if (slope <= cliff.steepestSlope) continue;
    cliff.steepestSlope = slope;
    cliff.steepest = i;
  }
  const double mean = (before - y.back()) / (x.back() - x[cliff.lastFlat]);
  if (mean > 0) cliff.sharpness = cliff.steepestSlope / mean;
  return cliff;
}

std::optional<double> findCrossing(std::span<const double> x, std::span<const double> y,
                                   double level) {
  for (std::size_t i = 0; i + 1 < std::min(x.size(), y.size()); ++i) {
    const double here = y[i] - level, next = y[i + 1] - level;
    if (here == 0) return x[i];
    if ((here < 0) != (next < 0)) return x[i] + here / (here - next) * (x[i + 1] - x[i]);
  }
  return std::nullopt;
}

std::vector<double> medianCurve(const std::vector<std::vector<double>>& repeats) {
  std::vector<double> curve;
  if (repeats.empty()) return curve;
  std::vector<double> column(repeats.size());
  for (std::size_t i = 0; i < repeats.front().size(); ++i) {
    for (std::size_t r = 0; r < repeats.size(); ++r) column[r] = repeats[r][i];
    curve.push_back(medianOf(column));
  }
  return curve;
}

std::string SpikeRule::text() const {
  return fmt::format("more than {} x the baseline's median and more than {} deviations above it",
                     factor, deviations);
}

double spikeThreshold(std::span<const double> baseline, const SpikeRule& rule) {
  const double median = medianOf(baseline);
  return std::max({rule.factor * median, median + rule.deviations * scaledMadOf(baseline),
                   median + rule.least});
}

Spike findSpike(std::span<const SeriesPoint> points, Stretch quiet, Stretch searched,
                const SpikeRule& rule) {
  std::vector<double> baseline;
  for (const SeriesPoint& point : points)
    if (inside(point, quiet)) baseline.push_back(point.value);
  const auto search = searchedPart(points, searched);
  Spike spike;
  spike.judged = baseline.size() >= rule.leastBaseline && !search.empty();
  if (!spike.judged) return spike;
  spike.baseline = medianOf(baseline);
  spike.threshold = spikeThreshold(baseline, rule);
  spike.resolutionS = usualLength(search);
  const auto highest = std::ranges::max_element(search, {}, &SeriesPoint::value);
  spike.peak = highest->value;
  spike.peakAtS = highest->startS;
  spike.found = spike.peak > spike.threshold;
  if (!spike.found) return spike;
  const auto [first, last] = excursionAround(
      search, static_cast<std::size_t>(highest - search.begin()), spike.threshold, rule.bridge);
  // Nothing finishes while a server stands still: such a gap belongs to the spike that ends it.
  const SeriesPoint* const start = &search[first];
  spike.startS = start == points.data() ? start->startS : std::min(start->startS, start[-1].endS);
  spike.endS = search[last].endS;
  spike.cutOff = last + 1 == search.size();
  countExcursions(search, rule.bridge, spike);
  return spike;
}

}  // namespace redline
