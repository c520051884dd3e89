#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/memory.h"

namespace redline {

/// `newKeys` keys, the largest id being `lastId`, on top of the `presentKeys` that a server has.
MemoryEstimate estimateMemory(std::uint64_t newKeys, std::uint64_t lastId,
                              std::uint64_t presentKeys, std::size_t valueSize, double ttlFraction,
                              ServerKind kind = ServerKind::node);

/// What a server has.
struct MemoryLimits {
  std::uint64_t used = 0;       ///< used_memory
  std::uint64_t maxmemory = 0;  ///< 0: none
  std::string policy;           ///< maxmemory-policy
};

/// Ok when the estimate fits the server's maxmemory; noSpace with the arithmetic when not. `what`
/// is to be stored.
Status checkFits(const MemoryEstimate& estimate, const MemoryLimits& limits,
                 std::string_view what = "the data set");
/// Ok when `bytes` of used_memory, which `text` says in words, fit this machine, of whose memory
/// `available` is (0: not known).
Status checkMachine(std::uint64_t bytes, std::string_view text, std::uint64_t available);

}  // namespace redline
