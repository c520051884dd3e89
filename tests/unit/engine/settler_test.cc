// From the literal bytes of replies to figures, without transport or clock.
#include "engine/settler.h"

#include <gtest/gtest.h>

#include "parts_rig.h"

namespace redline::settler_test {
namespace {

/// One batch of reads under way on the only connection.
struct Batch : PartsRig {
  explicit Batch(unsigned size) {
    plan.conns = 1;
    plan.pipeline = size;
    plan.readShare = 1;
    plan.arrivals = Arrivals::closed;
  }
  void send(Nanos now) {
    begin();
    place(now);
    sent();
  }
};

TEST(Settler, SettlesOneOperationByEachReplyAndThenReleasesTheConnection) {
  Batch rig(2);
  rig.send(kMillisecond);
  rig.reply(rig.connection(), "$-1\r\n", 3 * kMillisecond);
  EXPECT_EQ(rig.counters().misses, 1U);
  EXPECT_EQ(rig.connection().use, Connection::Use::busy);
  rig.reply(rig.connection(), "-ERR no\r\n", 4 * kMillisecond);
  EXPECT_EQ(rig.counters().failures[index(Failure::serverError)], 1U);
  EXPECT_EQ(rig.connection().use, Connection::Use::idle);
  EXPECT_EQ(rig.settler->released(), 2U);
  const Histogram& service = rig.recorder->interval().of(Measure::service, OpKind::get);
  EXPECT_EQ(service.min(), 2 * kMillisecond);
  EXPECT_EQ(service.count(), 1U);
}

TEST(Settler, SendsReadsOfALostConnectionAgainAndFailsWrites) {
  for (const bool reads : {true, false}) {
    Batch rig(3);
    rig.plan.readShare = reads ? 1 : 0;
    rig.send(kMillisecond);
    rig.reply(rig.connection(), reads ? "$-1\r\n" : "+OK\r\n", 2 * kMillisecond);
    rig.settler->onLost(rig.connection(), 0, 3 * kMillisecond);
    EXPECT_EQ(rig.lanes->queued(), reads ? 2U : 0U);
    EXPECT_EQ(rig.counters().failures[index(Failure::unknownFate)], reads ? 0U : 2U);
    EXPECT_EQ(rig.settler->released(), 3U);
  }
}

TEST(Settler, FailsAnOperationOnceThatAnswersAfterItsDeadline) {
  Batch rig(1);
  rig.plan.opTimeout = 5 * kMillisecond;
  rig.send(kMillisecond);
  rig.settler->expireSent(6 * kMillisecond);
  rig.reply(rig.connection(), "$-1\r\n", 7 * kMillisecond);
  EXPECT_EQ(rig.counters().failures[index(Failure::timeout)], 1U);
  EXPECT_EQ(rig.counters().completed[index(OpKind::get)], 0U);
  EXPECT_EQ(rig.connection().use, Connection::Use::idle);
}

SlotMap halves() {
  SlotMap map;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    map.moved(slot, "127.0.0.1", slot < kSlots / 2 ? 7001 : 7002);
  return map;
}

/// A read in a cluster whose slot the first node serves, under way there.
struct ClusterRead : PartsRig {
  LiveSlotMap map{halves()};
  PendingOp op;

  ClusterRead() {
    plan.readShare = 1;
    cluster = &map;
    begin();
    op.slot = 5;
    op.intended = kMillisecond;
    lanes->enqueue((*lanes)[0], op);
    placer->place(kMillisecond, 0);
    placer->stamp(kMillisecond);
    sent();
  }
};

TEST(Settler, FollowsMovedAndChangesTheRoute) {
  ClusterRead rig;
  rig.reply(rig.connection(), "-MOVED 5 127.0.0.1:7002\r\n", 2 * kMillisecond);
  EXPECT_EQ(rig.counters().moved, 1U);
  EXPECT_EQ((*rig.lanes)[1].queue.size(), 1U);
  EXPECT_EQ(rig.lanes->laneOf(rig.op).number(), 1U);
  EXPECT_FALSE((*rig.lanes)[1].queue.front().asking);
  EXPECT_EQ((*rig.lanes)[1].queue.front().intended, kMillisecond);
}

TEST(Settler, FollowsAskOnceAndKeepsTheRoute) {
  ClusterRead rig;
  rig.reply(rig.connection(), "-ASK 5 127.0.0.1:7002\r\n", 2 * kMillisecond);
  EXPECT_TRUE((*rig.lanes)[1].queue.front().asking);
  EXPECT_EQ(rig.lanes->laneOf(rig.op).number(), 0U);
}

TEST(Settler, DelaysWhatNobodyCanServeNow) {
  ClusterRead rig;
  rig.reply(rig.connection(), "-TRYAGAIN later\r\n", 2 * kMillisecond);
  EXPECT_EQ(rig.lanes->queued(), 0U);
  ASSERT_EQ(rig.lanes->delayed().size(), 1U);
  EXPECT_GE(rig.lanes->delayed().soonest(), 2 * kMillisecond + kFirstRetryWait);
  rig.lanes->releaseDelayed(rig.lanes->delayed().soonest());
  EXPECT_EQ((*rig.lanes)[0].queue.size(), 1U);
}

}  // namespace
}  // namespace redline::settler_test
