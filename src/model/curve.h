#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace redline {

// Where a curve bends, flattens or falls, and where a series has a spike: explicit rules, so that a
// report can quote them and the result is reproducible.

/// A rule's answer over several repeats of one sweep.
struct Located {
  std::size_t index = 0;     ///< in the sweep
  double x = 0;              ///< the sweep's value there
  std::size_t repeats = 0;   ///< sweeps asked
  std::size_t agreeing = 0;  ///< repeats that put it at this index or one beside it
  /// Half of the repeats or more put it elsewhere: then the result is inconclusive. One repeat
  /// agrees with itself.
  bool stable() const { return 2 * agreeing > repeats; }
};

/// The point that bulges furthest from the straight line between the first and the last point
/// (Kneedle; Satopää, Albrecht, Irwin and Raghavan 2011, without its smoothing), both axes scaled
/// to 0…1: of a curve that rises steeply and then flattens. It has to bulge by at least
/// `leastBulge` of the height, else there is no knee. Three points or more, x ascending.
/// For sweeps in powers of two pass the logarithms of x.
std::optional<std::size_t> findKnee(std::span<const double> x, std::span<const double> y,
                                    double leastBulge = 0.1);

/// The first point that no later one exceeds by more than `tolerance` (0.05 = 5%): from there on
/// the curve has flattened. None if that is true of the last point only: the sweep ended on the
/// slope.
std::optional<std::size_t> findPlateau(std::span<const double> y, double tolerance = 0.05);

/// The first point from which on every value lies above `factor` × the lowest value before: where
/// latency rises for the rest of the sweep. None if there is no such point.
std::optional<std::size_t> findClimb(std::span<const double> y, double factor = 1.5);

/// Where a curve that was flat falls.
struct Cliff {
  /// The last point that is within `tolerance` of the highest value up to it, and the one after:
  /// the edge lies between them.
  std::size_t lastFlat = 0, firstBelow = 0;
  /// Where, on a straight line between those two, the loss reaches the tolerance.
  double edge = 0;
  double level = 0;  ///< the highest value up to the edge
  double lost = 0;   ///< level − the last point's value
  /// The steepest step starts at this point, with this fall per unit of x.
  std::size_t steepest = 0;
  double steepestSlope = 0;
  /// Steepest fall ÷ the mean fall from the edge to the sweep's end: 1 for a straight slope.
  double sharpness = 1;
  /// A cliff and not a slope: at least twice as steep somewhere as on the whole.
  bool sharp() const { return sharpness >= 2; }
};

/// `tolerance` is absolute, in y's unit: 0.01 for one percentage point of hit rate. x ascending.
/// None if no point lies more than that below the highest before it.
std::optional<Cliff> findCliff(std::span<const double> x, std::span<const double> y,
                               double tolerance = 0.01);

/// The first x at which y passes `level`, in either direction, on straight lines between the
/// points. None if it stays on one side.
std::optional<double> findCrossing(std::span<const double> x, std::span<const double> y,
                                   double level);

/// Applies a rule (y → optional index) to the median curve, and to each repeat to see whether they
/// agree. `repeats` are curves of x's length. None if the median curve has no such point.
template <typename Rule>
std::optional<Located> locate(std::span<const double> x,
                              const std::vector<std::vector<double>>& repeats, Rule&& rule);

/// Point by point, the median over the repeats.
std::vector<double> medianCurve(const std::vector<std::vector<double>>& repeats);

/// A stretch of a series of intervals: a p99, say, in each.
struct SeriesPoint {
  double startS = 0, endS = 0;
  double value = 0;
};

struct SpikeRule {
  /// Above: more than `factor` × baseline, and more than `deviations` scaled median absolute
  /// deviations above it, and more than `least` (in the series' own unit) above it.
  double factor = 2;
  double deviations = 6;
  double least = 0;
  std::size_t bridge = 1;         ///< intervals below that do not end a spike
  std::size_t leastBaseline = 5;  ///< intervals that a baseline needs
  /// "more than 2 × the median before and 6 deviations above it".
  std::string text() const;
};

/// The value that a point has to exceed: of a series whose quiet part is `baseline`. 0 when empty.
double spikeThreshold(std::span<const double> baseline, const SpikeRule& rule);

/// What a series did after something was done to it.
struct Spike {
  bool judged = false;  ///< the baseline had enough intervals, and there was something to search
  bool found = false;
  double baseline = 0;          ///< median of the baseline's intervals
  double threshold = 0;         ///< what counts as above
  double peak = 0;              ///< the highest value searched, spike or not
  double peakAtS = 0;           ///< the start of that interval
  double startS = 0, endS = 0;  ///< of the excursion that holds the peak
  double aboveS = 0;            ///< time above the threshold in all excursions together
  std::size_t excursions = 0;
  bool cutOff = false;     ///< the series ended above: it lasted at least this long
  double resolutionS = 0;  ///< length of an interval: the edges are known to within one
  double height() const { return peak - baseline; }
  double multiple() const { return baseline > 0 ? peak / baseline : 0; }
  double durationS() const { return endS - startS; }
};

/// A stretch of time, in seconds on the series' axis.
struct Stretch {
  double fromS = 0, toS = 0;
};

/// Baseline: intervals that lie wholly inside `quiet`. Searched: those that reach into `searched`;
/// points in ascending order.
Spike findSpike(std::span<const SeriesPoint> points, Stretch quiet, Stretch searched,
                const SpikeRule& rule = {});

// ---------------------------------------------------------------------------------------------

template <typename Rule>
std::optional<Located> locate(std::span<const double> x,
                              const std::vector<std::vector<double>>& repeats, Rule&& rule) {
  const std::optional<std::size_t> at = rule(std::span<const double>(medianCurve(repeats)));
  if (!at) return std::nullopt;
  Located located{*at, x[*at], repeats.size(), 0};
  for (const auto& repeat : repeats) {
    const std::optional<std::size_t> own = rule(std::span<const double>(repeat));
    if (own && *own <= *at + 1 && *at <= *own + 1) ++located.agreeing;
  }
  return located;
}

}  // namespace redline
