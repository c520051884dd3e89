#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "cluster/slot_map.h"

namespace redline {

/// Where the control plane publishes the cluster's slot map and the workers find it. Maps are
/// immutable, and live as long as somebody holds them. A worker looks at the version once a pass,
/// without a lock. Workers ask for a new map when something makes them doubt theirs.
class LiveSlotMap {
 public:
  using Map = std::shared_ptr<const SlotMap>;

  explicit LiveSlotMap(SlotMap first) { publish(std::move(first)); }

  // Workers.
  /// Another one for each map that is published.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  Map latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
  }
  /// Asks the control plane for a new map. Cheap if a request is pending.
  void requestRefresh() noexcept {
    if (requests_.load(std::memory_order_relaxed) == kNone) raise(kRefresh);
  }

  // The control plane: one thread.
  void publish(SlotMap map) {
    auto next = std::make_shared<const SlotMap>(std::move(map));
    {
      const std::lock_guard lock(mutex_);
      latest_ = std::move(next);
    }
    version_.fetch_add(1, std::memory_order_release);
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

  mutable std::mutex mutex_;
  Map latest_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::uint32_t> requests_{kNone};
};

}  // namespace redline
