#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "engine/worker.h"
#include "record/recorder.h"
#include "support/sim_transport.h"

namespace redline {

/// One worker on a simulated clock, wire and server.
struct WorkerRig {
  EnginePlan plan;
  ManualClock clock{kSecond};
  SimTransport transport{clock};
  std::vector<Counters> intervals;
  Recorder recorder{1, [this](const Interval& i) { intervals.push_back(i.counts); }};
  Status ended;

  WorkerRig() {
    plan.keys = 1000;
    plan.warmup = 0;
    plan.duration = 10 * kSecond;
    plan.conns = 10;
    plan.readShare = 1.0;
  }

  /// The measured window and its drain, as the recorder has them.
  const Interval& run() {
    Shared shared(plan);
    Worker worker(shared, 0, transport, clock, recorder.exchange(0));
    EXPECT_TRUE(worker.connect(clock.now() + kSecond));
    ended = worker.run(plan.windowFrom(kBegin));
    recorder.finish();
    return recorder.total();
  }

  static constexpr Nanos kBegin = 2 * kSecond;
};

}  // namespace redline
