#include "model/pooled.h"

#include <algorithm>
#include <cmath>

namespace redline {
namespace {

constexpr double kApartLevel = 0.01;
constexpr std::size_t kEnoughToTell = 3;  ///< of two repeats neither is the odd one
constexpr double kEnoughToCompare = 4;    ///< degrees of freedom of the others

}  // namespace

Pooled::Pooled(const std::vector<std::vector<double>>& conditions, double confidence)
    : confidence_(confidence) {
  for (const auto& values : conditions) {
    std::vector<double> logs;
    for (const double value : values)
      if (value > 0) logs.push_back(std::log(value));
    Condition condition{meanOf(logs), logs.size()};
    for (const double value : logs)
      condition.squares += (value - condition.meanLog) * (value - condition.meanLog);
    conditions_.push_back(condition);
  }
  setApart();
  pool();
}

/// The largest variance against the others', then the next: all are set apart down to the last one
/// that is significantly larger than what remains below it.
void Pooled::setApart() {
  std::vector<Condition*> scattered;
  double degrees = 0, squares = 0;
  for (Condition& condition : conditions_) {
    degrees += condition.degrees();
    squares += condition.squares;
    if (condition.count >= kEnoughToTell) scattered.push_back(&condition);
  }
  std::ranges::sort(scattered, [](const Condition* a, const Condition* b) {
    return a->variance() > b->variance();
  });
  std::size_t apart = 0;
  for (std::size_t i = 0; i < scattered.size() / 2; ++i) {
    const Condition& widest = *scattered[i];
    degrees -= widest.degrees();
    squares = std::max(0.0, squares - widest.squares);
    if (degrees < kEnoughToCompare) break;
    const double times = widest.variance() * degrees / squares;  // infinite where the rest has none
    const auto tests = static_cast<double>(scattered.size() - i);
    if (widest.squares > 0 && fTail(times, widest.degrees(), degrees) < kApartLevel / tests)
      apart = i + 1;
  }
  for (std::size_t i = 0; i < apart; ++i) scattered[i]->isApart = true;
}

void Pooled::pool() {
  double squares = 0;
  for (const Condition& condition : conditions_) {
    if (condition.isApart) continue;
    squares += condition.squares;
    degrees_ += condition.degrees();
  }
  if (degrees_ > 0) variance_ = squares / degrees_;
}

Pooled::Error Pooled::errorOf(const Condition& condition) const {
  const auto count = static_cast<double>(condition.count);
  if (condition.isApart) return {condition.variance() / count, condition.degrees()};
  return {variance_ / count, degrees_};
}

Estimate Pooled::around(double logValue, Error error, std::size_t count,
                        IntervalMethod method) const {
  Estimate estimate;
  estimate.count = count;
  estimate.value = estimate.low = estimate.high = std::exp(logValue);
  if (error.degrees <= 0) return estimate;
  const double half =
      studentTQuantile(0.5 + confidence_ / 2, error.degrees) * std::sqrt(error.variance);
  estimate.low = std::exp(logValue - half);
  estimate.high = std::exp(logValue + half);
  estimate.confidence = confidence_;
  estimate.method = method;
  return estimate;
}

Estimate Pooled::of(std::size_t condition) const {
  const Condition& one = conditions_.at(condition);
  if (one.count == 0) return {};
  return around(one.meanLog, errorOf(one), one.count,
                one.isApart ? IntervalMethod::studentT : IntervalMethod::pooledT);
}

Estimate Pooled::ratio(std::size_t base, std::size_t other) const {
  const Condition& a = conditions_.at(base);
  const Condition& b = conditions_.at(other);
  if (a.count == 0 || b.count == 0) return {};
  const double logRatio = b.meanLog - a.meanLog;
  const std::size_t count = std::min(a.count, b.count);
  const Error ofA = errorOf(a);
  const Error ofB = errorOf(b);
  const double variance = ofA.variance + ofB.variance;
  if (!a.isApart && !b.isApart)
    return around(logRatio, {variance, degrees_}, count, IntervalMethod::pooledT);
  // Welch and Satterthwaite: as many degrees as the part that is known worse leaves.
  const auto lost = [](const Error& e) {
    return e.variance > 0 ? e.variance * e.variance / e.degrees : 0;
  };
  return around(logRatio, {variance, variance * variance / (lost(ofA) + lost(ofB))}, count,
                IntervalMethod::welchT);
}

double Pooled::relativeSpread() const {
  return std::expm1(std::sqrt(variance_));
}

}  // namespace redline
