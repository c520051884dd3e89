// A driver whose server lies, swallows, never ends or leads astray: every operation is accounted
// for, memory and time are bounded, and the run says what happened.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "base/text.h"
#include "os/files.h"
#include "server/cluster_admin.h"
#include "support/driver_lab.h"
#include "support/load_lab.h"
#include "support/tampering_proxy.h"

namespace redline {
namespace {

using test::adminOf;
using test::DriverLab;
using test::expectConserved;
using test::TamperingProxy;
using testing::Contains;
using testing::HasSubstr;
using Answer = TamperingProxy::Answer;

auto invalidBecause(ReasonCode code) {
  return testing::Field(&Reason::code, code);
}

bool isLoad(const Value& request) {
  const std::string& name = request.items.at(0).text;
  return name == "GET" || name == "SET";
}

/// The most memory that this process has had, bytes.
std::uint64_t mostMemory() {
  const std::string status = readWholeFile("/proc/self/status").value_or("");
  for (const std::string_view line : splitLines(status))
    if (line.starts_with("VmHWM:"))
      return toNumber<std::uint64_t>(splitWords(line).at(1)).value_or(0) * 1024;
  return 0;
}

// A node that has forgotten its cluster refuses what it is asked, until the run ends.
TEST(HostileServer, ThatForgotItsClusterMakesTheRunInvalid) {
  auto cluster = test::startCluster({}, test::withoutReplicas());
  ASSERT_TRUE(cluster);
  DriverLab lab;
  lab.plan.engine.seeds = cluster->endpoints();
  lab.plan.engine.target = lab.plan.engine.seeds.front();
  lab.plan.engine.conns = 5;
  lab.plan.engine.readShare = 1;  // a node with keys would not forget its cluster
  lab.plan.engine.drain = kSecond;
  lab.plan.engine.duration = 3 * kSecond;
  auto underWay = lab.underWay();
  std::thread resetter([&] {
    underWay.wait();
    auto admin = Admin::connect(cluster->endpoints()[1], {});
    ASSERT_TRUE(admin);
    EXPECT_TRUE(admin->command({"CLUSTER", "RESET", "HARD"}));
  });
  const Summary s = lab.run();
  resetter.join();
  EXPECT_FALSE(s.valid);
  EXPECT_GT(s.rate.unserved + s.rate.unanswered, 0U);
  EXPECT_THAT(s.invalidReasons, Contains(testing::AnyOf(invalidBecause(ReasonCode::unserved),
                                                        invalidBecause(ReasonCode::unanswered))));
  expectConserved(s);
}

TEST(HostileServer, ThatSwallowsRepliesMakesTheRunInvalid) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  std::size_t replies = 0;
  TamperingProxy proxy(lab.redis->endpoint(),
                       [&](const Value& request, std::string_view reply) -> std::optional<Answer> {
                         if (isLoad(request) && ++replies % 2 == 0) return std::nullopt;
                         return Answer{std::string(reply)};
                       });
  lab.plan.engine.target = proxy.endpoint();
  lab.plan.engine.drain = kSecond;
  const Summary s = lab.run();
  EXPECT_FALSE(s.valid);
  EXPECT_THAT(s.invalidReasons, Contains(invalidBecause(ReasonCode::unanswered)));
  EXPECT_EQ(s.rate.unanswered, lab.plan.engine.conns);
  EXPECT_GT(s.rate.longestUnansweredS, 2);
  expectConserved(s);
}

TEST(HostileServer, WhoseReplyNeverEndsTakesNoMemory) {
  for (const std::string endless : {"*1\r\n", "$4000000000\r\n", "%1\r\n+a\r\n"}) {
    DriverLab lab;
    ASSERT_TRUE(lab.redis);
    lab.fillKeys();
    std::size_t replies = 0;
    TamperingProxy proxy(
        lab.redis->endpoint(),
        [&](const Value& request, std::string_view reply) -> std::optional<Answer> {
          if (!isLoad(request) || ++replies < 100) return Answer{std::string(reply)};
          std::string bytes;
          for (int i = 0; i < 10'000; ++i) bytes += endless;
          return Answer{bytes, true};
        });
    lab.plan.engine.target = proxy.endpoint();
    lab.plan.engine.conns = 4;
    // The queue is a position in the schedule: what fails first is what was due first.
    lab.plan.engine.warmup = 0;
    lab.plan.engine.drain = kSecond;
    const std::uint64_t before = mostMemory();
    const Summary s = lab.run();
    EXPECT_LT(mostMemory() - before, 64U << 20) << endless;
    EXPECT_THAT(s.rate.errors, testing::Contains(testing::Key("protocol"))) << endless;
    EXPECT_FALSE(s.valid);
    expectConserved(s);
  }
}

/// A cluster of one node behind a proxy, whose map names the proxy.
struct ClusterBehindProxy {
  static NodeConfig config() {
    NodeConfig config;
    config.cluster = true;
    return config;
  }

  DriverLab lab{config()};
  std::optional<TamperingProxy> proxy;

  explicit ClusterBehindProxy(TamperingProxy::Tamper tamper) {
    if (!lab.redis) return;
    takeAllSlots(lab);
    lab.fillKeys();
    proxy.emplace(lab.redis->endpoint(),
                  [this, tamper = std::move(tamper)](
                      const Value& request, std::string_view reply) -> std::optional<Answer> {
                    if (request.items.at(0).text != "CLUSTER") return tamper(request, reply);
                    std::string text(reply);
                    replaceAll(text, port(lab.redis->endpoint()), port(proxy->endpoint()));
                    return Answer{text};
                  });
    lab.plan.engine.target = proxy->endpoint();
    lab.plan.engine.seeds = {proxy->endpoint()};
    lab.plan.engine.conns = 4;
  }
  static void takeAllSlots(const DriverLab& lab) {
    auto admin = adminOf(*lab.redis);
    EXPECT_TRUE(admin->command({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}));
    EXPECT_TRUE(test::eventually([&] {
      const auto info = admin->command({"CLUSTER", "INFO"});
      return info && info->text.find("cluster_state:ok") != std::string::npos;
    }));
  }
  static std::string port(const Endpoint& endpoint) {
    return ":" + std::to_string(endpoint.port) + "\r\n";
  }
};

// Behind a NAT: what the node announces leads nowhere, and it says so.
TEST(HostileServer, ThatAnnouncesAnotherAddressIsFoundAtTheOneThatWasAsked) {
  NodeConfig config = ClusterBehindProxy::config();
  config.extra = {{"cluster-announce-ip", "192.0.2.9"},
                  {"cluster-preferred-endpoint-type", "unknown-endpoint"}};
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  ClusterBehindProxy::takeAllSlots(lab);
  lab.fillKeys();
  lab.plan.engine.seeds = {lab.redis->endpoint()};
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, s.rate.scheduled);
  ASSERT_EQ(s.cluster.nodes.size(), 1U);
  EXPECT_EQ(s.cluster.nodes[0].addr, lab.redis->endpoint().text());
  ClusterAdmin cluster({});
  const auto view = cluster.viewOf(lab.redis->endpoint());
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->nodes.at(0).endpoint, lab.redis->endpoint());
}

