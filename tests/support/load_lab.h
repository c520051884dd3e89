#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "run/load_run.h"
#include "support/real_redis.h"
#include "workload/keyspace.h"

namespace redline::test {

/// A load of `keys` keys without times to live into the server at `target`.
inline LoadRunPlan loadPlan(const Endpoint& target, std::uint64_t keys) {
  LoadRunPlan plan;
  plan.load.target = target;
  plan.load.keys = keys;
  plan.load.ttlFraction = 0;
  plan.load.ttlEpochMillis = wallNow() / kSecond * 1000;
  plan.command = {"test"};
  return plan;
}

/// Loads; `interrupted` and `onProgress` may be empty.
inline Result<LoadRunOutcome> load(const LoadRunPlan& plan, std::function<bool()> interrupted = {},
                                   std::function<void(const LoadProgress&)> onProgress = {}) {
  LoadWatcher watcher;
  watcher.interrupted = std::move(interrupted);
  watcher.onProgress = std::move(onProgress);
  return runLoad(plan, watcher);
}

inline constexpr std::uint64_t kMegabyte = 1 << 20;

inline std::string keyOf(std::uint64_t id) {
  char key[kMaxKeyLength];
  return {key, writeKey(key, id)};
}

inline ClusterShape withoutReplicas() {
  ClusterShape shape;
  shape.replicas = 0;
  return shape;
}

/// Every key was stored, by a load whose figures are valid.
inline void expectGood(const Result<LoadRunOutcome>& outcome) {
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->status) << outcome->status.error().message;
  EXPECT_TRUE(outcome->summary.valid);
  EXPECT_EQ(outcome->summary.rate.completed, outcome->summary.rate.scheduled);
}

/// Empties every node.
inline void flush(const ScopedStack& stack) {
  for (std::size_t i = 0; i < stack.size(); ++i) {
    auto admin = Admin::connect(stack.node(i).endpoint(), {});
    ASSERT_TRUE(admin) << admin.error().message;
    ASSERT_TRUE(admin->command({"FLUSHALL", "SYNC"}, 60 * kSecond));
  }
}

}  // namespace redline::test
