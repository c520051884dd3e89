#include "model/queue.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

#include "base/numbers.h"

namespace redline {
namespace {}  // namespace

Md1::Md1(double rate, double serviceS) : rate_(rate), serviceS_(serviceS) {}

double Md1::meanWait() const {
  const double rho = utilisation();
  return rho < 1 ? rho * serviceS_ / (2 * (1 - rho)) : kInfinity;
}

// The number in the system, as those leave it who have been served, moves down by one at most. So
// what crosses upwards between n and n + 1 must equal what comes down from n + 1, which happens
// when there is no arrival during a service: P(n+1) P(0 arrive) = P(0) P(> n arrive) + Σ P(i) P(>
// n+1−i arrive). No subtraction, hence no loss of digits.
void Md1::extendTo(std::size_t level) const {
  const double rho = utilisation();
  const double noneArrive = std::exp(-rho);
  if (exactly_.empty()) {
    exactly_.push_back(1 - rho);
    atMost_.push_back(1 - rho);
  }
  double arrive = noneArrive;
  while (moreArrive_.size() < level + 1) {
    // Summed from the far end, so that small tails keep their digits.
    const std::size_t n = moreArrive_.size();
    arrive = std::exp(-rho + static_cast<double>(n + 1) * std::log(rho) -
                      std::lgamma(static_cast<double>(n) + 2));
    double tail = 0, term = arrive;
    for (std::size_t k = n + 1; term > tail * 1e-17; ++k) {
      tail += term;
      term *= rho / static_cast<double>(k + 1);
    }
    moreArrive_.push_back(tail);
  }
  while (exactly_.size() < level + 1) {
    const std::size_t n = exactly_.size() - 1;
    double up = exactly_[0] * moreArrive_[n];
    // More than a few tens of arrivals during one service are practically impossible.
    constexpr std::size_t kFarthest = 200;
    for (std::size_t i = n > kFarthest ? n - kFarthest : 1; i <= n; ++i)
      up += exactly_[i] * moreArrive_[n + 1 - i];
    exactly_.push_back(up / noneArrive);
    atMost_.push_back(std::min(1.0, atMost_.back() + exactly_.back()));
  }
}

double Md1::waitCdf(double t) const {
  const double rho = utilisation();
  if (t < 0 || rho >= 1) return 0;
  if (rho <= 0) return 1;
  const auto k = static_cast<std::size_t>(t / serviceS_) + 1;
  extendTo(k);
  const double left = rate_ * (static_cast<double>(k) * serviceS_ - t);  // 0 < left ≤ ρ
  double term = std::exp(-left), sum = 0;
  for (std::size_t j = 0; j < k && term > 1e-18; ++j) {
    sum += atMost_[k - j] * term;
    term *= left / static_cast<double>(j + 1);
  }
  return std::min(1.0, sum);
}

double Md1::waitQuantile(double q) const {
  if (utilisation() >= 1) return kInfinity;
  if (waitCdf(0) >= q) return 0;
  double low = 0, high = serviceS_;
  while (waitCdf(high) < q && high < 1e6 * serviceS_) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 100 && high - low > 1e-12 * high; ++i) {
    const double middle = (low + high) / 2;
    (waitCdf(middle) < q ? low : high) = middle;
  }
  return (low + high) / 2;
}

double Stall::recoveredS() const {
  return utilisation() < 1 ? frozenS / (1 - utilisation()) : kInfinity;
}

double Stall::touchedShare() const {
  return std::min(1.0, recoveredS() / windowS);
}

std::optional<double> Stall::responseQuantile(double q) const {
  if (utilisation() >= 1 || q < 1 - touchedShare()) return std::nullopt;
  return std::max(0.0, frozenS - (1 - q) * windowS * (1 - utilisation()));
}

double stalledQuantile(std::vector<double> stallsS, double windowS, double utilisation, double q) {
  if (utilisation >= 1) return kInfinity;
  const double beyond = (1 - q) * (1 - utilisation) * windowS;
  std::ranges::sort(stallsS, std::greater<>{});
  // Only the longest ones reach beyond x: as many as are longer than the x that they make.
  double sum = 0, x = 0;
  for (std::size_t i = 0; i < stallsS.size() && stallsS[i] > x; ++i) {
    sum += stallsS[i];
    x = std::max(x, (sum - beyond) / static_cast<double>(i + 1));
  }
  return x;
}

}  // namespace redline
