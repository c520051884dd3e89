#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <optional>

#include "run/driver_run.h"
#include "support/real_redis.h"

namespace redline::test {

/// A redis-server with a small data set in it, and a plan for a run against it.
struct DriverLab {
  static constexpr std::uint64_t kKeys = 10'000;

  TemporaryDirectory home;
  std::optional<ScopedStack> redis;
  DriverPlan plan;  ///< 2,000/s for 2 s after half a second of warm-up
  std::atomic<bool> interrupt{false};
  std::function<void(const Interval&)> onInterval = [](const Interval&) {};
  /// Ready at the end of the run's first interval: for threads that do something to the server. How
  /// long a start takes is the machine's affair. Call it before run().
  std::future<void> underWay();

  explicit DriverLab(NodeConfig config = {});

  /// Writes the plan's data set, without TTLs.
  void fillKeys();
  /// One run into plan.out, which must be new.
  Result<DriverOutcome> tryRun();
  /// The same; a run that could not be made, or was not completed, is a failed test.
  Summary run();
};

/// scheduled = completed + failed + outstanding.
void expectConserved(const Summary& summary);

}  // namespace redline::test
