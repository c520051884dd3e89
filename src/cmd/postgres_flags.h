#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "server/stack_backing.h"

namespace redline {

/// Of `stack up`: the PostgreSQL behind the cache.
std::vector<FlagSpec> postgresFlags();
/// What they say; none: there is to be none. usage: a flag of a PostgreSQL that is not to be.
Result<std::optional<BackingOptions>> backingOptions(const FlagValues& flags);

}  // namespace redline
