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

}  // namespace

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
