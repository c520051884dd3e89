#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "record/histogram.h"

namespace redline {

/// One node's share of a run.
struct NodeTally {
  std::string addr;
  std::uint64_t completed = 0;   ///< operations
  std::uint64_t redirected = 0;  ///< MOVED and ASK that it answered
  Histogram service;             ///< of its completed operations
};

/// The slots with the most operations, `most` of them, the busiest first; a slot without any is
/// left out.
std::vector<std::size_t> hottestSlots(std::span<const std::uint64_t> slots, std::size_t most);

/// The distribution of a run's operations over a cluster: of the measured window, each operation
/// counted once, where it was completed.
struct ClusterTally {
  std::vector<std::uint64_t> slots;  ///< completed operations by hash slot
  std::vector<NodeTally> nodes;      ///< in no order

  /// Adds another worker's counts.
  void merge(const ClusterTally& other);
};

}  // namespace redline
