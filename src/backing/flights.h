#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "backing/store.h"

namespace redline {

/// Coalescing: at most one read of a key is in flight to the store, whichever worker began it, and
/// the others wait for its result.
///
///     join() ── first ──→ leads ── reads the store ──→ land() ── refills the cache ──→ end()
///        └── not first ─→ waits, until land() names it;  between land() and end(): landed, at once
///
/// The flight lasts until the cache has the value again: a read that missed just before would
/// otherwise ask the store a second time. Shared by all workers, by shards with a mutex each.
class Flights {
 public:
  using Number = std::uint32_t;  ///< of a flight; never 0
  struct Passenger {
    unsigned worker = 0;
    StoreTicket ticket = 0;
  };
  struct Joined {
    enum class As : std::uint8_t {
      leader,     ///< reads the store, and must call land() and end()
      passenger,  ///< land() will name it
      late,       ///< the flight has landed with this version
    };
    As as = As::leader;
    Number flight = 0;  ///< leader
    std::uint64_t version = 0;
  };

  /// A read of `id` needs the store.
  Joined join(std::uint64_t id, Passenger passenger);
  /// As join(), for one that need not be answered: 0 where there is a flight already.
  Number lead(std::uint64_t id);
  /// Its result is known: those who wait for it. `version`: what was found. Read what they are told
  /// from the result.
  std::vector<Passenger> land(std::uint64_t id, Number flight, std::uint64_t version);
  /// The cache has the value, or will not get it from this flight. Whoever still waits, where
  /// nothing was found, is returned.
  std::vector<Passenger> end(std::uint64_t id, Number flight);
  /// The key is being written: who reads from now on gets no result of a flight that began before.
  /// Those who wait already do.
  void forget(std::uint64_t id);

  /// A number that no flight has. From any thread.
  Number newNumber() noexcept {
    const Number number = ++last_;
    return number == 0 ? ++last_ : number;
  }

  /// Flights under way.
  std::size_t size() const;

 private:
  struct Flight {
    Number number = 0;
    std::uint64_t version = 0;
    bool landed = false;
    std::vector<Passenger> passengers;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, Flight> flights;  // by id
    std::unordered_map<Number, Flight> forgotten;       // by number
  };
  static constexpr std::size_t kShards = 64;

  Shard& shardOf(std::uint64_t id);

  std::array<Shard, kShards> shards_;
  std::atomic<Number> last_ = 0;
};

}  // namespace redline
