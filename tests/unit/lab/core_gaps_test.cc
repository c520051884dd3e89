#include "lab/core_gaps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "server/host.h"

namespace redline {
namespace {

TEST(CoreGaps, AreWhatASpinningThreadMisses) {
  const auto gaps = measureCoreGaps(allowedCpus().front(), 20 * kMillisecond);
  ASSERT_TRUE(gaps) << gaps.error().message;
  EXPECT_GE(gaps->windowS, 0.02);
  EXPECT_TRUE(std::ranges::is_sorted(gaps->gapsUs, std::greater<>{}));
  EXPECT_LE(gaps->sumUs(), gaps->windowS * 1e6);
  for (const double us : gaps->gapsUs) EXPECT_GE(us, 50);
}

TEST(CoreGaps, OfACpuThatIsNotThereAreAnError) {
  EXPECT_FALSE(measureCoreGaps(100'000, kMillisecond));
}

TEST(CoreGaps, OfSeveralRunsAreTakenTogether) {
  Reading one, other, none;
  one.record.figures = {{"core_gaps_window_s", 1}};
  one.record.notes = {{"core_gaps_us", "900 60"}};
  other.record.figures = {{"core_gaps_window_s", 1.5}};
  other.record.notes = {{"core_gaps_us", "2000"}};
  const CoreGaps all = coreGapsOf({&one, &other, &none});
  EXPECT_DOUBLE_EQ(all.windowS, 2.5);
  EXPECT_EQ(all.gapsUs, (std::vector<double>{2000, 900, 60}));
  EXPECT_DOUBLE_EQ(all.sumUs(), 2960);
  EXPECT_EQ(coreGapsOf({&none}).windowS, 0);
}

}  // namespace
}  // namespace redline
