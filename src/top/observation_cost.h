#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "server/info.h"

namespace redline {

/// Commands that were sent, by their names in commandstats: "memory|usage".
using SentCommands = std::map<std::string, std::uint64_t, std::less<>>;

/// What they cost a server between two readings of INFO.
struct ObservationCost {
  std::uint64_t commands = 0;
  /// Of the server's main thread, by commandstats: what a command of that name took then on
  /// average, times ours. Reading and writing the socket comes on top.
  double serverUs = 0;

  ObservationCost& operator+=(const ObservationCost& other);
};

ObservationCost costOf(const ServerInfo& before, const ServerInfo& after, const SentCommands& sent);

/// What was carried out between two readings of INFO and is no load: the commands that look at a
/// server, whoever sent them (another top, an exporter), and of `sent` what was not refused. By
/// commandstats; all of `sent` where there are none.
SentCommands observingCommands(const ServerInfo& before, const ServerInfo& after,
                               const SentCommands& sent);

/// How often that command was carried out between two readings; refused ones are not counted.
std::uint64_t callsBetween(const ServerInfo& before, const ServerInfo& after,
                           std::string_view name);

/// Those of `sent` that count as hits or misses in the server's statistics although no client of
/// the application sent them.
std::uint64_t lookupsIn(const SentCommands& sent);

/// How many keys may be looked at in `interval`, where `looked` keys cost `us` of the server and
/// `share` of its time may be used. A first guess where nothing is known yet.
std::uint64_t affordableKeys(double us, std::uint64_t looked, Nanos interval, double share);

}  // namespace redline
