#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/histogram.h"

namespace redline {

/// What one node of a cluster did for a run.
struct NodeTally {
  std::string addr;
  std::uint64_t completed = 0;   ///< operations
  std::uint64_t redirected = 0;  ///< MOVED and ASK that it answered
  Histogram service;             ///< of its completed operations
};

/// Where a run's operations went in a cluster: of the measured window, each operation counted once,
/// where it was completed.
struct ClusterTally {
  std::vector<std::uint64_t> slots;  ///< completed operations by hash slot
  std::vector<NodeTally> nodes;      ///< in no order

  /// Adds what another worker saw.
  void merge(const ClusterTally& other);
};

}  // namespace redline
