#include "server/compose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "os/files.h"
#include "server/cluster_shape.h"
#include "server/embedded.h"
#include "support/paths.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

NodeConfig someNode() {
  NodeConfig config;
  config.dir = "/srv/lab/node-7600";
  config.maxmemory = 256ULL << 20;
  return config;
}

std::string filledNode(const NodeConfig& config) {
  return fillIn(kComposeNode, composeVariables(std::span(&config, 1), {}, "/srv/lab"));
}

TEST(ComposeFile, TakesValuesWhereThereAreAnyAndDefaultsElsewhere) {
  EXPECT_EQ(fillIn("a: \"${A:-1}\", b: \"${B:-x-y}\" c", {{"A", "2"}}), "a: \"2\", b: \"x-y\" c");
  EXPECT_EQ(fillIn("\"${A:-}\"", {}), "\"\"");
  EXPECT_EQ(fillIn("no variable", {{"A", "2"}}), "no variable");
  EXPECT_EQ(fillIn("${A:-unended", {}), "unended");
}

TEST(ComposeFile, EscapesValuesForYamlAndForCompose) {
  EXPECT_EQ(fillIn("\"${A:-}\"", {{"A", "/a \"b\"\\$c"}}), "\"/a \\\"b\\\"\\\\$$c\"");
}

TEST(ComposeFile, HasTheServersMemoryPolicyAndNoSwap) {
  NodeConfig config = someNode();
  config.extra = {
      {"maxmemory", "100mb"}};  // wins in redis.conf, and so it must on the command line
  const std::string text = filledNode(config);
  EXPECT_THAT(text, HasSubstr("image: \"redis:7.0.15-bookworm\""));
  // Twice what the server may really have, and 256 MB.
  EXPECT_THAT(text, HasSubstr("mem_limit: \"478150656\""));
  EXPECT_THAT(text, HasSubstr("memswap_limit: \"478150656\""));
  EXPECT_THAT(text, HasSubstr("- \"100mb\""));
  EXPECT_THAT(text, HasSubstr("- \"allkeys-lru\""));
  EXPECT_THAT(text, HasSubstr("restart: \"no\""));
  EXPECT_THAT(text, HasSubstr("source: \"/srv/lab\", target: \"/srv/lab\", read_only: true"));
  EXPECT_THAT(text, HasSubstr("- \"/srv/lab/node-7600/redis.conf\""));
  EXPECT_THAT(text, Not(HasSubstr("${")));
}

TEST(ComposeFile, LimitsCpusOnlyWhereAllThreadsArePinned) {
  NodeConfig config = someNode();
  config.cpus = "0";
  EXPECT_THAT(filledNode(config), HasSubstr("cpuset: \"\""));
  config.bioCpus = config.bgsaveCpus = config.aofRewriteCpus = "1-2";
  EXPECT_THAT(filledNode(config), HasSubstr("cpuset: \"0,1-2\""));
}

TEST(ComposeFile, OpensNoPlainPortBesideTls) {
  NodeConfig config = someNode();
  config.certificates = "/srv/lab/tls";
  EXPECT_THAT(filledNode(config), HasSubstr("- --port\n      - \"0\""));
}

TEST(ComposeFile, OfAClusterHasAServiceForEachNode) {
  const std::vector<std::uint16_t> ports{1, 2, 3, 4, 5, 6};
  auto configs = clusterNodes(someNode(), {}, ports);
  for (std::size_t i = 0; i < configs.size(); ++i)
    configs[i].dir = fmt::format("/srv/lab/node-{}", ports[i]);
  const std::string text = fillIn(kComposeCluster, composeVariables(configs, {}, "/srv/lab"));
  for (std::size_t i = 0; i < configs.size(); ++i) {
    EXPECT_THAT(text, HasSubstr(fmt::format("  node-{}:\n", i + 1)));
    EXPECT_THAT(text, HasSubstr(fmt::format("working_dir: \"{}\"", configs[i].dir.string())));
  }
}

TEST(ComposeFile, NeverHoldsAPassword) {
  NodeConfig config = someNode();
  config.password = "sesame";
  config.passwordFile = "/srv/lab/password.conf";
  EXPECT_THAT(filledNode(config), Not(HasSubstr("sesame")));
  EXPECT_THAT(configText(config), HasSubstr("include \"/srv/lab/password.conf\""));
  EXPECT_THAT(configText(config), Not(HasSubstr("sesame")));
}

TEST(ComposeProject, IsFoundByTheLabelsOfItsContainers) {
  const auto projects =
      parseProjects("redline-lab-5e0c12a9\t/home/a b/stacks/lab\n\t\nshop\t\nshop\t/srv/shop\n");
  ASSERT_EQ(projects.size(), 2U);
  EXPECT_EQ(projects[0].name, "redline-lab-5e0c12a9");
  EXPECT_EQ(projects[0].directory, "/home/a b/stacks/lab");
  EXPECT_EQ(projects[1].name, "shop");
}

TEST(ComposeProject, IsNamedAfterItsDirectoryAlone) {
  const ComposeProject one("/srv/lab.A"), same("/srv/x/../lab.A"), other("/var/lab.A");
  EXPECT_THAT(one.name(), testing::MatchesRegex("redline-laba-[0-9a-f]+"));
  EXPECT_EQ(one.name(), same.name());
  EXPECT_NE(one.name(), other.name());
  EXPECT_THAT(ComposeProject("/var/tmp/redline-lab").name(), testing::StartsWith("redline-lab-"));
}

/// A redis.conf for people, without what differs: places, and what is on the command line.
std::vector<std::string> linesOf(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : splitLines(text)) {
    const auto words = splitWords(line);
    if (words.empty() || line.starts_with('#')) continue;
    const std::string_view name = words.front();
    if (name == "port" || name == "unixsocket" || name == "dir" || name == "logfile" ||
        name == "include" || name.starts_with("maxmemory"))
      continue;
    lines.emplace_back(line);
  }
  return lines;
}

TEST(ComposeFile, ByHandHasTheServersThatRedlineSetsUp) {
  NodeConfig config = someNode();
  for (const char* const topology : {"node", "cluster"}) {
    config.cluster = std::string_view(topology) == "cluster";
    const auto committed = readWholeFile(fs::path(REDLINE_SOURCE_DIR) / "deploy" / "compose" /
                                         topology / "redis.conf");
    ASSERT_TRUE(committed);
    EXPECT_EQ(linesOf(*committed), linesOf(configText(config)));
  }
}

}  // namespace
}  // namespace redline
