#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/id_blocks.h"
#include "engine/live_slot_map.h"
#include "engine/load_lane.h"
#include "engine/load_plan.h"
#include "engine/routes.h"
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

/// What one worker did.
struct LoadCounters {
  std::uint64_t keysSent = 0, batches = 0, commands = 0, bytesSent = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t resentKeys = 0;  ///< after a lost connection, a redirect or a refusal that passes
  std::uint64_t moved = 0, ask = 0, tryagain = 0, clusterdown = 0;  ///< replies of each kind
  std::uint64_t passes = 0, idlePasses = 0;
};

/// Writes the ids of its blocks over its own connections, each of which has several parcels on the
/// way. On a single node a parcel is a block; in a cluster the keys of a block are dealt out to the
/// lanes of their nodes first. All of its time comes from `clock` and all of its bytes go through
/// `transport`.
class LoadWorker {
 public:
  LoadWorker(LoadShared& shared, unsigned index, Transport& transport, const Clock& clock);

  /// Until every block is written, the load is stopped, or something is in the way: an error reply,
  /// or a server that stays away. In a cluster what the nodes themselves can cure is waited for, as
  /// long as some key was stored within kRetrySpan.
  Status run();

  /// Valid after run(): of the ids that this worker took, all below are written for certain. The
  /// number of keys when none is left over.
  std::uint64_t lowestUnfinished() const;
  const LoadCounters& counters() const { return counters_; }
  /// After run(), in a cluster: where the keys were stored.
  ClusterTally clusterTally() const;

 private:
  /// A key that waits before it is sent again.
  struct Delayed {
    Nanos at;
    LoadKey key;
    bool operator>(const Delayed& other) const { return at > other.at; }
  };
  bool inCluster() const { return shared_.cluster != nullptr; }

  // The loop, and requests (load_worker.cc).
  Nanos waitSpan() const;
  bool finished();
  bool nothingWaits() const;
  void giveUp(ErrorCode code, std::string message);
  void fill();
  bool draw();
  void send(LoadLane& lane, LoadConnection& c);
  std::uint64_t encode(OutBuffer& out, const std::vector<LoadKey>& keys);
  char* encodeSet(char* at, std::uint64_t id, std::int64_t ttlMillis) const;
  char* encodeMset(char* at, const std::uint64_t* ids, std::size_t count) const;

  // Connections and lanes, replies (load_worker_replies.cc).
  void open(LoadLane& lane, LoadConnection& c);
  void reopenDue();
  void handle(const TransportEvent& event);
  void onConnected(LoadConnection& c);
  void onReceived(LoadLane& lane, LoadConnection& c);
  void onReply(LoadLane& lane, LoadConnection& c, const ReplyView& reply);
  void onHandshake(LoadLane& lane, LoadConnection& c, const ReplyView& reply);
  void onLost(LoadLane& lane, LoadConnection& c, int error);
  void refuse(const LoadLane& lane, const ReplyView& reply);
  void settleKey(LoadLane& lane, LoadParcel& parcel, const ReplyView& reply);
  void goOn(LoadLane& lane, LoadKey key, const ReplyView& reply);
  void again(LoadLane& lane, LoadKey key, bool asking);
  void releaseDelayed();
  LoadLane& addLane(const Endpoint& endpoint);
  LoadLane* laneTo(std::string_view host, std::uint16_t port);
  LoadLane& laneOf(std::uint16_t slot) { return *lanes_[inCluster() ? routes_.laneOf(slot) : 0]; }
  void adoptLatest();
  void reroute(LoadLane& lane);
  void watchSilence();

  LoadShared& shared_;
  const LoadPlan& plan_;
  unsigned index_;
  Transport& transport_;
  const Clock& clock_;

  std::vector<std::unique_ptr<LoadLane>> lanes_;
  struct Place {
    LoadLane* lane = nullptr;
    LoadConnection* connection = nullptr;
  };
  std::vector<Place> byId_;             // by ConnId
  std::vector<Delayed> delayed_;        // heap, the earliest first
  std::vector<std::uint64_t> lasting_;  // scratch: a parcel's ids without a time to live
  std::size_t pairs_;                   // of one MSET; 0: SET for all
  std::uint64_t parcel_;                // keys of one, at most
  std::size_t inFlight_ = 0;            // parcels
  std::size_t down_ = 0;
  bool moreToSend_ = true;  // a connection had room and there was something for it
  Nanos now_ = 0;
  Nanos stopBy_ = 0;  // 0: not stopping
  Status status_;
  LoadCounters counters_;

  // In a cluster.
  const SlotMap* map_ = nullptr;  // the latest that was taken over
  Routes routes_;
  std::vector<std::uint64_t> slotsDone_;  // keys stored, by slot
  Nanos lastStored_ = 0;                  // when a reply last said OK
  Nanos nextLook_ = 0;                    // after a silence
};

/// What to do about an error reply ("OOM command not allowed …") before going on with a load.
std::string_view loadAdvice(std::string_view errorText) noexcept;

}  // namespace redline
