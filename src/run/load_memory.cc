#include "run/load_memory.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "base/units.h"
#include "run/memory_estimate.h"
#include "server/key_admin.h"
#include "server/slot_map_reading.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

constexpr std::uint64_t kSampledKeys = 256;

std::uint64_t share(std::uint64_t of, std::uint64_t part, std::uint64_t whole) {
  return static_cast<std::uint64_t>(static_cast<double>(of) * static_cast<double>(part) /
                                    static_cast<double>(whole));
}

// About how many of the ids are not there yet: writing the others again takes no more memory.
Result<std::uint64_t> countNew(const Endpoint& where, const LoadPlan& load,
                               const KeyAdmin::OnWait& onWait) {
  const std::uint64_t total = load.keys - load.from;
  const std::uint64_t probes = std::min(kSampledKeys, total);
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t i = 0; i < probes; ++i) {
    std::array<char, kMaxKeyLength> key;
    const std::uint64_t id = load.from + share(total, i, probes);
    commands.push_back({"EXISTS", std::string(key.data(), writeKey(key.data(), id))});
  }
  auto admin = KeyAdmin::connect(where, load.cluster(), load.credentials);
  if (!admin) return fail(admin.error());
  admin->sayWhenWaiting(onWait);
  const auto replies = admin->pipeline(commands);
  if (!replies) return fail(replies.error());
  std::uint64_t missing = 0;
  for (const Value& reply : *replies) missing += reply.integer == 0 ? 1 : 0;
  return share(total, missing, probes);
}

MemoryLimits limitsOf(const Target& target) {
  MemoryLimits limits;
  limits.used = target.info.count("used_memory");
  limits.maxmemory = target.info.count("maxmemory");
  limits.policy = target.info.text("maxmemory_policy");
  return limits;
}

MemoryEstimate estimateFor(const Target& target, std::uint64_t newKeys, const LoadPlan& load) {
  return estimateMemory(newKeys, load.keys - 1, target.info.keys(), load.valueSize,
                        load.ttlFraction, load.cluster() ? ServerKind::cluster : ServerKind::node);
}

// What the load's writes will add to the master's replication backlog, which counts as memory.
std::uint64_t backlogGrowth(const Target& master, std::uint64_t newKeys, const LoadPlan& load) {
  const std::uint64_t size = master.info.count("repl_backlog_size");
  const std::uint64_t filled = std::min(size, master.info.count("repl_backlog_histlen"));
  return std::min(size - filled, newKeys * load.bytesPerKey());
}

Status checkCluster(Preflight& servers, const LoadPlan& load, std::uint64_t added) {
  const SlotMap& map = *servers.map;
  std::uint64_t masters = 0, replicas = 0;  // bytes
  for (std::uint16_t i = 0; i < map.nodes().size(); ++i) {
    const Endpoint endpoint = endpointOf(map.nodes()[i].address);
    const auto target = std::ranges::find_if(servers.targets, [&](const Target& candidate) {
      return candidate.admin.endpoint() == endpoint;
    });
    const std::size_t slots = slotCount(map.rangesOf(i));
    if (slots == 0 || target == servers.targets.end()) continue;
    const std::uint64_t newKeys = share(added, slots, kSlots);
    const std::size_t copies = map.replicasOf(i).size();
    MemoryEstimate estimate = estimateFor(*target, newKeys, load);
    if (copies != 0) estimate.backlogBytes = backlogGrowth(*target, newKeys, load);
    if (auto fits = checkFits(estimate, limitsOf(*target),
                              fmt::format("master {}'s part of the data set ({} of {} slots)",
                                          endpoint.text(), slots, kSlots));
        !fits)
      return fits;
    masters += estimate.total();
    replicas += estimate.total() * copies;
  }
  const std::string text = fmt::format("{} on the masters and {} on their replicas",
                                       formatSize(masters), formatSize(replicas));
  return checkMachine(masters + replicas, text, servers.host.memoryAvailable);
}

}  // namespace

Status checkLoadFits(Preflight& servers, const LoadPlan& load,
                     const std::function<void(const std::string&)>& onNote) {
  const auto keysOf = [](std::uint64_t sum, const Target& target) {
    return sum + target.info.keys();
  };
  std::uint64_t added = load.keys - load.from;
  if (std::accumulate(servers.targets.begin(), servers.targets.end(), std::uint64_t{0}, keysOf) !=
      0) {
    const auto counted = countNew(servers.targets.front().admin.endpoint(), load, onNote);
    if (!counted) return fail(counted.error());
    added = *counted;
  }
  if (servers.map) return checkCluster(servers, load, added);
  const MemoryEstimate estimate = estimateFor(servers.targets.front(), added, load);
  if (auto fits = checkFits(estimate, limitsOf(servers.targets.front())); !fits) return fits;
  return checkMachine(estimate.total(), estimate.text(), servers.host.memoryAvailable);
}

}  // namespace redline
