#include "transport/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/tcp_listener.h"
#include "transport/blocking.h"
#include "transport/transport.h"

namespace redline {
namespace {

using testing::HasSubstr;

// Addresses set aside for documentation (RFC 5737, RFC 3849): nobody's.
const Endpoint kElsewhere{"192.0.2.1", 6379, {}};
const Endpoint kElsewhereV6{"2001:db8::1", 6379, {}};

/// What -allow has opened is closed again.
struct Gate : testing::Test {
  ~Gate() override { allowMachines({}); }
};

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text.push_back(static_cast<char>(value));
  return text;
}

TEST(Locality, IsLocalOnLoopbackAndNowhereElse) {
  EXPECT_TRUE(isLocal({{}, 0, "/tmp/any.sock"}).value());
  EXPECT_TRUE(isLocal({"127.0.0.1", 1, {}}).value());
  EXPECT_TRUE(isLocal({"127.200.3.4", 1, {}}).value());
  EXPECT_TRUE(isLocal({"::1", 1, {}}).value());
  EXPECT_TRUE(isLocal({"::ffff:127.0.0.1", 1, {}}).value());
  EXPECT_FALSE(isLocal(kElsewhere).value());
  EXPECT_FALSE(isLocal(kElsewhereV6).value());
}

TEST(AllowList, ReadsHostsAddressesAndNetworks) {
  const auto list = AllowList::parse("redis.example, 10.16.0.0/12,192.0.2.7,2001:db8::/33");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_TRUE(list->has("redis.example", bytes({198, 51, 100, 1})));
  EXPECT_FALSE(list->has("other.example", bytes({198, 51, 100, 1})));
  EXPECT_TRUE(list->has("", bytes({10, 16, 0, 0})));
  EXPECT_TRUE(list->has("", bytes({10, 31, 255, 255})));
  EXPECT_FALSE(list->has("", bytes({10, 32, 0, 0})));
  EXPECT_FALSE(list->has("", bytes({10, 15, 255, 255})));
  EXPECT_TRUE(list->has("", bytes({192, 0, 2, 7})));
  EXPECT_FALSE(list->has("", bytes({192, 0, 2, 8})));
  std::string v6 = bytes({0x20, 0x01, 0x0d, 0xb8, 0x7f}) + std::string(11, '\1');
  EXPECT_TRUE(list->has("", v6));
  v6[4] = static_cast<char>(0x80);
  EXPECT_FALSE(list->has("", v6));
  EXPECT_TRUE(AllowList::parse("0.0.0.0/0")->has("", bytes({1, 2, 3, 4})));
  EXPECT_FALSE(AllowList::parse("0.0.0.0/0")->has("", v6));
}

TEST(AllowList, RefusesWhatIsNeither) {
  for (const std::string text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "redis.example/8", "a b",
                                 "", "a,,b", "::/129", "redis:6379", "10.0.0.1:6379", "\x1b[31m"}) {
    const auto list = AllowList::parse(text);
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().code, ErrorCode::usage);
    EXPECT_THAT(list.error().message, HasSubstr("-allow"));
  }
}

TEST_F(Gate, LetsThroughToThisMachineAndNamesTheFlagThatOpensIt) {
  EXPECT_TRUE(admit({"localhost", 1, {}}));
  EXPECT_TRUE(admit({"0.0.0.0", 1, {}}));
  EXPECT_TRUE(admit({{}, 0, "/tmp/any.sock"}, NameLookup::never));
  for (const Endpoint& endpoint : {kElsewhere, kElsewhereV6}) {
    const auto peer = admit(endpoint);
    ASSERT_FALSE(peer);
    EXPECT_EQ(peer.error().code, ErrorCode::unsafe);
    EXPECT_THAT(peer.error().message, HasSubstr("-allow=" + endpoint.host));
  }
}

TEST_F(Gate, OpensForWhatIsAllowedAndNothingElse) {
  allowMachines(*AllowList::parse("192.0.2.0/30"));
  const auto peers = admit(kElsewhere, NameLookup::never);
  ASSERT_TRUE(peers) << peers.error().message;
  EXPECT_EQ(peers->front().endpoint(), kElsewhere);
  EXPECT_FALSE(admit({"192.0.2.4", 6379, {}}));
  EXPECT_FALSE(admit(kElsewhereV6));
}

TEST_F(Gate, LooksUpNoNameWhereThatIsNotWanted) {
  const auto peer = admit({"localhost", 1, {}}, NameLookup::never);
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().code, ErrorCode::usage);
  EXPECT_FALSE(isNumeric("localhost"));
  EXPECT_TRUE(isNumeric("127.0.0.1"));
  EXPECT_TRUE(isNumeric("::1"));
  EXPECT_EQ(lookUp({"127.0.0.1", 7, {}})->text(), "127.0.0.1:7");
}

TEST_F(Gate, IsInTheWayOfEveryKindOfConnection) {
  const auto blocking = BlockingStream::connect(kElsewhere, SteadyClock::read() + 5 * kSecond);
  ASSERT_FALSE(blocking);
  EXPECT_EQ(blocking.error().code, ErrorCode::unsafe);
  for (const IoChoice choice : {IoChoice::epoll, IoChoice::uring}) {
    auto transport = makeTransport(choice);
    if (!transport) continue;  // the kernel refuses io_uring
    const auto id = (*transport)->open(kElsewhere);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, ErrorCode::unsafe);
  }
}

TEST_F(Gate, TellsTheAddressThatANameHasLedTo) {
  const TcpListener listener;
  const auto stream = BlockingStream::connect({"localhost", listener.endpoint().port, {}},
                                              SteadyClock::read() + 5 * kSecond);
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ(stream->endpoint().host, "localhost");
  EXPECT_EQ(stream->peer(), listener.endpoint());
}

}  // namespace
}  // namespace redline
