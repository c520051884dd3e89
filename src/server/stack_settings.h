#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace redline {

/// A flag of `stack up` that shapes a stack, and its value.
struct StackSetting {
  std::string flag, value;  ///< canonical
  bool given = false;       ///< it was asked for, and is not the default
};

using StackSettings = std::vector<std::pair<std::string, std::string>>;

/// Ok when a stack that is up with `known` is what `wanted` asks for. unsafe: a flag that was given
/// has another value there. Flags that `known` lacks are of what can still be added.
Status checkSettings(const std::string& stack, const StackSettings& known,
                     std::span<const StackSetting> wanted);

/// `known`, and what only `wanted` has.
StackSettings joinSettings(StackSettings known, std::span<const StackSetting> wanted);

}  // namespace redline
