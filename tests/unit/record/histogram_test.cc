#include "record/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

// HdrHistogram's own definitions for three significant digits and unit 1 ns, written out the long
// way: a value below 2048 is alone in its slot; from then on a slot spans 2, 4, 8 … values.
Nanos spanAt(Nanos value) {
  Nanos span = 1;
  for (Nanos limit = 2048; value >= limit; limit *= 2) span *= 2;
  return span;
}

/// Values spread evenly over the orders of magnitude, as latencies are.
Nanos anyValue(Rng& rng) {
  return static_cast<Nanos>(rng.next() & static_cast<std::uint64_t>(Histogram::kHighest)) >>
         rng.below(42);
}

/// Around every boundary between slots widths, and at random in between.
std::vector<Nanos> interestingValues() {
  std::vector<Nanos> values{0, 1, 2, 1023, 1024, 2047, 2048, 2049, Histogram::kHighest};
  for (int power = 11; power < 42; ++power)
    for (Nanos step = -3; step <= 3; ++step) values.push_back((Nanos{1} << power) + step);
  Rng rng(7);
  for (int i = 0; i < 20'000; ++i) values.push_back(anyValue(rng));
  return values;
}

Nanos nearestRank(const std::vector<Nanos>& sorted, double q) {
  const double exact = std::ceil(q * static_cast<double>(sorted.size()) - 1e-9);
  const auto rank = std::clamp<std::size_t>(static_cast<std::size_t>(exact), 1, sorted.size());
  return sorted[rank - 1];
}

TEST(Histogram, SlotsHaveTheBoundsOfHdrHistogramsEquivalentValues) {
  for (const Nanos value : interestingValues()) {
    const Nanos span = spanAt(value);
    const Nanos lowest = value / span * span;
    const std::size_t slot = Histogram::slotOf(value);
    ASSERT_EQ(Histogram::lowestOf(slot), lowest) << value;
    ASSERT_EQ(Histogram::highestOf(slot), lowest + span - 1) << value;
    ASSERT_EQ(Histogram::middleOf(slot), lowest + span / 2) << value;
  }
}

TEST(Histogram, SlotsCoverTheRangeWithoutGapsOrOverlap) {
  EXPECT_EQ(Histogram::lowestOf(0), 0);
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot) {
    ASSERT_EQ(Histogram::slotOf(Histogram::lowestOf(slot)), slot);
    ASSERT_EQ(Histogram::slotOf(Histogram::highestOf(slot)), slot);
    if (slot > 0) {
      ASSERT_EQ(Histogram::lowestOf(slot), Histogram::highestOf(slot - 1) + 1);
    }
  }
  EXPECT_EQ(Histogram::highestOf(Histogram::kSlots - 1), Histogram::kHighest);
}

TEST(Histogram, ReadsBackAnyValueWithinATenthOfAPercent) {
  for (const Nanos value : interestingValues()) {
    const Nanos read = Histogram::highestOf(Histogram::slotOf(value));
    ASSERT_GE(read, value);
    ASSERT_LE(static_cast<double>(read - value), 0.001 * static_cast<double>(value));
  }
}

