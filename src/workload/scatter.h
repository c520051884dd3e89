#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/rng.h"

namespace redline {

/// A seeded bijection of 0 … n−1: which id holds which popularity rank. Without it the hottest
/// ranks would be the smallest ids, which a loader writes first and a reader could mistake for a
/// pattern.
///
/// Invertible rounds (add, odd multiply, xorshift) on the smallest power of two ≥ n; a result ≥ n
/// is put through again until it falls inside, which keeps the map a bijection and takes fewer than
/// two turns on average.
class Scatter {
 public:
  /// n ≥ 1.
  Scatter(std::uint64_t n, std::uint64_t seed) noexcept : n_(n) {
    const auto bits = static_cast<int>(std::bit_width(n - 1));
    mask_ = bits == 0 ? 0 : ~std::uint64_t{0} >> (64 - bits);
    // Half the width or more, so that x ^= x >> shift_ is its own inverse.
    shift_ = std::max(1, (bits + 1) / 2);
    std::uint64_t word = mix64(seed ^ kStream);
    for (Round& round : rounds_) {
      round.add = word = mix64(word);
      word = mix64(word);
      round.multiply = word | 1;
      round.divide = inverseOf(round.multiply);
    }
  }

  /// rank < n.
  std::uint64_t idOf(std::uint64_t rank) const noexcept {
    std::uint64_t x = rank;
    do {
      for (const Round& round : rounds_) {
        x = ((x + round.add) * round.multiply) & mask_;
        x ^= x >> shift_;
      }
    } while (x >= n_);
    return x;
  }

  /// id < n.
  std::uint64_t rankOf(std::uint64_t id) const noexcept {
    std::uint64_t x = id;
    do {
      for (int i = kRounds - 1; i >= 0; --i) {
        x ^= x >> shift_;
        x = (x * rounds_[i].divide - rounds_[i].add) & mask_;
      }
    } while (x >= n_);
    return x;
  }

 private:
  static constexpr int kRounds = 3;
  static constexpr std::uint64_t kStream = 0x73636174746572ULL;  // "scatter"
  struct Round {
    std::uint64_t add, multiply, divide;
  };

  /// The inverse of an odd number modulo 2^64: each Newton step doubles the correct low bits, and
  /// an odd number is its own inverse in the lowest three.
  static constexpr std::uint64_t inverseOf(std::uint64_t odd) noexcept {
    std::uint64_t inverse = odd;
    for (int bits = 3; bits < 64; bits *= 2) inverse *= 2 - odd * inverse;
    return inverse;
  }

  std::uint64_t n_;
  std::uint64_t mask_;
  int shift_;
  Round rounds_[kRounds];
};

}  // namespace redline
