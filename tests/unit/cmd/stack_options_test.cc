#include "cmd/stack_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/commands.h"
#include "cmd/resolve.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

FlagValues flags(std::vector<std::string> arguments) {
  return resolve(*findCommand("stack"), commands(), {std::move(arguments), {}, nullptr}).value();
}

TEST(StackOptions, CarryTheFlagsToTheServerRoom) {
  const auto options = stackOptions(
      flags({"up", "node", "-name=lab", "-port=7700", "-server-cpus=0", "-maxmemory=2GB",
             "-maxmemory-policy=volatile-lru", "-io-threads=4", "-redis-config=appendonly yes"}),
      "secret");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->name, "lab");
  EXPECT_EQ(options->node.port, 7700);
  EXPECT_EQ(options->node.cpus, "0");
  EXPECT_EQ(options->node.maxmemory, std::uint64_t{2} << 30);
  EXPECT_EQ(options->node.policy, "volatile-lru");
  EXPECT_EQ(options->node.ioThreads, 4U);
  EXPECT_EQ(options->node.password, "secret");
  EXPECT_THAT(options->node.extra, ElementsAre(Pair("appendonly", "yes")));
}

TEST(StackOptions, OfATopologyThatIsNoneSayWhatWasMeant) {
  EXPECT_THAT(stackOptions(flags({"up", "nod"}), "").error().message,
              HasSubstr("'nod': did you mean node?"));
  EXPECT_THAT(stackOptions(flags({"up", "mine"}), "").error().message,
              HasSubstr("-name sets a stack's name"));
}

TEST(StackOptions, LeaveTheMemoryLimitToTheStackByDefault) {
  const auto options = stackOptions(flags({"up", "node"}), "");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->node.maxmemory, 0U);
  EXPECT_EQ(options->node.port, 7600);
  EXPECT_EQ(options->name, "node");
}

TEST(StackOptions, OfAClusterHaveItsShapeAndAPortOfTheirOwn) {
  const auto options =
      stackOptions(flags({"up", "cluster", "-masters=4", "-replicas=2", "-master-cpus=0; 1-2",
                          "-replica-cpus=1", "-full-coverage=false"}),
                   "");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->topology, "cluster");
  EXPECT_EQ(options->name, "cluster");
  EXPECT_EQ(options->node.port, 7700);
  EXPECT_EQ(options->cluster.masters, 4U);
  EXPECT_EQ(options->cluster.replicas, 2U);
  EXPECT_THAT(options->cluster.masterCpus, ElementsAre("0", "1-2"));
  EXPECT_THAT(options->cluster.replicaCpus, ElementsAre("1"));
  EXPECT_FALSE(options->node.fullCoverage);
  EXPECT_EQ(stackOptions(flags({"up", "cluster", "-port=0"}), "")->node.port, 0);
}

TEST(StackOptions, RefuseWhatTheTopologyHasNoUseFor) {
  EXPECT_THAT(stackOptions(flags({"up", "node", "-replicas=2"}), "").error().message,
              HasSubstr("-replicas needs a cluster"));
  EXPECT_THAT(stackOptions(flags({"up", "cluster", "-master-cpus=0;x"}), "").error().message,
              HasSubstr("-master-cpus: "));
}

TEST(StackOptions, RefuseATopologyThatThereIsNot) {
  EXPECT_EQ(stackOptions(flags({"up", "sentinel"}), "").error().code, ErrorCode::usage);
  EXPECT_THAT(stackOptions(flags({"up"}), "").error().message, HasSubstr("stack up node"));
}

TEST(StackOptions, AskForObserversWithPortsByTheTopology) {
  EXPECT_FALSE(stackOptions(flags({"up", "node"}), "")->observe);
  const auto node = stackOptions(flags({"up", "node", "-observe"}), "");
  ASSERT_TRUE(node && node->observe);
  EXPECT_EQ(node->observe->port, 7690);
  EXPECT_EQ(node->observe->driver.text(), "127.0.0.1:9121");
  const auto cluster =
      stackOptions(flags({"up", "cluster", "-observe", "-observe-driver=127.0.0.1:9200"}), "");
  ASSERT_TRUE(cluster && cluster->observe);
  EXPECT_EQ(cluster->observe->port, 7790);
  EXPECT_EQ(cluster->observe->driver.port, 9200);
  EXPECT_THAT(stackOptions(flags({"up", "node", "-observe-port=0"}), "").error().message,
              HasSubstr("-observe-port needs -observe"));
  const auto encrypted = stackOptions(flags({"up", "node", "-observe", "-tls"}), "");
  ASSERT_TRUE(encrypted);
  EXPECT_TRUE(encrypted->tls && encrypted->observe);
}

TEST(StackOptions, AskForThePostgresBehindTheCache) {
  EXPECT_FALSE(stackOptions(flags({"up", "node"}), "")->backing);
  const auto options = stackOptions(
      flags({"up", "cluster", "-backing=postgres", "-postgres-buffers=1GB",
             "-postgres-connections=300", "-postgres-cpus=1", "-postgres-bin=/opt/pg/bin",
             "-postgres-config=synchronous_commit = off; wal_sync_method=fdatasync;"}),
      "");
  ASSERT_TRUE(options) << options.error().message;
  ASSERT_TRUE(options->backing);
  const PostgresConfig& config = options->backing->config;
  EXPECT_EQ(config.sharedBuffers, 1ULL << 30);
  EXPECT_EQ(config.maxConnections, 300U);
  EXPECT_EQ(config.cpus, "1");
  EXPECT_EQ(config.programs, "/opt/pg/bin");
  EXPECT_THAT(config.extra,
              ElementsAre(Pair("synchronous_commit", "off"), Pair("wal_sync_method", "fdatasync")));
}

TEST(StackOptions, RefuseSettingsOfAPostgresThatIsNotAskedFor) {
  for (const char* const flag : {"-postgres-buffers=1GB", "-postgres-cpus=0"}) {
    const auto options = stackOptions(flags({"up", "node", flag}), "");
    ASSERT_FALSE(options) << flag;
    EXPECT_THAT(options.error().message, HasSubstr("needs -backing=postgres"));
  }
  for (const char* const text : {"work_mem", "= 1", "work_mem ="})
    EXPECT_FALSE(stackOptions(
        flags({"up", "node", "-backing=postgres", std::string("-postgres-config=") + text}), ""))
        << text;
}

TEST(StackName, IsTheFlagOrTheWordOrNode) {
  EXPECT_EQ(stackName(flags({"down", "lab"})), "lab");
  EXPECT_EQ(stackName(flags({"down", "-name=lab"})), "lab");
  EXPECT_EQ(stackName(flags({"down", "node", "-name=lab"})), "lab");
  EXPECT_EQ(stackName(flags({"down"})), "node");
  EXPECT_FALSE(stackNamed(flags({"status"})));
  EXPECT_TRUE(stackNamed(flags({"status", "lab"})));
}

TEST(RedisConfig, IsReadLineByLine) {
  EXPECT_THAT(parseRedisConfig(" appendonly yes;  save  60 1 ;").value(),
              ElementsAre(Pair("appendonly", "yes"), Pair("save", "60 1")));
  EXPECT_THAT(parseRedisConfig("").value(), testing::IsEmpty());
  EXPECT_THAT(parseRedisConfig("appendonly").error().message, HasSubstr("has no value"));
}

}  // namespace
}  // namespace redline
