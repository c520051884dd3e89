#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace redline::test {

/// Upper tail of the regularised incomplete gamma function, Q(a, x): its series below a + 1, its
/// continued fraction (evaluated by Lentz's method) above. Abramowitz and Stegun, 6.5.29
/// and 6.5.31.
inline double gammaTail(double a, double x) {
  if (x <= 0) return 1;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-15; ++n) sum += term *= x / n;
    return 1 - front * sum;
  }
  constexpr double kTiny = std::numeric_limits<double>::min() * 1e10;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, fraction = d;
  for (int i = 1; i < 100000; ++i) {
    const double numerator = -i * (i - a);
    b += 2;
    d = 1 / std::max(std::abs(numerator * d + b), kTiny);
    c = std::max(std::abs(b + numerator / c), kTiny);
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return front * fraction;
}

/// P(chi-square with `degrees` of freedom ≥ statistic).
inline double chiSquareTail(double statistic, double degrees) {
  return gammaTail(degrees / 2, statistic / 2);
}

/// p-value of observed counts against expected ones. Neighbouring bins are joined until each
/// expects at least 10, as the chi-square approximation wants.
inline double chiSquareP(const std::vector<std::uint64_t>& observed,
                         const std::vector<double>& expected) {
  double statistic = 0, seen = 0, wanted = 0;
  int bins = 0;
  double left = 0;
  for (const double e : expected) left += e;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    seen += static_cast<double>(observed[i]);
    wanted += expected[i];
    left -= expected[i];
    if (i + 1 < observed.size() && (wanted < 10 || left < 10)) continue;
    statistic += (seen - wanted) * (seen - wanted) / wanted;
    seen = wanted = 0;
    ++bins;
  }
  return bins < 2 ? 1.0 : chiSquareTail(statistic, bins - 1);
}

}  // namespace redline::test
