#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cluster/slot_map.h"
#include "record/mitigation_count.h"
#include "run/driver_run.h"
#include "server/admin.h"
#include "support/real_redis.h"

namespace redline::test {

/// A server, or a cluster, with a small data set, and a plan for a short run with hot keys and a
/// ledger against it.
struct MitigationLab {
  TemporaryDirectory home;
  std::optional<ScopedStack> redis;
  DriverPlan plan;  ///< 5,000/s for 2 s, no warm-up
  /// After every interval, on the thread that runs.
  std::function<void(Nanos sinceStart)> meanwhile = [](Nanos) {};

  explicit MitigationLab(std::optional<ScopedStack> stack);

  std::string value(std::uint64_t id, std::uint64_t version) const;
  std::uint64_t hottest(std::uint64_t rank) const;
  void fill() const;
  /// Lets faults happen, as -chaos would have it.
  void chaos(const std::string& text);
  /// The map as the cluster has it now.
  SlotMap map() const;
  Admin admin(std::size_t node) const;
  /// One run; nothing may be unaccounted for.
  Summary run();
  /// A run in which no replica was passed over: on a busy machine one may get no core for 100 ms,
  /// and its reads then go to the master. Three attempts.
  Summary runWithAllReplicas();
};

using Count = MitigationCount;
std::uint64_t countOf(const Summary& summary, MitigationCount count);

}  // namespace redline::test
