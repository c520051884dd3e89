#include "engine/dispatcher.h"

#include <array>

#include "cluster/hash_slot.h"

namespace redline {
namespace {

/// Apart from the streams that draw keys and arrivals.
constexpr std::uint64_t kChoices = 0x63686f69636573;  // "choices"

}  // namespace

Dispatcher::Dispatcher(const Shared& shared, unsigned index, ClusterLanes<Lane>& lanes,
                       OpRecorder& recorder, Settler& settler, Mitigator& mitigator)
    : plan_(shared.plan),
      lanes_(lanes),
      recorder_(recorder),
      settler_(settler),
      mitigator_(mitigator),
      choices_(shared.plan.runSeed ^ kChoices, index) {}

std::span<const Send> Dispatcher::dispatch(const PendingOp& op, Nanos now) {
  sends_.clear();
  switch (plan_.mitigation.kind) {
    case MitigationKind::localCache:
      if (op.isRead() && serveLocally(op, now)) return {};
      break;
    case MitigationKind::keySplit:
      if (splitKey(op, now)) return sends_;
      break;
    case MitigationKind::replicaRead:
      if (!op.isRead()) break;
      readAnywhere(op);
      return sends_;
    case MitigationKind::none:
      break;
  }
  sends_.push_back({&lanes_.laneOf(op), op});
  return sends_;
}

bool Dispatcher::serveLocally(const PendingOp& op, Nanos now) {
  const auto value = mitigator_.serve(op, lanes_.laneOf(op).number(), now);
  if (value) settler_.completeLocally(op, *value, now);
  return value.has_value();
}

// A read takes one copy. A write goes to all: as one request where they lie in one slot, else as
// one for each. False: the key is not split.
bool Dispatcher::splitKey(PendingOp op, Nanos now) {
  const KeySplit& split = *mitigator_.split();
  const auto hot = split.hotIndex(op.id);
  if (!hot) return false;
  Counters& counters = recorder_.counters();
  const bool counted = recorder_.counts(op);
  if (op.isRead()) {
    if (counted) ++counters.of(MitigationCount::splitReads);
    op.copy = static_cast<std::uint8_t>(split.pick(choices_));
    sendCopy(op, op.copy, *hot);
    return true;
  }
  if (counted) {
    ++counters.of(MitigationCount::splitWrites);
    counters.of(MitigationCount::copiesWritten) += split.ways();
  }
  if (split.plan().mode == SplitMode::tag) {
    op.copy = PendingOp::kAllCopies;
    sendCopy(op, 0, *hot);
    return true;
  }
  mitigator_.beforeSend(op, now);  // of all copies, before the first of them
  op.write = mitigator_.fanOut(op);
  for (unsigned copy = 0; copy < split.ways(); ++copy) {
    op.copy = static_cast<std::uint8_t>(copy);
    sendCopy(op, copy, *hot);
  }
  return true;
}

/// To the master of that copy.
void Dispatcher::sendCopy(PendingOp& op, unsigned copy, std::uint32_t hot) {
  if (lanes_.inCluster()) op.slot = hashSlot(mitigator_.split()->key(hot, copy));
  sends_.push_back({&lanes_.laneOf(op), op});
}

// A read goes to the master of its key or to one of its replicas that can be reached and answers.
// Where none does, to the master, whatever the policy.
void Dispatcher::readAnywhere(const PendingOp& op) {
  const std::uint16_t master = lanes_.laneOf(op).number();
  std::array<ReplicaRead::Node, 16> usable;
  std::size_t count = 0;
  for (const auto number : lanes_.replicasOf(master))
    if (count < usable.size() && !lanes_[number].isGone() && !lanes_[number].silent)
      usable[count++] = number;
  const auto chosen =
      mitigator_.replicaRead().pick(master, std::span(usable).first(count), choices_);
  if (recorder_.counts(op)) {
    Counters& counters = recorder_.counters();
    ++counters.of(chosen == master ? MitigationCount::masterReads : MitigationCount::replicaReads);
    if (count == 0) ++counters.of(MitigationCount::fallbackReads);
  }
  sends_.push_back({&lanes_[chosen], op});
}

}  // namespace redline
