#include "model/queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

/// Erlang's series of 1909, in long doubles: right as long as few terms are needed.
double erlang(double rate, double d, double t) {
  long double sum = 0;
  for (int k = 0; k * d <= t; ++k) {
    const long double x = rate * (static_cast<long double>(t) - k * static_cast<long double>(d));
    sum += std::pow(-x, k) / std::tgamma(static_cast<long double>(k) + 1) * std::exp(x);
  }
  return static_cast<double>((1 - rate * d) * sum);
}

TEST(Md1, AgreesWithErlangsSeries) {
  for (const double rho : {0.1, 0.5, 0.8, 0.95}) {
    const Md1 queue(rho / 8e-6, 8e-6);
    for (const double services : {0.0, 0.3, 0.999, 1.0, 1.7, 2.0, 3.5, 6.25, 10.4})
      EXPECT_NEAR(queue.waitCdf(services * 8e-6), erlang(rho, 1, services), 1e-11)
          << rho << " " << services;
  }
}

TEST(Md1, NobodyWaitsWithTheChanceThatTheServerIsIdle) {
  EXPECT_NEAR(Md1(80'000, 1e-5).waitCdf(0), 0.2, 1e-12);
  EXPECT_EQ(Md1(80'000, 1e-5).waitQuantile(0.19), 0);
  EXPECT_EQ(Md1(0, 1e-5).waitQuantile(0.99), 0);
}

TEST(Md1, TheDistributionsMeanIsPollaczekAndKhinchines) {
  for (const double rho : {0.3, 0.8, 0.99}) {
    const Md1 queue(rho, 1);
    double mean = 0;  // ∫ P(W > t) dt, by Simpson's rule between the kinks at whole services
    for (int k = 0; k < 3'000; ++k) {
      const auto above = [&](double t) { return 1 - queue.waitCdf(k + t); };
      mean += (above(0) + 4 * above(0.5) + above(1 - 1e-12)) / 6;
    }
    EXPECT_NEAR(mean / queue.meanWait(), 1, 2e-3) << rho;
  }
}

TEST(Md1, QuantilesInvertTheDistributionUpToUtilisationsNearOne) {
  for (const double rho : {0.5, 0.8, 0.99, 0.999}) {
    const Md1 queue(rho, 1);
    double before = 0;
    for (const double q : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
      const double wait = queue.waitQuantile(q);
      EXPECT_GE(wait, before);
      before = wait;
      if (wait > 0) {
        EXPECT_NEAR(queue.waitCdf(wait), q, 1e-9) << rho << " " << q;
      }
    }
  }
}

TEST(Md1, InHeavyTrafficTheWaitIsNearlyExponential) {
  // Kingman: P(W > t) → exp(−2 (1 − ρ) t / (ρ D)).
  const Md1 queue(0.999, 1);
  EXPECT_NEAR(queue.waitQuantile(0.99) / (-std::log(0.01) * 0.999 / (2 * 0.001)), 1, 0.01);
}

TEST(Md1, AgreesWithALindleySimulation) {
  constexpr double kRho = 0.8;
  Rng rng(5);
  std::vector<double> waits;
  constexpr std::size_t kArrivals = 2'000'000;
  waits.reserve(kArrivals);
  double wait = 0;
  for (std::size_t i = 0; i < kArrivals; ++i) {
    waits.push_back(wait);
    wait = std::max(0.0, wait + 1 + std::log(rng.unitPositive()) / kRho);
  }
  std::ranges::sort(waits);
  const Md1 queue(kRho, 1);
  for (const double q : {0.5, 0.9, 0.99, 0.999}) {
    const double simulated = waits[static_cast<std::size_t>(q * kArrivals)];
    EXPECT_NEAR(simulated / queue.waitQuantile(q), 1, q > 0.99 ? 0.08 : 0.03) << q;
  }
}

TEST(Md1, AtFullUtilisationEveryWaitIsInfinite) {
  EXPECT_TRUE(std::isinf(Md1(100'000, 1e-5).waitQuantile(0.5)));
  EXPECT_TRUE(std::isinf(Md1(200'000, 1e-5).responseQuantile(0.01)));
}

TEST(Stall, IsTheFrozenServersIdentity) {
  const Stall stall{1, 10, 10'000, 130'000};  // redis-notes' example
  EXPECT_NEAR(*stall.responseQuantile(0.99), 0.908, 5e-4);
  EXPECT_NEAR(*stall.responseQuantile(0.999), 0.991, 5e-4);
  EXPECT_FALSE(stall.responseQuantile(0.5));
  EXPECT_NEAR(stall.recoveredS(), 1.0833, 1e-4);
}

TEST(Stall, AgreesWithASimulatedFreeze) {
  const Stall stall{0.4, 5, 20'000, 50'000};
  std::vector<double> responses;
  double free = 0;  // when the server is next free
  for (int i = 0; i < 100'000; ++i) {
    const double due = i / stall.rate;
    if (due >= 1 && free < 1.4) free = 1.4;  // frozen from 1.0 to 1.4
    free = std::max(free, due) + 1 / stall.drainRate;
    responses.push_back(free - due);
  }
  std::ranges::sort(responses);
  for (const double q : {0.9, 0.99, 0.999})
    EXPECT_NEAR(responses[static_cast<std::size_t>(q * 100'000)], *stall.responseQuantile(q), 1e-3)
        << q;
}

TEST(Stall, OfAServerThatCannotCatchUpHasNoEnd) {
  const Stall stall{1, 10, 200'000, 130'000};
  EXPECT_TRUE(std::isinf(stall.recoveredS()));
  EXPECT_FALSE(stall.responseQuantile(0.99));
}

TEST(StalledQuantile, OfOneStallIsTheFrozenServersIdentity) {
  const Stall stall{1, 10, 10'000, 130'000};
  for (const double q : {0.95, 0.99, 0.999})
    EXPECT_NEAR(stalledQuantile({1}, 10, stall.utilisation(), q), *stall.responseQuantile(q), 1e-9);
  EXPECT_EQ(stalledQuantile({1}, 10, stall.utilisation(), 0.5), 0);  // most met no stall
  EXPECT_EQ(stalledQuantile({}, 10, 0.5, 0.999), 0);
  EXPECT_TRUE(std::isinf(stalledQuantile({0.001}, 10, 1, 0.99)));
}

TEST(StalledQuantile, AgreesWithASimulatedServerThatIsStoppedAgainAndAgain) {
  constexpr double kRate = 40'000, kDrain = 50'000, kWindow = 20;
  Rng rng(7);
  std::vector<std::pair<double, double>> stalls;  // when, for how long; apart from each other
  for (double at = 0.05; at < kWindow - 0.1; at += 0.1)
    stalls.emplace_back(at, 0.0002 + 0.004 * rng.unit() * rng.unit());
  std::vector<double> lengths, responses;
  for (const auto& [at, length] : stalls) lengths.push_back(length);
  double free = 0;
  std::size_t next = 0;
  for (int i = 0; i < kRate * kWindow; ++i) {
    const double due = i / kRate;
    double begin = std::max(free, due);
    while (next < stalls.size() && stalls[next].first <= begin) {
      begin = std::max(begin, stalls[next].first + stalls[next].second);
      ++next;
    }
    free = begin + 1 / kDrain;
    responses.push_back(free - due);
  }
  std::ranges::sort(responses);
  for (const double q : {0.95, 0.99, 0.999})
    EXPECT_NEAR(responses[static_cast<std::size_t>(q * static_cast<double>(responses.size()))],
                stalledQuantile(lengths, kWindow, kRate / kDrain, q), 1e-4)
        << q;
}

}  // namespace
}  // namespace redline
