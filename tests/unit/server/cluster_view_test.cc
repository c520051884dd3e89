#include "server/cluster_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As Redis 7.0.15 prints it: six nodes, one of them dead, one slot on its way from b… to c….
constexpr std::string_view kNodes =
    "aaaa000000000000000000000000000000000000 127.0.0.1:7700@17700 master,fail - 1754 1702 1 "
    "disconnected\n"
    "bbbb000000000000000000000000000000000000 127.0.0.1:7701@17701 myself,master - 0 1703 2 "
    "connected 5461-9999 10001-10921 [10000->-cccc000000000000000000000000000000000000]\n"
    "cccc000000000000000000000000000000000000 127.0.0.1:7702@17702,host master - 0 1704 3 "
    "connected 10922-16383\n"
    "dddd000000000000000000000000000000000000 127.0.0.1:7703@17703 master - 0 1705 7 connected "
    "0-5460\n"
    "eeee000000000000000000000000000000000000 127.0.0.1:7704@17704 slave "
    "bbbb000000000000000000000000000000000000 0 1706 2 connected\n"
    "ffff000000000000000000000000000000000000 127.0.0.1:7705@17705 slave,fail? "
    "cccc000000000000000000000000000000000000 1755 1706 3 connected\n";

TEST(ClusterView, ReadsWhatCLUSTERNODESSays) {
  const auto view = parseClusterNodes(kNodes);
  ASSERT_TRUE(view) << view.error().message;
  ASSERT_EQ(view->nodes.size(), 6U);
  EXPECT_TRUE(view->nodes[0].failed);
  EXPECT_FALSE(view->nodes[0].suspected);
  EXPECT_FALSE(view->nodes[0].connected);
  EXPECT_TRUE(view->nodes[5].suspected);
  EXPECT_FALSE(view->nodes[5].failed);
  const ClusterMember& self = view->nodes[1];
  EXPECT_EQ(view->myself(), &self);
  EXPECT_TRUE(self.master);
  EXPECT_EQ(self.configEpoch, 2U);
  EXPECT_EQ(self.endpoint.text(), "127.0.0.1:7701");
  EXPECT_THAT(self.slots, ElementsAre(SlotRange{5461, 9999}, SlotRange{10001, 10921}));
  EXPECT_THAT(self.migrating,
              ElementsAre(MovingSlot{10000, "cccc000000000000000000000000000000000000"}));
  EXPECT_TRUE(self.importing.empty());
  EXPECT_EQ(view->nodes[2].endpoint.text(), "127.0.0.1:7702");
  EXPECT_EQ(view->nodes[4].masterId, self.id);
}

TEST(ClusterView, FindsOwnersFollowersAndWhatIsNotCovered) {
  const auto view = parseClusterNodes(kNodes).value();
  EXPECT_EQ(view.ownerOf(0), view.byEndpoint({"127.0.0.1", 7703, {}}));
  EXPECT_EQ(view.ownerOf(10000), nullptr);
  EXPECT_EQ(view.slotsCovered(), kSlots - 1);
  EXPECT_EQ(view.byId("nobody"), nullptr);
  EXPECT_THAT(view.replicasOf(view.nodes[1].id), ElementsAre(&view.nodes[4]));
  EXPECT_THAT(view.masters(),
              ElementsAre(&view.nodes[3], &view.nodes[1], &view.nodes[2], &view.nodes[0]));
  EXPECT_TRUE(view.nodes[1].ownsAll(std::vector<SlotRange>{{5461, 5461}, {10001, 10921}}));
  EXPECT_FALSE(view.nodes[1].ownsAll(std::vector<SlotRange>{{9999, 10001}}));
}

TEST(ClusterView, OfTwoObserversIsTheSameMapWhenTheyAgree) {
  auto one = parseClusterNodes(kNodes).value();
  auto other = one;
  std::swap(other.nodes[0], other.nodes[5]);
  other.nodes[1].myself = false;
  other.nodes[1].migrating.clear();  // only the node itself tells
  other.nodes[2].connected = false;
  EXPECT_EQ(one.mapText(), other.mapText());
  other.nodes[2].slots.clear();
  EXPECT_NE(one.mapText(), other.mapText());
  other = one;
  other.nodes[4].masterId = one.nodes[2].id;
  EXPECT_NE(one.mapText(), other.mapText());
}

TEST(ClusterView, ReadsANodeThatHasMetNobody) {
  const auto view = parseClusterNodes(
      "aaaa000000000000000000000000000000000000 :7700@17700 myself,master - 0 0 0 connected\n");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->nodes[0].endpoint, (Endpoint{"", 7700, {}}));
  const auto meeting = parseClusterNodes(
      "aaaa000000000000000000000000000000000000 127.0.0.1:7700@17700 handshake - 0 0 0 "
      "connected\n");
  ASSERT_TRUE(meeting);
  EXPECT_TRUE(meeting->nodes[0].handshake);
}

TEST(ClusterView, RefusesWhatIsNoReplyOfCLUSTERNODES) {
  EXPECT_FALSE(parseClusterNodes(""));
  EXPECT_FALSE(parseClusterNodes("# Cluster\r\ncluster_enabled:0\r\n"));
  const std::string line = "aaaa 127.0.0.1:7700@17700 master - 0 0 1 connected ";
  EXPECT_TRUE(parseClusterNodes(line + "0-1 3"));
  for (const char* const slots :
       {"1-0", "16384", "0-16384", "x", "1-", "-1", "[1->-", "[1]", "[16384->-b]", "[1=>-b]"})
    EXPECT_FALSE(parseClusterNodes(line + slots)) << slots;
  EXPECT_FALSE(parseClusterNodes("aaaa 127.0.0.1 master - 0 0 1 connected"));
  EXPECT_FALSE(parseClusterNodes("aaaa 127.0.0.1:7700 myself - 0 0 1 connected"));
  EXPECT_THAT(parseClusterNodes("hello").error().message, HasSubstr("hello"));
}

TEST(EvenSlots, CoverAllAndDifferByAtMostOne) {
  for (const std::size_t masters : {1U, 3U, 5U, 7U, 100U}) {
    const auto ranges = evenSlots(masters);
    ASSERT_EQ(ranges.size(), masters);
    std::size_t next = 0;
    for (const SlotRange& range : ranges) {
      EXPECT_EQ(range.first, next);
      EXPECT_GE(range.size(), kSlots / masters);
      EXPECT_LE(range.size(), kSlots / masters + 1);
      next = range.last + std::size_t{1};
    }
    EXPECT_EQ(next, kSlots);
  }
}

}  // namespace
}  // namespace redline
