#include "record/cluster_tally.h"

#include <algorithm>

#include "record/interval.h"

namespace redline {

void ClusterTally::merge(const ClusterTally& other) {
  addSlots(slots, other.slots);
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
