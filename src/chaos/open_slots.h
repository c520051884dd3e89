#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "chaos/slot_mover.h"
#include "server/cluster_admin.h"

namespace redline {

/// What the masters say of a slot that some of them hold open: migrating, importing, or claimed by
/// two.
struct OpenSlot {
  struct Witness {
    ClusterMember node;       ///< a master that answers
    bool owns = false;        ///< it claims the slot
    std::string migratingTo;  ///< ids; empty: not
    std::string importingFrom;
    std::uint64_t keys = 0;  ///< of the slot, at that node
  };

  std::uint16_t slot = 0;
  std::vector<Witness> witnesses;  ///< every master
};

/// How an open slot is closed. Never loses a key: all that is left at the owner is moved on, or
/// nothing had been moved yet.
struct SlotRepair {
  enum class Kind {
    finish,    ///< move what is left from the owner to the other node, and make that the owner
    rollBack,  ///< the owner stays, and no node holds the slot open
    settle,    ///< it has moved: all masters learn the owner
  };
  Kind kind = Kind::rollBack;
  std::uint16_t slot = 0;
  ClusterMember owner;
  ClusterMember target;  ///< of finish
};

/// Decides from what the masters say. A target that died is replaced by the master that holds keys
/// of the slot without owning it, which is its promoted replica. unreachable: the slot has no
/// owner.
Result<SlotRepair> decideRepair(const OpenSlot& slot);

/// Asks every master that answers. Slots in ascending order. unreachable: none does.
Result<std::vector<OpenSlot>> findOpenSlots(ClusterAdmin& cluster);

struct RepairFigures {
  std::uint64_t finished = 0, rolledBack = 0, settled = 0;
  MoveFigures moved;

  std::uint64_t slots() const { return finished + rolledBack + settled; }
};

/// Closes every slot that is open: whatever opened it, and however that ended. No reshard may be
/// running.
Result<RepairFigures> repairOpenSlots(ClusterAdmin& cluster, const MoveOptions& options);

}  // namespace redline
