#include "lab/eviction_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/units.h"

namespace redline::eviction {
namespace {

constexpr std::array<Policy, 4> kPolicies{
    {{"allkeys-lru", "allkeys-lru", EvictionPolicy::lru, false},
     {"allkeys-lfu", "allkeys-lfu", EvictionPolicy::lfu, false},
     {"volatile-lru", "volatile-lru", EvictionPolicy::lru, true},
     {"volatile-lru-all", "volatile-lru", EvictionPolicy::lru, true}}};

}  // namespace

const Policy& policyOf(std::string_view word) {
  return *std::ranges::find(kPolicies, word, &Policy::word);
}

double ttlShare(const Parameters& p, std::string_view word) {
  if (word == "volatile-lru-all") return 1;
  return policyOf(word).isVolatile ? p.number("ttl-frac") : 0;
}

std::string fullName(const Parameters& p, std::string_view word) {
  const Policy& policy = policyOf(word);
  if (!policy.isVolatile) return std::string(policy.redis);
  return fmt::format("{}, {:.0f}% TTL", policy.redis, 100 * ttlShare(p, word));
}

double Condition::times() const {
  return *parseNumber(ratio);
}

Labels Condition::labels() const {
  return {{"dist", dist}, {"policy", policy}, {"ratio", ratio}, {"value", value}};
}

std::string Condition::name() const {
  std::string text = fmt::format("{}-{}-{}x-{}", dist, policy, ratio, value);
  std::ranges::replace(text, '.', '-');
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

std::vector<Condition> conditions(const Parameters& p) {
  std::vector<Condition> all;
  const auto add = [&](const std::string& dist, const std::string& policy,
                       const std::vector<std::string>& ratios, const std::string& value) {
    for (const std::string& ratio : ratios) all.push_back({dist, policy, ratio, value});
  };
  for (const std::string& policy : p.texts("policies"))
    add("zipfian", policy, p.texts("ratios"), p.text("value-size"));
  for (const std::string& policy : p.texts("uniform-policies"))
    add("uniform", policy, p.texts("ratios"), p.text("value-size"));
  add("zipfian", p.texts("policies").front(), p.texts("big-ratios"), p.text("big-value-size"));
  return all;
}

std::vector<Curve> curvesOf(const Parameters& p, const std::vector<Condition>& all) {
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Condition& c = all[i];
    if (c.value != p.text("value-size")) continue;
    if (curves.empty() || curves.back().policy != c.policy || curves.back().dist != c.dist)
      curves.push_back({c.dist, c.policy, {}, {}});
    curves.back().at.push_back(i);
    curves.back().ratios.push_back(c.times());
  }
  return curves;
}

std::uint64_t keysAt(const Parameters& p, const Condition& c) {
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(p.count("room")) * c.times()));
}

CacheShape shapeOf(const Parameters& p, const Condition& c, double held) {
  const Policy& policy = policyOf(c.policy);
  return {held, policy.isVolatile ? ttlShare(p, c.policy) : 1};
}

Popularity popularityOf(const Parameters& p, const Condition& c) {
  const std::uint64_t keys = keysAt(p, c);
  return c.isZipf() ? Popularity::zipf(keys, p.number("zipf-s")) : Popularity::uniform(keys);
}

CacheShape shapeOf(const Parameters& p, const Condition& c) {
  return shapeOf(p, c, capacityAt(static_cast<double>(keysAt(p, c)), c.times()));
}

bool refuses(const Parameters& p, const Condition& c) {
  return policyOf(c.policy).isVolatile && c.times() > ratioOfRefusal(ttlShare(p, c.policy));
}

double characteristicS(const Parameters& p, const Condition& c) {
  if (refuses(p, c)) return std::numeric_limits<double>::infinity();
  return lruForecast(popularityOf(p, c), shapeOf(p, c)).characteristicRequests /
         static_cast<double>(p.count("rate"));
}

double warmupS(const Parameters& p, const Condition& c) {
  const double least = p.seconds("least-warmup");
  const double tc = characteristicS(p, c);
  return std::isfinite(tc) ? std::max(least, tc * p.number("warmup-tc")) : least;
}

Theory theoryOf(const Parameters& p, const Condition& c, double held) {
  const std::uint64_t keys = keysAt(p, c);
  if (!(held < static_cast<double>(keys))) return {};
  constexpr double kSlack = 1.001;  // which keys have a time to live is drawn
  const double permanent = 1 - shapeOf(p, c, held).evictableShare;
  if (held <= permanent * static_cast<double>(keys) * kSlack)
    return {permanent, permanent, permanent, permanent};
  const Popularity popularity = popularityOf(p, c);
  const CacheShape shape = shapeOf(p, c, held);
  const auto rate = static_cast<double>(p.count("rate"));
  const EvictionPlan plan{.keys = keys,
                          .capacity = static_cast<std::uint64_t>(held),
                          .policy = policyOf(c.policy).kind,
                          .requestsPerS = rate,
                          .warmup = static_cast<std::uint64_t>(rate * warmupS(p, c)),
                          .requests = static_cast<std::uint64_t>(rate * p.seconds("duration")),
                          .evictableShare = shape.evictableShare};
  return {lruForecast(popularity, shape).hitRate, randomForecast(popularity, shape).hitRate,
          hottestForecast(popularity, shape).hitRate,
          simulateEviction(plan, PopularityDraws(popularity)).hitRate()};
}

Labels shiftLabels(const std::string& policy, std::string_view part) {
  return {{"shift", std::string(part)}, {"policy", policy}};
}

std::vector<std::size_t> predicted(const std::vector<Condition>& all) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].times() > 1) places.push_back(i);
  return places;
}

}  // namespace redline::eviction
