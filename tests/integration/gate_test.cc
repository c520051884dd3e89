// Nothing leaves this machine unless -allow says so: every subcommand in a network that records all
// that is sent to others, led astray by a flag, a name, a redirect, a map and a replica's master.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "support/real_redis.h"
#include "support/recorded_network.h"
#include "support/redline_process.h"
#include "support/tampering_proxy.h"

namespace redline {
namespace {

using test::RecordedNetwork;
using test::Redline;
using test::TemporaryDirectory;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Words = std::vector<std::string>;

constexpr const char* kElsewhere = "192.0.2.1:6379";  // set aside for documentation (RFC 5737)
constexpr const char* kPassword = "REDLINE_PASSWORD=secret";

/// The exit code, and everything that was said.
struct Said {
  int code = 0;
  std::string text;
};

Said run(const Words& args, const Words& settings = {kPassword}) {
  const TemporaryDirectory home;
  Words all = args;
  const bool hasOut = args[0] == "driver";
  if (hasOut) all.push_back("-out=" + (home.path() / "run").string());
  Redline redline(home, all, settings);
  Said said;
  said.code = redline.wait();
  said.text = redline.out() + redline.err();
  return said;
}

/// Beside each other, where nearly all of the time is spent waiting for somebody who does not
/// answer. On threads, which are in the caller's network.
template <typename Cases, typename Body>
void besideEachOther(const Cases& cases, const Body& body) {
  std::vector<std::jthread> threads;
  for (const auto& each : cases) threads.emplace_back([&body, &each] { body(each); });
}

constexpr const char* kNotTested = "THE GATE WAS NOT TESTED: ";

Words shortDriver(const std::string& addr, const Words& more = {}) {
  Words args{"driver",          "-addr=" + addr, "-rate=500",   "-keys=100",   "-conns=2",
             "-duration=300ms", "-warmup=0s",    "-ttl-frac=0", "-drain=300ms"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(Gate, TheRecorderSeesWhatIsSentToOthers) {
  RecordedNetwork network;
  const auto sent = network.sentDuring([] {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0xC0000201);
    (void)!::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ::close(fd);
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, Contains("UDP to 192.0.2.1"));
}

TEST(Gate, AnAllowedMachineIsConnectedTo) {
  RecordedNetwork network;
  struct Allowed {
    Words args, settings;
  };
  const std::string addr = std::string("-addr=") + kElsewhere;
  const std::vector<Allowed> ways{
      {{"driver", addr, "-allow=192.0.2.1"}, {kPassword}},
      {{"driver", addr, "-allow=192.0.2.0/24"}, {kPassword}},
      {{"loader", addr}, {"REDLINE_ALLOW=192.0.2.1"}},
  };
  const auto sent = network.sentDuring([&] {
    besideEachOther(ways, [](const Allowed& way) {
      const Said said = run(way.args, way.settings);
      EXPECT_EQ(said.code, 1);  // nobody answers there
      EXPECT_THAT(said.text, Not(HasSubstr("-allow names")));
    });
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, Contains("TCP to 192.0.2.1"));
}

TEST(Gate, AnAddressOfAnotherMachineIsRefusedByEverySubcommandThatTakesOne) {
  RecordedNetwork network("192.0.2.1 elsewhere.example\n");
  const auto sent = network.sentDuring([] {
    for (const std::string addr : {kElsewhere, "elsewhere.example:6379", "[2001:db8::1]:6379"})
      for (const Words& command :
           std::vector<Words>{{"driver"},
                              {"loader"},
                              {"loader", "-method=rdb"},
                              {"driver", "-mitigation=local-cache"},
                              {"chaos", "-action=bgsave", "-force"},
                              {"chaos", "-action=bigkey-on", "-force"},
                              {"chaos", "-action=reconnect-storm", "-force"}})
        for (const std::string topology : {"node", "cluster"}) {
          Words args = command;
          args.insert(args.end(), {"-addr=" + addr, "-topology=" + topology});
          const Said said = run(args);
          EXPECT_EQ(said.code, 1) << said.text;
          EXPECT_THAT(said.text, HasSubstr("-allow")) << args[0] << " " << addr << " " << topology;
        }
    for (const Words& more : {Words{"-action=kill-master"},
                              Words{"-action=reshard", "-slots=1", "-target=127.0.0.1:7701"}}) {
      Words args{"chaos", std::string("-addr=") + kElsewhere, "-topology=cluster", "-force"};
      args.insert(args.end(), more.begin(), more.end());
      const Said said = run(args);
      EXPECT_EQ(said.code, 1) << said.text;
      EXPECT_THAT(said.text, HasSubstr("-allow"));
    }
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, IsEmpty());
}

// Each of the others is started once, too: they have no business with any network.
TEST(Gate, NoOtherSubcommandSendsAnythingToAnotherMachine) {
  RecordedNetwork network;
  const auto sent = network.sentDuring([] {
    const TemporaryDirectory home;
    const std::map<std::string, Words> arguments{{"stack", {"status"}},
                                                 {"lab", {"list"}},
                                                 {"report", {"nowhere"}},
                                                 {"compare", {"a", "b"}},
                                                 {"help", {}},
                                                 {"version", {}},
                                                 {"man", {}},
                                                 {"completions", {"bash"}}};
    const std::set<std::string> withAddress{"driver", "loader", "chaos"};
    std::istringstream help(run({"help"}).text);
    std::set<std::string> tried;
    for (std::string line; std::getline(help, line);) {
      std::istringstream words(line);
      std::string name;
      words >> name;
      if (!line.starts_with("  ") || line.starts_with("   ") || withAddress.contains(name))
        continue;
      const auto more = arguments.find(name);
      Words args{name};
      if (more != arguments.end())
        args.insert(args.end(), more->second.begin(), more->second.end());
      (void)run(args);
      tried.insert(name);
    }
    for (const auto& [name, more] : arguments) EXPECT_TRUE(tried.contains(name)) << name;
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, IsEmpty());
}

/// One node with all slots.
std::optional<ScopedStack> loneClusterNode(
    std::vector<std::pair<std::string, std::string>> settings = {}) {
  NodeConfig config;
  config.cluster = true;
  config.extra = std::move(settings);
  auto redis = test::startRedis(config);
  if (!redis) return redis;
  auto admin = test::adminOf(*redis);
  if (!admin) return std::nullopt;
  EXPECT_TRUE(admin->command({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}));
  EXPECT_TRUE(test::eventually([&] {
    const auto info = admin->command({"CLUSTER", "INFO"});
    return info && info->text.find("cluster_state:ok") != std::string::npos;
  }));
  return redis;
}

TEST(Gate, AMapThatNamesAnotherMachineIsRefused) {
  RecordedNetwork network("192.0.2.1 elsewhere.example\n");
  const auto sent = network.sentDuring([&] {
    for (const Words& announced : {Words{"cluster-announce-ip", "192.0.2.1"},
                                   Words{"cluster-announce-hostname", "elsewhere.example"}}) {
      const auto redis = loneClusterNode(
          {{announced[0], announced[1]},
           {"cluster-preferred-endpoint-type", announced[0].ends_with("ip") ? "ip" : "hostname"}});
      ASSERT_TRUE(redis);
      const std::string addr = redis->endpoint().text();
      for (const Words& args : {shortDriver(addr, {"-topology=cluster"}),
                                Words{"loader", "-addr=" + addr, "-topology=cluster", "-keys=10"},
                                Words{"chaos", "-action=kill-master", "-addr=" + addr,
                                      "-topology=cluster", "-force"}}) {
        const Said said = run(args, {});
        EXPECT_EQ(said.code, 1) << said.text;
        // A fault that stops a process has no use for one on another machine, allowed or not.
        EXPECT_THAT(said.text,
                    HasSubstr(args[0] == "chaos" ? "was not started by redline" : "-allow"))
            << args[0];
      }
    }
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, IsEmpty());
}

// The workers meet them in the middle of a run: an address is refused, a name waits for a map.
TEST(Gate, ARedirectToAnotherMachineIsNotFollowed) {
  struct Redirect {
    std::string to, kind;
    bool loads;  ///< the loader is asked, too; it gives up on a name after fifteen seconds
  };
  const std::vector<Redirect> redirects{
      {"192.0.2.1:6379", "MOVED", true},         {"192.0.2.1:6379", "ASK", true},
      {"elsewhere.example:6379", "MOVED", true}, {"elsewhere.example:6379", "ASK", false},
      {"nobody.example:1", "MOVED", false},      {"nobody.example:1", "ASK", false},
  };
  RecordedNetwork network("192.0.2.1 elsewhere.example\n");
  const auto sent = network.sentDuring([&] {
    const auto redis = loneClusterNode();
    ASSERT_TRUE(redis);
    besideEachOther(redirects, [&](const Redirect& redirect) {
      std::optional<test::TamperingProxy> proxy;
      proxy.emplace(redis->endpoint(),
                    [&](const Value& request,
                        std::string_view reply) -> std::optional<test::TamperingProxy::Answer> {
                      const std::string& name = request.items.at(0).text;
                      if (name == "GET" || name == "SET")
                        return test::TamperingProxy::Answer{"-" + redirect.kind + " 5 " +
                                                            redirect.to + "\r\n"};
                      std::string text(reply);
                      if (name == "CLUSTER")
                        replaceAll(text, ":" + std::to_string(redis->endpoint().port) + "\r\n",
                                   ":" + std::to_string(proxy->endpoint().port) + "\r\n");
                      return test::TamperingProxy::Answer{text};
                    });
      const std::string addr = proxy->endpoint().text();
      const Said driver = run(shortDriver(addr, {"-topology=cluster", "-force"}), {});
      EXPECT_THAT(driver.code, AnyOf(1, 3)) << driver.text;
      if (redirect.to.starts_with("192")) {
        EXPECT_THAT(driver.text, HasSubstr("-allow=192.0.2.1"));
      }
      if (!redirect.loads) return;
      const Said loader =
          run({"loader", "-addr=" + addr, "-topology=cluster", "-keys=10", "-conns=1"}, {});
      EXPECT_EQ(loader.code, 1) << loader.text;
    });
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, IsEmpty());
}

// A master's INFO names its replicas by what they announce.
TEST(Gate, WhatInfoSaysOfReplicasLeadsNowhere) {
  RecordedNetwork network;
  const auto sent = network.sentDuring([] {
    NodeConfig config;
    config.extra = {{"replica-announce-ip", "192.0.2.1"}};
    auto master = test::startRedis();
    auto replica = test::startRedis(config);
    ASSERT_TRUE(master && replica);
    auto admin = test::adminOf(*replica);
    ASSERT_TRUE(
        admin->command({"REPLICAOF", "127.0.0.1", std::to_string(master->endpoint().port)}));
    ASSERT_TRUE(test::eventually([&] {
      const auto info = admin->info({"replication"});
      return info && info->text("master_link_status") == "up";
    }));
    for (const ScopedStack* const server : {&*master, &*replica}) {
      const Said said = run(shortDriver(server->endpoint().text(), {"-rw-ratio=1"}), {});
      EXPECT_THAT(said.code, AnyOf(0, 3)) << said.text;
    }
  });
  if (!sent) GTEST_SKIP() << kNotTested << network.whyNot();
  EXPECT_THAT(*sent, IsEmpty());
}

}  // namespace
}  // namespace redline
