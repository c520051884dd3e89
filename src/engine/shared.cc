#include "engine/shared.h"

namespace redline {
namespace {

const Mitigations kNoMitigations;

}  // namespace

Shared::Shared(const EnginePlan& enginePlan, LiveSlotMap* liveMap,
               const Mitigations* theMitigations)
    : plan(enginePlan),
      cluster(liveMap),
      workload(enginePlan.keyChooser(), Mix(enginePlan.readShare)),
      values(enginePlan.seed, enginePlan.valueSize),
      ttls(enginePlan.seed, enginePlan.ttlFraction, enginePlan.ttlMin, enginePlan.ttlMax),
      mitigations(theMitigations == nullptr ? kNoMitigations : *theMitigations) {
  if (cluster != nullptr && plan.transactions) slotKeys = std::make_unique<SlotKeys>(plan.keys);
}

}  // namespace redline
