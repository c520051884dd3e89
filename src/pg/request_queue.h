#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "backing/admission.h"
#include "backing/store.h"

namespace redline {

/// A request on its way through the store, and who asked.
struct QueuedRequest {
  StoreRequest request;
  StoreInbox* replies = nullptr;
  unsigned tries = 0;  ///< how often it was begun
};

/// The reply to it, without a result yet.
StoreReply replyTo(const StoreRequest& request, StoreReply::Outcome outcome, Nanos now);

/// Requests that wait for a connection, first come first served. What is refused at the door or has
/// waited too long is handed back with its reply. For one thread.
class RequestQueue {
 public:
  explicit RequestQueue(const StoreLimits& limits)
      : admission_(limits.maxRate), most_(limits.maxQueue) {}

  /// `shed` when it is not taken: above -backing-max-rate, or the queue is full; timedOut when its
  /// deadline has passed.
  std::optional<StoreReply::Outcome> push(const QueuedRequest& entry, Nanos now);
  /// In front of all others: one that was begun in vain. Not counted by the admission again.
  void putBack(const QueuedRequest& entry) { waiting_.push_front(entry); }
  /// The next one to begin; none: nothing waits. Those past their deadline are added to `expired`
  /// on the way.
  std::optional<QueuedRequest> pop(Nanos now, std::vector<QueuedRequest>& expired);
  /// Takes those at the front that are past their deadline.
  void expire(Nanos now, std::vector<QueuedRequest>& expired);
  /// Takes all.
  void drain(std::vector<QueuedRequest>& all);

  std::size_t size() const noexcept { return waiting_.size(); }
  bool empty() const noexcept { return waiting_.empty(); }

 private:
  Admission admission_;
  std::size_t most_;
  std::deque<QueuedRequest> waiting_;
};

/// Replies of one pass, posted to each inbox with one call.
class ReplyBatches {
 public:
  void add(StoreInbox* replies, StoreReply reply);
  void post();

 private:
  struct Batch {
    StoreInbox* to = nullptr;
    std::vector<StoreReply> replies;
  };
  std::vector<Batch> batches_;  ///< as many as there are workers
};

}  // namespace redline
