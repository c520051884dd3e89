#include "chaos/batch_size.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace redline {
namespace {

/// A source whose MIGRATE takes a fixed time, a time for each key and a time for each byte.
struct Source {
  Nanos fixed = 100 * kMicrosecond;
  Nanos perKey = 4 * kMicrosecond;
  double perByte = 2;

  Nanos migrate(const std::vector<std::uint64_t>& bytes) const {
    double sum = 0;
    for (const std::uint64_t each : bytes) sum += static_cast<double>(each);
    return fixed + perKey * static_cast<Nanos>(bytes.size()) + static_cast<Nanos>(perByte * sum);
  }
};

/// Sends `calls` batches of keys of one size; returns the times that they took.
std::vector<Nanos> send(BatchSizer& sizer, const Source& source, std::uint64_t bytes, int calls) {
  const std::vector<std::uint64_t> many(1000, bytes);
  std::vector<Nanos> times;
  for (int i = 0; i < calls; ++i) {
    const std::vector<std::uint64_t> batch(many.begin(),
                                           many.begin() + static_cast<long>(sizer.take(many)));
    times.push_back(source.migrate(batch));
    sizer.observe(batch, times.back());
  }
  return times;
}

TEST(BatchSizer, StaysBelowTheBudgetAndUsesAGoodPartOfIt) {
  for (const Nanos budget : {kMillisecond / 2, kMillisecond, 5 * kMillisecond})
    for (const std::uint64_t bytes : {100U, 1000U, 5000U}) {
      BatchSizer sizer(budget);
      const auto times = send(sizer, {}, bytes, 100);
      EXPECT_LE(*std::ranges::max_element(times), budget) << budget << ' ' << bytes;
      // Of 500 keys, the most in one call, not every budget can be used up.
      const Nanos most = Source{}.migrate(std::vector<std::uint64_t>(BatchSizer::kMostKeys, bytes));
      EXPECT_GE(times.back(), std::min(budget / 4, most)) << budget << ' ' << bytes;
    }
}

TEST(BatchSizer, ShrinksAtOnceWhenTheSourceBecomesSlow) {
  BatchSizer sizer(2 * kMillisecond);
  send(sizer, {}, 100, 50);
  const Source slow{300 * kMicrosecond, 40 * kMicrosecond, 20};
  const auto times = send(sizer, slow, 100, 10);
  EXPECT_LE(times[2], 2 * kMillisecond);
  EXPECT_LE(times.back(), 2 * kMillisecond);
}

TEST(BatchSizer, DoesNotCutUpAFewSmallKeysWhereEachCallWaitsForItsTarget) {
  BatchSizer sizer(kMillisecond);
  const Source far{5 * kMillisecond, kMicrosecond, 0};
  send(sizer, far, 100, 50);
  EXPECT_EQ(sizer.take(std::vector<std::uint64_t>(1000, 100)), BatchSizer::kFewKeys);
  EXPECT_LE(sizer.take(std::vector<std::uint64_t>(1000, 5000)), 3U);  // not few bytes
}

TEST(BatchSizer, RecoversFromOneCallThatWasHeldUp) {
  BatchSizer sizer(2 * kMillisecond);
  send(sizer, {}, 100, 50);
  const std::vector<std::uint64_t> many(1000, 100);
  const std::size_t before = sizer.take(many);
  const std::vector<std::uint64_t> batch(before, 100);
  sizer.observe(batch, 30 * kMillisecond);
  EXPECT_LT(sizer.take(many), before / 2);
  send(sizer, {}, 100, 40);
  EXPECT_GT(sizer.take(many), before / 2);
}

TEST(BatchSizer, SendsAKeyThatIsTooLargeAloneAndNeverSendsNone) {
  BatchSizer sizer(kMillisecond);
  EXPECT_EQ(sizer.take(std::vector<std::uint64_t>{100ULL << 20, 10}), 1U);
  EXPECT_EQ(sizer.take(std::vector<std::uint64_t>{0}), 1U);
  // Nor does a small one wait for it in the same batch.
  EXPECT_EQ(sizer.take(std::vector<std::uint64_t>{10, 100ULL << 20}), 1U);
  for (int i = 0; i < 20; ++i)
    sizer.observe(std::vector<std::uint64_t>{100ULL << 20}, 10 * kSecond);
  EXPECT_GE(sizer.take(std::vector<std::uint64_t>(10, 10)), 1U);
}

}  // namespace
}  // namespace redline
