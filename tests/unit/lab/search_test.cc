#include "lab/search.h"

#include <gtest/gtest.h>

#include <vector>

namespace redline {
namespace {

/// Probes until the search is content, of a server that keeps to the level up to `limit`.
std::vector<Probe> searched(const RateSearch& search, double limit) {
  std::vector<Probe> probes;
  while (const auto rate = search.next(probes)) {
    probes.push_back({*rate, *rate <= limit});
    if (probes.size() > 100) break;
  }
  return probes;
}

TEST(RateSearch, ClosesInOnTheLimit) {
  const RateSearch search(30, 105, 0.01);
  for (const double limit : {31.0, 50.0, 77.7, 90.0, 104.0}) {
    const auto probes = searched(search, limit);
    const auto bracket = search.bracket(probes);
    EXPECT_LE(bracket.met, limit);
    EXPECT_GE(bracket.missed, limit);
    EXPECT_LE(bracket.missed - bracket.met, 0.01 * 105 + 1e-9);
    EXPECT_LE(probes.size(), 7U);  // log2(75 / 1.05) = 6.2
  }
}

TEST(RateSearch, SaysWhatWasTakenForGranted) {
  const RateSearch search(30, 105, 0.05);
  const auto all = search.bracket(searched(search, 1000));
  EXPECT_TRUE(all.metTried);
  EXPECT_FALSE(all.missedTried);
  const auto none = search.bracket(searched(search, 1));
  EXPECT_FALSE(none.metTried);
  EXPECT_TRUE(none.missedTried);
}

TEST(RateSearch, OfProbesThatContradictEachOtherTheLowestMissCounts) {
  const RateSearch search(0, 100, 0.01);
  const std::vector<Probe> probes{{50, true}, {75, true}, {60, false}};
  EXPECT_DOUBLE_EQ(search.bracket(probes).met, 50);
  EXPECT_DOUBLE_EQ(search.bracket(probes).missed, 60);
}

}  // namespace
}  // namespace redline
