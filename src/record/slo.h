#pragma once

#include <array>
#include <string_view>

namespace redline {

/// One row of the brief's table of service levels (section 5), as the report's first page has it.
struct SloRow {
  std::string_view id;
  std::string_view metric;
  std::string_view target;
  std::string_view experiment;  ///< which settles it
};

/// All rows, in the brief's order. An experiment settles a row by its id.
inline constexpr std::array<SloRow, 10> kSloRows{{
    {"get-ceiling", "Single-shard GET ceiling (100 B, per command, 50 connections)",
     "find it; name the bound", "ceiling"},
    {"get-ceiling-batch16", "Single-shard GET ceiling (100 B, batch 16)",
     "find it; explain the gap", "ceiling"},
    {"read-p99-at-80", "Read p99 at 80% of the ceiling, no persistence", "< 1 ms", "ceiling"},
    {"hit-rate-fits", "Cache hit rate, working set ≤ maxmemory, Zipf", "> 99%", "eviction-cliff"},
    {"hit-rate-cliff", "Hit-rate cliff, working set > maxmemory",
     "locate it; hit rate against working set ÷ maxmemory", "eviction-cliff"},
    {"write-p99-everysec", "Write p99 under appendfsync everysec", "< 2 ms", "fsync"},
    {"write-p99-always", "Write p99 under appendfsync always", "measured; the multiple of everysec",
     "fsync"},
    {"persistence-spike", "BGSAVE and AOF-rewrite latency spike", "peak p99 and its duration",
     "persistence-spike"},
    {"reshard-impact", "Cluster resharding under load", "p99 impact, MOVED and ASK counts",
     "reshard"},
    {"big-key-stall", "Event-loop block from a big-key O(N) command",
     "stall by SLOWLOG, and the clients' p99 spike", "big-key"},
}};

}  // namespace redline
