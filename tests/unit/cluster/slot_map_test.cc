#include "cluster/slot_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const NodeAddress kAsked{"127.0.0.1", 7600};

/// The literal bytes of a reply; "\n" stands for the line ends of the wire.
Value replyOf(std::string_view text) {
  std::string bytes;
  for (const char c : text) {
    if (c == '\n') bytes += '\r';
    bytes += c;
  }
  ValueParser parser;
  parser.feed(bytes);
  Value value;
  EXPECT_TRUE(parser.next(value).value_or(false)) << text;
  return value;
}

std::string errorOf(const Result<SlotMap>& map) {
  EXPECT_FALSE(map.has_value());
  if (map) return {};
  EXPECT_EQ(map.error().code, ErrorCode::invalidInput);
  return map.error().message;
}

// Two masters, one replica, slots 16000 … 16383 with nobody, the second master in two ranges.
constexpr std::string_view kSlotsReply =
    "*3\n"
    "*4\n:0\n:8191\n"
    "*4\n$9\n127.0.0.1\n:7600\n$2\naa\n*0\n"
    "*4\n$9\n127.0.0.1\n:7603\n$2\ndd\n*0\n"
    "*3\n:8192\n:9999\n*4\n$9\n127.0.0.1\n:7601\n$2\nbb\n*0\n"
    "*3\n:10001\n:15999\n*4\n$9\n127.0.0.1\n:7601\n$2\nbb\n*0\n";

TEST(SlotMap, ReadsClusterSlots) {
  const auto map = SlotMap::fromSlots(replyOf(kSlotsReply), kAsked);
  ASSERT_TRUE(map) << map.error().message;
  ASSERT_EQ(map->nodes().size(), 3U);
  const std::uint16_t first = map->ownerOf(0);
  const std::uint16_t second = map->ownerOf(8192);
  EXPECT_EQ(map->nodes()[first].address, (NodeAddress{"127.0.0.1", 7600}));
  EXPECT_EQ(map->nodes()[first].id, "aa");
  EXPECT_EQ(map->ownerOf(8191), first);
  EXPECT_EQ(map->ownerOf(15999), second);
  EXPECT_EQ(formatSlotRanges(map->rangesOf(second)), "8192-9999,10001-15999");
  EXPECT_EQ(formatSlotRanges(map->uncovered()), "10000,16000-16383");
  ASSERT_EQ(map->replicasOf(first).size(), 1U);
  const ClusterNode& replica = map->nodes()[map->replicasOf(first)[0]];
  EXPECT_EQ(replica.address.port, 7603);
  EXPECT_EQ(replica.role, NodeRole::replica);
  EXPECT_EQ(replica.master, first);
  EXPECT_THAT(map->replicasOf(second), IsEmpty());
}

TEST(SlotMap, TakesTheHostThatWasAskedForOneLeftOpen) {
  const auto map = SlotMap::fromSlots(replyOf("*4\n"
                                              "*3\n:0\n:0\n*3\n$0\n\n:7600\n$0\n\n"
                                              "*3\n:1\n:1\n*3\n$-1\n:7601\n$0\n\n"
                                              "*3\n:2\n:2\n*4\n$1\n?\n:7602\n$0\n\n*0\n"
                                              "*3\n:3\n:3\n*4\n$1\n?\n:7603\n$0\n\n"
                                              "*2\n$2\nip\n$9\n127.0.0.9\n"),
                                      {"::1", 7600});
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ(map->nodes()[map->ownerOf(0)].address.text(), "[::1]:7600");
  EXPECT_EQ(map->nodes()[map->ownerOf(1)].address.text(), "[::1]:7601");
  EXPECT_EQ(map->nodes()[map->ownerOf(2)].address.text(), "[::1]:7602");
  EXPECT_EQ(map->nodes()[map->ownerOf(3)].address.text(), "127.0.0.9:7603");
}

// A shard of two with slots in two ranges, the replica named first; a master that has failed; a
// master without slots.
constexpr std::string_view kShardsResp2 =
    "*3\n"
    "*4\n$5\nslots\n*4\n:0\n:99\n:200\n:16383\n$5\nnodes\n*2\n"
    "*14\n$2\nid\n$2\ndd\n$4\nport\n:7603\n$2\nip\n$9\n127.0.0.1\n$8\nendpoint\n$9\n127.0.0.1\n"
    "$4\nrole\n$7\nreplica\n$18\nreplication-offset\n:14\n$6\nhealth\n$6\nonline\n"
    "*14\n$2\nid\n$2\naa\n$4\nport\n:7600\n$2\nip\n$9\n127.0.0.1\n$8\nendpoint\n$9\n127.0.0.1\n"
    "$4\nrole\n$6\nmaster\n$18\nreplication-offset\n:14\n$6\nhealth\n$6\nonline\n"
    "*4\n$5\nslots\n*2\n:100\n:199\n$5\nnodes\n*1\n"
    "*12\n$2\nid\n$2\nbb\n$4\nport\n:7601\n$2\nip\n$9\n127.0.0.1\n$8\nendpoint\n$9\n127.0.0.1\n"
    "$4\nrole\n$6\nmaster\n$6\nhealth\n$4\nfail\n"
    "*4\n$5\nslots\n*0\n$5\nnodes\n*1\n"
    "*12\n$2\nid\n$2\ncc\n$4\nport\n:7602\n$2\nip\n$9\n127.0.0.1\n$8\nendpoint\n$9\n127.0.0.1\n"
    "$4\nrole\n$6\nmaster\n$6\nhealth\n$6\nonline\n";

