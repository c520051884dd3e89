#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cmd/flag_values.h"
#include "server/stack.h"

namespace redline {

/// -engine and -redis-image, of all that start servers.
FlagSpec engineFlag(std::string_view group);
FlagSpec redisImageFlag(std::string_view group);

/// What `stack up` asks the server room for. usage: no topology, an invalid port, a flag of the
/// other topology.
Result<StackOptions> stackOptions(const FlagValues& flags, const std::string& password);

/// The stack meant by `stack down lab`, `stack down -name=lab` or `stack down node -name=lab`.
std::string stackName(const FlagValues& flags);
/// Whether a stack was named at all.
bool stackNamed(const FlagValues& flags);

/// "0;1-2" → {"0", "1-2"}: a list of CPUs for each node in turn.
Result<std::vector<std::string>> parseCpuLists(std::string_view flag, std::string_view text);

/// "appendonly yes; save 60 1" → {appendonly, yes}, {save, "60 1"}.
Result<std::vector<std::pair<std::string, std::string>>> parseRedisConfig(std::string_view text);

}  // namespace redline
