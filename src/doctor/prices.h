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
    "BGSAVE raises p99 from 60.7 µs [43.7 – 84.3] to 18.7 ms [11.9 – 29.3] when its child shares "
    "Redis's core. That lasts 7.5 s, to the end of the run",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kRewritePrice{
    "AOF rewrite raises p99 from 80.4 µs [57.9 – 112] to 16.4 ms [10.4 – 25.7] when its child "
    "shares Redis's core. That lasts 7.5 s, to the end of the run",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kCopiedPrice{
    "Leave 299 MB free beside the data, and more with more writes: BGSAVE, child on the "
    "generator's core copied that much",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kSharedCorePrice{
    "While the child of BGSAVE writes, the median interval has a p99 of 2.18 ms [1.99 – 2.38] "
    "when it shares Redis's core and of 138 µs [68.3 – 278] when it shares the generator's",
    "experiment persistence-spike", kPersistenceFile};
inline constexpr Price kAlwaysPrice{
    "`always` multiplies the write p99 of everysec by 2.45× [1.35 – 4.44], to 277 µs [251 – 306]",
    "experiment fsync", kFsyncFile};
inline constexpr Price kHashPrice{
    "HGETALL of a hash (1M elements) blocks Redis for 472 ms [344 – 647] by the slow log, and no "
    "other client is served meanwhile. It multiplies p99 of other keys by 5.72k×, to 469 ms [370 "
    "– 596]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kListPrice{
    "LRANGE of a list (1M elements) blocks Redis for 71.9 ms [52.5 – 98.6] by the slow log, and "
    "no other client is served meanwhile. It multiplies p99 of other keys by 898×, to 71.3 ms "
    "[56.2 – 90.6]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kSetPrice{
    "SMEMBERS of a set (1M elements) blocks Redis for 223 ms [163 – 306] by the slow log, and no "
    "other client is served meanwhile. It multiplies p99 of other keys by 3.16k×, to 222 ms [174 "
    "– 281]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kKeysPrice{
    "KEYS of all keys (1M elements) blocks Redis for 487 ms [355 – 667] by the slow log, and no "
    "other client is served meanwhile. It multiplies p99 of other keys by 5.95k×, to 486 ms [383 "
    "– 617]",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kReplyPrice{
    "With 4MB free below maxmemory, the reply of KEYS * (15.4 MB) counts as Redis's memory: 35.2k "
    "keys were evicted while it was built and sent",
    "experiment big-key", kBigKeyFile};
inline constexpr Price kEvictionPrice{
    "Zipf 1.1, allkeys-lru: the hit rate is 100.00% up to 1.10 × maxmemory. It is a percentage "
    "point lower at 1.12 ×, and 92.79% at 3 ×",
    "experiment eviction-cliff", kEvictionFile};
inline constexpr Price kVolatilePrice{
    "volatile-lru, 30% TTL at 3 ×, Zipf 1.1: the keys without a time to live alone exceed "
    "maxmemory, so 24.8k refills a second are refused with -OOM. The hit rate is 75.19%, that of "
    "the 105k keys that cannot be evicted",
    "experiment eviction-cliff", kEvictionFile};
inline constexpr Price kHotKeyPrice{
    "With Zipf 1.2 (100 B values) one master gets 52.8% [52.3 – 53.3] of the requests, and with "
    "uniform keys 33.3% [33.0 – 33.7]. One slot alone gets 19.7% [19.6 – 19.7]",
    "experiment hot-key", kHotKeyFile};
inline constexpr Price kSaturationPrice{
    "GET 100 B, per command: p99<1ms holds up to 128k/s [115k – 141k], 85.4% of the closed "
    "model's ceiling. It is missed at 131k/s [119k – 145k]",
    "experiment ceiling", kCeilingFile};
inline constexpr Price kNoCorePrice{
    "Redis's main thread was ready to run but other threads had its core, for 561 µs of an "
    "interval of 100 ms on average. In 182 of 305 intervals it was 500 µs or more. Half of those "
    "have a p99 of 1.63 ms or less, half of the others of 351 µs or less: with a core of its own "
    "it would mostly stay within 1 ms",
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
