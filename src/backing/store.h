#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace redline {

/// The store behind the cache, as workers see it: it keeps one row for each key id, with a value
/// (src/workload/values.h) and the version that is in it.
///
///     worker ── submit(requests, inbox) ──→ Store: its own thread, its own connections
///       ↑                                     │
///       └── wakes, takes ←── StoreInbox ←─────┘ post(replies)
///
/// Times are of SteadyClock (tests: of the simulated one).

/// Names a request to the worker that made it. Never 0.
using StoreTicket = std::uint64_t;

/// Why the store could not do what it was asked.
enum class StoreFailure : std::uint8_t {
  unreachable,  ///< no connection, or it was lost before the result had come
  refused,      ///< password, permission, no such database or table
  tooMany,      ///< the store accepts no more connections
  locked,       ///< a lock was not to be had in the store's own time limit; a deadlock; cancelled
  diskFull,
  readOnly,  ///< it takes no writes: a standby, or default_transaction_read_only
  error,     ///< any other error of the store
  protocol,  ///< a result of another shape than was asked for
};
inline constexpr std::size_t kStoreFailures = 8;
/// Names in files and metrics.
inline constexpr std::array<std::string_view, kStoreFailures> kStoreFailureNames{
    "unreachable", "refused", "too_many", "locked", "disk_full", "read_only", "error", "protocol"};

struct StoreRequest {
  enum class Kind : std::uint8_t {
    read,
    write,  ///< the row's value becomes the one of (id, version), whatever it was
  };
  Kind kind = Kind::read;
  std::uint64_t id = 0;
  std::uint64_t version = 0;  ///< write: the value is a pure function of (seed, id, version, size)
  StoreTicket ticket = 0;
  /// The worker waits no longer. A request that reaches it in the store's queue is not begun; one
  /// that reaches it on a connection may be cancelled or left to end.
  Nanos deadline = 0;
};

struct StoreReply {
  enum class Outcome : std::uint8_t {
    found,     ///< read: `version` and `value`
    stored,    ///< write: committed
    missing,   ///< there is no such row
    failed,    ///< `failure`
    timedOut,  ///< the deadline has passed; a write's fate is unknown where sentAt is not 0
    shed,      ///< not begun: -backing-max-rate, or the store's queue is full
    retry,     ///< the engine's own, of no store: ask the cache again
  };
  StoreTicket ticket = 0;
  Outcome outcome = Outcome::failed;
  StoreFailure failure = StoreFailure::error;  ///< when failed
  StoreRequest::Kind kind = StoreRequest::Kind::read;
  bool coalesced = false;  ///< set by the engine: another request's reply, without its value
  std::uint64_t id = 0;
  std::uint64_t version = 0;
  std::string value;  ///< as it is in the row; the engine verifies it
  Nanos sentAt = 0;   ///< given to a connection; 0: never
  Nanos doneAt = 0;   ///< when the outcome was known
};

/// Replies on their way to one worker. Any thread posts; the worker's takes.
class StoreInbox {
 public:
  /// `wake` is called by the thread that posts, whenever the inbox was empty before: it makes the
  /// worker's wait for its transport return, and costs a system call.
  explicit StoreInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Moves the replies in. Post what has come together with one call.
  void post(std::span<StoreReply> replies) {
    if (replies.empty()) return;
    bool wasEmpty = false;
    {
      const std::lock_guard lock(mutex_);
      wasEmpty = replies_.empty();
      for (StoreReply& reply : replies) replies_.push_back(std::move(reply));
      waiting_.store(true, std::memory_order_release);
    }
    if (wasEmpty) wake_();
  }

  /// One load; for each pass of a worker's loop.
  bool hasReplies() const noexcept { return waiting_.load(std::memory_order_acquire); }
  /// All replies, in the order in which they were posted; `into` is emptied first.
  void take(std::vector<StoreReply>& into) {
    into.clear();
    const std::lock_guard lock(mutex_);
    replies_.swap(into);
    waiting_.store(false, std::memory_order_relaxed);
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<StoreReply> replies_;
  std::atomic<bool> waiting_{false};
};

/// What the store does now.
struct StoreLevels {
  std::uint64_t queued = 0;       ///< requests that wait for room on a connection
  std::uint64_t inFlight = 0;     ///< requests on connections
  std::uint64_t connections = 0;  ///< open and usable
};

/// How much of the store a run may use.
struct StoreLimits {
  unsigned connections = 8;
  double maxRate = 0;  ///< requests/s that are begun, by Admission (admission.h); 0: no limit
  /// Requests that may wait for a connection; more are shed. Workers bound what they ask for, too.
  std::size_t maxQueue = 1'000'000;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Hands the requests over; from any worker's thread, never waits for the store or its network.
  /// Every request gets exactly one reply in `replies`, soon after its deadline at the latest (the
  /// worker settles the operation itself at the deadline, and ignores what comes later). Requests
  /// of one worker are begun in order. `replies` outlives the store's thread.
  virtual void submit(std::span<const StoreRequest> requests, StoreInbox& replies) = 0;

  /// From any thread; never waits.
  virtual StoreLevels levels() const noexcept = 0;
};

}  // namespace redline
