#include "backing/flights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace redline::flights_test {
namespace {

using As = Flights::Joined::As;

std::vector<StoreTicket> tickets(const std::vector<Flights::Passenger>& passengers) {
  std::vector<StoreTicket> all;
  for (const auto& passenger : passengers) all.push_back(passenger.ticket);
  return all;
}

TEST(Flights, LetsOneReadLeadAndTheOthersWait) {
  Flights flights;
  const auto first = flights.join(7, {0, 1});
  EXPECT_EQ(first.as, As::leader);
  EXPECT_EQ(flights.join(7, {1, 2}).as, As::passenger);
  EXPECT_EQ(flights.join(7, {0, 3}).as, As::passenger);
  EXPECT_EQ(flights.join(8, {0, 4}).as, As::leader);
  EXPECT_THAT(tickets(flights.land(7, first.flight, 5)), testing::ElementsAre(2, 3));
}

TEST(Flights, AnswersWhoComesBetweenTheResultAndTheRefill) {
  Flights flights;
  const auto first = flights.join(7, {0, 1});
  flights.land(7, first.flight, 5);
  const auto late = flights.join(7, {0, 2});
  EXPECT_EQ(late.as, As::late);
  EXPECT_EQ(late.version, 5U);
  EXPECT_TRUE(flights.end(7, first.flight).empty());
  EXPECT_EQ(flights.join(7, {0, 3}).as, As::leader);
}

TEST(Flights, GivesThePassengersBackWhereNothingWasFound) {
  Flights flights;
  const auto first = flights.join(7, {0, 1});
  flights.join(7, {0, 2});
  EXPECT_THAT(tickets(flights.end(7, first.flight)), testing::ElementsAre(2));
  EXPECT_EQ(flights.size(), 0U);
}

TEST(Flights, ForgetsAFlightForThoseWhoComeAfterAWrite) {
  Flights flights;
  const auto old = flights.join(7, {0, 1});
  flights.join(7, {0, 2});
  flights.forget(7);
  const auto fresh = flights.join(7, {0, 3});
  EXPECT_EQ(fresh.as, As::leader);
  EXPECT_NE(fresh.flight, old.flight);
  EXPECT_THAT(tickets(flights.land(7, old.flight, 1)), testing::ElementsAre(2));
  flights.end(7, old.flight);
  EXPECT_EQ(flights.join(7, {0, 4}).as, As::passenger);  // of the new one
  EXPECT_THAT(tickets(flights.land(7, fresh.flight, 2)), testing::ElementsAre(4));
  flights.end(7, fresh.flight);
  EXPECT_EQ(flights.size(), 0U);
}

TEST(Flights, LetsARefreshLeadOnlyWhereNobodyDoes) {
  Flights flights;
  const auto refresh = flights.lead(7);
  EXPECT_NE(refresh, 0U);
  EXPECT_EQ(flights.lead(7), 0U);
  EXPECT_EQ(flights.join(7, {0, 1}).as, As::passenger);
  EXPECT_THAT(tickets(flights.land(7, refresh, 3)), testing::ElementsAre(1));
}

// Whatever the threads do at once: one leads at a time, and each passenger is named once.
TEST(Flights, AreSharedByWorkers) {
  constexpr unsigned kWorkers = 4, kReads = 20'000;
  Flights flights;
  std::atomic<unsigned> leading = 0, led = 0, waited = 0, named = 0, late = 0;
  const auto work = [&](unsigned worker) {
    for (unsigned i = 1; i <= kReads; ++i) {
      const auto joined = flights.join(7, {worker, i});
      if (joined.as == As::passenger) ++waited;
      if (joined.as == As::late) ++late;
      if (joined.as != As::leader) continue;
      ++led;
      EXPECT_EQ(++leading, 1U);
      named += static_cast<unsigned>(flights.land(7, joined.flight, i).size());
      --leading;
      EXPECT_TRUE(flights.end(7, joined.flight).empty());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned worker = 0; worker < kWorkers; ++worker) threads.emplace_back(work, worker);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(led + waited + late, kWorkers * kReads);
  EXPECT_EQ(named, waited);
}

}  // namespace
}  // namespace redline::flights_test
