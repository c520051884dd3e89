#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/experiment.h"

namespace redline::pipelining {

// Parts of the experiment `pipelining` (pipelining.cc) beside its sweep: the open model, and large
// values.

/// One way to send operations.
struct Mode {
  std::string name;   ///< "b16", "tx16": the label
  std::string words;  ///< "batch 16", "MULTI of 16"
  std::string axis;   ///< "16", "MULTI 16"
  unsigned batch = 0;
  bool transaction = false;

  Flags flags() const;
};

Mode batchMode(double batch);
Mode transactionMode(double batch);

Labels labelsOf(std::string_view part, const Mode& mode);
Flags dataSet(const Parameters& p);
/// Each connection sends its next batch when the last is answered.
LabRun closedRun(const Parameters& p, std::string_view part, const Mode& mode, unsigned repeat,
                 const Flags& keys);

/// The stack of large values.
LabStack largeStack(const Parameters& p);
std::vector<LabRun> largeRuns(const Parameters& p);
void analyseLarge(const Parameters& p, const Readings& readings, ExperimentDocument& document);

/// At one rate, a share of what the sweep found one at a time: after the sweep.
std::vector<LabRun> openRuns(const Parameters& p);
void analyseOpen(const Parameters& p, const Readings& readings, ExperimentDocument& document);

}  // namespace redline::pipelining
