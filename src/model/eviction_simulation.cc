#include "model/eviction_simulation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace redline {
namespace {

constexpr std::uint32_t kAbsent = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kPoolSize = 16;  // EVPOOL_SIZE
constexpr unsigned kLfuNew = 5;        // LFU_INIT_VAL
constexpr unsigned kLfuMost = 255;
/// Loading is much faster than a second's worth of requests; how much decides how old keys look at
/// the start, and is forgotten during the warm-up.
constexpr double kLoadsPerS = 500'000;

class Simulation {
 public:
  explicit Simulation(const EvictionPlan& plan)
      : plan_(plan),
        rng_(plan.seed, 1),
        place_(plan.keys, kAbsent),
        touched_(plan.keys, 0),
        counter_(plan.policy == EvictionPolicy::lfu ? plan.keys : 0, 0) {
    evictable_.reserve(plan.capacity);
  }

  EvictionOutcome run(const std::function<std::uint64_t(Rng&)>& draw) {
    for (std::uint64_t id = 0; id < plan_.keys; ++id) {
      insert(static_cast<std::uint32_t>(id));
      now_ += 1 / kLoadsPerS;
    }
    const std::uint64_t all = plan_.warmup + plan_.requests;
    Rng draws(plan_.seed, 2);
    for (std::uint64_t i = 0; i < all; ++i) {
      if (i == plan_.warmup) outcome_ = {};
      request(static_cast<std::uint32_t>(draw(draws)));
      now_ += 1 / plan_.requestsPerS;
    }
    return outcome_;
  }

 private:
  struct Candidate {
    std::uint32_t id = kAbsent;
    std::uint64_t idle = 0;
  };

  bool mayGo(std::uint32_t id) const {
    return static_cast<double>(mix64(id ^ plan_.seed) >> 11) * 0x1.0p-53 < plan_.evictableShare;
  }
  bool present(std::uint32_t id) const { return place_[id] != kAbsent; }
  std::uint32_t clock() const { return static_cast<std::uint32_t>(now_ / plan_.clockS); }
  std::uint32_t minute() const {
    return static_cast<std::uint32_t>(now_ / (60 * plan_.lfuDecayMinutes));
  }

  void request(std::uint32_t id) {
    if (present(id)) {
      ++outcome_.hits;
      touch(id);
      return;
    }
    ++outcome_.misses;
    insert(id);
  }

  void touch(std::uint32_t id) {
    if (plan_.policy == EvictionPolicy::lru) {
      touched_[id] = clock();
      return;
    }
    unsigned counter = decayed(id);
    const double above = counter > kLfuNew ? counter - kLfuNew : 0;
    if (counter < kLfuMost && rng_.unit() < 1 / (above * plan_.lfuLogFactor + 1)) ++counter;
    counter_[id] = static_cast<std::uint8_t>(counter);
    touched_[id] = minute();
  }

  unsigned decayed(std::uint32_t id) const {
    const std::uint32_t periods = minute() - touched_[id];
    return periods > counter_[id] ? 0 : counter_[id] - periods;
  }

  void insert(std::uint32_t id) {
    if (present_ >= plan_.capacity && !evictOne()) {
      ++outcome_.refused;
      return;
    }
    ++present_;
    if (mayGo(id)) {
      place_[id] = static_cast<std::uint32_t>(evictable_.size());
      evictable_.push_back(id);
    } else {
      place_[id] = kAbsent - 1;  // present, and in no list to draw from
    }
    touched_[id] = plan_.policy == EvictionPolicy::lru ? clock() : minute();
    if (plan_.policy == EvictionPolicy::lfu) counter_[id] = kLfuNew;
  }

  void remove(std::uint32_t id) {
    const std::uint32_t at = place_[id];
    evictable_[at] = evictable_.back();
    place_[evictable_[at]] = at;
    evictable_.pop_back();
    place_[id] = kAbsent;
    --present_;
  }

  std::uint64_t idleOf(std::uint32_t id) const {
    return plan_.policy == EvictionPolicy::lru ? clock() - touched_[id] : kLfuMost - decayed(id);
  }

  bool evictOne() {
    while (!evictable_.empty()) {
      populatePool();
      while (pooled_ > 0) {
        const std::uint32_t id = pool_[--pooled_].id;
        if (!present(id)) continue;  // gone, or a ghost
        remove(id);
        ++outcome_.evictions;
        return true;
      }
    }
    return false;
  }

  /// The pool is sorted by idleness, the best candidate last.
  void populatePool() {
    for (unsigned i = 0; i < plan_.samples; ++i) {
      const std::uint32_t id = evictable_[rng_.below(evictable_.size())];
      const std::uint64_t idle = idleOf(id);
      const auto end = pool_.begin() + static_cast<std::ptrdiff_t>(pooled_);
      auto at =
          std::find_if(pool_.begin(), end, [&](const Candidate& c) { return c.idle >= idle; });
      if (pooled_ < kPoolSize) {
        std::move_backward(at, end, end + 1);
        ++pooled_;
      } else {
        if (at == pool_.begin()) continue;  // less idle than all of a full pool
        std::move(pool_.begin() + 1, at, pool_.begin());
        --at;
      }
      *at = {id, idle};
    }
  }

  const EvictionPlan& plan_;
  Rng rng_;
  std::vector<std::uint32_t> place_;    ///< by id: where in evictable_
  std::vector<std::uint32_t> touched_;  ///< by id: clock (LRU) or minute (LFU)
  std::vector<std::uint8_t> counter_;   ///< by id, LFU only
  std::vector<std::uint32_t> evictable_;
  std::array<Candidate, kPoolSize> pool_{};
  std::size_t pooled_ = 0;
  std::uint64_t present_ = 0;
  double now_ = 0;
  EvictionOutcome outcome_;
};

}  // namespace

EvictionOutcome simulateEviction(const EvictionPlan& plan,
                                 const std::function<std::uint64_t(Rng&)>& draw) {
  return Simulation(plan).run(draw);
}

}  // namespace redline
