#pragma once

#include <cstddef>
#include <filesystem>

#include "base/result.h"

namespace redline {

/// What one fdatasync after a small append costs in a directory, microseconds.
struct SyncFigures {
  double p50Us = 0, p99Us = 0, maxUs = 0;
  std::size_t count = 0;
};

/// Appends `bytes` and calls fdatasync, up to `count` times but no longer than half a second, in a
/// file of its own that goes again. At least 20 calls are made.
Result<SyncFigures> measureFdatasync(const std::filesystem::path& directory,
                                     std::size_t count = 300, std::size_t bytes = 200);

}  // namespace redline
