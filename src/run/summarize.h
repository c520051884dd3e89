#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/slot_map.h"
#include "engine/plan.h"
#include "record/cluster_tally.h"
#include "record/recorder.h"
#include "record/run_totals.h"
#include "record/summary.h"
#include "record/validity.h"

namespace redline {

/// What is known of mitigations and the ledger that the counters do not say.
struct MitigationOutcome {
  MitigationFigures figures;
  VerifyFigures verify;  ///< of the ledger's keys as they were read back
  std::vector<std::string> notes;
};

/// Readings that the engine cannot take of itself.
struct RunFacts {
  double windowS = 0;  ///< the measured window as it was in the end
  double busyS = 0;    ///< the time the workers were at it: window and drain, × threads
  double steal = 0;    ///< share of the machine's time in the window, 0…1
  std::string io;
  std::string serverLost;  ///< why no server answered once the run was over; empty: it did
  MitigationOutcome mitigation;
  StorePeaks storePeaks;
  unsigned faults = 0;  ///< brackets of injected faults
  std::vector<ServerFigures> servers;
  std::optional<DispatchByFaults> dispatch;  ///< none: there were no faults
  /// In a cluster: where the operations went, and who owned what in the end.
  struct Cluster {
    const ClusterTally* tally = nullptr;
    const SlotMap* map = nullptr;
  };
  Cluster cluster;
};

/// Operations by slot, the busiest first, with the slot's owner in the end; slots without any are
/// left out. Pure.
std::vector<HotSlotFigures> slotFigures(const ClusterTally& tally, const SlotMap& map);

/// What the nodes did, and the busiest slots; the counts of redirects are the caller's. Pure.
ClusterFigures clusterFigures(const ClusterTally& tally, const SlotMap& map);

/// The parts of the summary that follow from what was recorded: rate, latency, cache, verify,
/// generator, servers, and the verdict. Pure.
Summary summarize(const EnginePlan& plan, const Recorder& recorder, const RunFacts& facts);

}  // namespace redline
