#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "lab/experiment.h"
#include "lab/witness.h"

namespace redline {

// Conditions that can be switched while a server serves are switched inside one run: slots of a
// second or so, in blocks that have each condition once, in an order that chance decides. Not for
// what leaves something behind: evictions, forks.

/// When a slot was, by CLOCK_MONOTONIC, its guard left out.
struct SlotTime {
  std::size_t arm = 0;
  unsigned block = 0;
  Nanos from = 0, to = 0;
};

/// Switches from slot to slot until it is over. `times` has those that came to their end.
Status switchSlots(const SlotPlan& plan, Bench& bench, const std::function<bool()>& isOver,
                   std::vector<SlotTime>& times);

/// A record of each slot in the run's measured window, with the arm's labels and its block as
/// repeat, and figures of its intervals: kFoundP50 and the others of lab/availability.h.
std::vector<RunRecord> slotRecords(const LabRun& run, const Reading& reading,
                                   const std::vector<SlotTime>& times, const Witnessed& witnessed,
                                   double tolerable);
/// Whether a record is of a slot, and no run of its own.
bool isSlot(const RunRecord& record);
/// … of the run of this name.
bool isSlotOf(const RunRecord& record, std::string_view run);

}  // namespace redline
