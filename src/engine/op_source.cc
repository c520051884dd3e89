#include "engine/op_source.h"

#include <algorithm>
#include <random>

#include "engine/key_slot.h"
#include "record/histogram.h"

namespace redline {

OpSource::OpSource(const Shared& shared, unsigned index)
    : shared_(shared),
      plan_(shared.plan),
      index_(index),
      closed_(shared.plan.closed()),
      schedule_(Schedule::closed(index, shared.plan.threads)),
      rng_(shared.plan.runSeed, index) {}

void OpSource::start(Nanos from) {
  if (plan_.arrivals == Arrivals::constant)
    schedule_ = Schedule::constant(from, plan_.rate, index_, plan_.threads);
  else if (plan_.arrivals == Arrivals::poisson)
    schedule_ = Schedule::poisson(from, plan_.rate, index_, plan_.threads, plan_.runSeed);
}

PendingOp OpSource::draw(Nanos now) {
  const Operation drawn = shared_.workload.draw(rng_);
  PendingOp op;
  op.intended = closed_ ? now : schedule_.due();
  op.id = drawn.id;
  op.version = schedule_.index() + 1;  // 0 is the loader's
  op.kind = drawn.isWrite ? OpKind::set : OpKind::get;
  schedule_.advance();
  if (shared_.cluster == nullptr) return op;
  if (shared_.slotKeys != nullptr) drawInGroup(op);
  op.slot = slotOfKey(op.id);
  return op;
}

// The first operation of a group has the key that was drawn for it, the others take keys of the
// same slot.
void OpSource::drawInGroup(PendingOp& op) {
  if (groupLeft_ != 0) {
    --groupLeft_;
    op.id = shared_.slotKeys->draw(groupSlot_, groupId_, rng_);
    return;
  }
  groupId_ = op.id;
  groupSlot_ = slotOfKey(op.id);
  groupLeft_ = plan_.batchSize() - 1;
}

OpSource::Undrawn OpSource::takeUndrawn(Nanos end, Nanos now) {
  Undrawn undrawn;
  undrawn.waited = now - schedule_.due();
  const Nanos shortest =
      Histogram::lowestOf(Histogram::slotOf(std::min(undrawn.waited, Histogram::kHighest)));
  const std::uint64_t count = schedule_.takeUntil(std::min(end, now - shortest + 1));
  undrawn.gets = std::binomial_distribution<std::uint64_t>(count, plan_.readShare)(rng_);
  undrawn.sets = count - undrawn.gets;
  return undrawn;
}

}  // namespace redline
