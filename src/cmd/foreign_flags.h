#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace redline {

/// What users of redis-benchmark and memtier_benchmark may type for a load. docs/coming-from.md has
/// the same table.
struct ForeignFlag {
  std::vector<std::string_view> names;  ///< with their dashes
  std::string_view means;               ///< there
  std::string_view use;                 ///< here: flags, or what to do instead
};

std::span<const ForeignFlag> foreignFlags();

/// "-c is redis-benchmark's and memtier_benchmark's …: use -conns here"; empty: nobody's flag.
std::string foreignFlagAdvice(std::string_view name);

}  // namespace redline
