#include "pg/request_queue.h"

#include <algorithm>
#include <utility>

namespace redline {

StoreReply replyTo(const StoreRequest& request, StoreReply::Outcome outcome, Nanos now) {
  StoreReply reply;
  reply.ticket = request.ticket;
  reply.outcome = outcome;
  reply.kind = request.kind;
  reply.id = request.id;
  reply.version = request.version;
  reply.doneAt = now;
  return reply;
}

std::optional<StoreReply::Outcome> RequestQueue::push(const QueuedRequest& entry, Nanos now) {
  if (entry.request.deadline <= now) return StoreReply::Outcome::timedOut;
  if (waiting_.size() >= most_ || !admission_.admit(now)) return StoreReply::Outcome::shed;
  waiting_.push_back(entry);
  return std::nullopt;
}

std::optional<QueuedRequest> RequestQueue::pop(Nanos now, std::vector<QueuedRequest>& expired) {
  expire(now, expired);
  if (waiting_.empty()) return std::nullopt;
  const QueuedRequest first = waiting_.front();
  waiting_.pop_front();
  return first;
}

void RequestQueue::expire(Nanos now, std::vector<QueuedRequest>& expired) {
  while (!waiting_.empty() && waiting_.front().request.deadline <= now) {
    expired.push_back(waiting_.front());
    waiting_.pop_front();
  }
}

void RequestQueue::drain(std::vector<QueuedRequest>& all) {
  all.insert(all.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
}

void ReplyBatches::add(StoreInbox* replies, StoreReply reply) {
  auto batch = std::ranges::find(batches_, replies, &Batch::to);
  if (batch == batches_.end()) {
    batches_.push_back({replies, {}});
    batch = std::prev(batches_.end());
  }
  batch->replies.push_back(std::move(reply));
}

void ReplyBatches::post() {
  for (Batch& batch : batches_) {
    if (batch.replies.empty()) continue;
    batch.to->post(batch.replies);
    batch.replies.clear();
  }
}

}  // namespace redline
