#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace redline {

/// How long the feed keeps an event for those who come later.
enum class Keep : std::uint8_t {
  recent,  ///< FeedLimits::span; the latest of its name for longer
  latest,  ///< until the next one of its name
  always,
};

struct FeedLimits {
  Nanos span = 600 * kSecond;
  /// Of all events together. Beyond it the oldest that are kept as recent go first.
  std::size_t bytes = 16 << 20;
};

/// What happened in a process, as server-sent events: kept for readers that come late, and numbered
/// so that a reader that was away continues where it was. Readers are not known to it, so none can
/// hold it up. Sans I/O; thread-safe.
class EventFeed {
 public:
  /// An event as it goes over the wire; shared by all readers.
  using Frame = std::shared_ptr<const std::string>;
  struct Batch {
    std::vector<Frame> frames;
    std::uint64_t last = 0;  ///< number of the last one, or what was asked for when there is none
  };

  /// `instance`: what tells this feed's numbers from those of an earlier process on the same
  /// address; letters and digits. `clock` must outlive the feed.
  EventFeed(std::string instance, const Clock& clock, FeedLimits limits = {});

  /// `name`: a word; `json`: on one line. Some microseconds.
  void add(std::string_view name, Keep keep, std::string_view json);

  /// The events behind number `after` (0: all that are kept), oldest first: as many as fit into
  /// `mostBytes`, and one at least if there is one.
  Batch after(std::uint64_t after, std::size_t mostBytes) const;
  /// The number in a reader's Last-Event-ID; 0 where it is not of this feed.
  std::uint64_t numberOf(std::string_view lastEventId) const;

 private:
  struct Event {
    std::string name;
    Keep keep;
    Nanos at;
    Frame frame;
  };

  void retireUnderLock(std::uint64_t number);
  void eraseUnderLock(std::uint64_t number);
  void dropOldUnderLock(Nanos now);

  const std::string instance_;
  const Clock& clock_;
  const FeedLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Event> events_;
  std::map<std::string, std::uint64_t, std::less<>> latest_;  ///< by name
  std::deque<std::uint64_t> recent_;  ///< those kept as recent, oldest first; not the latest ones
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace redline
