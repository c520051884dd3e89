#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/coefficients.h"
#include "plan/headroom.h"
#include "plan/load.h"
#include "plan/request.h"

namespace redline {

// From a request and coefficients to a deployment. Pure; the same for the same arguments.

/// What decides how many shards there must be.
enum class SizeLimit : std::uint8_t { given, mainThread, memory, fork, network, least };
std::string_view nameOf(SizeLimit limit);

/// The layout, and what it does with the load.
struct Sizing {
  std::uint64_t shards = 0;  ///< masters; 0: no number of them is enough
  SizeLimit limit = SizeLimit::least;
  std::string obstacle;  ///< why there is none; empty: there is one
  ShardLoad load;        ///< at `shards`; where there are none, at one
  double knee = 0;       ///< busy share up to which p99 stays below the service level
  double shardRate = 0;  ///< operations/s of a shard at the knee, and of one that is always busy
  double shardCeiling = 0;

  bool isPossible() const { return shards > 0; }
  /// Also where the number of shards was given.
  bool keepsServiceLevel() const { return isPossible() && load.busy.high <= knee; }
};
Sizing sizeOf(const SizingRequest& request, const Coefficients& coefficients,
              Outlook outlook = Outlook::expected);

/// How near a limit is, and at what growth it is reached with this layout; 1: already. Infinite
/// where a thousandfold growth does not reach it.
struct PlannedCliff {
  std::string id, title;
  double usage = 0;  ///< of the limit, now
  double byKeys = 0, byRate = 0, byBoth = 0;
  std::vector<double> usageByBoth;  ///< at each of the plan's growths
};

/// What the loss of a node does: of a master that has a replica, of one without, and of all.
struct NodeLoss {
  std::string id, title;
  double outageS = 0;     ///< until its keys are served again
  double storeReads = 0;  ///< a second, at once: what the rest misses and all that it was asked
  bool storeSurvives = true;
  double atLimitS = 0, backS = 0;  ///< refilling (model/occupancy.h)
};

/// A way out where one key is more than a shard can serve.
struct Remedy {
  std::string flag, effect;
  std::uint64_t shards = 0;  ///< 0: it does not help
  std::string price;
};

/// Hit rate and store at a share of the memory that holds everything.
struct MemoryPoint {
  double share = 0, maxmemory = 0;
  double hits = 0, bestHits = 0, worstHits = 0;
  double storeReads = 0;
};

/// What clients' caches of a size take off.
struct ClientPoint {
  double entries = 0;
  double hitShare = 0, busiest = 0, hotKeyBusy = 0, invalidationsPerS = 0;
};

/// A row of the table from a small cluster to the largest.
struct RangeRow {
  double keys = 0, rate = 0;
  SizingRequest request;  ///< with what made it possible
  std::string needs;      ///< that, as flags; empty: nothing
  Sizing sizing;
  std::string firstCliff;
  double firstGrowth = 0;
};

struct SizingPlan {
  SizingRequest request;
  Sizing expected, favourable, unfavourable;
  std::vector<double> growths;       ///< of the cliffs' series
  std::vector<PlannedCliff> cliffs;  ///< the first one first, by growth of both
  std::vector<NodeLoss> losses;
  std::vector<Remedy> remedies;  ///< empty where there is a layout
  std::vector<MemoryPoint> memory;
  std::vector<ClientPoint> clients;
  std::vector<RangeRow> range;
  std::string headroomSource;       ///< of `during`
  std::vector<DuringFault> during;  ///< the layout while something happens
  std::vector<std::string> notes;
};

/// checkRequest() must hold. `headroom`: whose knees are in the coefficients (withHeadroom()).
SizingPlan planOf(const SizingRequest& request, const Coefficients& coefficients,
                  const MeasuredHeadroom& headroom = {});

}  // namespace redline
