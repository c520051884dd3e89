#include "record/recorder.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace redline {
namespace {

/// Hands intervals of workers over as the engine does, and keeps what comes out.
struct Rig {
  std::vector<Interval> merged;
  Recorder recorder;

  explicit Rig(std::size_t workers)
      : recorder(workers, [this](const Interval& i) { merged.push_back(i); }) {}

  /// An interval of milliseconds [start, end) in which `completed` GETs fell due and were answered.
  Interval& give(std::size_t worker, Nanos start, Nanos end, std::uint64_t completed,
                 bool warmup = false, bool drain = false) {
    auto interval = std::make_unique<Interval>();
    interval->reset(start * kMillisecond, end * kMillisecond);
    interval->warmup = warmup;
    interval->drain = drain;
    interval->counts.scheduled = interval->counts.completed[0] = completed;
    Interval& given = *interval;
    recorder.exchange(worker).tradeForSure(interval);
    return given;
  }
  void end(std::size_t worker) { recorder.exchange(worker).finish(std::make_unique<Interval>()); }
  std::uint64_t total() const { return recorder.total().counts.completed[0]; }
};

TEST(Recorder, WaitsForTheSlowestWorkerAndMergesInOrder) {
  Rig rig(2);
  rig.give(0, 0, 50, 1);
  rig.give(0, 50, 100, 2);
  rig.recorder.poll();
  EXPECT_TRUE(rig.merged.empty());
  rig.give(1, 0, 50, 10);
  rig.recorder.poll();
  ASSERT_EQ(rig.merged.size(), 1U);
  EXPECT_EQ(rig.merged[0].counts.completed[0], 11U);
  rig.give(1, 50, 100, 20);
  rig.recorder.poll();
  ASSERT_EQ(rig.merged.size(), 2U);
  EXPECT_EQ(rig.merged[1].counts.completed[0], 22U);
  EXPECT_EQ(rig.total(), 33U);
}

TEST(Recorder, MergesAWorkersLongIntervalWithAllThatItCovers) {
  Rig rig(2);
  rig.give(0, 0, 150, 100).counts.outstanding = 7;  // it had no core for a while
  rig.give(1, 0, 50, 1).counts.outstanding = 90;
  rig.recorder.poll();
  EXPECT_TRUE(rig.merged.empty());  // the other has not come that far
  rig.give(1, 50, 100, 2);
  rig.give(1, 100, 150, 3).counts.outstanding = 2;
  rig.recorder.poll();
  ASSERT_EQ(rig.merged.size(), 1U);
  EXPECT_EQ(rig.merged[0].start, 0);
  EXPECT_EQ(rig.merged[0].end, 150 * kMillisecond);
  EXPECT_EQ(rig.merged[0].counts.completed[0], 106U);
  EXPECT_EQ(rig.merged[0].counts.outstanding, 9U);  // each worker's level at the end
}

TEST(Recorder, FollowsIntervalsThatStraddleEachOther) {
  Rig rig(2);
  rig.give(0, 0, 100, 1);
  rig.give(0, 100, 150, 2);
  rig.give(1, 0, 50, 4);
  rig.give(1, 50, 150, 8);
  rig.recorder.poll();
  ASSERT_EQ(rig.merged.size(), 1U);
  EXPECT_EQ(rig.merged[0].end, 150 * kMillisecond);
  EXPECT_EQ(rig.merged[0].counts.completed[0], 15U);
}

// One worker has one interval of warm-up, the other has two: merged by their places in the queue,
// operations of the window would be lost in the warm-up, or the other way round.
TEST(Recorder, NeverMixesPhases) {
  Rig rig(2);
  rig.give(0, 0, 50, 1, true);
  rig.give(0, 50, 100, 1, true).counts.corrupt = 1;
  rig.give(0, 100, 150, 10);
  rig.give(0, 150, 200, 100, false, true);
  rig.give(1, 0, 100, 1, true);
  rig.give(1, 100, 150, 20);
  rig.give(1, 150, 200, 200, false, true);
  rig.recorder.poll();
  ASSERT_EQ(rig.merged.size(), 3U);
  EXPECT_TRUE(rig.merged[0].warmup);
  EXPECT_EQ(rig.merged[0].counts.completed[0], 3U);
  EXPECT_EQ(rig.merged[1].counts.completed[0], 30U);
  EXPECT_TRUE(rig.merged[2].drain);
  EXPECT_EQ(rig.total(), 330U);
  EXPECT_EQ(rig.recorder.completedInWindow(), 30U);
  EXPECT_EQ(rig.recorder.warmupCorrupt(), 1U);
}

TEST(Recorder, DoesNotWaitForAWorkerThatHasEnded) {
  Rig rig(2);
  rig.give(0, 0, 50, 1);
  rig.end(0);
  rig.give(1, 0, 50, 2);
  rig.give(1, 50, 100, 4);
  rig.recorder.poll();
  EXPECT_EQ(rig.total(), 7U);
}

TEST(Recorder, TakesTheRestWhenAllHaveEnded) {
  Rig rig(3);
  rig.give(0, 0, 50, 1);
  rig.give(1, 0, 70, 2);
  rig.give(1, 70, 90, 4);
  rig.recorder.finish();  // the third never came to an interval
  EXPECT_EQ(rig.total(), 7U);
}

}  // namespace
}  // namespace redline
