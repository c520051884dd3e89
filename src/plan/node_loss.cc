#include <algorithm>

#include "base/numbers.h"
#include "plan/plan_parts.h"

namespace redline {
namespace {

/// The demands for one of `shards` shards.
std::vector<KeyDemand> demandsOfOne(std::vector<KeyDemand> demands, double shards) {
  for (KeyDemand& each : demands) each.keys /= shards;
  return demands;
}

NodeLoss lossOf(std::string id, std::string title, const std::vector<KeyDemand>& lost,
                double usualMisses, double otherMisses, double storeMax) {
  NodeLoss loss{.id = std::move(id), .title = std::move(title)};
  const Refill refill = refillOf(lost, usualMisses, std::max(0.0, storeMax - otherMisses));
  loss.storeReads = otherMisses + refill.peakMisses;
  loss.storeSurvives = loss.storeReads <= storeMax;
  loss.atLimitS = refill.atLimitS;
  loss.backS = refill.backS;
  return loss;
}

}  // namespace

std::vector<NodeLoss> lossesOf(const SizingRequest& request, const Coefficients& coefficients,
                               const Sizing& sizing) {
  const auto shards = static_cast<double>(sizing.shards);
  const ShardLoad& load = sizing.load;
  const auto one = demandsOfOne(load.demands, shards);
  const double usual = load.storeReads / shards;
  const double others = readsOfOtherShards(load, shards);
  std::vector<NodeLoss> losses;
  if (request.replicas > 0) {
    NodeLoss loss = lossOf("with-replica", "a master is lost, its replica takes over", one, usual,
                           others, request.storeMax);
    loss.outageS = request.nodeTimeoutS + coefficients.value(CoefficientId::failoverS);
    loss.atLimitS = loss.backS = 0;  // nothing is to be read again
    losses.push_back(std::move(loss));
  }
  losses.push_back(lossOf("without-replica", "a master is lost, and comes back empty", one, usual,
                          others, request.storeMax));
  losses.push_back(lossOf("cold-start", "every cache is empty: a cold start", load.demands,
                          load.storeReads, 0, request.storeMax));
  return losses;
}

}  // namespace redline
