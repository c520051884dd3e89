#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "lab/eviction_theory.h"
#include "lab/study.h"

namespace redline::lab::eviction_cliff {

// What the parts of the experiment `eviction-cliff` share. eviction_cliff.cc: hit rates by ratio,
// and what they mean; eviction_runs.cc: what is varied, and how a server comes to its limit;
// eviction_shift.cc: what happens when other keys become popular.

/// What evicts, and which keys may go.
struct Policy {
  std::string word;   ///< in the TOML
  std::string redis;  ///< maxmemory-policy
  EvictionPolicy kind = EvictionPolicy::lru;
  bool isVolatile = false;  ///< only keys with a time to live may go
  double ttlShare = 0;      ///< of the keys

  /// "volatile-lru, 30% TTL".
  std::string title() const {
    return isVolatile ? fmt::format("{}, {:.0f}% TTL", redis, 100 * ttlShare) : redis;
  }
};

/// The factors; a point is a level of each.
struct Axes {
  explicit Axes(const Parameters& p);

  bool isZipf(const Cell& c) const { return c.is(dist, "zipfian"); }
  bool isOverfull(const Cell& c) const { return c[ratio] > 1; }
  /// Of one policy under one popularity, by ratio.
  Cells points(const std::string& under, const std::string& evicting,
               const std::vector<double>& ratios, const std::string& size) const;

  Factor<std::string> dist;  ///< of popularity, as -dist has it
  Factor<Policy> policy;
  Factor<double> ratio;
  Factor<std::string> value;  ///< bytes, as the TOML writes them
};

/// What the theory expects of a point.
CacheModel modelOf(const Parameters& p, const Axes& axes, const Cell& c);

/// The driver's flags for a point: reads that refill what they miss.
Flags reads(const Parameters& p, const Axes& axes, const Cell& c, const CacheModel& model);
/// Fills a server that has no limit, sets the limit, and reads through it.
LabRun runOf(Study& s, const Axes& axes, const Cell& c, const CacheModel& model, std::string stack);

/// Not a number where nothing was read.
double hitRate(const Reading& reading);

/// Two digits: a hundredth of a point is 20 misses a second of 200k.
std::string percent(double share);
std::string points(double difference);

/// What a policy did when other keys became popular.
struct Shift {
  std::string policy;                ///< its word
  std::optional<double> recoveredS;  ///< until its hit rate was back; none: it was not
  double watchedS = 0;
};

/// Where `-set='shift=true'` asks for it: for each of `shift-policies` two runs on one server,
/// before and after other keys become popular, their claims, and the plot of them. Those that were
/// measured.
std::vector<Shift> shiftPopularity(Study& s, const Axes& axes);

}  // namespace redline::lab::eviction_cliff
