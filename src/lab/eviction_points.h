#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/experiment.h"
#include "model/cache.h"
#include "model/eviction_simulation.h"

namespace redline::eviction {

// The points that `eviction-cliff` measures, and what the models expect of each: for its plan and
// its findings alike. Words are those of its TOML.

/// What evicts, and which keys.
struct Policy {
  std::string_view word;   ///< in the TOML
  std::string_view redis;  ///< maxmemory-policy
  EvictionPolicy kind;
  bool isVolatile;  ///< only keys with a time to live may go
};
/// Of a word that the TOML may have.
const Policy& policyOf(std::string_view word);
/// Share of the keys with a time to live under a policy.
double ttlShare(const Parameters& p, std::string_view word);
/// "volatile-lru, 30% TTL".
std::string fullName(const Parameters& p, std::string_view word);

/// One point of a curve.
struct Condition {
  std::string dist;    ///< as -dist has it
  std::string policy;  ///< a policy's word
  std::string ratio;   ///< working set ÷ maxmemory, as written
  std::string value;   ///< bytes of a value, as written

  double times() const;  ///< the ratio
  bool isZipf() const { return dist == "zipfian"; }
  Labels labels() const;
  std::string name() const;  ///< [a-z0-9-]
};

/// All points, curve by curve; those of the other value size come last.
std::vector<Condition> conditions(const Parameters& p);

/// The points of one policy under one distribution, by ratio.
struct Curve {
  std::string dist, policy;
  std::vector<std::size_t> at;  ///< places in conditions()
  std::vector<double> ratios;
};
std::vector<Curve> curvesOf(const Parameters& p, const std::vector<Condition>& all);

/// Keys of the working set.
std::uint64_t keysAt(const Parameters& p, const Condition& c);
/// How popular each of them is.
Popularity popularityOf(const Parameters& p, const Condition& c);
/// A server that holds `held` keys; without it as many as the ratio leaves room for.
CacheShape shapeOf(const Parameters& p, const Condition& c, double held);
CacheShape shapeOf(const Parameters& p, const Condition& c);
/// What may not be evicted exceeds maxmemory, as far as the numbers of keys say; a time to live
/// takes bytes of its own, so a server may be full somewhat later.
bool refuses(const Parameters& p, const Condition& c);
/// LRU's characteristic time, seconds; infinite where nothing goes, or nothing can.
double characteristicS(const Parameters& p, const Condition& c);
/// The warm-up of its runs, seconds.
double warmupS(const Parameters& p, const Condition& c);

/// Hit rates that are expected of a point.
struct Theory {
  double lru = 1, random = 1;  ///< formulas: exact recency, and none
  double best = 1;             ///< the most popular keys always there
  double simulated = 1;        ///< Redis's sampling, for as many requests as are sent
};
/// Of a server that holds `held` keys. Simulates all requests of a run: about 100 ns each.
Theory theoryOf(const Parameters& p, const Condition& c, double held);

/// The two runs of a shift of popularity; `part`: "before", "after".
Labels shiftLabels(const std::string& policy, std::string_view part);

/// Experiment::analyse of eviction-cliff.
void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document);
/// Places in conditions() of those that are predicted: where keys go, or are refused.
std::vector<std::size_t> predicted(const std::vector<Condition>& all);

}  // namespace redline::eviction
