#include "mitigation/local_cache.h"

#include <algorithm>
#include <cstring>

#include "base/rng.h"

namespace redline {

LocalCache::LocalCache(std::size_t entries, std::size_t valueBytes)
    : valueBytes_(valueBytes),
      entries_(entries),
      values_(std::make_unique_for_overwrite<char[]>(entries * valueBytes)),
      index_(kIndexPerEntry * entries, kNone) {
  for (Slot i = 0; i + 1 < entries_.size(); ++i) entries_[i].older = i + 1;
}

std::size_t LocalCache::entriesWithin(std::size_t bytes, std::size_t valueBytes) noexcept {
  return std::max<std::size_t>(1, bytes / costOf(valueBytes));
}

std::size_t LocalCache::home(std::uint64_t id) const noexcept {
  // Multiply-shift: an even share of the index for every hash, whatever the index's size.
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>((static_cast<Wide>(mix64(id)) * index_.size()) >> 64);
}

std::uint64_t& LocalCache::markOf(std::uint64_t id) noexcept {
  return invalidatedAt_[mix64(id) % kMarks];
}

std::size_t LocalCache::find(std::uint64_t id) const noexcept {
  for (std::size_t at = home(id); index_[at] != kNone; at = following(at))
    if (entries_[index_[at]].id == id) return at;
  return kNowhere;
}

std::optional<std::string_view> LocalCache::get(std::uint64_t id, Source owner,
                                                Nanos now) noexcept {
  const std::size_t at = find(id);
  if (at == kNowhere) {
    ++counts_.misses;
    return std::nullopt;
  }
  const Slot slot = index_[at];
  const Entry& entry = entries_[slot];
  const bool expired = entry.expiresAt != 0 && entry.expiresAt <= now;
  if (expired || entry.source != owner) {
    remove(at);
    ++counts_.misses;
    ++(expired ? counts_.expired : counts_.moved);
    return std::nullopt;
  }
  ++counts_.hits;
  if (slot != newest_) {
    unlink(slot);
    linkNewest(slot);
  }
  return std::string_view(values_.get() + slot * valueBytes_, entry.length);
}

bool LocalCache::fill(std::uint64_t id, Asked asked, std::string_view value,
                      Nanos expiresAt) noexcept {
  if (flushedAt_ > asked.ticket || markOf(id) > asked.ticket) {
    ++counts_.poisonedFills;
    return false;
  }
  if (value.size() > valueBytes_) {
    ++counts_.oversize;
    return false;
  }
  const Slot slot = claim(id);
  Entry& entry = entries_[slot];
  entry.expiresAt = expiresAt;
  entry.source = asked.source;
  entry.length = static_cast<std::uint32_t>(value.size());
  std::memcpy(values_.get() + slot * valueBytes_, value.data(), value.size());
  linkNewest(slot);
  ++counts_.fills;
  return true;
}

// An entry for `id`, unlinked: its old one, a free one, or the least recently used.
LocalCache::Slot LocalCache::claim(std::uint64_t id) noexcept {
  if (const std::size_t at = find(id); at != kNowhere) {
    unlink(index_[at]);
    return index_[at];
  }
  if (free_ == kNone) {
    ++counts_.evictions;
    remove(find(entries_[oldest_].id));
  }
  const Slot slot = free_;
  free_ = entries_[slot].older;
  entries_[slot].id = id;
  std::size_t at = home(id);
  while (index_[at] != kNone) at = following(at);
  index_[at] = slot;
  ++size_;
  return slot;
}

void LocalCache::invalidate(std::uint64_t id, Cause cause) noexcept {
  markOf(id) = ++events_;
  if (cause == Cause::server) ++counts_.pushes;
  const std::size_t at = find(id);
  if (at == kNowhere) return;
  ++(cause == Cause::server ? counts_.invalidations : counts_.ownInvalidations);
  remove(at);
}

void LocalCache::flush() noexcept {
  flushedAt_ = ++events_;
  ++counts_.flushes;
  while (oldest_ != kNone) remove(find(entries_[oldest_].id));
}

void LocalCache::remove(std::size_t at) noexcept {
  const Slot slot = index_[at];
  unlink(slot);
  entries_[slot].older = free_;
  free_ = slot;
  --size_;
  // Close the gap: whatever follows without a break moves up, unless it would pass its home.
  std::size_t gap = at;
  for (std::size_t next = following(at); index_[next] != kNone; next = following(next)) {
    if (distance(home(entries_[index_[next]].id), next) < distance(gap, next)) continue;
    index_[gap] = index_[next];
    gap = next;
  }
  index_[gap] = kNone;
}

void LocalCache::unlink(Slot slot) noexcept {
  const Entry& entry = entries_[slot];
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void LocalCache::linkNewest(Slot slot) noexcept {
  Entry& entry = entries_[slot];
  entry.newer = kNone;
  entry.older = newest_;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = slot;
  newest_ = slot;
}

}  // namespace redline
