#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/pending_op.h"
#include "engine/shared.h"
#include "engine/window.h"
#include "schedule/schedule.h"

namespace redline {

/// Where a worker's operations come from: its share of the schedule says when, its random stream
/// which key, and whether it is a read. Pure: time comes from the caller.
class OpSource {
 public:
  /// Nothing is due before start(). `shared` outlives it.
  OpSource(const Shared& shared, unsigned index);
  /// The first operation is due at `from` or later.
  void start(Nanos from);

  /// When the next operation is due; closed model: always, so the smallest Nanos.
  Nanos due() const { return schedule_.due(); }
  PendingOp draw(Nanos now);

  /// Transactions in a cluster keep to one slot: a group of as many operations as a batch has takes
  /// its keys from one. The next operation begins a new group.
  void endGroup() { groupLeft_ = 0; }

  /// Operations that were due and never drawn, by kind; all of them have waited alike.
  struct Undrawn {
    Nanos waited = 0;
    std::uint64_t gets = 0, sets = 0;
  };
  /// Takes the next of those due before `end`, as many as lie in one slot of a histogram: at an
  /// impossible rate they are billions. Only where due() < end.
  Undrawn takeUndrawn(Nanos end, Nanos now);
  /// Drops operations that were due before `end`.
  void skipUntil(Nanos end) { schedule_.takeUntil(end); }

 private:
  void drawInGroup(PendingOp& op);

  const Shared& shared_;
  const EnginePlan& plan_;
  unsigned index_;
  bool closed_;
  Schedule schedule_;
  Rng rng_;
  std::uint16_t groupSlot_ = 0;  // the slot of the group,
  std::uint64_t groupId_ = 0;    // the key that chose it,
  unsigned groupLeft_ = 0;       // and how many more operations the group may have
};

}  // namespace redline
