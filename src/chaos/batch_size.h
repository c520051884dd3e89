#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"

namespace redline {

/// How many keys one MIGRATE may take so that it does not block its source longer than a budget.
///
/// A call's cost is counted in units, one for each key and one for each kBytesPerUnit of it, and
/// the time of a unit is learned from the calls: quickly when one took longer than expected, slowly
/// when it took less, so that a batch shrinks at once and grows slowly. A pure function of its
/// observations.
class BatchSizer {
 public:
  static constexpr std::uint64_t kBytesPerUnit = 1024;
  static constexpr std::size_t kMostKeys = 500;
  /// This many keys form a batch whatever earlier calls took, unless they exceed kFewBytes in
  /// total: every call costs a round trip between the two nodes.
  static constexpr std::size_t kFewKeys = 10;
  static constexpr std::uint64_t kFewBytes = 10 * 1024;

  /// `budget` > 0.
  explicit BatchSizer(Nanos budget) : budget_(budget) {}

  /// How many of these keys, from the front, the next call should take. `bytes`: each one's size in
  /// memory, not empty. At least one: a key that is larger than the budget goes alone.
  std::size_t take(std::span<const std::uint64_t> bytes) const;
  /// Learns from a call that took `elapsed` of its source's time.
  void observe(std::span<const std::uint64_t> bytes, Nanos elapsed);

  Nanos budget() const { return budget_; }

 private:
  Nanos budget_;
  double unitNanos_ = 20'000;  ///< as redis-cli's ten keys in 0.2 ms; the first calls correct it
  double lastUnits_ = 8;       ///< a batch is at most twice as large as the one before
};

}  // namespace redline
