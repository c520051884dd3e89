#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/numbers.h"
#include "lab/hot_share.h"
#include "lab/study.h"
#include "record/summary.h"

namespace redline::lab::hot_key {

// What the parts of the experiment `hot-key` share. hot_key.cc: what is varied, and what it means;
// hot_key_runs.cc: what runs and in which order, and what is read from a run.

inline constexpr std::size_t kMasters = 3;
inline constexpr double kPinned = 0.95;   ///< where the ramp ends: busy share of the hot master
inline constexpr double kKeepsUp = 0.98;  ///< of the rate that was asked for

/// What is done against the hot key.
struct Treatment {
  std::string_view name;        ///< as the parameter `treatments` has it
  std::string_view mitigation;  ///< of `redline driver`
  std::string_view variant;     ///< the flag that tells it from others of that mitigation
  /// By construction and not by luck: every read is answered by a master that has applied every
  /// acknowledged write of the key.
  bool isStrict = false;
};
/// "none", or one of the parameter `treatments`.
const Treatment& treatmentOf(std::string_view name);

/// What is varied, and what the popularity of keys predicts.
struct Setup {
  Factor<std::string> size, dist;
  Factor<Treatment> treatment;
  Factor<std::string> pinnedCase;  ///< "max", then "none" and "local-cache" at a share of its rate
  Factor<std::string> rampRate;    ///< rising
  HotForecast forecast;
};

struct Grids {
  Grid rate;    ///< by size, dist and treatment: not every combination
  Grid pinned;  ///< by pinnedCase
  Grid ramp;    ///< by rampRate; one run each, and none from where the ramp ends
};
/// Adds all runs: with the first value size in full, then with the others.
Grids planRuns(Study& s, const Setup& setup);

// What one run measured.

/// Which nodes carried the load of a run.
struct Load {
  // Requests a second. A request is what a node executes: a local hit is none, a write of a key
  // with copies is several.
  double requests = kNaN;  ///< of all nodes
  double hot = kNaN;       ///< of the hot master
  double other = kNaN;     ///< of each other master, on average
  double busiest = kNaN, busiestReplica = kNaN;
  double perOperation = kNaN;  ///< requests ÷ operations
  // By INFO.
  double reads = kNaN;  ///< keys that the hot master looked up for reads, a second
  double cpu = kNaN;    ///< of the hot master, cores
  double busy = kNaN;   ///< share of its main thread
  double otherBusy = kNaN;
};
Load loadOf(const Reading& reading);

/// A part of the requests, as a share of all.
Measurement shareOf(const FactsOf<Load>& load, double Load::* part);
/// Of all requests, those on the slot of that rank, 0 for the busiest.
Measurement slotShare(const FactsOf<Load>& load, std::size_t rank);

/// What a treatment cost, over all runs of a cell: the invalid ones count too.
struct Cost {
  std::uint64_t staleReads = 0, judgedReads = 0;  ///< of ledger keys
  std::uint64_t partialWrites = 0, divergentKeys = 0, corrupt = 0, lostWrites = 0;
  // The worst run's.
  double staleP99Us = 0, staleMaxUs = 0, invalidationP99Us = 0, behindBytes = 0;
  MitigationFigures last;  ///< of the last run

  std::string staleShare() const;
  /// With none seen in n, fewer than 3 in n with 95% confidence.
  std::string staleBound() const;
  /// "18 of 194795 (0.01%)".
  std::string staleReadsText() const;
  /// "172 µs, 1.2 ms".
  std::string ageText() const;
  bool hasDamage() const { return corrupt + lostWrites != 0; }
  std::string damageText() const;
  /// Memory, lag and atomicity; "–" without a treatment.
  std::string otherText(const Level& size) const;
  /// Beside its line in a picture: "0.02% stale", "4 copies a write".
  std::string label() const;
  /// The price of freshness alone.
  std::string briefly() const;
  /// All of it in sentences: "None of 195k reads was stale … Replicas were behind by at most 271
  /// B".
  std::string text(const Level& size) const;

 private:
  std::string otherSentences(const Level& size) const;
};
Cost costOf(const Study& s, const Cell& cell);

}  // namespace redline::lab::hot_key
