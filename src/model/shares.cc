#include "model/shares.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/rng.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr int kExchanges = 4'000;
/// Equal but for rounding.
constexpr double kSame = 1 - 1e-9;

/// By how much the conditions' sums differ: the sum of their squares is largest where they differ
/// most, since their total stays.
double differenceOf(const std::vector<std::vector<double>>& blocks) {
  std::vector<double> sums(blocks.front().size(), 0);
  for (const auto& block : blocks)
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += block[i];
  double squares = 0;
  for (const double sum : sums) squares += sum * sum;
  return squares;
}

}  // namespace

double fisherExact(unsigned some, unsigned of, unsigned others, unsigned ofOthers) {
  const unsigned marked = some + others;
  const unsigned total = of + ofOthers;
  if (of == 0 || ofOthers == 0 || marked == 0 || marked == total) return 1;
  const double here = hypergeometric(some, marked, of, total);
  const unsigned least = marked > ofOthers ? marked - ofOthers : 0;
  double chance = 0;
  for (unsigned i = least; i <= std::min(marked, of); ++i)
    if (const double one = hypergeometric(i, marked, of, total); one * kSame <= here) chance += one;
  return std::min(chance, 1.0);
}

ShareTest testShares(const std::vector<std::vector<double>>& blocks, std::uint64_t seed) {
  ShareTest test;
  if (blocks.empty() || blocks.front().size() < 2) return test;
  const auto conditions = static_cast<double>(blocks.front().size());
  const auto repeats = static_cast<double>(blocks.size() - 1);
  test.leastChance = std::exp(-repeats * std::lgamma(conditions + 1));
  const double measured = differenceOf(blocks);
  auto exchanged = blocks;
  Rng rng(seed);
  int asFar = 0;
  for (int i = 0; i < kExchanges; ++i) {
    for (auto& block : exchanged)
      for (std::size_t left = block.size(); left > 1; --left)
        std::swap(block[left - 1], block[rng.below(left)]);
    asFar += differenceOf(exchanged) >= measured * kSame ? 1 : 0;
  }
  test.chance = static_cast<double>(asFar + 1) / (kExchanges + 1);
  return test;
}

}  // namespace redline
