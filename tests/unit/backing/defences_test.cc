// The defences' decisions, and what bounds the waiting.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "backing/admission.h"
#include "backing/freshness.h"
#include "backing/miss_lock.h"
#include "backing/store.h"
#include "backing/ticket_table.h"

namespace redline::defences_test {
namespace {

// XFetch: a read refreshes with probability exp(−left / (beta · delta)).
TEST(EarlyRefresh, HasTheChanceOfThePaper) {
  constexpr Nanos kDelta = 10 * kMillisecond;
  constexpr int kReads = 200'000;
  for (const double beta : {0.5, 1.0, 3.0})
    for (const Nanos left : {kMillisecond, 10 * kMillisecond, 40 * kMillisecond}) {
      const FreshnessRule rule{beta, 0};
      Rng rng(7);
      int early = 0;
      for (int i = 0; i < kReads; ++i) early += rule.judge(left, kDelta, rng) == Refresh::early;
      const double chance = std::exp(-static_cast<double>(left) / (beta * kDelta));
      const double scatter = std::sqrt(chance * (1 - chance) / kReads);
      EXPECT_NEAR(static_cast<double>(early) / kReads, chance, 5 * scatter + 1e-5)
          << "beta " << beta << ", left " << left;
    }
}

TEST(EarlyRefresh, IsOffAtBetaZero) {
  const FreshnessRule rule{0, 0};
  EXPECT_FALSE(rule.isUsed());
  Rng rng(1);
  EXPECT_EQ(rule.judge(0, kSecond, rng), Refresh::none);
}

TEST(StaleWhileRefresh, EndsAValuesLogicalLifeTheWindowBeforeRedisDeletesIt) {
  const FreshnessRule rule{0, 2 * kSecond};
  Rng rng(1);
  EXPECT_EQ(rule.judge(2 * kSecond + 1, kSecond, rng), Refresh::none);
  EXPECT_EQ(rule.judge(2 * kSecond, kSecond, rng), Refresh::stale);
  EXPECT_EQ(rule.judge(0, kSecond, rng), Refresh::stale);
}

TEST(StaleWhileRefresh, RefreshesEarlyBeforeTheLogicalExpiry) {
  const FreshnessRule rule{1, 2 * kSecond};
  Rng rng(1);
  int early = 0;
  for (int i = 0; i < 1000; ++i)
    early += rule.judge(2 * kSecond + 1, 10 * kMillisecond, rng) == Refresh::early;
  EXPECT_EQ(early, 1000);
}

TEST(RecomputeTime, FollowsWhatRecomputesTook) {
  RecomputeTime time;
  EXPECT_EQ(time.get(), RecomputeTime::kUnknown);
  time.observe(8 * kMillisecond);
  EXPECT_EQ(time.get(), 8 * kMillisecond);
  for (int i = 0; i < 100; ++i) time.observe(80 * kMillisecond);
  EXPECT_NEAR(static_cast<double>(time.get()), 80e6, 1e5);
}

TEST(MissLock, WaitsUntilTheTimeLimitAndNoLonger) {
  for (const Nanos limit : {kMillisecond, 100 * kMillisecond, kSecond, 60 * kSecond}) {
    const unsigned patience = lockPatience(limit);
    Nanos waited = 0;
    for (unsigned i = 0; i < patience; ++i) waited += lockRetryDelay(i, limit);
    EXPECT_GE(waited, limit);
    EXPECT_LT(waited - lockRetryDelay(patience - 1, limit), limit);
    EXPECT_LT(patience, 255U);
  }
}

TEST(Admission, AdmitsTheRateAndSmallBursts) {
  Admission admission(1000);
  unsigned admitted = 0;
  for (Nanos now = kSecond; now < 2 * kSecond; now += 100 * kMicrosecond)
    admitted += admission.admit(now) ? 1U : 0U;
  EXPECT_NEAR(admitted, 1010, 1);  // and a burst of 10 ms
  admitted = 0;
  for (int i = 0; i < 1000; ++i) admitted += admission.admit(10 * kSecond) ? 1U : 0U;
  EXPECT_EQ(admitted, 10U);
}

TEST(Admission, AdmitsAllWithoutARate) {
  Admission admission(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(admission.admit(0));
}

TEST(TicketTable, NeverUsesATicketTwice) {
  TicketTable<int> table;
  const StoreTicket first = table.add(1, 10);
  EXPECT_NE(first, 0U);
  EXPECT_EQ(table.take(first), 1);
  EXPECT_EQ(table.take(first), std::nullopt);
  const StoreTicket second = table.add(2, 10);
  EXPECT_NE(second, first);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(*table.find(second), 2);
}

TEST(TicketTable, ExpiresWhatIsStillThereInOrderOfDeadlines) {
  TicketTable<int> table;
  const StoreTicket late = table.add(1, 30);
  const StoreTicket soon = table.add(2, 10);
  const StoreTicket taken = table.add(3, 5);
  table.take(taken);
  EXPECT_EQ(table.expired(9), 0U);
  EXPECT_EQ(table.expired(40), soon);
  table.take(soon);
  EXPECT_EQ(table.expired(40), late);
  table.take(late);
  EXPECT_EQ(table.expired(40), 0U);
  EXPECT_EQ(table.size(), 0U);
}

// Against a plain map, through random calls.
TEST(TicketTable, AgreesWithAMap) {
  Rng rng(3);
  TicketTable<std::uint64_t> table;
  std::map<StoreTicket, std::pair<std::uint64_t, Nanos>> model;
  Nanos now = 0;
  for (int i = 0; i < 100'000; ++i) {
    now += static_cast<Nanos>(rng.below(4));
    if (rng.below(2) == 0) {
      const Nanos deadline = now + static_cast<Nanos>(rng.below(50));
      const StoreTicket ticket = table.add(rng.next(), deadline);
      ASSERT_TRUE(model.emplace(ticket, std::pair{*table.find(ticket), deadline}).second);
    } else if (!model.empty() && rng.below(2) == 0) {
      const auto some =
          std::next(model.begin(), static_cast<std::ptrdiff_t>(rng.below(model.size())));
      ASSERT_EQ(table.take(some->first), some->second.first);
      model.erase(some);
    }
    while (const StoreTicket ticket = table.expired(now)) {
      ASSERT_TRUE(model.contains(ticket));
      ASSERT_LE(model.at(ticket).second, now);
      ASSERT_TRUE(table.take(ticket));
      model.erase(ticket);
    }
    for (const auto& [ticket, waiting] : model) ASSERT_GT(waiting.second, now);
    ASSERT_EQ(table.size(), model.size());
  }
}

TEST(StoreInbox, WakesOnceForWhatComesTogether) {
  int woken = 0;
  StoreInbox inbox([&woken] { ++woken; });
  std::vector<StoreReply> replies(3);
  replies[2].ticket = 9;
  EXPECT_FALSE(inbox.hasReplies());
  inbox.post(replies);
  inbox.post(std::span(replies).first(1));
  EXPECT_EQ(woken, 1);
  ASSERT_TRUE(inbox.hasReplies());
  std::vector<StoreReply> taken;
  inbox.take(taken);
  ASSERT_EQ(taken.size(), 4U);
  EXPECT_EQ(taken[2].ticket, 9U);
  EXPECT_FALSE(inbox.hasReplies());
  inbox.post(std::span(replies).first(0));
  EXPECT_EQ(woken, 1);
}

}  // namespace
}  // namespace redline::defences_test
