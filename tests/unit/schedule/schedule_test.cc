#include "schedule/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace redline {
namespace {

/// The intended times and numbers of `workers` schedules merged, up to `end`.
struct Arrival {
  Nanos due;
  std::uint64_t index;
  bool operator==(const Arrival&) const = default;
};

template <typename Make>
std::vector<Arrival> merged(unsigned workers, Nanos end, Make make) {
  std::vector<Arrival> all;
  for (unsigned worker = 0; worker < workers; ++worker)
    for (Schedule s = make(worker, workers); s.due() < end; s.advance())
      all.push_back({s.due(), s.index()});
  std::sort(all.begin(), all.end(), [](const Arrival& a, const Arrival& b) {
    return a.due != b.due ? a.due < b.due : a.index < b.index;
  });
  return all;
}

TEST(ConstantSchedule, SpacesOperationsEvenly) {
  Schedule schedule = Schedule::constant(500, 10'000, 0, 1);
  for (std::uint64_t n = 0; n < 10'000; ++n, schedule.advance()) {
    ASSERT_EQ(schedule.index(), n);
    ASSERT_EQ(schedule.due(), 500 + static_cast<Nanos>(n) * 100'000);
  }
}

TEST(ConstantSchedule, RoundsEachIntendedTimeDownAndNeverAddsUpErrors) {
  Schedule schedule = Schedule::constant(0, 3, 0, 1);  // a gap of 333 333 333⅓ ns
  for (Nanos n = 0; n < 3'000'000; ++n, schedule.advance())
    ASSERT_EQ(schedule.due(), n * kSecond / 3);
}

TEST(ConstantSchedule, HasNoDriftAfterATrillionOperations) {
  // Many workers stride far quickly: after 2^28 steps of worker 0 of 4096, n is above 10^12.
  constexpr unsigned kWorkers = 4096;
  constexpr std::uint64_t kSteps = std::uint64_t{1} << 28;
  Schedule schedule = Schedule::constant(0, 130'000, 0, kWorkers);
  for (std::uint64_t i = 0; i < kSteps; ++i) schedule.advance();
  EXPECT_EQ(schedule.index(), kSteps * kWorkers);
  EXPECT_GT(schedule.index(), 1'000'000'000'000U);
  // n · 1e9 / 130000 = n · 100000 / 13, in whole numbers.
  EXPECT_EQ(schedule.due(), static_cast<Nanos>(kSteps * kWorkers / 13 * 100'000 +
                                               kSteps * kWorkers % 13 * 100'000 / 13));
}

TEST(ConstantSchedule, KeepsFractionalRatesExactly) {
  // A double is what was asked for: 0.3 is slightly below 3/10, and long double has the digits to
  // say.
  for (const double rate : {0.3, 1234.5678, 99'999.9, 1e-3, 7e6 + 1.0 / 3}) {
    Schedule schedule = Schedule::constant(0, rate, 0, 1);
    for (int n = 0; n < 100'000; ++n) schedule.advance();
    const long double exact = 1e5L * 1e9L / static_cast<long double>(rate);
    EXPECT_LE(std::abs(static_cast<long double>(schedule.due()) - exact), 1.001L) << rate;
  }
}

TEST(ConstantSchedule, WorkersInterleaveExactlyToTheSingleWorkersSchedule) {
  for (const double rate : {1000.0, 9'999.7, 777'777.0}) {
    const auto make = [rate](unsigned worker, unsigned workers) {
      return Schedule::constant(1'000, rate, worker, workers);
    };
    const auto alone = merged(1, kSecond, make);
    EXPECT_NEAR(static_cast<double>(alone.size()), rate, 1);
    for (const unsigned workers : {2U, 3U, 7U}) EXPECT_EQ(merged(workers, kSecond, make), alone);
  }
}

TEST(ConstantSchedule, TakesItsBacklogAsSteppingWould) {
  for (const double rate : {0.7, 3.0, 12'345.6, 2e9}) {
    for (const unsigned worker : {0U, 2U}) {
      Schedule schedule = Schedule::constant(100, rate, worker, 3);
      for (int i = 0; i < 50; ++i) schedule.advance();
      for (const Nanos t : {Nanos{0}, schedule.due() - 1, schedule.due(), schedule.due() + 1,
                            schedule.due() + static_cast<Nanos>(1e12 / rate)}) {
        std::uint64_t stepped = 0;
        Schedule steps = schedule;
        for (; steps.due() < t; steps.advance()) ++stepped;
        Schedule leaps = schedule;
        ASSERT_EQ(leaps.takeUntil(t), stepped) << rate << ' ' << worker << ' ' << t;
        // And continues from there with the same times for ever.
        for (int i = 0; i < 1000; ++i, steps.advance(), leaps.advance()) {
          ASSERT_EQ(leaps.due(), steps.due());
          ASSERT_EQ(leaps.index(), steps.index());
        }
      }
    }
  }
}

TEST(ClosedSchedule, IsAlwaysDueAndHasNoBacklog) {
  Schedule schedule = Schedule::closed(1, 4);
  EXPECT_EQ(schedule.arrivals(), Arrivals::closed);
  for (std::uint64_t i = 0; i < 10; ++i, schedule.advance()) {
    EXPECT_EQ(schedule.due(), std::numeric_limits<Nanos>::min());
    EXPECT_EQ(schedule.index(), 1 + 4 * i);
  }
  EXPECT_EQ(schedule.takeUntil(kSecond), 0U);
}

TEST(PoissonSchedule, HasExponentialGaps) {
  constexpr int kGaps = 1'000'000;
  constexpr double kMean = 1e9 / 20'000;
  Schedule schedule = Schedule::poisson(0, 20'000, 0, 1, 42);
  double sum = 0, squares = 0;
  int beyondThreeMeans = 0;
  Nanos last = 0;
  for (int i = 0; i < kGaps; ++i, schedule.advance()) {
    const auto gap = static_cast<double>(schedule.due() - last);
    last = schedule.due();
    ASSERT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
    beyondThreeMeans += gap > 3 * kMean;
  }
  const double mean = sum / kGaps, variance = squares / kGaps - mean * mean;
  // Standard errors: mean/√N, and √8 · mean² / √N for the variance of an exponential.
  EXPECT_NEAR(mean / kMean, 1, 4 / std::sqrt(kGaps));
  EXPECT_NEAR(variance / (kMean * kMean), 1, 4 * std::sqrt(8.0 / kGaps));
  const double p = std::exp(-3.0);
  EXPECT_NEAR(beyondThreeMeans, kGaps * p, 4 * std::sqrt(kGaps * p));
}

/// Variance over mean of the counts in consecutive windows.
double dispersion(const std::vector<Arrival>& arrivals, Nanos window, Nanos end) {
  std::vector<double> counts(static_cast<std::size_t>(end / window));
  for (const Arrival& arrival : arrivals) ++counts[static_cast<std::size_t>(arrival.due / window)];
  double mean = 0, variance = 0;
  for (const double count : counts) mean += count / static_cast<double>(counts.size());
  for (const double count : counts)
    variance += (count - mean) * (count - mean) / static_cast<double>(counts.size() - 1);
  return variance / mean;
}

TEST(PoissonSchedule, HasUnitDispersionAtEveryTimeScaleForAnyNumberOfWorkers) {
  constexpr Nanos kEnd = 50 * kSecond;
  for (const unsigned workers : {1U, 4U}) {
    const auto arrivals = merged(workers, kEnd, [](unsigned worker, unsigned all) {
      return Schedule::poisson(0, 20'000, worker, all, 42);
    });
    EXPECT_NEAR(static_cast<double>(arrivals.size()), 1e6, 4e3);
    for (const Nanos window : {kMillisecond, 10 * kMillisecond, 100 * kMillisecond}) {
      const double error = std::sqrt(2.0 * static_cast<double>(window) / static_cast<double>(kEnd));
      EXPECT_NEAR(dispersion(arrivals, window, kEnd), 1, 4 * error) << workers << ' ' << window;
    }
  }
}

TEST(PoissonSchedule, LosesNoFractionsOfANanosecondAtAnExtremeRate) {
  // At 1e9/s a gap is 1 ns on average: dropping fractions would shorten it to 0.58 ns.
  Schedule schedule = Schedule::poisson(0, 1e9, 0, 1, 1);
  for (int i = 0; i < 1'000'000; ++i) schedule.advance();
  EXPECT_NEAR(static_cast<double>(schedule.due()), 1e6, 4e3);
}

TEST(PoissonSchedule, KeepsItsPrecisionFarFromTheClocksZero) {
  constexpr Nanos kYear = Nanos{365} * 86'400 * kSecond;
  Schedule near = Schedule::poisson(0, 50'000, 0, 1, 9),
           far = Schedule::poisson(kYear, 50'000, 0, 1, 9);
  for (int i = 0; i < 10'000; ++i, near.advance(), far.advance())
    ASSERT_EQ(far.due() - kYear, near.due());
}

TEST(PoissonSchedule, GivesWorkersStreamsOfTheirOwnAndOwnedIndices) {
  Schedule one = Schedule::poisson(0, 1000, 0, 2, 9), two = Schedule::poisson(0, 1000, 1, 2, 9);
  int same = 0;
  for (std::uint64_t i = 0; i < 1000; ++i, one.advance(), two.advance()) {
    ASSERT_EQ(one.index(), 2 * i);
    ASSERT_EQ(two.index(), 2 * i + 1);
    same += one.due() == two.due();
  }
  EXPECT_EQ(same, 0);
}

TEST(PoissonSchedule, TakesASmallBacklogAsSteppingWould) {
  Schedule schedule = Schedule::poisson(0, 4'000, 0, 1, 9), steps = schedule;
  const std::uint64_t due = schedule.takeUntil(kSecond);
  std::uint64_t stepped = 0;
  for (; steps.due() < kSecond; steps.advance()) ++stepped;
  EXPECT_EQ(due, stepped);
  EXPECT_GT(due, 3'700U);
  EXPECT_EQ(schedule.due(), steps.due());
  EXPECT_EQ(schedule.index(), steps.index());
  EXPECT_EQ(schedule.takeUntil(kSecond), 0U);
}

TEST(PoissonSchedule, DrawsALargeBacklogFromThePoissonDistribution) {
  constexpr double kExpected = 1e6;
  constexpr int kTries = 2'000;
  double sum = 0, squares = 0, gaps = 0;
  for (std::uint64_t seed = 0; seed < kTries; ++seed) {
    Schedule schedule = Schedule::poisson(0, 1e9, 1, 2, seed);
    const auto due = static_cast<double>(schedule.takeUntil(2 * kMillisecond));
    ASSERT_EQ(schedule.index(), 1 + 2 * static_cast<std::uint64_t>(due));
    sum += due;
    squares += (due - kExpected) * (due - kExpected);
    gaps += static_cast<double>(schedule.due() - 2 * kMillisecond);
  }
  EXPECT_NEAR(sum / kTries, kExpected, 4 * std::sqrt(kExpected / kTries));
  EXPECT_NEAR(squares / kTries / kExpected, 1, 4 * std::sqrt(2.0 / kTries));
  EXPECT_NEAR(gaps / kTries, 2, 0.75);  // 2 ns, of which half a nanosecond is rounded off
}

}  // namespace
}  // namespace redline
