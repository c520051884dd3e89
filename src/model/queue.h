#pragma once

#include <optional>
#include <vector>

namespace redline {

/// One server, Poisson arrivals, every service as long as the next, first come first served: M/D/1.
/// A Redis main thread under Poisson load is at best this: its services vary, and it answers what
/// one epoll call returned together. So what this model says is a lower bound, with the service
/// time measured at that load.
class Md1 {
 public:
  /// `rate`: arrivals/s, ≥ 0. `serviceS`: seconds of one service, > 0. At or above utilisation 1
  /// there is no stationary state, and every wait is infinite.
  Md1(double rate, double serviceS);

  double utilisation() const { return rate_ * serviceS_; }
  /// Mean wait before service, seconds: ρ D / (2 (1 − ρ)) (Pollaczek and Khinchine).
  double meanWait() const;
  /// P(wait ≤ t). Exact, as a sum of positive terms only (Franx, "A simple solution for the M/D/c
  /// waiting time distribution", Operations Research Letters 29, 2001), where Erlang's alternating
  /// series of 1909 loses all digits. Within about 1e-12.
  double waitCdf(double t) const;
  /// Seconds that a share q (0 ≤ q < 1) of the arrivals wait at most.
  double waitQuantile(double q) const;
  /// Wait and service: what a client sees of the server.
  double responseQuantile(double q) const { return waitQuantile(q) + serviceS_; }

 private:
  void extendTo(std::size_t level) const;

  double rate_, serviceS_;
  // Stationary distribution of the number in the system, as far as it has been needed.
  mutable std::vector<double> atMost_;      ///< P(N ≤ n)
  mutable std::vector<double> exactly_;     ///< P(N = n)
  mutable std::vector<double> moreArrive_;  ///< P(more than n arrive during one service)
};

/// A server that stands still for `frozenS` seconds inside a measured window of `windowS`, offered
/// `rate` operations/s in the open model, and then drains what has piled up at `drainRate`: what
/// arrived t after the freeze began waits frozenS − t (1 − ρ). The same arithmetic holds for every
/// stall: a fork, an O(N) command, an expiry cycle.
struct Stall {
  double frozenS = 0, windowS = 0;
  double rate = 0, drainRate = 0;

  double utilisation() const { return rate / drainRate; }
  /// Seconds from the start of the freeze until the queue is empty: F / (1 − ρ). Infinite at ρ ≥ 1.
  double recoveredS() const;
  /// Share of the window's operations that wait because of it.
  double touchedShare() const;
  /// Response time at quantile q: F − (1 − q) T (1 − ρ). None where q is below 1 − touchedShare():
  /// those operations met no stall.
  std::optional<double> responseQuantile(double q) const;
};

/// The same for many stalls in one window, of `stallsS` seconds each, at utilisation ρ < 1: each
/// delays what arrives in it, and until its backlog is gone. Response time at quantile q: the x
/// with Σ max(0, stall − x) = (1 − q) (1 − ρ) T; 0 where they touch fewer than 1 − q. A stall that
/// comes while another's backlog drains is taken to come apart from it, so this is a lower bound.
double stalledQuantile(std::vector<double> stallsS, double windowS, double utilisation, double q);

}  // namespace redline
