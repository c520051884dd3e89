#include "engine/cluster_lanes.h"

#include <gtest/gtest.h>

#include "engine/lane.h"
#include "engine/load_lane.h"
#include "record/interval.h"

namespace redline {
namespace {

SlotMap mapTo(std::uint16_t first, std::uint16_t second) {
  SlotMap map;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    map.moved(slot, "127.0.0.1", slot < kSlots / 2 ? first : second);
  return map;
}

template <typename LaneT>
struct Cluster {
  LiveSlotMap map{mapTo(7001, 7002)};
  ClusterLanes<LaneT> lanes{&map, {}, {}, {}};
  Cluster() { lanes.adoptLatest(0); }
};

// Driver and loader have lanes of their own kind, and one way to keep them.
template <typename LaneT>
class ClusterLanesOf : public testing::Test {};
using BothLanes = testing::Types<Lane, LoadLane>;
TYPED_TEST_SUITE(ClusterLanesOf, BothLanes);

TYPED_TEST(ClusterLanesOf, MovesWhatWaitsToTheNewOwnerOfItsSlot) {
  Cluster<TypeParam> c;
  typename TypeParam::Op op;
  op.asking = true;
  c.lanes.enqueue(c.lanes[0], op);
  c.lanes.requeue(c.lanes[0], op);
  EXPECT_FALSE(c.lanes.adoptLatest(kSecond));
  c.map.publish(mapTo(7003, 7002));
  EXPECT_TRUE(c.lanes.adoptLatest(kSecond));
  EXPECT_EQ(c.lanes.all().size(), 3U);
  EXPECT_TRUE(c.lanes[0].queue.empty());
  EXPECT_EQ(c.lanes[2].queue.size(), 2U);
  EXPECT_FALSE(c.lanes[2].queue.front().asking);
  EXPECT_EQ(c.lanes.queued(), 2U);
  EXPECT_FALSE(c.lanes.isWanted(c.lanes[0]));
}

TYPED_TEST(ClusterLanesOf, RefuseANodeOnAnotherMachine) {
  Cluster<TypeParam> c;
  EXPECT_EQ(c.lanes.laneTo("192.0.2.1", 7009), nullptr);
  ASSERT_FALSE(c.lanes.status());
  EXPECT_EQ(c.lanes.status().error().code, ErrorCode::unsafe);
}

TYPED_TEST(ClusterLanesOf, TakeANodeForSilentThatIsAskedAndSaysNothing) {
  Cluster<TypeParam> c;
  auto& connection = c.lanes[0].connections().front();
  connection.state = Link::State::greeting;
  connection.openedAt = kSecond;
  EXPECT_TRUE(c.lanes.checkSilence(kSecond + 100 * kMillisecond));
  EXPECT_FALSE(c.lanes[0].silent);
  EXPECT_FALSE(c.lanes.checkSilence(kSecond + 101 * kMillisecond)) << "it looks every 10 ms";
  c.lanes.checkSilence(kSecond + 200 * kMillisecond);
  EXPECT_TRUE(c.lanes[0].silent);
  EXPECT_FALSE(c.lanes[1].silent);
  c.lanes[0].lastReceivedAt = kSecond + 200 * kMillisecond;
  c.lanes.checkSilence(kSecond + 210 * kMillisecond);
  EXPECT_FALSE(c.lanes[0].silent);
}

TYPED_TEST(ClusterLanesOf, CountEveryRedirectWhereItIsAnswered) {
  Cluster<TypeParam> c;
  Counters counters;
  ReplyView reply;
  reply.type = ReplyType::error;
  reply.payload = "MOVED 0 127.0.0.1:7002";
  const typename TypeParam::Op op;
  const auto to = c.lanes.redirectionOf(c.lanes[0], op, reply, kSecond, 2 * kSecond, counters);
  EXPECT_FALSE(to.isFinal());
  EXPECT_EQ(to.lane, &c.lanes[1]);
  EXPECT_EQ(counters.moved, 1U);
  EXPECT_EQ(c.lanes.tally().nodes[0].redirected, 1U);
  reply.payload = "ERR no";
  EXPECT_TRUE(
      c.lanes.redirectionOf(c.lanes[0], op, reply, kSecond, 2 * kSecond, counters).isFinal());
}

TEST(Backoff, DoublesUpToItsLongest) {
  constexpr Backoff backoff{50 * kMillisecond, 1500 * kMillisecond};
  EXPECT_EQ(backoff.after(1), 50 * kMillisecond);
  EXPECT_EQ(backoff.after(5), 800 * kMillisecond);
  EXPECT_EQ(backoff.after(6), 1500 * kMillisecond);
  EXPECT_EQ(backoff.after(1'000'000), 1500 * kMillisecond);
}

}  // namespace
}  // namespace redline