TEST(SlotMap, ReadsClusterShards) {
  const auto map = SlotMap::fromShards(replyOf(kShardsResp2), kAsked);
  ASSERT_TRUE(map) << map.error().message;
  ASSERT_EQ(map->nodes().size(), 4U);
  const std::uint16_t aa = map->find("127.0.0.1", 7600);
  const std::uint16_t bb = map->find("127.0.0.1", 7601);
  const std::uint16_t cc = map->find("127.0.0.1", 7602);
  const std::uint16_t dd = map->find("127.0.0.1", 7603);
  EXPECT_EQ(map->ownerOf(0), aa);
  EXPECT_EQ(map->ownerOf(150), bb);
  EXPECT_EQ(formatSlotRanges(map->rangesOf(aa)), "0-99,200-16383");
  EXPECT_THAT(map->rangesOf(cc), IsEmpty());
  EXPECT_THAT(map->replicasOf(aa), ElementsAre(dd));
  EXPECT_TRUE(map->nodes()[aa].online);
  EXPECT_FALSE(map->nodes()[bb].online);
  EXPECT_EQ(map->nodes()[cc].role, NodeRole::master);
  EXPECT_THAT(map->uncovered(), IsEmpty());
}

TEST(SlotMap, ReadsClusterShardsOfResp3AndOfTlsNodes) {
  const auto map = SlotMap::fromShards(
      replyOf("*1\n%2\n$5\nslots\n*2\n:0\n:16383\n$5\nnodes\n*1\n"
              "%5\n$2\nid\n$2\naa\n$8\ntls-port\n:7700\n$2\nip\n$3\n::1\n$8\nendpoint\n_\n"
              "$4\nrole\n$6\nmaster\n"),
      kAsked);
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ(map->nodes()[map->ownerOf(16383)].address.text(), kAsked.host + ":7700");
}

// cluster-preferred-endpoint-type unknown-endpoint: behind a NAT the announced address leads
// nowhere.
TEST(SlotMap, TakesTheHostThatWasAskedForANullEndpointWhicheverCommandSaysSo) {
  for (const std::string endpoint : {"$-1\n", "_\n", "$0\n\n"}) {
    const auto slots = SlotMap::fromSlots(replyOf("*1\n*3\n:0\n:16383\n*4\n" + endpoint +
                                                  ":7700\n$2\naa\n*2\n$2\nip\n$9\n10.0.0.42\n"),
                                          kAsked);
    const auto shards = SlotMap::fromShards(
        replyOf("*1\n*4\n$5\nslots\n*2\n:0\n:16383\n$5\nnodes\n*1\n*10\n$2\nid\n$2\naa\n$4\nport\n"
                ":7700\n$2\nip\n$9\n10.0.0.42\n$8\nendpoint\n" +
                endpoint + "$4\nrole\n$6\nmaster\n"),
        kAsked);
    ASSERT_TRUE(slots) << slots.error().message;
    ASSERT_TRUE(shards) << shards.error().message;
    EXPECT_EQ(slots->nodes().at(0).address.host, kAsked.host);
    EXPECT_EQ(shards->nodes().at(0).address.host, kAsked.host);
  }
}

TEST(SlotMap, KnowsANodeByItsNameAndByTheAddressThatWasFoundForIt) {
  SlotMap map;
  const std::uint16_t node = map.moved(5, "node-1.example", 7700);
  ASSERT_TRUE(map.lookUpNames([](const NodeAddress& address) -> Result<std::string> {
    return address.host == "node-1.example" ? "10.0.0.1" : address.host;
  }));
  EXPECT_EQ(map.nodes()[node].address.text(), "10.0.0.1:7700");
  EXPECT_EQ(map.find("node-1.example", 7700), node);
  EXPECT_EQ(map.find("10.0.0.1", 7700), node);
  EXPECT_EQ(map.find("node-1.example", 7701), SlotMap::kNoNode);
  EXPECT_EQ(map.moved(6, "node-1.example", 7700), node);
  EXPECT_FALSE(map.lookUpNames([](const NodeAddress&) -> Result<std::string> {
    return fail(ErrorCode::unreachable, "no");
  }));
}

