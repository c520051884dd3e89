#pragma once

#include <cstdint>
#include <vector>

#include "workload/key_chooser.h"

namespace redline {

/// A workload on a cluster that has just been made: its masters own equal stretches of slots.
struct HotWorkload {
  KeyChooser chooser;
  std::uint64_t keys = 1;
  std::size_t masters = 3;
  double readShare = 0.95;
  double rate = 1;  ///< operations/s
  /// Of a client-side cache that was empty at 0: how many there are, each with an equal share of
  /// the reads; and the time that is looked at.
  unsigned caches = 1;
  double fromS = 0, toS = 1;
  /// Of split keys: the hottest so many, each with `ways` copies, evenly over the masters.
  std::uint64_t splitKeys = 0;
  unsigned splitWays = 1;
};

/// Where its load falls, by the popularity of keys alone. Keys beyond the hottest two million are
/// taken for equally popular and evenly spread.
struct HotForecast {
  double hottestKey = 0;          ///< its share of operations
  std::size_t hotMaster = 0;      ///< which of the masters has it
  std::vector<double> shares;     ///< of operations, by master
  double hotMasterLocalMiss = 0;  ///< share of the hot master's reads that local caches let through
  double hotMasterSplit = 0;      ///< requests to the hot master ÷ those without split keys
};

/// For a key that is drawn with probability p, at rate λ with read share ρ, and T caches: looking
/// back from a read, the cache has the value unless the last event that concerns it was a write
/// (any worker's) or there was none since the start. Events come at a = λp((1−ρ) + ρ/T), a write is
/// one with probability q = (1−ρ)/((1−ρ) + ρ/T), so P(miss at t) = q(1 − e^(−at)) + e^(−at), and
/// its mean over the time looked at. Poisson arrivals; caches large enough; invalidations at once.
HotForecast forecastHotKeys(const HotWorkload& workload);

/// HotForecast::hotMaster alone: which of `masters` has the hottest key, without a walk over the
/// others.
std::size_t masterOfHottest(const KeyChooser& chooser, std::size_t masters);

}  // namespace redline
