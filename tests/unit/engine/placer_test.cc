// From the schedule to the bytes of a batch, without transport or clock.
#include "engine/placer.h"

#include <gtest/gtest.h>

#include "parts_rig.h"

namespace redline {
namespace {

std::size_t count(std::string_view bytes, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = bytes.find(what, at)) != bytes.npos; at += what.size()) ++found;
  return found;
}

TEST(Placer, DrawsNothingBeforeItIsDueAndThenOneGet) {
  PartsRig rig;
  rig.plan.readShare = 1;
  rig.begin();
  rig.placer->start(kMillisecond);
  rig.place(kMillisecond - 1);
  EXPECT_TRUE(rig.placer->complete().empty());
  EXPECT_EQ(rig.placer->nextDue(0, kSecond), kMillisecond);
  rig.place(kMillisecond);
  const std::string bytes = rig.sent();
  EXPECT_TRUE(bytes.starts_with("*2\r\n$3\r\nGET\r\n$")) << bytes;
  EXPECT_EQ(count(bytes, "GET"), 1U);
  EXPECT_EQ(rig.counters().scheduled, 1U);
  EXPECT_EQ(rig.placer->placed(), 1U);
}

TEST(Placer, LeavesInTheScheduleWhatFindsNoRoomOnASingleNode) {
  PartsRig rig;
  rig.begin();
  rig.place(100 * kMillisecond);  // a hundred are due, and there are two connections
  EXPECT_EQ(rig.placer->complete().size(), 2U);
  EXPECT_EQ(rig.lanes->queued(), 0U);
  Counters levels;
  rig.placer->noteLevels(levels, 2, 100 * kMillisecond, kSecond);
  EXPECT_EQ(levels.outstanding, 2U);
  EXPECT_EQ(levels.backlog, 98U);
}

TEST(Placer, FillsABatchAndWrapsItInATransaction) {
  PartsRig rig;
  rig.plan.pipeline = 3;
  rig.plan.transactions = true;
  rig.plan.conns = 1;
  rig.begin();
  rig.place(10 * kMillisecond);
  const std::string bytes = rig.sent();
  EXPECT_TRUE(bytes.starts_with("*1\r\n$5\r\nMULTI\r\n"));
  EXPECT_TRUE(bytes.ends_with("*1\r\n$4\r\nEXEC\r\n"));
  EXPECT_EQ(count(bytes, "obj:"), 3U);
}

TEST(Placer, SendsWhatIsAskedForElsewhereBehindAsking) {
  PartsRig rig;
  rig.begin();
  PendingOp op;
  op.id = 7;
  op.asking = true;
  op.attempts = 1;
  rig.lanes->requeue((*rig.lanes)[0], op);
  rig.placer->place(0, 0);  // the window is over: nothing is drawn
  EXPECT_EQ(rig.sent(), "*1\r\n$6\r\nASKING\r\n*2\r\n$3\r\nGET\r\n$5\r\nobj:7\r\n");
}

TEST(Placer, FailsWhatIsPastItsDeadlineWithoutSendingIt) {
  PartsRig rig;
  rig.plan.opTimeout = 10 * kMillisecond;
  rig.plan.conns = 1;
  rig.begin();
  rig.place(100 * kMillisecond);  // due at 0 … 100 ms, of which 0 … 90 have expired
  EXPECT_EQ(rig.counters().failures[index(Failure::timeout)], 91U);
  EXPECT_EQ(rig.placer->placed(), 1U);
}

}  // namespace
}  // namespace redline
