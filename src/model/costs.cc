#include "model/costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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
  const double meanX = meanOf(x), meanY = meanOf(y);
  double xx = 0, xy = 0;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    xx += (x[i] - meanX) * (x[i] - meanX);
    xy += (x[i] - meanX) * (y[i] - meanY);
  }
  if (xx <= 0) return std::nullopt;
  return Line{meanY - xy / xx * meanX, xy / xx};
}

Estimate forecast(std::span<const double> x, std::span<const double> y, double at,
                  double confidence) {
  Estimate estimate;
  const auto line = fitLine(x, y);
  if (!line) return estimate;
  const auto n = static_cast<double>(x.size());
  estimate.count = x.size();
  estimate.value = estimate.low = estimate.high = line->at(at);
  if (x.size() < 4) return estimate;
  const double middle = meanOf(x);
  double residual = 0, spread = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    residual += (y[i] - line->at(x[i])) * (y[i] - line->at(x[i]));
    spread += (x[i] - middle) * (x[i] - middle);
  }
  const double ofOne = residual / (n - 2);
  const double half = studentTQuantile(0.5 + confidence / 2, n - 2) *
                      std::sqrt(ofOne * (1 + 1 / n + (at - middle) * (at - middle) / spread));
  estimate.low -= half;
  estimate.high += half;
  estimate.confidence = confidence;
  estimate.method = IntervalMethod::studentT;
  return estimate;
}

}  // namespace redline
