// TLS from end to end, as its users have it: stacks of `stack up -tls`, and the program beside
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "os/files.h"
#include "server/scoped_stack.h"
#include "server/stack.h"
#include "support/redline_process.h"
#include "transport/certificates.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kTlsMemory = 256ULL << 20;

/// A stack whose ports speak TLS, for as long as this object lives.
class TlsStack {
 public:
  explicit TlsStack(const std::string& topology) : stack_(home.path()), name_(topology) {
    StackOptions options;
    options.topology = topology;
    options.tls = true;
    options.node.port = 0;
    options.node.maxmemory = kTlsMemory;
    auto up = stack_.up(options);
    EXPECT_TRUE(up) << up.error().message;
    if (up) state = up->state;
  }
  ~TlsStack() { EXPECT_TRUE(stack_.down(name_, {})); }
  TlsStack(const TlsStack&) = delete;
  TlsStack& operator=(const TlsStack&) = delete;

  std::string addr() const { return "-addr=" + state.nodes.at(0).endpoint().text(); }
  std::string ca() const {
    return "-tls-ca=" + Certificates::in(state.certificatesDir()).ca.string();
  }

  std::vector<std::string> settings() const { return {"REDLINE_HOME=" + home.path().string()}; }
  /// A sub-command against it that trusts its CA.
  std::vector<std::string> words(std::vector<std::string> command) const {
    command.insert(command.end(), {addr(), "-topology=" + name_, "-tls", ca()});
    return command;
  }

  test::TemporaryDirectory home;
  StackState state;

 private:
  Stack stack_;
  std::string name_;
};

int succeed(test::Redline& program) {
  const int code = program.wait();
  EXPECT_EQ(code, 0) << program.out() << program.err();
  return code;
}

nlohmann::json summaryAt(const fs::path& file) {
  return nlohmann::json::parse(readWholeFile(file).value_or("{}"), nullptr, false);
}

class TlsRuns : public testing::TestWithParam<std::string> {};

TEST_P(TlsRuns, LoadsDrivesAndInjectsFaults) {
  TlsStack stack(GetParam());
  ASSERT_FALSE(stack.state.nodes.empty());
  // Loaded once by commands and once by a stream: the way that is chosen does not need TLS.
  for (const std::string method : {"commands", "rdb"}) {
    test::Redline loader(
        stack.home,
        stack.words({"loader", "-keys=20k", "-ttl-frac=0", "-force", "-method=" + method}),
        stack.settings());
    ASSERT_EQ(succeed(loader), 0);
    EXPECT_THAT(loader.out(), HasSubstr("20000"));
  }
  for (const std::string io : {"uring", "epoll"}) {
    const fs::path json = stack.home.path() / (io + ".json");
    test::Redline driver(
        stack.home,
        stack.words({"driver", "-keys=20k", "-ttl-frac=0", "-rate=2k", "-duration=2s",
                     "-warmup=200ms", "-pipeline=4", "-io=" + io, "-verify=full",
                     "-chaos=1s:bgsave", "-json=" + json.string()}),
        stack.settings());
    // 3: others had the cores, which is no matter of TLS.
    ASSERT_THAT(driver.wait(), testing::AnyOf(0, 3)) << driver.err();
    const nlohmann::json summary = summaryAt(json);
    EXPECT_EQ(summary.at("generator").at("io"), io);
    EXPECT_GT(summary.at("rate").at("completed").get<int>(), 3000);
    EXPECT_EQ(summary.at("rate").at("failed").get<int>(), 0);
    EXPECT_EQ(summary.at("verify").at("corrupt").get<int>(), 0);
  }
  test::Redline chaos(stack.home, stack.words({"chaos", "-action=reconnect-storm", "-clients=50"}),
                      stack.settings());
  ASSERT_EQ(succeed(chaos), 0);
}

INSTANTIATE_TEST_SUITE_P(Topologies, TlsRuns, testing::Values("node", "cluster"),
                         [](const auto& topology) { return topology.param; });

