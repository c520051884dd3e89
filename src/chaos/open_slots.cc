#include "chaos/open_slots.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace redline {
namespace {

using SlotWitness = OpenSlot::Witness;

bool holdsOpen(const SlotWitness& witness) {
  return !witness.migratingTo.empty() || !witness.importingFrom.empty();
}

const SlotWitness* withId(const OpenSlot& slot, std::string_view id) {
  const auto found = std::ranges::find_if(
      slot.witnesses, [&](const SlotWitness& witness) { return witness.node.id == id; });
  return found == slot.witnesses.end() ? nullptr : &*found;
}

/// Of two that claim a slot, the one whose claim is younger wins, here as in the cluster.
const SlotWitness* ownerOf(const OpenSlot& slot) {
  const SlotWitness* owner = nullptr;
  for (const SlotWitness& witness : slot.witnesses)
    if (witness.owns && (owner == nullptr || witness.node.configEpoch > owner->node.configEpoch))
      owner = &witness;
  return owner;
}

/// Where the slot was going: who imports it; else to whom its owner was giving it, if that is still
/// a master; else who has keys of it.
const SlotWitness* targetOf(const OpenSlot& slot, const SlotWitness& owner) {
  for (const SlotWitness& witness : slot.witnesses)
    if (&witness != &owner && !witness.importingFrom.empty()) return &witness;
  if (const SlotWitness* const named = withId(slot, owner.migratingTo);
      named != nullptr && named != &owner)
    return named;
  for (const SlotWitness& witness : slot.witnesses)
    if (&witness != &owner && witness.keys > 0) return &witness;
  return nullptr;
}

/// Fills in what the masters' views say; the numbers of keys are asked for later.
void addWitness(std::map<std::uint16_t, OpenSlot>& slots, std::size_t index,
                std::span<const ClusterView> views) {
  const ClusterMember* const self = views[index].myself();
  const auto at = [&](std::uint16_t slot) -> SlotWitness& {
    OpenSlot& open = slots[slot];
    open.slot = slot;
    if (open.witnesses.empty()) {
      open.witnesses.reserve(views.size());
      for (const ClusterView& view : views) {
        const ClusterMember& node = *view.myself();
        open.witnesses.push_back({node, node.owns(slot), {}, {}, 0});
      }
    }
    return open.witnesses[index];
  };
  for (const MovingSlot& moving : self->migrating) at(moving.slot).migratingTo = moving.peer;
  for (const MovingSlot& moving : self->importing) at(moving.slot).importingFrom = moving.peer;
}

Status countKeys(ClusterAdmin& cluster, std::vector<OpenSlot>& slots) {
  if (slots.empty()) return {};
  for (std::size_t node = 0; node < slots.front().witnesses.size(); ++node) {
    std::vector<std::vector<std::string>> commands;
    for (const OpenSlot& slot : slots)
      commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot.slot)});
    auto admin = cluster.at(slots.front().witnesses[node].node.endpoint);
    if (!admin) return fail(std::move(admin.error()));
    auto replies = (*admin)->pipeline(commands);
    if (!replies) return fail(std::move(replies.error()));
    for (std::size_t i = 0; i < slots.size(); ++i)
      slots[i].witnesses[node].keys =
          static_cast<std::uint64_t>((*replies)[i].asInteger().value_or(0));
  }
  return {};
}

/// The views of all masters that answer, as the first that answers knows them.
Result<std::vector<ClusterView>> viewsOfMasters(ClusterAdmin& cluster) {
  auto view = cluster.view();
  if (!view) return fail(std::move(view.error()));
  std::vector<ClusterView> views;
  Error last{ErrorCode::unreachable, "the cluster has no master"};
  for (const ClusterMember* const master : view->masters()) {
    if (master->failed) continue;
    auto own = cluster.viewOf(master->endpoint);
    if (!own)
      last = std::move(own.error());
    else if (own->myself() != nullptr && own->myself()->master)
      views.push_back(std::move(*own));
  }
  if (views.empty()) return fail(std::move(last));
  return views;
}

