#include "model/cache.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/numbers.h"

namespace redline {
namespace {

/// Ranks below this are classes of their own; beyond it a class spans 1/kFineness of its rank. The
/// midpoint rule's error is then s(s+1)/(24 kFineness²), below 1e-5 for s ≤ 2.
constexpr std::uint64_t kSingle = 512;
constexpr std::uint64_t kFineness = 256;

/// What must hold as T grows: the evictable keys present fill what room is left to them.
template <typename Present>
CacheForecast solve(const Popularity& popularity, const CacheShape& shape, Present present) {
  CacheForecast forecast;
  const double share = shape.evictableShare;
  const double room = shape.capacity - (1 - share) * popularity.keys();
  if (room >= share * popularity.keys()) return {true, 1, kInfinity};
  if (room < 0) return {false, 0, 0};

  const auto filled = [&](double t) {
    double sum = 0;
    for (const auto& c : popularity.classes()) sum += c.keys * present(c.probability * t);
    return share * sum;
  };
  double low = 0, high = std::max(1.0, room);
  while (filled(high) < room && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-12 * high; ++i) {
    const double middle = (low + high) / 2;
    (filled(middle) < room ? low : high) = middle;
  }
  forecast.characteristicRequests = (low + high) / 2;
  double hits = 0;
  for (const auto& c : popularity.classes())
    hits += c.keys * c.probability * present(c.probability * forecast.characteristicRequests);
  forecast.hitRate = (1 - share) + share * hits;
  return forecast;
}

}  // namespace

Popularity Popularity::uniform(std::uint64_t keys) {
  Popularity popularity(static_cast<double>(keys));
  popularity.classes_.push_back({popularity.keys_, 1 / popularity.keys_});
  return popularity;
}

Popularity Popularity::zipf(std::uint64_t keys, double s) {
  Popularity popularity(static_cast<double>(keys));
  double total = 0;
  for (std::uint64_t first = 1; first <= keys;) {
    const std::uint64_t width = std::min(
        first < kSingle ? 1 : std::max<std::uint64_t>(1, first / kFineness), keys - first + 1);
    const double middle = static_cast<double>(first) + static_cast<double>(width - 1) / 2;
    popularity.classes_.push_back({static_cast<double>(width), std::pow(middle, -s)});
    total += popularity.classes_.back().keys * popularity.classes_.back().probability;
    first += width;
  }
  for (Class& c : popularity.classes_) c.probability /= total;
  return popularity;
}

PopularityDraws::PopularityDraws(const Popularity& popularity)
    : keys_(static_cast<std::uint64_t>(popularity.keys())) {
  double sum = 0;
  double rank = 0;
  for (const auto& c : popularity.classes()) {
    firstRank_.push_back(rank);
    rank += c.keys;
    upTo_.push_back(sum += c.keys * c.probability);
  }
  firstRank_.push_back(rank);
  // About the golden section: neighbouring ranks land far apart.
  multiplier_ = static_cast<std::uint64_t>(0.6180339887 * popularity.keys()) | 1;
  while (std::gcd(multiplier_, keys_) != 1) multiplier_ += 2;
}

std::uint64_t PopularityDraws::operator()(Rng& rng) const {
  const double u = rng.unit() * upTo_.back();
  const auto at = static_cast<std::size_t>(std::ranges::upper_bound(upTo_, u) - upTo_.begin());
  const std::size_t c = std::min(at, upTo_.size() - 1);
  const double before = c == 0 ? 0 : upTo_[c - 1];
  const double within = (u - before) / (upTo_[c] - before);
  const double rank = firstRank_[c] + within * (firstRank_[c + 1] - firstRank_[c]);
  const auto whole = std::min(static_cast<std::uint64_t>(rank), keys_ - 1);
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(whole) * multiplier_ % keys_);
}

CacheForecast lruForecast(const Popularity& popularity, const CacheShape& shape) {
  return solve(popularity, shape, [](double x) { return -std::expm1(-x); });
}

CacheForecast randomForecast(const Popularity& popularity, const CacheShape& shape) {
  return solve(popularity, shape, [](double x) { return x / (1 + x); });
}

CacheForecast hottestForecast(const Popularity& popularity, const CacheShape& shape) {
  const double share = shape.evictableShare;
  double room = shape.capacity - (1 - share) * popularity.keys();
  if (room >= share * popularity.keys()) return {true, 1, kInfinity};
  if (room < 0) return {false, 0, 0};
  CacheForecast forecast;
  forecast.hitRate = 1 - share;
  for (const auto& c : popularity.classes()) {
    const double kept = std::min(room, share * c.keys);
    forecast.hitRate += kept * c.probability;
    room -= kept;
  }
  return forecast;
}

double ratioOfRefusal(double ttlShare) {
  return ttlShare < 1 ? 1 / (1 - ttlShare) : kInfinity;
}

}  // namespace redline
