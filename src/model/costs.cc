#include "model/costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "model/statistics.h"

namespace redline {
namespace {

// SLOWLOG's time ÷ 1M elements of about 20 bytes (KEYS: beside 1M keys of 100 B), median of three,
// on the machine of ForkCost. Memory decides: elements that lie in one block (LRANGE, ZRANGE) cost
// a tenth of those that hang from a hash table. A busy neighbour quadrupled all of them.
constexpr std::array kElementCosts{
    ElementCost{"KEYS", 332e-9},     ElementCost{"HGETALL", 361e-9}, ElementCost{"HKEYS", 319e-9},
    ElementCost{"SMEMBERS", 282e-9}, ElementCost{"SORT", 147e-9},    ElementCost{"LRANGE", 42e-9},
    ElementCost{"ZRANGE", 34e-9},
};

/// Lines by their shape x + offset. One of each shape fits best: its scale is the mean of what is
/// left of the logarithms. An offset of 0 is proportional, a very large one is constant.
class LinesByShape {
 public:
  LinesByShape(std::span<const double> x, std::span<const double> y) : x_(x), y_(y) {}

  struct Fit {
    double offset = 0;
    double logScale = 0;
    double residual = 0;  ///< sum of squares
    double logAt(double x) const { return logScale + std::log(x + offset); }
  };
  Fit fit(double offset) const {
    std::vector<double> rest;
    rest.reserve(x_.size());
    for (std::size_t i = 0; i < x_.size(); ++i)
      rest.push_back(std::log(y_[i]) - std::log(x_[i] + offset));
    Fit fit{.offset = offset, .logScale = meanOf(rest)};
    for (const double each : rest) fit.residual += (each - fit.logScale) * (each - fit.logScale);
    return fit;
  }
  /// From proportional to constant, a hundredth of an offset apart.
  std::vector<Fit> all() const {
    constexpr int kSteps = 1'200;
    constexpr double kStep = 0.01;
    const double middle = meanOf(x_);
    std::vector<Fit> fits{fit(0)};
    for (int i = -kSteps; i <= kSteps; ++i) fits.push_back(fit(middle * std::exp(kStep * i)));
    return fits;
  }
  /// Between the neighbours of the best of all().
  Fit best() const {
    const auto fits = all();
    const auto least = std::ranges::min_element(fits, {}, &Fit::residual);
    if (least == fits.begin()) return *least;
    double low = std::prev(least)->offset;
    double high = std::next(least) == fits.end() ? least->offset : std::next(least)->offset;
    constexpr int kRounds = 60;
    for (int i = 0; i < kRounds; ++i) {
      const double third = (high - low) / 3;
      if (fit(low + third).residual < fit(high - third).residual)
        high -= third;
      else
        low += third;
    }
    return fit((low + high) / 2);
  }

 private:
  std::span<const double> x_, y_;
};

bool hasLine(std::span<const double> x, std::span<const double> y) {
  const auto isPositive = [](double value) { return value > 0; };
  return !x.empty() && x.size() == y.size() && std::ranges::all_of(x, isPositive) &&
         std::ranges::all_of(y, isPositive) && std::ranges::min(x) < std::ranges::max(x);
}

}  // namespace

double forkSeconds(double residentBytes, const ForkCost& cost) {
  return cost.fixedS + residentBytes / kPageBytes * cost.secondsPerPage;
}

double copiedBytes(double residentBytes, double writes, double pagesPerWrite) {
  const double pages = residentBytes / kPageBytes;
  return pages > 0 ? residentBytes * -std::expm1(-writes * pagesPerWrite / pages) : 0;
}

std::optional<ElementCost> elementCost(std::string_view command) {
  const auto* const found = std::ranges::find(kElementCosts, command, &ElementCost::command);
  return found == kElementCosts.end() ? std::nullopt : std::optional(*found);
}

std::string_view wholeRead(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kReads{
      {{"hash", "HGETALL"}, {"list", "LRANGE"}, {"set", "SMEMBERS"}, {"zset", "ZRANGE"}}};
  const auto* const found =
      std::ranges::find(kReads, type, &std::pair<std::string_view, std::string_view>::first);
  return found == kReads.end() ? std::string_view{} : found->second;
}

double wholeReadSeconds(std::string_view type, std::uint64_t elements) {
  const auto cost = elementCost(wholeRead(type));
  return cost ? stallSeconds(*cost, static_cast<double>(elements)) : 0;
}

std::optional<Line> fitLine(std::span<const double> x, std::span<const double> y) {
  if (!hasLine(x, y)) return std::nullopt;
  const auto best = LinesByShape(x, y).best();
  const double slope = std::exp(best.logScale);
  return Line{slope * best.offset, slope};
}

Estimate forecast(std::span<const double> x, std::span<const double> y, double at,
                  double confidence) {
  Estimate estimate;
  if (!hasLine(x, y)) return estimate;
  const LinesByShape lines(x, y);
  const auto best = lines.best();
  const auto n = static_cast<double>(x.size());
  estimate.count = x.size();
  estimate.value = estimate.low = estimate.high = std::exp(best.logAt(at));
  if (x.size() < 4) return estimate;
  // Of each shape, the further measurements that would leave it as likely as the best one is
  // (profile likelihood): Student's t where only the scale is open.
  const double t = studentTQuantile(0.5 + confidence / 2, n - 2);
  const double most = best.residual * (1 + t * t / (n - 2));
  for (const auto& line : lines.all()) {
    if (line.residual > most) continue;
    const double half = std::sqrt((most - line.residual) * (n + 1) / n);
    estimate.low = std::min(estimate.low, std::exp(line.logAt(at) - half));
    estimate.high = std::max(estimate.high, std::exp(line.logAt(at) + half));
  }
  estimate.confidence = confidence;
  estimate.method = IntervalMethod::studentT;
  return estimate;
}

}  // namespace redline
