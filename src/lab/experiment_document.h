#pragma once

#include "lab/experiment.h"
#include "lab/runner.h"

namespace redline {

/// What is known of an experiment before it runs: its question, parameters and predictions.
ExperimentDocument emptyDocument(const Experiment& experiment, const Parameters& parameters,
                                 const LabOptions& options);

/// Adds what its runs say: records, environment, times, the experiment's own analysis, and how many
/// runs were invalid or disturbed. Begin and duration are the runs': a lab may have been resumed.
void addReadings(const Experiment& experiment, const Parameters& parameters,
                 const Readings& readings, ExperimentDocument& document);

}  // namespace redline
