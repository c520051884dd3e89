#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/process.h"

namespace redline {

// Names of directories that say which process made them, so that what a crashed one left can be
// told from what a living one uses.

/// FNV-1a: tells names apart that would otherwise be the same.
std::uint32_t nameHash(std::string_view text);

/// "of-4711-889123": short, because a Unix socket's path must fit into 108 bytes.
std::string ownerName(const ProcessId& owner);
/// The owner (pid and startTicks) that a name begins with; none: the name is of another kind.
std::optional<ProcessId> ownerOfName(std::string_view name);
/// False for one of a boot before, too: the same pid started at the same tick is the same process.
bool ownerLives(const ProcessId& owner);

}  // namespace redline
