#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "engine/live_slot_map.h"
#include "engine/plan.h"
#include "record/event.h"
#include "server/admin.h"

namespace redline {

/// The control plane's part in following a cluster: fetches a new slot map when a worker asks for
/// one, from the nodes in turn, and publishes it where it differs from the last. On a thread of its
/// own, which sleeps otherwise.
class ClusterWatch {
 public:
  /// `onChange` is called on that thread, with an event of kind "cluster" for each map that is
  /// published; none after stop().
  ClusterWatch(LiveSlotMap& live, const Credentials& credentials,
               std::function<void(const Event&)> onChange);
  ~ClusterWatch() { stop(); }
  ClusterWatch(const ClusterWatch&) = delete;
  ClusterWatch& operator=(const ClusterWatch&) = delete;

  void stop();

  /// The minimum between two fetches: one takes a server about 0.2 ms.
  static constexpr Nanos kGap = 200 * kMillisecond;

 private:
  void work();
  void refresh();
  bool rest();  ///< waits kGap; false: stop() was called
  Admin* at(const Endpoint& endpoint);

  LiveSlotMap& live_;
  Credentials credentials_;
  std::function<void(const Event&)> onChange_;
  std::map<Endpoint, Admin> connections_;
  std::size_t turn_ = 0;     // the node to ask next
  std::uint64_t epoch_ = 0;  // the latest that any node knew of
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace redline
