#include "top/observation_cost.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace redline {
namespace {

constexpr double kGuessedUs = 4;  ///< for a key: MEMORY USAGE, OBJECT FREQ, its share of SCAN
constexpr double kLeastUs = 0.5;  ///< a figure below is of too few calls
constexpr double kLeast = 10, kMost = 100'000;

double usOf(const ServerInfo& before, const ServerInfo& after, const std::string& name,
            std::uint64_t ours) {
  const auto now = after.commandStats.find(name);
  if (now == after.commandStats.end()) return 0;
  ServerInfo::CommandStat then;
  if (const auto found = before.commandStats.find(name); found != before.commandStats.end())
    then = found->second;
  if (now->second.calls <= then.calls) return 0;
  const double us = std::max(0.0, now->second.usec - then.usec);
  return us / static_cast<double>(now->second.calls - then.calls) * static_cast<double>(ours);
}

/// By its name in commandstats: a client looks at the server with it, and not at data.
bool looksAtServer(std::string_view name) {
  constexpr std::array<std::string_view, 3> kCommands{"info", "client|setname", "client|list"};
  constexpr std::array<std::string_view, 6> kContainers{"slowlog|", "latency|", "memory|",
                                                        "object|",  "config|",  "cluster|"};
  return std::ranges::find(kCommands, name) != kCommands.end() ||
         std::ranges::any_of(kContainers, [name](std::string_view container) {
           return name.starts_with(container);
         });
}

}  // namespace

std::uint64_t callsBetween(const ServerInfo& before, const ServerInfo& after,
                           std::string_view name) {
  const auto now = after.commandStats.find(name), then = before.commandStats.find(name);
  const std::uint64_t calls = now == after.commandStats.end() ? 0 : now->second.calls;
  const std::uint64_t earlier = then == before.commandStats.end() ? 0 : then->second.calls;
  return calls > earlier ? calls - earlier : 0;
}

SentCommands observingCommands(const ServerInfo& before, const ServerInfo& after,
                               const SentCommands& sent) {
  if (after.commandStats.empty()) return sent;
  SentCommands observing;
  for (const auto& [name, stat] : after.commandStats)
    if (looksAtServer(name)) observing[name] = callsBetween(before, after, name);
  for (const auto& [name, count] : sent)
    if (!looksAtServer(name)) observing[name] = std::min(count, callsBetween(before, after, name));
  return observing;
}

ObservationCost& ObservationCost::operator+=(const ObservationCost& other) {
  commands += other.commands;
  serverUs += other.serverUs;
  return *this;
}

ObservationCost costOf(const ServerInfo& before, const ServerInfo& after,
                       const SentCommands& sent) {
  ObservationCost cost;
  for (const auto& [name, count] : sent) {
    cost.commands += count;
    cost.serverUs += usOf(before, after, name, count);
  }
  return cost;
}

std::uint64_t lookupsIn(const SentCommands& sent) {
  constexpr std::array<std::string_view, 7> kLookups{"object|freq", "type",  "hlen", "llen",
                                                     "scard",       "zcard", "xlen"};
  std::uint64_t sum = 0;
  for (const std::string_view name : kLookups)
    if (const auto found = sent.find(name); found != sent.end()) sum += found->second;
  return sum;
}

std::uint64_t affordableKeys(double us, std::uint64_t looked, Nanos interval, double share) {
  const double each =
      looked == 0 || us <= 0 ? kGuessedUs : std::max(kLeastUs, us / static_cast<double>(looked));
  return static_cast<std::uint64_t>(std::clamp(share * toMicros(interval) / each, kLeast, kMost));
}

}  // namespace redline
