#pragma once

#include <cstdint>
#include <string_view>

#include "resp/scanner.h"

namespace redline {

/// What a server pushed (RESP3 `>`) without being asked.
enum class PushKind : std::uint8_t {
  invalidation,  ///< CLIENT TRACKING: the keys that it names have changed
  flush,         ///< CLIENT TRACKING: all keys have (FLUSHALL, FLUSHDB)
  other,         ///< pub/sub, monitor: none of ours
};

namespace detail {
struct Invalidation {
  PushKind kind;
  ReplyView keys;  ///< the array of keys, for `invalidation`
};
Invalidation invalidationIn(const ReplyView& push) noexcept;
}  // namespace detail

/// Classifies `push`, a whole reply of type ReplyType::push, and calls `onKey` with every
/// key that an invalidation names, as a view into the reply. No allocation.
template <typename OnKey>
PushKind readPush(const ReplyView& push, OnKey&& onKey) {
  const auto [kind, keys] = detail::invalidationIn(push);
  if (kind != PushKind::invalidation) return kind;
  std::string_view rest = keys.payload;
  ReplyScanner scanner;
  ReplyView key;
  while (!rest.empty() && scanner.next(rest, key) == ReplyScanner::Status::complete) {
    onKey(key.payload);
    rest.remove_prefix(key.size);
  }
  return kind;
}

}  // namespace redline
