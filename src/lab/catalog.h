#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "lab/experiment.h"

namespace redline {

// One function for each experiment, in the file of its name.
Experiment ceilingExperiment();
Experiment fsyncExperiment();
Experiment pipeliningExperiment();
Experiment persistenceSpikeExperiment();
Experiment bigKeyExperiment();
Experiment evictionCliffExperiment();
Experiment expirySpikeExperiment();
Experiment hotKeyExperiment();
Experiment reshardExperiment();
Experiment msetExperiment();
Experiment replicaStalenessExperiment();
Experiment trackingExperiment();
Experiment ioThreadsExperiment();
Experiment bigKeyRemediationExperiment();
Experiment stampedeExperiment();
Experiment headroomExperiment();
Experiment nodeLossExperiment();

/// All experiments, in the order in which `redline lab run all` makes them.
std::span<const Experiment> experiments();

/// usage, with a suggestion, when there is none of that name.
Result<const Experiment*> findExperiment(std::string_view name);

}  // namespace redline
