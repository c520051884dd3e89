#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "run/load_run.h"

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

}  // namespace redline::test
