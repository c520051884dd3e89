#include "workload/distribution.h"

#include <array>
#include <cmath>

namespace redline {
namespace {

// Closer to 1 than this, x^(1−s) is so flat that rounding it would show: 2^−53 / |1−s| is the
// relative error of x, here at most 1e-13, or 1e-5 of a rank at 10^8 keys.
constexpr double kNearOne = 0x1.0p-10;

/// log(1+t)/t, continuous at 0.
double logRatio(double t) {
  return std::abs(t) > 1e-9 ? std::log1p(t) / t : 1.0 - t / 2;
}
/// (e^t − 1)/t, continuous at 0.
double expRatio(double t) {
  return std::abs(t) > 1e-9 ? std::expm1(t) / t : 1.0 + t / 2;
}

}  // namespace

double harmonicNumber(std::uint64_t n, double s) noexcept {
  constexpr std::uint64_t kSummed = 64;
  // B(2j) / (2j)!, the coefficients of the odd derivatives' differences.
  constexpr std::array kCoefficients{1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600,
                                     1.0 / 47900160};
  double sum = 0;  // ends up over k = 1 … min(n, 63), smallest terms first
  for (std::uint64_t k = std::min(n, kSummed - 1); k > 0; --k)
    sum += std::pow(static_cast<double>(k), -s);
  if (n < kSummed) return sum;

  const auto a = static_cast<double>(kSummed);
  const auto b = static_cast<double>(n);
  const double atA = std::pow(a, -s), atB = std::pow(b, -s);
  const double span = std::log(b / a);
  sum += a * atA * span * expRatio((1 - s) * span);  // the integral of x^−s over [a, b]
  sum += (atA + atB) / 2;
  double rising = s, powerA = atA / a, powerB = atB / b;
  for (std::size_t j = 0; j < kCoefficients.size(); ++j) {
    sum += kCoefficients[j] * rising * (powerA - powerB);
    const double order = s + 2 * static_cast<double>(j) + 1;
    rising *= order * (order + 1);
    powerA /= a * a;
    powerB /= b * b;
  }
  return sum;
}

Zipf::Zipf(std::uint64_t n, double s)
    : s_(s),
      q_(1 - s),
      inverse_(q_ == 0 ? 0 : 1 / q_),
      form_(q_ == 0                   ? Form::logarithm
            : std::abs(q_) < kNearOne ? Form::nearOne
                                      : Form::power),
      last_(static_cast<double>(n)),
      begin_(forward(1.5) - heightAt(1)),
      end_(forward(last_ + 0.5)),
      squeeze_(2 - invert(forward(2.5) - heightAt(2))),
      total_(harmonicNumber(n, s)) {}

double Zipf::forward(double x) const noexcept {
  if (form_ == Form::power) return std::pow(x, q_);
  const double log = std::log(x);
  return form_ == Form::logarithm ? log : log * expRatio(q_ * log);
}

double Zipf::invert(double point) const noexcept {
  if (form_ == Form::power) return std::exp(inverse_ * std::log(point));
  if (form_ == Form::logarithm) return std::exp(point);
  return std::exp(point * logRatio(q_ * point));
}

double Zipf::heightAt(double k) const noexcept {
  const double height = std::pow(k, -s_);
  return form_ == Form::power ? q_ * height : height;
}

bool Zipf::accepts(double point, double k) const noexcept {
  const double edge = forward(k + 0.5) - heightAt(k);
  // For s > 1 the points x^(1−s) run downwards as x grows.
  return form_ == Form::power && q_ < 0 ? point <= edge : point >= edge;
}

double Zipf::probability(std::uint64_t rank) const noexcept {
  const double k = static_cast<double>(rank) + 1;
  return k <= last_ ? std::pow(k, -s_) / total_ : 0.0;
}

double Zipf::shareOfHottest(std::uint64_t ranks) const noexcept {
  if (static_cast<double>(ranks) >= last_) return 1.0;
  return harmonicNumber(ranks, s_) / total_;
}

}  // namespace redline
