#pragma once

#include <cstdint>

namespace redline {

/// A bijective mix of 64 bits (the finaliser of SplitMix64, Steele, Lea and Flood 2014):
/// the seed expander, and the hash behind everything that is "a pure function of (seed, id)".
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// xoshiro256++ 1.0 (Blackman and Vigna 2019). Period 2^256 − 1; about 1 ns a draw.
class Rng {
 public:
  using result_type = std::uint64_t;  ///< so that it serves as a UniformRandomBitGenerator

  /// Streams of one seed are independent for all practical purposes: one for each worker, always.
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) noexcept {
    std::uint64_t x = mix64(seed) ^ mix64(~stream);
    for (auto& word : state_) word = x = mix64(x);
  }

  std::uint64_t next() noexcept {
    const std::uint64_t result = rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1), 53 bits.
  double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in (0, 1], 53 bits: safe for a logarithm.
  double unitPositive() noexcept { return static_cast<double>((next() >> 11) + 1) * 0x1.0p-53; }

  /// Uniform in [0, bound), without modulo bias to within 2^-64 (multiply-shift, Lemire 2019).
  /// bound must be positive.
  std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

  std::uint64_t operator()() noexcept { return next(); }
  static constexpr std::uint64_t min() noexcept { return 0; }
  static constexpr std::uint64_t max() noexcept { return ~std::uint64_t{0}; }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t rotl(std::uint64_t x, int k) noexcept {
    return (x << k) | (x >> (64 - k));
  }
  std::uint64_t state_[4];
};

}  // namespace redline
