#include "plan/load.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/costs.h"
#include "model/memory.h"

namespace redline {
namespace {

constexpr double kKilobyte = 1024, kGigabyte = 1024.0 * 1024 * 1024;
/// Of a reply or a request beside its value: RESP's lengths, the command and its key.
constexpr double kFrameBytes = 50;
/// A stack of redline has a backlog of 256 MB or a quarter of its maxmemory, whichever is less.
constexpr double kBacklog = 256.0 * 1024 * 1024, kBacklogShare = 0.25;
/// A key that takes less than this of a shard's capacity is not split.
constexpr double kWorthSplitting = 0.1;

}  // namespace

CommandCosts commandCosts(const SizingRequest& r, const Coefficients& coefficients, bool isCluster,
                          Outlook outlook) {
  using enum CoefficientId;
  const auto of = [&](CoefficientId id) { return coefficients.value(id, outlook); };
  const double factor = isCluster ? of(clusterFactor) : 1;
  const double call = of(callUs) / r.batch;
  const double value = of(kilobyteUs) * r.valueBytes / kKilobyte;
  return {factor * (of(getUs) + call + value), factor * (of(setUs) + call + value),
          factor * of(callUs)};
}

double kneeBusy(double sloUs, const Coefficients& coefficients, Outlook outlook) {
  const auto knees = kneeLimits();
  const auto above =
      std::ranges::find_if(knees, [&](const KneeLimit& knee) { return knee.limitUs >= sloUs; });
  if (above == knees.end()) return coefficients.value(knees.back().id, outlook);
  const double high = coefficients.value(above->id, outlook);
  if (above == knees.begin()) return high;
  const KneeLimit& below = *std::prev(above);
  const double low = coefficients.value(below.id, outlook);
  const double along = std::log(sloUs / below.limitUs) / std::log(above->limitUs / below.limitUs);
  return low + along * (high - low);
}

LoadModel::LoadModel(const SizingRequest& request, const Coefficients& coefficients,
                     Outlook outlook)
    : request_(request),
      coefficients_(coefficients),
      outlook_(outlook),
      popularity_(request.zipfS > 0 ? Popularity::zipf(request.keys, request.zipfS)
                                    : Popularity::uniform(request.keys)),
      knee_(kneeBusy(request.sloUs, coefficients, outlook)),
      nodeCosts_(commandCosts(request, coefficients, false, outlook)),
      clusterCosts_(commandCosts(request, coefficients, true, outlook)) {}

double LoadModel::meanUs(std::uint64_t shards) const {
  const CommandCosts& costs = this->costs(shards);
  return request_.readShare * costs.getUs + (1 - request_.readShare) * costs.setUs;
}

ExpiryShape LoadModel::expiry() const {
  return {request_.ttlShare, request_.ttlLeastS, request_.ttlMostS};
}

double LoadModel::tablesOf(double keys) const {
  return static_cast<double>(
      restingTableBytes(static_cast<std::uint64_t>(keys)) +
      restingTableBytes(static_cast<std::uint64_t>(request_.ttlShare * keys)));
}

NodeMemory LoadModel::memoryAt(std::uint64_t shards, double maxmemory) const {
  using enum CoefficientId;
  const auto of = [&](CoefficientId id) { return coefficients_.value(id, outlook_); };
  const SizingRequest& r = request_;
  NodeMemory memory;
  const std::uint64_t slots = (kHashSlots + shards - 1) / shards;
  memory.keys = shards == 1 ? static_cast<double>(r.keys)
                            : std::ceil(static_cast<double>(r.keys) * static_cast<double>(slots) /
                                        static_cast<double>(kHashSlots));
  const auto each = memoryOf({.keys = 1,
                              .keyLength = static_cast<std::size_t>(keyLengthOf(r)),
                              .valueLength = static_cast<std::size_t>(r.valueBytes),
                              .ttlShare = r.ttlShare,
                              .kind = shards > 1 ? ServerKind::cluster : ServerKind::node});
  memory.bytesPerKey = each.bytesPerKey();
  memory.tables = tablesOf(memory.keys);
  memory.data = memory.bytesPerKey * memory.keys + memory.tables;
  const double filled = memory.data * (1 + r.headroom);
  const double whole = maxmemory > 0 ? maxmemory : filled;
  memory.backlog = r.replicas > 0 ? std::min(kBacklog, kBacklogShare * whole) : 0;
  memory.maxmemory = maxmemory > 0 ? maxmemory : filled + memory.backlog + of(emptyBytes);
  memory.resident = memory.maxmemory * of(residentFactor);
  memory.childS = memory.maxmemory / kGigabyte * of(saveSPerGb);
  const double writes = (1 - r.readShare) * r.rate / static_cast<double>(shards);
  memory.copied = copiedBytes(memory.resident, writes * memory.childS, of(pagesPerWrite));
  memory.forkS = forkSeconds(memory.resident, {of(forkFixedMs) / 1e3, of(forkPageNs) / 1e9});
  return memory;
}

/// Takes what the clients' caches answer off the demands.
ClientCaches LoadModel::cacheAtClients(std::vector<KeyDemand>& demands) const {
  ClientCaches caches;
  if (request_.clientEntries <= 0) return caches;
  // One client's: it asks for its part, everybody's writes remove its copies.
  std::vector<KeyDemand> own = demands;
  for (KeyDemand& each : own) {
    each.lookups /= request_.clients;
    each.removals = each.writes;
    each.writes = 0;
  }
  const Occupancy held = occupancyOf(own, request_.clientEntries, expiry(), Recency::exact);
  caches.hitShare = held.hitShare();
  caches.entries = held.present;
  for (std::size_t i = 0; i < demands.size(); ++i) {
    demands[i].lookups *= 1 - held.hitRate[i];
    caches.pushes.push_back(demands[i].writes * request_.clients * held.hitRate[i]);
    caches.invalidationsPerS += demands[i].keys * caches.pushes.back();
  }
  return caches;
}

/// Keys that a node has room for, with the hash tables that they need.
double LoadModel::capacityOf(const NodeMemory& memory) const {
  const double room = std::max(0.0, memory.maxmemory - memory.backlog -
                                        coefficients_.value(CoefficientId::emptyBytes, outlook_));
  const double held = std::min(memory.keys, room / memory.bytesPerKey);
  const double tables = tablesOf(held);
  return std::max(0.0, room - tables) / memory.bytesPerKey;
}

void LoadModel::addHits(ShardLoad& load) const {
  load.occupancy = occupancyOf(load.demands, load.capacity, expiry(), Recency::exact);
  load.bestHits = load.worstHits = load.occupancy.hitShare();
  load.bestStoreReads = load.worstStoreReads = load.storeReads = load.occupancy.misses;
  if (!load.occupancy.evicts()) return;
  const Occupancy random = occupancyOf(load.demands, load.capacity, expiry(), Recency::none);
  const double weight = request_.policy == CachePolicy::random
                            ? 0
                            : coefficients_.value(CoefficientId::lruWeight, outlook_);
  load.worstHits = random.hitShare();
  load.worstStoreReads = random.misses;
  load.storeReads = random.misses + weight * (load.occupancy.misses - random.misses);
  load.occupancy.misses = load.storeReads;
}

void LoadModel::addBusy(ShardLoad& load, std::uint64_t shards) const {
  const SizingRequest& r = request_;
  const CommandCosts& costs = this->costs(shards);
  const double readers = r.replicaReads ? 1 + static_cast<double>(r.replicas) : 1;
  std::vector<KeyLoad> busy, bytes;
  double total = 0;
  for (std::size_t i = 0; i < load.demands.size(); ++i) {
    const KeyDemand& key = load.demands[i];
    const double misses = key.lookups * (1 - load.occupancy.hitRate[i]);
    const double reads = key.lookups / readers;
    const double written = key.writes + misses;
    const double push = load.clients.pushes.empty() ? 0 : load.clients.pushes[i] * costs.pushUs;
    const double alone = (reads * costs.getUs + written * costs.setUs + push) / 1e6;
    const double copies = alone >= kWorthSplitting * knee_ ? std::max(1.0, r.split) : 1;
    const double each =
        (reads / copies * costs.getUs + written * costs.setUs + push / copies) / 1e6;
    busy.push_back({key.keys, each, copies});
    bytes.push_back({key.keys, reads / copies * (r.valueBytes + kFrameBytes), copies});
    total += key.keys * copies * each;
    load.hotKeyBusy = std::max(load.hotKeyBusy, each);
  }
  load.busy = busiestShard(busy, shards);
  load.evenBusy = total / static_cast<double>(shards);
  load.networkPerNode = busiestShard(bytes, shards).high;
}

ShardLoad LoadModel::at(std::uint64_t shards, double maxmemory) const {
  const SizingRequest& r = request_;
  ShardLoad load;
  load.memory = memoryAt(shards, maxmemory);
  load.capacity = maxmemory > 0 ? capacityOf(load.memory) * static_cast<double>(shards)
                                : static_cast<double>(r.keys);
  load.demands.reserve(popularity_.classes().size());
  for (const Popularity::Class& each : popularity_.classes())
    load.demands.push_back({each.keys, each.probability * r.rate * r.readShare,
                            each.probability * r.rate * (1 - r.readShare), 0});
  load.hottestShare = popularity_.classes().front().probability;
  load.clients = cacheAtClients(load.demands);
  addHits(load);
  addBusy(load, shards);
  return load;
}

}  // namespace redline
