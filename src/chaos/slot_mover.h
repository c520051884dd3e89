#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "chaos/batch_size.h"
#include "server/cluster_admin.h"

namespace redline {

/// One slot on its way from the master that owns it to another.
struct SlotMove {
  std::uint16_t slot = 0;
  ClusterMember from, to;
};

/// A key whose own MIGRATE took longer than the budget: no batch is small enough for it.
struct LargeKey {
  std::string key;
  std::uint16_t slot = 0;
  std::uint64_t bytes = 0;  ///< MEMORY USAGE, an estimate for collections
  Nanos elapsed = 0;
};

struct MoveFigures {
  std::uint64_t slots = 0;  ///< that have a new owner
  std::uint64_t keys = 0;   ///< that were sent
  std::uint64_t bytes = 0;  ///< of them, in memory
  std::uint64_t calls = 0;  ///< of MIGRATE
  Nanos longest = 0;        ///< round trip with a MIGRATE
  Nanos longestBlock = 0;   ///< MIGRATE, by its source's own count
  std::uint64_t overBudget =
      0;  ///< MIGRATEs that blocked their source longer than MoveOptions says
  std::uint64_t largestBatch = 0;
  std::vector<LargeKey> largeKeys;  ///< the first kMostLargeKeys
  std::uint64_t largeKeyCount = 0;

  static constexpr std::size_t kMostLargeKeys = 10;
};

struct MoveOptions {
  /// What batches are sized for: one MIGRATE's time in its source, which serves no other client
  /// meanwhile. A target that answers late, and a core that is given to others, come on top.
  Nanos maxBlock = kMillisecond;
  /// The pause after a MIGRATE, as a multiple of the time its source was blocked.
  std::uint64_t rest = 0;
  std::size_t slotsAtOnce = 1;  ///< open at a time: between them the commands are pipelined
  std::function<bool()> interrupted;
  std::function<void(const MoveFigures&)> progress;
  std::function<void(const LargeKey&)> largeKey;
};

/// Moves slots with all their keys while clients use them, as the Redis Cluster specification has
/// it: the target imports, the source migrates, keys go in MIGRATE batches that BatchSizer bounds,
/// and then the target, the source and all other masters learn of the new owner.
///
/// Of a group of slots the SETSLOTs are pipelined, and each round trip to the source carries one
/// MIGRATE together with the questions for what follows it, and for how long the source has spent
/// in MIGRATE: a round trip also holds the time that the command waited for others, which says
/// nothing of a batch. Never two MIGRATEs: a server runs what one client has sent without looking
/// at others in between.
///
/// However it is interrupted, findOpenSlots() finds the slots left open.
class SlotMover {
 public:
  /// `masters`: all that are to learn of new owners. All references must outlive it.
  SlotMover(ClusterAdmin& cluster, std::span<const Endpoint> masters, const MoveOptions& options);

  /// Moves these, in this order. interrupted: when it was; the open group is left open.
  Status move(std::span<const SlotMove> moves);
  const MoveFigures& figures() const { return figures_; }

 private:
  struct PendingKey {
    std::string key;
    std::uint16_t slot = 0;
    std::optional<std::uint64_t> bytes;  ///< none: not asked for yet
  };
  /// One round trip to the source: the numbers of its commands, in the order of their replies.
  struct Step {
    std::size_t migrate = 0;            ///< keys of the MIGRATE, from the front of pending_
    std::size_t sizesFrom = 0;          ///< first key of pending_ whose size is asked for …
    std::size_t sizes = 0;              ///< … and how many of them
    std::optional<std::uint16_t> list;  ///< the slot whose keys are asked for
  };

  Status moveGroup(std::span<const SlotMove> group);
  Status open(std::span<const SlotMove> group);
  /// Sends all keys that the slots of toList_ hold, at most kListed of each.
  Status drain(const ClusterMember& from, const ClusterMember& to);
  Status close(std::span<const SlotMove> group);
  Status setSlots(const Endpoint& node, std::span<const SlotMove> group, std::string_view state,
                  std::string_view id);
  /// Puts the slots that still hold keys into toList_.
  Status findLeft(std::span<const SlotMove> group);

  Step nextStep() const;
  Status carryOut(const Step& step, const ClusterMember& from, const ClusterMember& to);
  /// `blocked`: what the source says of this call; `elapsed`: the round trip.
  Status settleMigrate(std::size_t keys, const Value& reply, Nanos blocked, Nanos elapsed);
  /// Of a step's last reply: the source's time in MIGRATE since the reply before; none at first.
  std::optional<Nanos> settleBlocked(const Value& reply);
  void settleSizes(const Step& step, std::span<const Value> replies);
  Status settleList(std::uint16_t slot, const Value& reply);
  std::vector<std::string> migrateCommand(const Endpoint& target, std::size_t keys) const;
  /// Waits until the source has had its rest after the MIGRATE before.
  void rest() const;
  bool interrupted() const { return options_.interrupted && options_.interrupted(); }

  ClusterAdmin& cluster_;
  std::span<const Endpoint> masters_;
  const MoveOptions& options_;
  BatchSizer sizer_;
  MoveFigures figures_;
  std::deque<PendingKey> pending_;
  std::deque<std::uint16_t> toList_;
  std::optional<std::uint64_t> blockedUs_;  ///< in MIGRATE, as the source of the group said last
  Nanos restEnd_ = 0;                       ///< on SteadyClock
  int failures_ = 0;                        ///< of MIGRATE to reach the target, in a row
};

}  // namespace redline
