#include "workload/ttl.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/workload/statistics.h"

namespace redline {
namespace {

TEST(Ttls, GiveTheAskedShareOfIdsATtl) {
  constexpr int kIds = 200'000;
  for (const double fraction : {0.01, 0.3, 0.9}) {
    const Ttls ttls(1, fraction, 60 * kSecond, 3600 * kSecond);
    int with = 0;
    for (std::uint64_t id = 0; id < kIds; ++id) with += ttls.ttlMillisOf(id) != 0;
    const double deviation = std::sqrt(kIds * fraction * (1 - fraction));
    EXPECT_NEAR(with, kIds * fraction, 4 * deviation);
  }
}

TEST(Ttls, AreExactAtNoneAndAll) {
  const Ttls none(1, 0, 60 * kSecond, 3600 * kSecond), all(1, 1, 60 * kSecond, 3600 * kSecond);
  for (std::uint64_t id = 0; id < 100'000; ++id) {
    ASSERT_EQ(none.ttlMillisOf(id), 0);
    ASSERT_NE(all.ttlMillisOf(id), 0);
  }
}

TEST(Ttls, AreUniformOverTheirWholeRange) {
  const Ttls ttls(1, 1, 10 * kMillisecond, 29 * kMillisecond);
  std::vector<std::uint64_t> counts(20);
  for (std::uint64_t id = 0; id < 100'000; ++id)
    ++counts.at(static_cast<std::size_t>(ttls.ttlMillisOf(id) - 10));
  EXPECT_GT(test::chiSquareP(counts, std::vector<double>(20, 5000)), 1e-3);
}

TEST(Ttls, StayInRangeWhenTheShareIsSmall) {
  // The draw of "whether" must not show in the draw of "how long".
  const Ttls ttls(1, 0.3, 60 * kSecond, 3600 * kSecond);
  std::vector<std::uint64_t> counts(10);
  std::uint64_t with = 0;
  for (std::uint64_t id = 0; id < 300'000; ++id) {
    const std::int64_t ttl = ttls.ttlMillisOf(id);
    if (ttl == 0) continue;
    ASSERT_GE(ttl, 60'000);
    ASSERT_LE(ttl, 3'600'000);
    ++counts[static_cast<std::size_t>((ttl - 60'000) * 10 / 3'540'001)];
    ++with;
  }
  EXPECT_GT(test::chiSquareP(counts, std::vector<double>(10, static_cast<double>(with) / 10)),
            1e-3);
}

TEST(Ttls, ArePureFunctionsOfSeedAndId) {
  const Ttls one(1, 0.5, kSecond, kSecond * 100), again(1, 0.5, kSecond, kSecond * 100),
      other(2, 0.5, kSecond, kSecond * 100);
  int same = 0;
  for (std::uint64_t id = 0; id < 1000; ++id) {
    ASSERT_EQ(one.ttlMillisOf(id), again.ttlMillisOf(id));
    same += one.ttlMillisOf(id) == other.ttlMillisOf(id);
  }
  EXPECT_LT(same, 350);  // about 250 have none under both seeds
}

TEST(Ttls, RoundToWholeMillisecondsInsideTheRange) {
  const Ttls ttls(1, 1, 1'500'000, 3'900'000);  // 1.5 ms … 3.9 ms
  for (std::uint64_t id = 0; id < 100; ++id) {
    ASSERT_GE(ttls.ttlMillisOf(id), 2);
    ASSERT_LE(ttls.ttlMillisOf(id), 3);
  }
  EXPECT_EQ(Ttls(1, 1, 60 * kSecond, 60 * kSecond).ttlMillisOf(5), 60'000);
  EXPECT_EQ(Ttls(1, 1, 0, 0).ttlMillisOf(5), 1);  // 0 would mean "never"
}

}  // namespace
}  // namespace redline
