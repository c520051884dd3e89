#include "record/cluster_tally.h"

#include <algorithm>
#include <numeric>

#include "record/interval.h"

namespace redline {

std::vector<std::size_t> hottestSlots(std::span<const std::uint64_t> slots, std::size_t most) {
  std::vector<std::size_t> order(slots.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  most = std::min(most, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(most),
                            [slots](std::size_t a, std::size_t b) {
                              return slots[a] != slots[b] ? slots[a] > slots[b] : a < b;
                            });
  order.resize(most);
  std::erase_if(order, [slots](std::size_t slot) { return slots[slot] == 0; });
  return order;
}

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
