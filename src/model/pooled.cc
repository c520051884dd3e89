#include "model/pooled.h"

#include <algorithm>
#include <cmath>

namespace redline {

Pooled::Pooled(const std::vector<std::vector<double>>& conditions, double confidence)
    : confidence_(confidence) {
  double squares = 0;
  for (const auto& values : conditions) {
    std::vector<double> logs;
    for (const double value : values)
      if (value > 0) logs.push_back(std::log(value));
    const double mean = meanOf(logs);
    for (const double value : logs) squares += (value - mean) * (value - mean);
    if (logs.size() > 1) degrees_ += static_cast<double>(logs.size() - 1);
    conditions_.push_back({mean, logs.size()});
  }
  if (degrees_ > 0) spread_ = std::sqrt(squares / degrees_);
}

Estimate Pooled::around(double logValue, double errorInUnits, std::size_t count) const {
  Estimate estimate;
  estimate.count = count;
  estimate.value = estimate.low = estimate.high = std::exp(logValue);
  if (degrees_ <= 0) return estimate;
  const double half = studentTQuantile(0.5 + confidence_ / 2, degrees_) * spread_ * errorInUnits;
  estimate.low = std::exp(logValue - half);
  estimate.high = std::exp(logValue + half);
  estimate.confidence = confidence_;
  estimate.method = IntervalMethod::pooledT;
  return estimate;
}

Estimate Pooled::of(std::size_t condition) const {
  const Condition& one = conditions_.at(condition);
  if (one.count == 0) return {};
  return around(one.meanLog, 1 / std::sqrt(static_cast<double>(one.count)), one.count);
}

Estimate Pooled::ratio(std::size_t base, std::size_t other) const {
  const Condition& a = conditions_.at(base);
  const Condition& b = conditions_.at(other);
  if (a.count == 0 || b.count == 0) return {};
  return around(b.meanLog - a.meanLog,
                std::sqrt(1 / static_cast<double>(a.count) + 1 / static_cast<double>(b.count)),
                std::min(a.count, b.count));
}

double Pooled::relativeSpread() const {
  return std::expm1(spread_);
}

}  // namespace redline
