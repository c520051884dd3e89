#include "record/cluster_tally.h"

#include <algorithm>

namespace redline {

void ClusterTally::merge(const ClusterTally& other) {
  slots.resize(std::max(slots.size(), other.slots.size()));
  for (std::size_t i = 0; i < other.slots.size(); ++i) slots[i] += other.slots[i];
  for (const NodeTally& theirs : other.nodes) {
    auto mine = std::ranges::find(nodes, theirs.addr, &NodeTally::addr);
    if (mine == nodes.end()) {
      nodes.push_back(theirs);
      continue;
    }
    mine->completed += theirs.completed;
    mine->redirected += theirs.redirected;
    mine->service.add(theirs.service);
  }
}

}  // namespace redline
