#pragma once

#include <vector>

#include "cmd/flag_values.h"
#include "server/stack.h"

namespace redline {

/// The flags of `stack up` that shape a stack, for a later `up` of the same name; `options` as
/// stackOptions() made them of `flags`. Flags of observers are among them where there are to be
/// any.
std::vector<StackSetting> stackSettings(const FlagValues& flags, const StackOptions& options);

}  // namespace redline
