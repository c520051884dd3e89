#include "server/cluster_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> cpusOf(const std::vector<NodeConfig>& nodes) {
  std::vector<std::string> cpus;
  for (const NodeConfig& node : nodes) cpus.push_back(node.cpus);
  return cpus;
}

TEST(ClusterShape, MakesANodeForEachPortMastersFirst) {
  NodeConfig pattern;
  pattern.maxmemory = 1 << 20;
  const std::vector<std::uint16_t> ports{7700, 7701, 7702, 7703, 7704, 7705};
  const auto nodes = clusterNodes(pattern, {}, ports);
  ASSERT_EQ(nodes.size(), 6U);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_TRUE(nodes[i].cluster);
    EXPECT_EQ(nodes[i].port, ports[i]);
    EXPECT_EQ(nodes[i].maxmemory, pattern.maxmemory);
  }
}

TEST(ClusterShape, PinsByRoleAndTheLastListIsForTheRest) {
  NodeConfig pattern;
  pattern.cpus = "0-3";
  const std::vector<std::uint16_t> ports{1, 2, 3, 4, 5, 6};
  ClusterShape shape;
  EXPECT_THAT(cpusOf(clusterNodes(pattern, shape, ports)),
              ElementsAre("0-3", "0-3", "0-3", "0-3", "0-3", "0-3"));
  shape.masterCpus = {"0", "1"};
  EXPECT_THAT(cpusOf(clusterNodes(pattern, shape, ports)),
              ElementsAre("0", "1", "1", "0-3", "0-3", "0-3"));
  shape.replicaCpus = {"2"};
  EXPECT_THAT(cpusOf(clusterNodes(pattern, shape, ports)),
              ElementsAre("0", "1", "1", "2", "2", "2"));
}

TEST(ClusterShape, RefusesWhatCannotVoteOrCannotBe) {
  EXPECT_TRUE(checkShape({}));
  EXPECT_TRUE(checkShape({3, 0, {}, {}}));
  EXPECT_THAT(checkShape({2, 1, {}, {}}).error().message, HasSubstr("vote"));
  EXPECT_FALSE(checkShape({50, 2, {}, {}}));
  EXPECT_FALSE(checkShape({3, 1, {"0", "0", "1", "1"}, {}}));
  EXPECT_FALSE(checkShape({3, 0, {}, {"0"}}));
}

}  // namespace
}  // namespace redline