TEST(SlotMap, TakesTheLivingOfTwoNodesThatShareAnAddress) {
  const auto node = [](const std::string& id, std::string_view health) {
    return "*1\n*10\n$2\nid\n$2\n" + id + "\n$4\nport\n:7601\n$2\nip\n$9\n127.0.0.1\n$4\nrole\n" +
           "$6\nmaster\n$6\nhealth\n$" + std::to_string(health.size()) + "\n" +
           std::string(health) + "\n";
  };
  const auto map = SlotMap::fromShards(
      replyOf("*2\n*4\n$5\nslots\n*0\n$5\nnodes\n" + node("aa", "fail") +
              "*4\n$5\nslots\n*2\n:0\n:16383\n$5\nnodes\n" + node("bb", "online")),
      kAsked);
  ASSERT_TRUE(map) << map.error().message;
  ASSERT_EQ(map->nodes().size(), 1U);
  EXPECT_EQ(map->nodes()[0].id, "bb");
  EXPECT_EQ(map->nodes()[0].master, 0);
  EXPECT_EQ(map->ownerOf(7), 0);
}

TEST(SlotMap, RefusesWhatIsNoSuchReply) {
  EXPECT_THAT(errorOf(SlotMap::fromSlots(
                  replyOf("-ERR This instance has cluster support disabled\n"), kAsked)),
              HasSubstr("127.0.0.1:7600 answers CLUSTER SLOTS with ERR This instance"));
  EXPECT_THAT(errorOf(SlotMap::fromSlots(replyOf("+OK\n"), kAsked)), HasSubstr("not a list"));
  EXPECT_THAT(errorOf(SlotMap::fromSlots(replyOf("*1\n*2\n:0\n:1\n"), kAsked)),
              HasSubstr("without slots or nodes"));
  const std::string node = "*2\n$1\nh\n:7600\n";
  EXPECT_THAT(errorOf(SlotMap::fromSlots(replyOf("*1\n*3\n:5\n:1\n" + node), kAsked)),
              HasSubstr("range of slots"));
  EXPECT_THAT(errorOf(SlotMap::fromSlots(replyOf("*1\n*3\n:0\n:16384\n" + node), kAsked)),
              HasSubstr("range of slots"));
  EXPECT_THAT(errorOf(SlotMap::fromSlots(replyOf("*1\n*3\n:0\n:1\n*2\n$1\nh\n:0\n"), kAsked)),
              HasSubstr("port"));
  EXPECT_THAT(errorOf(SlotMap::fromShards(replyOf("*1\n*2\n$5\nslots\n*0\n"), kAsked)),
              HasSubstr("shard"));
  EXPECT_THAT(
      errorOf(SlotMap::fromShards(replyOf("*1\n*4\n$5\nslots\n*1\n:0\n$5\nnodes\n*0\n"), kAsked)),
      HasSubstr("without an end"));
}

TEST(SlotMap, AClusterWithoutSlotsIsUncovered) {
  const auto map = SlotMap::fromSlots(replyOf("*0\n"), kAsked);
  ASSERT_TRUE(map);
  EXPECT_EQ(formatSlotRanges(map->uncovered()), "0-16383");
}

TEST(SlotMap, LearnsOneSlotFromEachMoved) {
  auto map = *SlotMap::fromSlots(replyOf(kSlotsReply), kAsked);
  const std::uint16_t first = map.ownerOf(0);
  const std::uint16_t second = map.ownerOf(8192);
  EXPECT_EQ(map.moved(5, "127.0.0.1", 7601), second);
  EXPECT_EQ(map.ownerOf(5), second);
  EXPECT_EQ(map.ownerOf(4), first);
  EXPECT_EQ(map.ownerOf(6), first);

  const std::uint16_t unknown = map.moved(10000, "127.0.0.1", 7609);
  EXPECT_EQ(map.nodes().size(), 4U);
  EXPECT_EQ(map.nodes()[unknown].address.port, 7609);
  EXPECT_EQ(map.nodes()[unknown].master, unknown);
  EXPECT_EQ(formatSlotRanges(map.uncovered()), "16000-16383");

  const std::uint16_t promoted = map.replicasOf(first)[0];
  EXPECT_EQ(map.moved(0, "127.0.0.1", 7603), promoted);
  EXPECT_EQ(map.nodes()[promoted].role, NodeRole::master);
  EXPECT_THAT(map.replicasOf(first), IsEmpty());
}

}  // namespace
}  // namespace redline
