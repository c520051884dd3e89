// What a user gets to see when a cluster is not what it should be: the real program as a child
// process, its exit code and its one line.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/cluster_admin.h"
#include "support/real_redis.h"
#include "support/redline_process.h"

namespace redline {
namespace {

using test::Redline;
using testing::HasSubstr;
using Words = std::vector<std::string>;

/// Three masters, and one replica of each.
class ClusterBadInput : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(stack_);
    nodes_ = stack_->endpoints();
  }

  void expectError(int code, const std::string& part, const Words& args) const {
    const test::TemporaryDirectory home;
    Redline redline(home, args);
    EXPECT_EQ(redline.wait(), code) << redline.out() << redline.err();
    EXPECT_EQ(redline.out(), "");
    const std::string all = redline.err();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1) << all;
    EXPECT_THAT(redline.error(), HasSubstr(part));
  }

  /// All that send load to a cluster.
  void expectNoLoad(int code, const std::string& part, const Endpoint& seed) const {
    for (const std::string command : {"driver", "loader"})
      expectError(code, part, {command, "-topology=cluster", addr(seed)});
  }

  /// A reshard, which -force lets at the test's own servers.
  void expectNoReshard(int code, const std::string& part, const Words& flags,
                       std::optional<Endpoint> seed = {}) const {
    Words args{"chaos", "-action=reshard", "-topology=cluster", "-force",
               addr(seed.value_or(nodes_[0]))};
    args.insert(args.end(), flags.begin(), flags.end());
    expectError(code, part, args);
  }

  static std::string addr(const Endpoint& endpoint) { return "-addr=" + endpoint.text(); }
  static std::string target(const Endpoint& endpoint) { return "-target=" + endpoint.text(); }

  Admin admin(std::size_t node) const {
    auto made = Admin::connect(nodes_[node], {});
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }

  std::optional<ScopedStack> stack_ = test::startCluster();
  std::vector<Endpoint> nodes_;
};

TEST_F(ClusterBadInput, IsOneLineWithTheRightExitCode) {
  const std::string first = nodes_[0].text();

  // A node that is unreachable at the start.
  const Endpoint nowhere{"127.0.0.1", 1, {}};
  expectNoLoad(1, "nothing listens on 127.0.0.1:1", nowhere);
  expectNoReshard(1, "nothing listens on 127.0.0.1:1", {"-slots=0", target(nodes_[1])}, nowhere);

  // An address that is not a node of a cluster.
  const auto single = test::startRedis();
  ASSERT_TRUE(single);
  const std::string no = single->endpoint().text() + " is not a node of a cluster";
  expectNoLoad(1, no, single->endpoint());
  expectNoReshard(1, no, {"-slots=0", target(nodes_[1])}, single->endpoint());
  expectError(1, no, {"chaos", "-action=bgsave", "-topology=cluster", addr(single->endpoint())});

  // Reshards that cannot be meant.
  expectNoReshard(2, "is a replica of " + first, {"-slots=0-9", target(nodes_[3])});
  expectNoReshard(2, first + " does not own slots 5461-5465",
                  {"-slots=5450-5465", "-source=" + first, target(nodes_[2])});
  expectNoReshard(2, "already owns slots", {"-slots=0-9", target(nodes_[0])});
  expectNoReshard(2, "is not a node of this cluster", {"-slots=0-9", target(single->endpoint())});
  expectNoReshard(2, "exceeds the last slot", {"-slots=0-16384", target(nodes_[1])});
  expectNoReshard(2, "-slots and -target are required", {"-slots=0-9"});

  // A slot without an owner.
  ASSERT_TRUE(admin(0).command({"CLUSTER", "DELSLOTS", "7", "8"}));
  expectNoLoad(1, "2 of 16384 slots have no owner (7-8), as " + first, nodes_[0]);
  expectNoReshard(1, "slots 7-8 have no owner", {"-slots=0-9", target(nodes_[1])});
  ASSERT_TRUE(admin(0).command({"CLUSTER", "ADDSLOTS", "7", "8"}));

  // Addresses that the cluster announces: nobody there, or not on this machine.
  Admin second = admin(1);
  ASSERT_TRUE(second.configSet("cluster-announce-port", "1"));
  const std::string announced = "cannot be used: nothing listens on 127.0.0.1:1";
  expectNoLoad(1, announced, nodes_[1]);
  expectNoReshard(1, announced, {"-slots=5461-5470", target(nodes_[2])}, nodes_[1]);
  expectNoReshard(1, announced, {"-slots=0-9", "-target=127.0.0.1:1"}, nodes_[1]);
  ASSERT_TRUE(second.configSet("cluster-announce-port", "0"));
  ASSERT_TRUE(second.configSet("cluster-announce-ip", "192.0.2.7"));
  expectNoLoad(1, "set its cluster-announce-ip", nodes_[1]);
  expectNoReshard(1, "192.0.2.7", {"-slots=0-9", target(nodes_[2])}, nodes_[1]);
}

}  // namespace
}  // namespace redline
