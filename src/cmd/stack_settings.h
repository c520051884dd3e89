#pragma once

#include <vector>

#include "cmd/flag_values.h"
#include "server/stack.h"

namespace redline {

/// The flags of `stack up` that shape a stack, for a later `up` of the same name; `options` as
/// stackOptions() made them of `flags`. Flags of observers are among them where there are to be
/// any; so are those of the store behind the cache.
std::vector<StackSetting> stackSettings(const FlagValues& flags, const StackOptions& options);

}  // namespace redline
