#pragma once

#include <array>
#include <string_view>

namespace redline {

/// What something costs, as redline measured it on another day and another machine.
struct Price {
  std::string_view text;
  std::string_view origin;  ///< "experiment fsync", "bench/failover"
  std::string_view file;    ///< in the source tree
  std::string_view quote =
      {};  ///< what stands there word for word (a unit test looks); empty: text
};

inline constexpr std::string_view kPersistenceFile =
    "results/standard/persistence-spike/experiment.json";
inline constexpr std::string_view kFsyncFile = "results/standard/fsync/experiment.json";
inline constexpr std::string_view kBigKeyFile = "results/standard/big-key/experiment.json";
inline constexpr std::string_view kEvictionFile = "results/standard/eviction-cliff/experiment.json";
inline constexpr std::string_view kHotKeyFile = "results/standard/hot-key/experiment.json";
inline constexpr std::string_view kCeilingFile = "results/standard/ceiling/experiment.json";

inline constexpr Price kSnapshotPrice{
    "BGSAVE of 728 MB resident lifts p99 from 167 µs [126 – 221] to 21 ms [12.7 – 34.8] for 7.5 s "
    "with its child on the server's core",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kRewritePrice{
    "AOF rewrite of 727 MB resident lifts p99 from 204 µs [154 – 270] to 33.6 ms [20.3 – 55.6] for "
    "7.5 s with its child on the server's core",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kCopiedPrice{
    "Leave 244 MB free beside the data, more with more writes: that much was copied in BGSAVE, "
    "child on the server's core",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kSharedCorePrice{
    "While the child of BGSAVE writes on the server's core, half of the intervals have a p99 above "
    "4.73 ms [4.19 – 5.34], and Redis's main thread is ready and without a core for 38.8% of the "
    "time",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kAlwaysPrice{
    "`always` multiplies the write p99 of everysec by 2.45× [1.35 – 4.44], to 277 µs [251 – 306]",
    "experiment fsync", kFsyncFile};
inline constexpr Price kHashPrice{
    "HGETALL of a hash (1M elements, 43.8 MB) takes 421 ms [270 – 656] by the slow log, in which "
    "the server answers nobody: p99 of operations on other keys goes from 169 µs [131 – 219] to "
    "421 ms [329 – 540]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kListPrice{
    "LRANGE of a list (1M elements, 25.7 MB) takes 62.1 ms [39.9 – 96.7] by the slow log, in which "
    "the server answers nobody: p99 of operations on other keys goes from 128 µs [99.2 – 165] to "
    "62.7 ms [49 – 80.3]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kSetPrice{
    "SMEMBERS of a set (1M elements, 25.7 MB) takes 223 ms [143 – 348] by the slow log, in which "
    "the server answers nobody: p99 of operations on other keys goes from 145 µs [112 – 187] to "
    "222 ms [174 – 285]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kKeysPrice{
    "KEYS of all keys (1M elements, 16 MB) takes 412 ms [265 – 643] by the slow log, in which the "
    "server answers nobody: p99 of operations on other keys goes from 145 µs [112 – 187] to 413 ms "
    "[322 – 529]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kReplyPrice{
    "its reply of 15.6 MB counts as the server's memory, and 21.5k keys were evicted while it was "
    "built and sent, against 0 with room for it",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kEvictionPrice{
    "Zipf 1.1, allkeys-lru: the hit rate leaves its plateau of 100.00% between 1.00 and 1.50 × "
    "maxmemory (a point is lost at 1.16) and is 92.84% at 3 ×",
    "experiment eviction-cliff", kEvictionFile};
inline constexpr Price kVolatilePrice{
    "volatile-lru, 30% TTL at 3 ×, Zipf 1.1: the 105k keys without a time to live alone exceed "
    "maxmemory, so 10.9k refills a second are refused with -OOM; the hit rate is 75.14%",
    "experiment eviction-cliff", kEvictionFile};
inline constexpr Price kHotKeyPrice{
    "With Zipf 1.2 (100 B values) one of 3 masters gets 52.8% [48.7 – 57.3] of the requests, where "
    "uniform keys give it 33.3% [30.7 – 36.2]; one slot alone makes 19.7% [19.1 – 20.2]",
    "experiment hot-key", kHotKeyFile};
inline constexpr Price kSaturationPrice{
    "GET 100 B, per command: p99<1ms holds up to 128k/s [115k – 141k], 85.4% of the closed model's "
    "ceiling. It is missed at 131k/s [119k – 145k]",
    "experiment ceiling", kCeilingFile};
inline constexpr Price kNoCorePrice{
    "Redis's main thread was ready to run but other threads had its core, for 561 µs of an interval "
    "of 100 ms on average. In 182 of 305 intervals it was 500 µs or more. Half of those have a p99 "
    "of 1.63 ms or less, half of the others of 351 µs or less",
    "experiment ceiling", kCeilingFile};

inline constexpr Price kFailoverPrice{
    "with a replica, a cluster's killed master was replaced after 2.35 s (2.09 to 2.81 s in ten "
    "rounds, cluster-node-timeout 1 s)",
    "bench/failover", "results/failover/failover.txt", "2.35 (2.09-2.81)"};

inline constexpr std::array<const Price*, 16> kAllPrices{
    &kSnapshotPrice, &kRewritePrice,    &kCopiedPrice,   &kSharedCorePrice,
    &kAlwaysPrice,   &kHashPrice,       &kListPrice,     &kSetPrice,
    &kKeysPrice,     &kReplyPrice,      &kEvictionPrice, &kVolatilePrice,
    &kHotKeyPrice,   &kSaturationPrice, &kNoCorePrice,   &kFailoverPrice};

}  // namespace redline
