#include "metrics/event_feed.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"

namespace redline {

EventFeed::EventFeed(std::string instance, const Clock& clock, FeedLimits limits)
    : instance_(std::move(instance)), clock_(clock), limits_(limits) {}

void EventFeed::add(std::string_view name, Keep keep, std::string_view json) {
  const Nanos now = clock_.now();
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = ++last_;
  auto frame = std::make_shared<const std::string>(
      fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", instance_, number, name, json));
  bytes_ += frame->size();
  events_.emplace_hint(events_.end(), number,
                       Event{std::string(name), keep, now, std::move(frame)});
  const auto [before, isFirst] = latest_.try_emplace(std::string(name), number);
  if (!isFirst) retireUnderLock(std::exchange(before->second, number));
  dropOldUnderLock(now);
}

/// `number` is no longer the latest of its name.
void EventFeed::retireUnderLock(std::uint64_t number) {
  const Keep keep = events_.at(number).keep;
  if (keep == Keep::latest) eraseUnderLock(number);
  if (keep == Keep::recent) recent_.push_back(number);
}

void EventFeed::eraseUnderLock(std::uint64_t number) {
  const auto found = events_.find(number);
  bytes_ -= found->second.frame->size();
  events_.erase(found);
}

void EventFeed::dropOldUnderLock(Nanos now) {
  while (!recent_.empty() &&
         (bytes_ > limits_.bytes || events_.at(recent_.front()).at < now - limits_.span)) {
    eraseUnderLock(recent_.front());
    recent_.pop_front();
  }
}

EventFeed::Batch EventFeed::after(std::uint64_t after, std::size_t mostBytes) const {
  const std::lock_guard lock(mutex_);
  Batch batch{{}, after};
  std::size_t bytes = 0;
  for (auto event = events_.upper_bound(after); event != events_.end(); ++event) {
    bytes += event->second.frame->size();
    if (!batch.frames.empty() && bytes > mostBytes) break;
    batch.frames.push_back(event->second.frame);
    batch.last = event->first;
  }
  return batch;
}

std::uint64_t EventFeed::numberOf(std::string_view lastEventId) const {
  const std::size_t dash = lastEventId.rfind('-');
  if (dash == std::string_view::npos || lastEventId.substr(0, dash) != instance_) return 0;
  const auto number = toNumber<std::uint64_t>(lastEventId.substr(dash + 1));
  const std::lock_guard lock(mutex_);
  return number && *number <= last_ ? *number : 0;
}

}  // namespace redline
