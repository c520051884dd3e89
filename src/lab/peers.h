#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lab/experiment.h"

namespace redline {

// Other people's load generators, run by an action beside ours, so that a report can hold our
// figures against theirs. What they print is read here; their processes are pinned with taskset(1).

inline constexpr std::string_view kRedisBenchmark = "redis-benchmark";
inline constexpr std::string_view kMemtier = "memtier_benchmark";

/// What a peer says of one run. Latencies in microseconds; 0: it does not say.
struct PeerFigures {
  double rate = 0;
  double p50 = 0, p99 = 0;
};

/// The one line of `redis-benchmark --csv` that is not a heading.
std::optional<PeerFigures> parseRedisBenchmark(std::string_view printed);
/// The row "Totals" of memtier_benchmark's table.
std::optional<PeerFigures> parseMemtier(std::string_view printed);

struct PeerRun {
  std::string tool;     ///< kRedisBenchmark or kMemtier
  std::string command;  ///< "get", "set" or "ping"
  unsigned batch = 1;
  unsigned conns = 50;
  std::uint64_t keys = 100'000;
  std::uint64_t valueSize = 100;
  std::uint64_t requests = 100'000;  ///< about so many
};

bool peerInstalled(std::string_view tool);
/// The peer's command line, for the stack's first server.
std::vector<std::string> peerCommand(const PeerRun& run, std::uint16_t port);

/// Runs it, and writes down: rate_ops, p50_us, p99_us, and of the server over the same time
/// server_busy, kernel_us_per_command, user_us_per_command, hit_share (absent without reads).
Status runPeer(const PeerRun& run, Bench& bench);

}  // namespace redline