/// Sends CLUSTER SETSLOT for one slot to every master, to the one at `first` before all others.
Status setSlotOnAllMasters(ClusterAdmin& cluster, const OpenSlot& slot, const Endpoint& first,
                           const std::vector<std::string>& words, bool onlyWhereOpen) {
  std::vector<const SlotWitness*> order;
  for (const bool wanted : {true, false})
    for (const SlotWitness& witness : slot.witnesses)
      if ((witness.node.endpoint == first) == wanted && (!onlyWhereOpen || holdsOpen(witness)))
        order.push_back(&witness);
  std::vector<std::string> command{"CLUSTER", "SETSLOT", std::to_string(slot.slot)};
  command.insert(command.end(), words.begin(), words.end());
  for (const SlotWitness* const witness : order) {
    auto admin = cluster.at(witness->node.endpoint);
    if (!admin) return fail(std::move(admin.error()));
    if (auto set = (*admin)->command(command); !set) return fail(std::move(set.error()));
  }
  return {};
}

}  // namespace

Result<SlotRepair> decideRepair(const OpenSlot& slot) {
  const SlotWitness* const owner = ownerOf(slot);
  if (owner == nullptr)
    return fail(ErrorCode::unreachable,
                "slot {} has no owner among the masters that answer: restore its master first",
                slot.slot);
  SlotRepair repair;
  repair.slot = slot.slot;
  repair.owner = owner->node;
  const SlotWitness* const target = targetOf(slot, *owner);
  const bool begun = !owner->migratingTo.empty() || (target != nullptr && target->keys > 0);
  if (std::ranges::count_if(slot.witnesses, &SlotWitness::owns) > 1) {
    // It has moved, and the former owner does not know it yet.
    repair.kind = SlotRepair::Kind::settle;
  } else if (target != nullptr && begun) {
    repair.kind = SlotRepair::Kind::finish;
    repair.target = target->node;
  } else {
    repair.kind = SlotRepair::Kind::rollBack;
  }
  return repair;
}

Result<std::vector<OpenSlot>> findOpenSlots(ClusterAdmin& cluster) {
  auto views = viewsOfMasters(cluster);
  if (!views) return fail(std::move(views.error()));
  std::map<std::uint16_t, OpenSlot> found;
  for (std::size_t i = 0; i < views->size(); ++i) addWitness(found, i, *views);
  std::vector<OpenSlot> slots;
  for (auto& [number, slot] : found) slots.push_back(std::move(slot));
  if (auto counted = countKeys(cluster, slots); !counted) return fail(std::move(counted.error()));
  return slots;
}

Result<RepairFigures> repairOpenSlots(ClusterAdmin& cluster, const MoveOptions& options) {
  auto slots = findOpenSlots(cluster);
  if (!slots) return fail(std::move(slots.error()));
  RepairFigures figures;
  if (slots->empty()) return figures;
  std::vector<SlotMove> moves;
  std::vector<Endpoint> masters;
  masters.reserve(slots->front().witnesses.size());
  for (const SlotWitness& witness : slots->front().witnesses)
    masters.push_back(witness.node.endpoint);
  for (const OpenSlot& slot : *slots) {
    auto repair = decideRepair(slot);
    if (!repair) return fail(std::move(repair.error()));
    Status done;
    switch (repair->kind) {
      case SlotRepair::Kind::finish:
        moves.push_back({slot.slot, repair->owner, repair->target});
        ++figures.finished;
        break;
      case SlotRepair::Kind::rollBack:
        done = setSlotOnAllMasters(cluster, slot, repair->owner.endpoint, {"STABLE"}, true);
        ++figures.rolledBack;
        break;
      case SlotRepair::Kind::settle:
        done = setSlotOnAllMasters(cluster, slot, repair->owner.endpoint,
                                   {"NODE", repair->owner.id}, false);
        ++figures.settled;
        break;
    }
    if (!done) return fail(std::move(done.error()));
  }
  SlotMover mover(cluster, masters, options);
  auto moved = mover.move(moves);
  figures.moved = mover.figures();
  if (!moved) return fail(std::move(moved.error()));
  return figures;
}

}  // namespace redline
