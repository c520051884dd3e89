#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "lab/study.h"

namespace redline::lab::headroom {

// What the parts of the experiment `headroom` share. headroom.cc: what is varied, and what it
// means; headroom_runs.cc: what runs, in which order and at which rate, and what one run saw.

inline constexpr double kQuantile = 0.99;
inline constexpr double kFew = 0.01;      ///< of the operations: with more failures there is no p99
inline constexpr double kSettleS = 0.25;  ///< after a fault, in which its queue is served

inline constexpr const char* kNode = "node";
inline constexpr const char* kCluster = "cluster";

// Labels of what happens meanwhile.
inline constexpr const char* kNothing = "none";
inline constexpr const char* kNothingInCluster = "cluster-none";
inline constexpr const char* kBgsave = "bgsave";
inline constexpr const char* kRewrite = "aof-rewrite";
inline constexpr const char* kBigKey = "big-key";
inline constexpr const char* kExpiry = "expiry";
inline constexpr const char* kReshard = "reshard";
inline constexpr const char* kLoss = "node-loss";

/// What happens to the servers while the rate is held.
struct Disturbance {
  std::string label;
  std::string title;  ///< "BGSAVE"
  std::string topology = kNode;
  std::string_view remedy = {}, price = {};  ///< where no rate helps
  std::string risk = {};  ///< as the experiment that is about it has it; empty: the title
};

/// The ladder of rates, and what happens at each of them.
struct Design {
  Factor<Disturbance> fault;
  Factor<std::string> share;     ///< of the ceiling
  Factor<std::string> topology;  ///< of the ceilings
  Grid load;                     ///< by fault and share
  Grid ceilings;                 ///< by topology and share

  double shareOf(const Cell& cell) const { return cell.level(share).number; }
  Cells rungsOf(std::string_view label) const { return ascending(load.where(fault, label), share); }
  bool isInCluster(const Cell& cell) const { return cell[fault].topology == kCluster; }
  /// Measured right before the runs of that share.
  Cell ceilingOf(const Cell& cell) const {
    return ceilings.only(topology, cell[fault].topology).at(share, cell.level(share).label);
  }
  bool isBaseline(const Cell& cell) const {
    return cell.is(fault, kNothing) || cell.is(fault, kNothingInCluster);
  }
};

/// Share by share from the lowest on: what breaks p99 there is not tried above. The servers of one
/// topology after those of the other, since they share a core.
void planRuns(Study& s, const Design& design);

/// What clients saw while a run's fault lasted, and for the rest of `window`. Not a number where it
/// is not known.
struct Meanwhile {
  double p99Us = kNaN;
  double failedShare = kNaN;  ///< of the operations
  double lengthS = kNaN;      ///< of the fault
  double stallUs = kNaN;      ///< the longest; of a killed master: until its slots have an owner
};
/// `reading`: of a rung.
Meanwhile meanwhileOf(const Parameters& p, const Reading& reading);

/// Whether a rate keeps p99 below a limit.
enum class Kept {
  yes,
  no,
  notKnown,  ///< it is above, and the generator or others on the machine may be why
};
/// What one run says; `limitUs`: of p99.
Kept keptBy(const Reading& reading, const Meanwhile& seen, double limitUs);
/// Of a rung's runs: what all say that can tell.
Kept keptByAll(const std::vector<Kept>& each);

/// The highest of `limits`, microseconds.
double loosestUs(const Parameters& p);

}  // namespace redline::lab::headroom
