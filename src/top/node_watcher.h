#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "cluster/slot_ranges.h"
#include "top/node_report.h"
#include "transport/credentials.h"

namespace redline {

struct WatchPlan {
  Endpoint node;
  Credentials credentials;
  Nanos interval = kSecond;     ///< between two readings of INFO, SLOWLOG and LATENCY
  double budget = 0.01;         ///< share of the main thread that looking at keys may take
  Nanos timeout = 5 * kSecond;  ///< of a command; a server silent for longer is reported
};

/// Watches one server on a thread of its own, so that a frozen one delays no other, with commands
/// that only read. Of a master it also goes through the keys, within the budget.
class NodeWatcher {
 public:
  /// Comes from the watcher's thread, and not after the destructor.
  using OnReport = std::function<void(NodeReport)>;

  NodeWatcher(WatchPlan plan, OnReport onReport);
  ~NodeWatcher();
  NodeWatcher(const NodeWatcher&) = delete;
  NodeWatcher& operator=(const NodeWatcher&) = delete;

  /// The slots whose keys are counted from now on: those of a cluster's master.
  void watchSlots(std::vector<SlotRange> slots);
  /// Others of this process have sent it these.
  void addSent(const SentCommands& sent);

 private:
  class Loop;

  WatchPlan plan_;
  OnReport onReport_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Under mutex_:
  bool stopping_ = false;
  std::vector<SlotRange> slots_;
  SentCommands sentByOthers_;

  std::atomic<Nanos> waitLimit_;  ///< no wait for the server lasts beyond this
  std::thread thread_;
};

}  // namespace redline
