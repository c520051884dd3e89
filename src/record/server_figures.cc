#include "record/server_figures.h"

#include <algorithm>
#include <utility>

#include "record/product.h"

namespace redline {
namespace {

constexpr double kLeastOfACore = 1e-9;

std::uint64_t level(const ServerSample& sample, std::string_view field) {
  return static_cast<std::uint64_t>(std::max(0.0, sample.number(field)));
}

using SamplesInOrder = std::vector<const ServerSample*>;

/// How much a counter grew from the first reading to the last.
double growth(const SamplesInOrder& readings, std::string_view field) {
  double sum = 0;
  for (std::size_t i = 1; i < readings.size(); ++i) {
    const ServerSample& before = *readings[i - 1];
    const ServerSample& after = *readings[i];
    const double from = isRestart(before, after) ? 0 : before.number(field);
    sum += std::max(0.0, after.number(field) - from);
  }
  return sum;
}

ServerFigures figuresOf(const SamplesInOrder& readings, double steal) {
  const ServerSample& before = *readings.front();
  const ServerSample& after = *readings.back();
  const auto difference = [&](std::string_view field) { return growth(readings, field); };
  const auto count = [&](std::string_view field) {
    return static_cast<std::uint64_t>(difference(field));
  };
  ServerFigures figures;
  figures.addr = after.addr;
  figures.role = after.role;
  if (before.role != after.role) figures.beganAs = before.role;
  for (std::size_t i = 1; i < readings.size(); ++i)
    if (isRestart(*readings[i - 1], *readings[i])) ++figures.restarts;
  figures.version = recordedVersion(after.text("redis_version"), after.text("valkey_version"));
  figures.ops = count("total_commands_processed");
  figures.cpuUserS = difference("used_cpu_user_main_thread");
  figures.cpuSystemS = difference("used_cpu_sys_main_thread");
  if (const Nanos span = after.at - before.at; span > 0) {
    const double seconds = toSeconds(span);
    const double ours = seconds * std::max(kLeastOfACore, 1 - steal);
    figures.mainThreadUtilisation = std::min(1.0, (figures.cpuUserS + figures.cpuSystemS) / ours);
    figures.waitingForCore = difference("waiting_for_core_main_thread") / seconds;
  }
  figures.hits = count("keyspace_hits");
  figures.misses = count("keyspace_misses");
  figures.evicted = count("evicted_keys");
  figures.expired = count("expired_keys");
  figures.usedMemory = level(after, "used_memory");
  figures.usedMemoryRss = level(after, "used_memory_rss");
  figures.fragmentation = after.number("mem_fragmentation_ratio");
  figures.latestForkUs = level(after, "latest_fork_usec");
  return figures;
}

}  // namespace

bool isRestart(const ServerSample& before, const ServerSample& after) {
  constexpr std::string_view kCommands = "total_commands_processed";
  const std::string first = before.text("run_id"), last = after.text("run_id");
  if (!first.empty() && !last.empty()) return first != last;
  return after.number(kCommands) < before.number(kCommands);
}

ServerFigures serverFigures(const ServerSample& before, const ServerSample& after, double steal) {
  return figuresOf({&before, &after}, steal);
}

void takeRoles(ClusterFigures& cluster, std::span<const ServerFigures> servers) {
  for (ClusterNodeFigures& node : cluster.nodes) {
    const auto server = std::ranges::find(servers, node.addr, &ServerFigures::addr);
    if (server == servers.end()) continue;
    node.role = server->role;
    node.beganAs = server->beganAs;
  }
}

void ServerHistory::add(const ServerSample& sample) {
  if (!first_) first_ = sample;
  if (last_ && isRestart(*last_, sample)) ended_.push_back(std::move(*last_));
  last_ = sample;
}

ServerFigures ServerHistory::figures(const ServerSample& before, const ServerSample& after,
                                     double steal) const {
  SamplesInOrder readings{&before};
  for (const ServerSample& last : ended_)
    if (last.at > before.at && last.at < after.at) readings.push_back(&last);
  readings.push_back(&after);
  return figuresOf(readings, steal);
}

}  // namespace redline
