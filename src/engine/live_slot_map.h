#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "cluster/slot_map.h"

namespace redline {

/// Where the control plane publishes the cluster's slot map and the workers find it. Maps are
/// immutable and live as long as this, so a worker looks at the latest one without a lock; it
/// looks once a pass. Workers ask for a new one when something makes them doubt theirs.
class LiveSlotMap {
 public:
  explicit LiveSlotMap(SlotMap first) { publish(std::move(first)); }

  // Workers.
  const SlotMap& latest() const noexcept { return *latest_.load(std::memory_order_acquire); }
  /// Asks the control plane for a new map. Cheap if a request is pending.
  void requestRefresh() noexcept {
    if (requests_.load(std::memory_order_relaxed) == kNone) raise(kRefresh);
  }

  // The control plane: one thread.
  void publish(SlotMap map) {
    maps_.push_back(std::make_unique<const SlotMap>(std::move(map)));
    latest_.store(maps_.back().get(), std::memory_order_release);
  }
  /// Sleeps until a refresh is asked for. false: close() was called.
  bool awaitRequest() noexcept {
    requests_.wait(kNone);
    return (requests_.load() & kClose) == 0;
  }
  /// A new map is being fetched: requests from here on are for a newer one.
  void beginRefresh() noexcept { requests_.fetch_and(~kRefresh); }
  /// Ends awaitRequest() for good. From any thread.
  void close() noexcept { raise(kClose); }

 private:
  static constexpr std::uint32_t kNone = 0, kRefresh = 1, kClose = 2;
  void raise(std::uint32_t request) noexcept {
    if ((requests_.fetch_or(request) & request) == 0) requests_.notify_all();
  }

  std::vector<std::unique_ptr<const SlotMap>> maps_;
  std::atomic<const SlotMap*> latest_{nullptr};
  std::atomic<std::uint32_t> requests_{kNone};
};

}  // namespace redline
