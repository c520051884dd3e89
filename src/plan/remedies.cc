#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/numbers.h"
#include "base/text.h"
#include "base/units.h"
#include "plan/plan_parts.h"

namespace redline {
namespace {

constexpr double kMostCopies = 128;
constexpr std::uint64_t kMostReplicas = 5;
constexpr double kBatch = 16, kLargeBatch = 64;
/// Operations/s of one client process, where nobody says how many there are.
constexpr double kClientRate = 20'000;

/// The power of two with which the fewest shards do, the smallest of such; 0: none makes a layout
/// possible. Few copies leave the hottest key most of a shard, many make writes dear.
double bestCopies(SizingRequest request, const Coefficients& coefficients) {
  double best = 0;
  std::uint64_t fewest = 0;
  for (request.split = 2; request.split <= kMostCopies; request.split *= 2) {
    const Sizing sizing = sizeOf(request, coefficients);
    if (!sizing.isPossible() || (best > 0 && sizing.shards >= fewest)) continue;
    best = request.split;
    fewest = sizing.shards;
  }
  return best;
}

SizingRequest withClientCaches(SizingRequest request, double entries) {
  if (request.clientEntries <= 0)
    request.clients = std::max(1.0, std::ceil(request.rate / kClientRate));
  request.clientEntries = std::max(entries, request.clientEntries);
  return request;
}

Remedy triedRemedy(std::string flag, std::string price, const Sizing& sizing) {
  Remedy remedy{
      .flag = std::move(flag), .effect = {}, .shards = sizing.shards, .price = std::move(price)};
  remedy.effect =
      sizing.isPossible()
          ? fmt::format("{} will do; the hottest key takes {} of a shard",
                        plural(sizing.shards, "shard"), formatShare(sizing.load.hotKeyBusy))
          : fmt::format("is not enough: the hottest key still takes {} of a shard",
                        formatShare(sizing.load.hotKeyBusy));
  return remedy;
}

Remedy bySplitting(const SizingRequest& request, const Coefficients& coefficients) {
  SizingRequest split = request;
  const double copies = bestCopies(request, coefficients);
  split.split = copies > 0 ? copies : kMostCopies;
  return triedRemedy(fmt::format("-split-ways={:.0f}", split.split),
                     "each write goes to all copies, which cannot be read or written at one "
                     "moment",
                     sizeOf(split, coefficients));
}

Remedy byClientCaches(const SizingRequest& request, const Coefficients& coefficients) {
  constexpr std::array<double, 4> kEntries{100, 1'000, 10'000, 100'000};
  SizingRequest cached;
  Sizing sizing;
  for (const double entries : kEntries) {
    cached = withClientCaches(request, entries);
    sizing = sizeOf(cached, coefficients);
    if (sizing.isPossible()) break;
  }
  return triedRemedy(
      fmt::format("-client-cache={:.0f} -clients={:.0f}", cached.clientEntries, cached.clients),
      "a copy is stale until its invalidation arrives; each write costs a message "
      "to each client that has the key",
      sizing);
}

Remedy byReplicas(const SizingRequest& request, const Coefficients& coefficients) {
  SizingRequest read = request;
  read.replicaReads = true;
  Sizing sizing;
  for (read.replicas = std::max<std::uint64_t>(1, request.replicas);; ++read.replicas) {
    sizing = sizeOf(read, coefficients);
    if (sizing.isPossible() || read.replicas >= kMostReplicas) break;
  }
  return triedRemedy(fmt::format("-replica-reads -replicas={}", read.replicas),
                     "a read may be stale by the replication lag", sizing);
}

Remedy byBatches(const SizingRequest& request, const Coefficients& coefficients) {
  SizingRequest batched = request;
  batched.batch = std::max(kBatch, request.batch);
  return triedRemedy(fmt::format("-pipeline={:.0f}", batched.batch),
                     "waiting until a batch is full is paid in latency",
                     sizeOf(batched, coefficients));
}

}  // namespace

std::vector<Remedy> remediesOf(const SizingRequest& request, const Coefficients& coefficients) {
  return {byClientCaches(request, coefficients), bySplitting(request, coefficients),
          byReplicas(request, coefficients), byBatches(request, coefficients)};
}

namespace {

struct Scale {
  std::uint64_t keys;
  double rate;
};
/// From a cluster of three masters to the largest that is asked for.
constexpr std::array<Scale, 6> kScales{{{10'000'000, 100e3},
                                        {100'000'000, 200e3},
                                        {300'000'000, 1e6},
                                        {1'000'000'000, 2e6},
                                        {3'000'000'000, 6e6},
                                        {10'000'000'000, 20e6}}};
constexpr std::uint64_t kLeastCluster = 3;

/// A way of asking, and the flags that say so.
struct Variant {
  std::string flags;
  SizingRequest request;
};

/// From the least change to the most.
std::vector<Variant> variantsOf(const SizingRequest& request) {
  constexpr double kEntries = 1'000;
  const SizingRequest cached = withClientCaches(request, kEntries);
  const std::string cache =
      fmt::format("-client-cache={:.0f} -clients={:.0f}", cached.clientEntries, cached.clients);
  std::vector<Variant> variants{{"", request}, {cache, cached}};
  if (request.batch >= kBatch) return variants;
  const auto addBatched = [&](std::size_t from, double batch) {
    Variant batched = variants[from];
    batched.request.batch = batch;
    batched.flags =
        fmt::format("-pipeline={:.0f}{}{}", batch, from == 0 ? "" : " ", variants[from].flags);
    variants.push_back(std::move(batched));
  };
  addBatched(0, kBatch);
  addBatched(1, kBatch);
  addBatched(0, kLargeBatch);
  return variants;
}

/// The first variant that has a layout, as it is or with split keys.
void makePossible(RangeRow& row, const Coefficients& coefficients) {
  row.sizing = sizeOf(row.request, coefficients);
  if (row.sizing.isPossible() || row.sizing.limit != SizeLimit::mainThread) return;
  for (Variant& variant : variantsOf(row.request)) {
    Sizing sizing = sizeOf(variant.request, coefficients);
    if (!sizing.isPossible()) {
      variant.request.split = bestCopies(variant.request, coefficients);
      if (variant.request.split <= 0) continue;
      variant.flags += fmt::format("{}-split-ways={:.0f}", variant.flags.empty() ? "" : " ",
                                   variant.request.split);
      sizing = sizeOf(variant.request, coefficients);
    }
    row.request = variant.request;
    row.needs = variant.flags;
    row.sizing = std::move(sizing);
    return;
  }
}

RangeRow rowOf(const SizingRequest& request, const Coefficients& coefficients, const Scale& scale) {
  RangeRow row;
  row.keys = static_cast<double>(scale.keys);
  row.rate = scale.rate;
  row.request = request;
  row.request.keys = scale.keys;
  row.request.rate = scale.rate;
  row.request.shards = 0;
  row.request.maxmemory = 0;
  row.request.storeMax = kInfinity;  // it is of the size that was asked for
  makePossible(row, coefficients);
  if (!row.sizing.isPossible()) return row;
  if (row.sizing.shards < kLeastCluster) {
    row.request.shards = kLeastCluster;
    row.sizing = sizeOf(row.request, coefficients);
    row.sizing.limit = SizeLimit::least;
  }
  const std::vector<double> growths{1, 1.05, 1.1, 1.2, 1.35, 1.5, 2, 3, 5, 10, 30, 100};
  const auto cliffs = cliffsOf(row.request, coefficients, row.sizing, growths);
  if (cliffs.empty()) return row;
  row.firstCliff = cliffs.front().id;
  row.firstGrowth = cliffs.front().byBoth;
  return row;
}

}  // namespace

std::vector<RangeRow> rangeOf(const SizingRequest& request, const Coefficients& coefficients) {
  std::vector<RangeRow> rows;
  for (const Scale& scale : kScales) rows.push_back(rowOf(request, coefficients, scale));
  return rows;
}

}  // namespace redline
