#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "server/admin.h"

namespace redline {

/// What a fork of a server may cost, before it is done.
struct ForkEstimate {
  double writesPerSecond = 0;
  double seconds = 0;       ///< until the child has written everything
  std::uint64_t bytes = 0;  ///< copied pages and page tables, at the worst
};

/// Each write during the child's life copies about kCopiedPerWrite: a page of the value, one of the
/// dictionary's entry, one of its table; never more than all there is. How long the child lives
/// follows from half of what an idle machine of two cores wrote a second (0.75M keys; 400 MB of
/// large values). An estimate: it serves to refuse what cannot succeed, not to predict.
ForkEstimate estimateFork(const ServerInfo& info, double writesPerSecond);
inline constexpr std::uint64_t kCopiedPerWrite = 12 * 1024;

/// noSpace, with the arithmetic, when the estimate is more than this machine has free.
Status checkForkMemory(const ForkEstimate& estimate, std::uint64_t available);
/// noSpace when the server's directory has no room for another copy of its data.
Status checkForkDisk(std::string_view directory, std::uint64_t dataBytes);

/// Reads INFO twice, 200 ms apart, for the rate of changes; then estimateFork().
Result<ForkEstimate> estimateFork(Admin& admin);

}  // namespace redline
