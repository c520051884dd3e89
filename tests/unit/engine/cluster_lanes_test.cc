#include "engine/cluster_lanes.h"

#include <gtest/gtest.h>

#include <string>

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
  Cluster<TypeParam> redirected;
  EXPECT_EQ(redirected.lanes.laneTo("192.0.2.1", 7009), nullptr);
  ASSERT_FALSE(redirected.lanes.status());
  EXPECT_EQ(redirected.lanes.status().error().code, ErrorCode::unsafe);

  Cluster<TypeParam> mapped;
  SlotMap map = mapTo(7001, 7002);
  map.moved(5, "192.0.2.1", 7009);
  mapped.map.publish(map);
  mapped.lanes.adoptLatest(kSecond);
  ASSERT_FALSE(mapped.lanes.status());
  EXPECT_EQ(mapped.lanes.status().error().code, ErrorCode::unsafe);
}

ReplyView errorReply(std::string_view text) {
  ReplyView reply;
  reply.type = ReplyType::error;
  reply.payload = text;
  return reply;
}

// A peer that names a new node with each reply would otherwise get connections to all of them.
TYPED_TEST(ClusterLanesOf, WaitForTheMapThatHasTheNodeWhichARedirectNames) {
  Cluster<TypeParam> c;
  Counters counters;
  const typename TypeParam::Op op;
  const Nanos now = kSecond, deadline = 2 * kSecond;
  for (int port = 7100; port < 7200; ++port)
    for (const std::string kind : {"MOVED", "ASK"}) {
      const std::string text = kind + " 5 127.0.0.1:" + std::to_string(port);
      const auto to =
          c.lanes.redirectionOf(c.lanes[0], op, errorReply(text), now, deadline, counters);
      EXPECT_EQ(to.next, Decision::Next::tryAgain);
      EXPECT_GT(to.retryAt, now);
    }
  EXPECT_EQ(c.lanes.all().size(), 2U);
  EXPECT_TRUE(c.lanes.status());
  const ReplyView reply = errorReply("MOVED 5 127.0.0.1:7100");
  EXPECT_TRUE(c.lanes.redirectionOf(c.lanes[0], op, reply, deadline, deadline, counters).isFinal());

  c.map.publish(mapTo(7100, 7002));
  c.lanes.adoptLatest(now);
  const auto to = c.lanes.redirectionOf(c.lanes[0], op, reply, now, deadline, counters);
  EXPECT_EQ(to.lane, &c.lanes[2]);
}

TYPED_TEST(ClusterLanesOf, KnowANodeByTheNameThatTheMapHasForItAndLookUpNone) {
  Cluster<TypeParam> c;
  Counters counters;
  const typename TypeParam::Op op;
  const ReplyView reply = errorReply("MOVED 5 node-3.invalid:7003");
  const auto redirection = [&] {
    return c.lanes.redirectionOf(c.lanes[0], op, reply, kSecond, 2 * kSecond, counters);
  };
  EXPECT_EQ(redirection().next, Decision::Next::tryAgain);
  SlotMap map = mapTo(7001, 7002);
  map.moved(7, "node-3.invalid", 7003);
  ASSERT_TRUE(map.lookUpNames([](const NodeAddress&) { return Result<std::string>("127.0.0.1"); }));
  c.map.publish(map);
  c.lanes.adoptLatest(kSecond);
  ASSERT_NE(redirection().lane, nullptr);
  EXPECT_EQ(redirection().lane->endpoint().text(), "127.0.0.1:7003");
}

TYPED_TEST(ClusterLanesOf, GiveUpAClusterThatNamesEverNewNodes) {
  Cluster<TypeParam> c;
  for (std::uint16_t port = 8000; port < 9000 && c.lanes.status(); ++port) {
    c.map.publish(mapTo(port, 7002));
    c.lanes.adoptLatest(kSecond);
  }
  ASSERT_FALSE(c.lanes.status());
  EXPECT_EQ(c.lanes.status().error().code, ErrorCode::refused);
  EXPECT_EQ(c.lanes.all().size(), 24U);
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
