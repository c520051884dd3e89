#include "run/cluster_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/cluster_admin.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace {

/// The map as the first seed has it that answers, with that seed's address.
Result<std::pair<SlotMapReading, std::string>> readMap(std::span<const Endpoint> seeds,
                                                       const Credentials& credentials,
                                                       std::optional<Target>& answered) {
  if (answered)
    if (auto reading = readSlotMap(answered->admin))
      return std::pair(std::move(*reading), answered->admin.endpoint().text());
  auto cluster = ClusterAdmin::connect(seeds, credentials);
  if (!cluster) return fail(std::move(cluster.error()));
  Error last;
  for (const Endpoint& seed : seeds) {
    auto admin = cluster->at(seed);
    auto reading = admin ? readSlotMap(**admin) : Result<SlotMapReading>(fail(admin.error()));
    if (reading) return std::pair(std::move(*reading), seed.text());
    last = std::move(reading.error());
  }
  return fail(std::move(last));
}

/// The cluster serves, if only in part: it may do without full coverage.
Status requireServing(const SlotMapReading& reading, const std::string& seed) {
  if (reading.state != "ok" && !reading.map.uncovered().empty())
    return fail(ErrorCode::refused, "{}", uncoveredText(reading.map, seed));
  if (reading.state != "ok")
    return fail(ErrorCode::refused,
                "{} says cluster_state:{}: a master is gone, or most are; see CLUSTER NODES", seed,
                reading.state);
  return {};
}

/// How a node is named in an error about it.
std::string described(const ClusterNode& node, std::size_t slots) {
  return slots == 0 ? fmt::format("{} {}", nameOf(node.role), node.address.text())
                    : fmt::format("master {} with {} slots", node.address.text(), slots);
}

}  // namespace

std::string uncoveredText(const SlotMap& map, const std::string& seed) {
  const auto uncovered = map.uncovered();
  return fmt::format(
      "{} of {} slots have no owner ({}), as {} sees its cluster: restore their nodes, or reassign "
      "the slots (redis-cli --cluster fix {})",
      slotCount(uncovered), kSlots, formatSlotRanges(uncovered), seed, seed);
}

Result<ClusterTarget> connectCluster(std::span<const Endpoint> seeds,
                                     const Credentials& credentials, bool anyVersion,
                                     std::optional<Target> answered) {
  auto read = readMap(seeds, credentials, answered);
  if (!read) return fail(std::move(read.error()));
  const auto& [reading, seed] = *read;
  if (auto serving = requireServing(reading, seed); !serving)
    return fail(std::move(serving.error()));

  ClusterTarget cluster;
  if (!reading.map.uncovered().empty())
    cluster.notes.push_back("operations on some keys will fail with clusterdown: " +
                            uncoveredText(reading.map, seed));
  std::vector<Target> spare;
  for (std::uint16_t i = 0; i < reading.map.nodes().size(); ++i) {
    const ClusterNode& node = reading.map.nodes()[i];
    const std::size_t slots = slotCount(reading.map.rangesOf(i));
    const Endpoint endpoint = endpointOf(node.address);
    auto target = answered && answered->admin.endpoint() == endpoint
                      ? Result<Target>(*std::exchange(answered, std::nullopt))
                      : connectTarget(endpoint, credentials, anyVersion);
    if (target) {
      (slots != 0 ? cluster.nodes : spare).push_back(std::move(*target));
      continue;
    }
    const Error& error = target.error();
    if (error.code == ErrorCode::unsafe)
      return fail(ErrorCode::unsafe,
                  "{} announces the {}: {}; if it is on this machine, set its cluster-announce-ip",
                  seed, described(node, slots), error.message);
    const std::string cannot = fmt::format("{} announces the {}, which cannot be used: {}", seed,
                                           described(node, slots), error.message);
    if (slots != 0) return fail(error.code, "{}", cannot);
    cluster.notes.push_back(cannot);
  }
  std::ranges::move(spare, std::back_inserter(cluster.nodes));
  cluster.map = reading.map;
  return cluster;
}

}  // namespace redline
