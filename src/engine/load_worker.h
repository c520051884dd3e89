#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "engine/cluster_lanes.h"
#include "engine/greeting.h"
#include "engine/id_blocks.h"
#include "engine/links.h"
#include "engine/live_slot_map.h"
#include "engine/load_encoder.h"
#include "engine/load_lane.h"
#include "engine/load_plan.h"
#include "record/cluster_tally.h"
#include "resp/scanner.h"
#include "transport/transport.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {

/// What all workers of a load share.
struct LoadShared {
  const LoadPlan& plan;
  LiveSlotMap* cluster;  ///< null: the one node at plan.target
  Values values;
  Ttls ttls;
  IdBlocks blocks;
  std::atomic<std::uint64_t> done{0};  ///< keys that are stored: a parcel's when all have replies
  std::atomic<bool> stop{false};       ///< hand out no more; looked at once a pass

  explicit LoadShared(const LoadPlan& loadPlan, LiveSlotMap* liveMap = nullptr);
};

/// A node that owes a reply and says nothing for so long has ended the load: longer than a
/// snapshot, or a script, blocks one.
inline constexpr Nanos kLoaderPatience = 60 * kSecond;

/// What one worker did.
struct LoadCounters {
  std::uint64_t keysSent = 0, batches = 0, commands = 0, bytesSent = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t resentKeys = 0;  ///< after a lost connection, a redirect or a refusal that passes
  std::uint64_t moved = 0, ask = 0, tryagain = 0, clusterdown = 0;  ///< replies of each kind
  std::uint64_t passes = 0, idlePasses = 0;
};

/// Writes the ids of its blocks over its own connections, each of which has several parcels under
/// way. On a single node a parcel is a block; in a cluster the keys of a block are dealt out to the
/// lanes of their nodes first.
///
/// Nodes, connections and redirects are ClusterLanes' and Links', as the driver's are. The rest
/// differs: a parcel is one unit of many keys, and of fewer replies where they go by MSET; every
/// key is sent until it is stored, since writing it twice stores the same; and a refusal ends the
/// load.
///
/// All time comes from `clock`, and all bytes pass through `transport`.
class LoadWorker {
 public:
  LoadWorker(LoadShared& shared, unsigned index, Transport& transport, const Clock& clock);

  /// Until every block is written, the load is stopped, or it cannot continue: an error reply, or a
  /// server that stays away, or says nothing for kLoaderPatience. In a cluster, what the nodes
  /// themselves can cure is waited for, as long as some key was stored within kRetrySpan.
  Status run();

  /// Valid after run(): of the ids that this worker took, all below are written for certain. The
  /// number of keys when none is left over.
  std::uint64_t lowestUnfinished() const;
  const LoadCounters& counters() const { return counters_; }
  /// After run(), in a cluster: where the keys were stored.
  ClusterTally clusterTally() const { return lanes_.tally(); }

 private:
  friend class Links<LoadLane>;
  void onReady(LoadConnection&) {}
  bool onReply(LoadConnection& c, const ReplyView& reply);
  void onLost(LoadConnection& c, bool wasReady, int error);

  void pass();
  Nanos waitSpan() const;
  bool isFinished();
  void fill();
  bool takeBlock();
  void send(LoadConnection& c);
  void settleKey(LoadConnection& c, const ReplyView& reply);
  void redirectOrRefuse(LoadLane& lane, const LoadKey& key, const ReplyView& reply);
  void refuse(const LoadLane& lane, const ReplyView& reply);
  void finishParcel(LoadConnection& c, std::uint64_t stored);
  void leaveSilentNodes();
  void giveUpSilentNodes();

  LoadShared& shared_;
  const LoadPlan& plan_;
  Transport& transport_;
  const Clock& clock_;

  const GreetingScript greeting_;
  ClusterLanes<LoadLane> lanes_;
  Links<LoadLane> links_;
  LoadEncoder encoder_;
  const std::uint64_t parcelSize_;  // keys of one, at most

  std::size_t inFlight_ = 0;  // parcels
  bool moreToSend_ = true;    // a connection had room and there was something for it
  Nanos now_ = 0;
  Nanos stopBy_ = 0;      // 0: not stopping
  Nanos lastStored_ = 0;  // when a reply last said OK
  Nanos nextLook_ = 0;    // for nodes that have been silent for too long
  LoadCounters counters_;
};

/// What to do about an error reply ("OOM command not allowed …") before a load can continue.
std::string_view loadAdvice(std::string_view errorText) noexcept;

}  // namespace redline
