#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace redline {

/// One rate that was tried, and whether the service level was met there.
struct Probe {
  double rate = 0;
  bool met = false;
};

/// The highest rate that meets a service level, by bisection. It supposes that a rate above one
/// that missed misses too; of probes that contradict each other the lowest miss counts.
class RateSearch {
 public:
  /// Between `low`, taken as met, and `high`, taken as missed, until they are `tolerance` × high
  /// apart.
  RateSearch(double low, double high, double tolerance)
      : low_(low), high_(high), tolerance_(tolerance) {}

  /// The rate to try next; none when it is known well enough.
  std::optional<double> next(std::span<const Probe> tried) const;

  struct Bracket {
    double met = 0, missed = 0;
    bool metTried = false, missedTried = false;  ///< measured, and not taken for granted
  };
  Bracket bracket(std::span<const Probe> tried) const;

 private:
  double low_, high_, tolerance_;
};

}  // namespace redline
