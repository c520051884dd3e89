#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/experiment.h"
#include "lab/hot_share.h"
#include "lab/measures.h"

namespace redline::hot_key {

// What the parts of the experiment `hot-key` share: hot_key.cc holds mitigations against each other
// at one rate, hot_pinned.cc saturates the hot master.

constexpr std::size_t kMasters = 3;

/// What can be done against a hot key, as the words of the parameter `treatments`.
struct Treatment {
  std::string_view name;
  std::string_view mitigation;  ///< the word of -mitigation
  std::string_view flag;        ///< one that makes the difference; may be empty
};
const Treatment& treatmentOf(std::string_view name);
/// Flags of `redline driver` for it.
Flags treatmentFlags(const Parameters& p, std::string_view name);

HotWorkload workloadOf(const Parameters& p);
Flags dataSet(const Parameters& p, const std::string& size);
/// The name of the stack with values of that size.
std::string stackName(const std::string& size);
/// Ports differ from start to start: the run says itself which of its nodes is the hot one.
Action nameHotMaster(const Parameters& p);

// Figures of one run.

using SummaryFigure = double (*)(const Summary&, const Reading&);
/// A figure of the run's summary; not a number without one.
Measurement ofSummary(SummaryFigure figure);

/// Of all nodes. A request is what a node carries out: a local hit is none, a write with copies
/// several.
double requestsOf(const Summary& summary);
double requestsForEach(const Summary& summary, const Reading&);      ///< operation
double hotRequests(const Summary& summary, const Reading& reading);  ///< a second
double hotShare(const Summary& summary, const Reading& reading);
double hottestSlotShare(const Summary& summary, const Reading&);
double othersShare(const Summary& summary, const Reading& reading);  ///< of a master, on average
double busiestReplicaShare(const Summary& summary, const Reading&);
double busiestRequests(const Summary& summary, const Reading&);  ///< a second
/// A second. By INFO: what it looked up for reads; none counts as one, so that there is a ratio.
double hotReads(const Summary& summary, const Reading& reading);
double hotCpu(const Summary& summary, const Reading& reading);   ///< cores
double hotBusy(const Summary& summary, const Reading& reading);  ///< share of its main thread
/// The other masters' main threads, on average.
double othersBusy(const Summary& summary, const Reading& reading);

/// The hot master saturated: as fast as replies allow, then at a share of that rate with and
/// without a local cache.
std::vector<LabRun> pinnedRuns(const Parameters& p);
void analysePinned(const Parameters& p, const Readings& readings, ExperimentDocument& document);

}  // namespace redline::hot_key