TEST(HostileServer, ThatNamesEverNewNodesGetsNoConnectionsToThem) {
  int port = 20'000;
  ClusterBehindProxy cluster(
      [&](const Value& request, std::string_view reply) -> std::optional<Answer> {
        if (!isLoad(request)) return Answer{std::string(reply)};
        port = port < 30'000 ? port + 1 : 20'000;
        const char* const kind = port % 2 == 0 ? "-ASK " : "-MOVED ";
        return Answer{kind + std::string("5 127.0.0.1:") + std::to_string(port) + "\r\n"};
      });
  ASSERT_TRUE(cluster.proxy);
  const std::uint64_t before = mostMemory();
  const Summary s = cluster.lab.run();
  EXPECT_LT(mostMemory() - before, 64U << 20);
  EXPECT_EQ(s.cluster.nodes.size(), 1U);
  EXPECT_GT(s.cluster.ask, 100U);
  EXPECT_FALSE(s.valid);
  // On a busy machine most operations are not sent even once.
  EXPECT_THAT(s.invalidReasons,
              Contains(testing::AnyOf(invalidBecause(ReasonCode::unserved),
                                      invalidBecause(ReasonCode::nothingCompleted))));
  expectConserved(s);
}

TEST(HostileServer, ThatLeadsToAnotherMachineEndsTheRunWithoutAConnection) {
  ClusterBehindProxy cluster(
      [&](const Value& request, std::string_view reply) -> std::optional<Answer> {
        if (!isLoad(request)) return Answer{std::string(reply)};
        return Answer{"-ASK 5 192.0.2.1:6379\r\n"};
      });
  ASSERT_TRUE(cluster.proxy);
  const auto outcome = cluster.lab.tryRun();
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_FALSE(outcome->status);
  EXPECT_EQ(outcome->status.error().code, ErrorCode::unsafe);
  EXPECT_THAT(outcome->status.error().message, HasSubstr("-allow=192.0.2.1"));
  expectConserved(outcome->summary);
}

}  // namespace
}  // namespace redline
