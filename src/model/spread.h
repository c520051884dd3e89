#pragma once

#include <cstdint>
#include <span>

namespace redline {

/// Keys of equal load; they need not be whole.
struct KeyLoad {
  double keys = 0;
  double load = 0;    ///< of each copy of each key
  double copies = 1;  ///< that a key has, on shards as far apart as can be
};

/// The load of the busiest of `shards` shards that keys are hashed to at random.
struct Busiest {
  double median = 0;
  double high = 0;  ///< nine of ten hashings stay below
};

/// `loads`: the keys that are the heaviest in all their copies first. The 256 heaviest keys are
/// placed one by one, in 51 trials from a fixed seed; all others together load every shard alike.
/// shards ≥ 1. The same for the same arguments, on every machine.
Busiest busiestShard(std::span<const KeyLoad> loads, std::uint64_t shards);

}  // namespace redline