TEST(TlsStackTest, ReplicasAndTheBusSpeakTlsToo) {
  TlsStack stack("cluster");
  test::Redline status(stack.home, {"stack", "status", "cluster"}, stack.settings());
  ASSERT_EQ(succeed(status), 0);
  EXPECT_THAT(status.out(), HasSubstr("all replicas are in sync"));
  const auto credentials = credentialsOf(stack.state, {});
  ASSERT_TRUE(credentials) << credentials.error().message;
  auto admin = Admin::connect(stack.state.nodes.at(0).endpoint(), *credentials);
  ASSERT_TRUE(admin) << admin.error().message;
  for (const auto* const name : {"tls-cluster", "tls-replication"})
    EXPECT_EQ(admin->configGet(name).value_or(""), "yes") << name;
  EXPECT_EQ(admin->configGet("port").value_or(""), "0");
}

TEST(TlsStackTest, WhatCannotBeTrustedIsOneLineThatSaysWhatToDo) {
  TlsStack stack("node");
  const auto errorOf = [&](std::vector<std::string> flags) {
    std::vector<std::string> words{"driver", stack.addr(), "-duration=1s"};
    words.insert(words.end(), flags.begin(), flags.end());
    test::Redline driver(stack.home, words);
    EXPECT_NE(driver.wait(), 0);
    return driver.error();
  };
  EXPECT_THAT(errorOf({"-tls"}), HasSubstr("-tls-ca"));
  EXPECT_THAT(errorOf({}), HasSubstr("-tls"));  // plain bytes to a port of TLS
  EXPECT_THAT(errorOf({"-tls", stack.ca(), "-tls-sni=cache.example"}), HasSubstr("-tls-sni"));
  EXPECT_THAT(errorOf({"-tls", "-tls-ca=/nowhere"}), HasSubstr("-tls-ca=/nowhere"));
  EXPECT_THAT(errorOf({"-tls", stack.ca(), "-tls-key=/nowhere"}), HasSubstr("-tls-cert"));
  EXPECT_THAT(errorOf({stack.ca()}), HasSubstr("without -tls"));
}

// A pipe, as a shell's <(…) is, can be read once.
TEST(TlsStackTest, ACaMayComeFromAPipe) {
  TlsStack stack("node");
  const std::string pipe = stack.home.path() / "ca";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string ca =
      readWholeFile(Certificates::in(stack.state.certificatesDir()).ca).value_or("");
  const std::vector<std::vector<std::string>> commands{
      {"loader", "-keys=1000", "-ttl-frac=0"},
      {"driver", "-keys=1000", "-ttl-frac=0", "-rate=500", "-duration=200ms", "-warmup=0"},
      {"chaos", "-action=bgsave", "-force"}};
  for (std::vector<std::string> words : commands) {
    words.insert(words.end(), {stack.addr(), "-tls", "-tls-ca=" + pipe});
    const std::string name = words.front();
    test::Redline program(stack.home, words, stack.settings());
    {
      std::ofstream out(pipe);  // opens when the program does
      out << ca;
    }
    EXPECT_THAT(program.wait(), testing::AnyOf(0, 3)) << name << program.err();
  }
}

TEST(ScopedTlsStack, OfEitherTopologySpeaksTlsAlone) {
  for (const bool isCluster : {false, true}) {
    ScopedStackOptions options;
    options.tls = true;
    options.node.maxmemory = kTlsMemory;
    if (isCluster) options.cluster = ClusterShape{};
    auto stack = ScopedStack::start(options);
    ASSERT_TRUE(stack) << stack.error().message;
    TlsOptions trusted;
    trusted.ca = Certificates::in(stack->certificatesDir()).ca;
    const auto tls = TlsContext::make(trusted);
    ASSERT_TRUE(tls) << tls.error().message;
    for (const Endpoint& endpoint : stack->endpoints()) {
      EXPECT_TRUE(Admin::connect(endpoint, {{}, {}, *tls})) << endpoint.text();
      EXPECT_FALSE(Admin::connect(endpoint, {})) << endpoint.text();
    }
  }
}

TEST(TlsStackTest, APlainServerIsKnownByItsAnswer) {
  test::TemporaryDirectory home;
  auto redis = test::startRedis();
  if (!redis) return;
  test::Redline driver(home,
                       {"driver", "-addr=" + redis->endpoint().text(), "-tls", "-tls-insecure"});
  EXPECT_NE(driver.wait(), 0);
  EXPECT_THAT(driver.error(), HasSubstr("leave out -tls"));
}

}  // namespace
}  // namespace redline
