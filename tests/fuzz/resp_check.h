#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.h"

namespace redline {

/// One line that says what disagrees; nothing when all is well.
using Disagreement = std::optional<std::string>;

/// Reads `bytes` with ReplyScanner, ValueParser and hiredis' reader (test-only). They must find the
/// same replies, ending at the same places, but for what docs/fuzzing.md lists.
Disagreement differsFromHiredis(std::string_view bytes);

/// Reads `bytes` with ReplyScanner and ValueParser, whole and in pieces drawn from `seed`. All four
/// must find the same replies, ending at the same places.
Disagreement differsWhenSplit(std::string_view bytes, std::uint64_t seed);

enum class Protocol { resp2, resp3 };

/// A few replies as a server would send them, most of them then damaged a little.
std::string someReplies(Rng& rng, Protocol protocol);

}  // namespace redline