TEST(Histogram, QuantilesAreTheNearestRankOfTheSortedRecords) {
  for (const std::size_t records : {1U, 2U, 3U, 10U, 100U, 999U, 1000U, 30'000U}) {
    Rng rng(records);
    Histogram histogram;
    std::vector<Nanos> sorted;
    for (std::size_t i = 0; i < records; ++i) {
      sorted.push_back(anyValue(rng));
      histogram.record(sorted.back());
    }
    std::sort(sorted.begin(), sorted.end());
    constexpr std::array qs{0.0, 0.001, 0.1, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1.0};
    std::array<Nanos, qs.size()> inOneWalk{};
    histogram.quantiles(qs, inOneWalk);
    for (std::size_t i = 0; i < qs.size(); ++i) {
      const Nanos wanted = Histogram::highestOf(Histogram::slotOf(nearestRank(sorted, qs[i])));
      ASSERT_EQ(histogram.quantile(qs[i]), wanted) << "q " << qs[i] << " of " << records;
      ASSERT_EQ(inOneWalk[i], wanted) << "q " << qs[i] << " of " << records;
    }
  }
}

TEST(Histogram, CountsTheRecordsAtOrBelowAValue) {
  Rng rng(11);
  Histogram histogram;
  std::vector<Nanos> values;
  for (int i = 0; i < 5000; ++i) {
    values.push_back(anyValue(rng));
    histogram.record(values.back());
  }
  for (const Nanos limit : interestingValues()) {
    const Nanos top = Histogram::highestOf(Histogram::slotOf(limit));
    const auto wanted =
        std::count_if(values.begin(), values.end(), [&](Nanos value) { return value <= top; });
    ASSERT_EQ(histogram.countAtOrBelow(limit), static_cast<std::uint64_t>(wanted)) << limit;
  }
  EXPECT_EQ(histogram.countAtOrBelow(-1), 0U);
  EXPECT_EQ(histogram.countAtOrBelow(Histogram::kHighest + 1), 5000U);
}

TEST(Histogram, KeepsTheExactExtremesAndAMeanWithinASlot) {
  Rng rng(3);
  Histogram histogram;
  double sum = 0;
  double squares = 0;
  Nanos lowest = Histogram::kHighest;
  Nanos highest = 0;
  constexpr int kRecords = 10'000;
  for (int i = 0; i < kRecords; ++i) {
    const auto value = static_cast<Nanos>(50'000 + rng.below(3'000'000));
    histogram.record(value);
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  const double mean = sum / kRecords;
  EXPECT_EQ(histogram.min(), lowest);
  EXPECT_EQ(histogram.max(), highest);
  EXPECT_NEAR(histogram.mean(), mean, 0.001 * mean);
  const double deviation = std::sqrt(squares / kRecords - mean * mean);
  EXPECT_NEAR(histogram.stdDeviation(), deviation, 0.002 * deviation);
}

TEST(Histogram, RecordingManyTimesEqualsRecordingOnceThatOften) {
  Histogram atOnce;
  Histogram oneByOne;
  atOnce.record(12'345, 1000);
  for (int i = 0; i < 1000; ++i) oneByOne.record(12'345);
  EXPECT_EQ(atOnce.count(), oneByOne.count());
  EXPECT_EQ(atOnce.countAt(Histogram::slotOf(12'345)), 1000U);
  EXPECT_EQ(oneByOne.countAt(Histogram::slotOf(12'345)), 1000U);
}

TEST(Histogram, MergedEqualsRecordedTogether) {
  Rng rng(5);
  Histogram parts[3];
  Histogram whole;
  for (int i = 0; i < 9000; ++i) {
    const Nanos value = anyValue(rng);
    parts[i % 3].record(value);
    whole.record(value);
  }
  Histogram merged;
  for (const Histogram& part : parts) merged.add(part);
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.min(), whole.min());
  EXPECT_EQ(merged.max(), whole.max());
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot)
    ASSERT_EQ(merged.countAt(slot), whole.countAt(slot));
}

TEST(Histogram, AddingAnEmptyOneChangesNothing) {
  Histogram histogram;
  histogram.record(500);
  histogram.add(Histogram{});
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.min(), 500);
  EXPECT_EQ(histogram.max(), 500);
}

TEST(Histogram, ResetLeavesNothingBehind) {
  Rng rng(9);
  Histogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.record(anyValue(rng));
  histogram.record(-1);
  histogram.record(Histogram::kHighest + 1);
  histogram.reset();
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.clamped(), 0U);
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot)
    ASSERT_EQ(histogram.countAt(slot), 0U);
  histogram.record(42);
  EXPECT_EQ(histogram.min(), 42);
  EXPECT_EQ(histogram.max(), 42);
}

TEST(Histogram, ClampsWhatIsOutOfRangeAndCountsWhatIsTooLarge) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(Histogram::kHighest);
  EXPECT_EQ(histogram.clamped(), 0U);
  histogram.record(Histogram::kHighest + 1, 3);
  EXPECT_EQ(histogram.clamped(), 3U);
  EXPECT_EQ(histogram.count(), 5U);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), Histogram::kHighest);
  EXPECT_EQ(histogram.countAt(Histogram::kSlots - 1), 4U);
  Histogram other;
  other.add(histogram);
  EXPECT_EQ(other.clamped(), 3U);
}

TEST(Histogram, IsAllZeroWhenEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.stdDeviation(), 0);
  EXPECT_EQ(histogram.quantile(0.99), 0);
  EXPECT_EQ(histogram.countAtOrBelow(Histogram::kHighest), 0U);
  histogram.forEach(
      [](std::size_t, std::uint64_t) { FAIL() << "an empty histogram has no slots"; });
}

TEST(Histogram, VisitsTheSlotsInUseInAscendingOrder) {
  Histogram histogram;
  for (const Nanos value : {Nanos{7'000'000}, Nanos{3}, Nanos{90'000}}) histogram.record(value, 2);
  std::vector<std::size_t> slots;
  histogram.forEach([&](std::size_t slot, std::uint64_t count) {
    EXPECT_EQ(count, 2U);
    slots.push_back(slot);
  });
  EXPECT_EQ(slots, (std::vector<std::size_t>{Histogram::slotOf(3), Histogram::slotOf(90'000),
                                             Histogram::slotOf(7'000'000)}));
}

}  // namespace
}  // namespace redline
