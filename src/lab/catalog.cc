#include "lab/catalog.h"

#include <algorithm>
#include <vector>

#include "base/suggest.h"

namespace redline {

std::span<const Experiment> experiments() {
  static const std::vector<Experiment> kExperiments{
      ceilingExperiment(),     pipeliningExperiment(),
      fsyncExperiment(),       persistenceSpikeExperiment(),
      bigKeyExperiment(),      evictionCliffExperiment(),
      expirySpikeExperiment(), hotKeyExperiment(),
      reshardExperiment(),     msetExperiment(),
      trackingExperiment(),    replicaStalenessExperiment(),
      ioThreadsExperiment(),   bigKeyRemediationExperiment(),
      stampedeExperiment(),    nodeLossExperiment(),
      headroomExperiment(),
  };
  return kExperiments;
}

Result<const Experiment*> findExperiment(std::string_view name) {
  const auto all = experiments();
  const auto found = std::ranges::find(all, name, &Experiment::name);
  if (found != all.end()) return &*found;
  std::vector<std::string_view> names;
  for (const Experiment& each : all) names.push_back(each.name);
  return fail(ErrorCode::usage, "there is no experiment '{}'{}", name,
              didYouMeanOrUse(name, names));
}

}  // namespace redline
