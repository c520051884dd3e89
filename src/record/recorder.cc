#include "record/recorder.h"

#include <algorithm>
#include <utility>

namespace redline {

Recorder::Recorder(std::size_t workers, OnInterval onInterval)
    : waiting_(workers), onInterval_(std::move(onInterval)) {
  for (std::size_t i = 0; i < workers; ++i)
    exchanges_.push_back(std::make_unique<IntervalExchange>());
}

void Recorder::collect() {
  for (std::size_t i = 0; i < exchanges_.size(); ++i)
    while (auto interval = exchanges_[i]->take()) waiting_[i].push_back(std::move(interval));
}

bool Recorder::everyWorkerHasOne() const {
  return std::none_of(waiting_.begin(), waiting_.end(), [](const auto& q) { return q.empty(); });
}

void Recorder::poll() {
  collect();
  while (everyWorkerHasOne()) mergeNext();
}

void Recorder::finish() {
  collect();
  const auto anyWaiting = [this] {
    return std::any_of(waiting_.begin(), waiting_.end(), [](const auto& q) { return !q.empty(); });
  };
  while (anyWaiting()) mergeNext();
}

void Recorder::mergeNext() {
  bool first = true;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i].empty()) continue;
    auto interval = std::move(waiting_[i].front());
    waiting_[i].pop_front();
    if (first) {
      merged_.reset(interval->start, interval->end);
      merged_.warmup = interval->warmup;
      merged_.drain = interval->drain;
      first = false;
    }
    merged_.merge(*interval);
    exchanges_[i]->giveBack(std::move(interval));
  }
  if (merged_.warmup) {
    warmupCorrupt_ += merged_.counts.corrupt;
  } else {
    if (!merged_.drain) {
      completedInWindow_ += merged_.counts.carriedOver;
      for (const std::uint64_t n : merged_.counts.completed) completedInWindow_ += n;
    }
    total_.follow(merged_);
  }
  onInterval_(merged_);
}

}  // namespace redline
