#pragma once

#include <atomic>
#include <limits>
#include <memory>

#include "base/clock.h"
#include "engine/live_slot_map.h"
#include "engine/mitigator.h"
#include "engine/plan.h"
#include "engine/slot_keys.h"
#include "workload/ttl.h"
#include "workload/values.h"
#include "workload/workload.h"

namespace redline {

struct StoreDesk;

/// What all workers share, read-only while the run is on.
struct Shared {
  const EnginePlan& plan;
  LiveSlotMap* cluster;  ///< null: the one node at plan.target
  Workload workload;
  Values values;
  Ttls ttls;
  std::unique_ptr<const SlotKeys> slotKeys;  ///< for transactions in a cluster
  const Mitigations& mitigations;
  StoreDesk* desk = nullptr;  ///< with OnMiss::store
  /// The measured window ends here at the latest; workers look once a pass.
  std::atomic<Nanos> stopAt{std::numeric_limits<Nanos>::max()};

  /// `theMitigations` may be null where the plan needs nothing that workers share.
  explicit Shared(const EnginePlan& enginePlan, LiveSlotMap* liveMap = nullptr,
                  const Mitigations* theMitigations = nullptr);
  /// Ends the window at `at`, unless it ends sooner.
  void stop(Nanos at) {
    Nanos current = stopAt.load();
    while (at < current && !stopAt.compare_exchange_weak(current, at)) {
    }
  }
};

}  // namespace redline
