#include "server/server_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "server/docker.h"

namespace redline {
namespace {

TEST(ServerProcess, KnowsAProcesssNumberInEachNamespace) {
  EXPECT_THAT(parseNamespacePids("Name:\tx\nNSpid:\t20187\t1\nNSsid:\t1\n"),
              testing::ElementsAre(20187, 1));
  EXPECT_THAT(parseNamespacePids("Name:\tx\n"), testing::IsEmpty());
}

TEST(ServerProcess, FindsThePortInAServersTitle) {
  EXPECT_EQ(portInTitle("redis-server 127.0.0.1:7700 [cluster]   "), 7700);
  EXPECT_EQ(portInTitle(std::string_view("redis-server\0*:6379\0", 20)), 6379);
  EXPECT_EQ(portInTitle("/usr/bin/redis-server unixsocket:/x"), 0);
  EXPECT_EQ(portInTitle("redis-server"), 0);
  EXPECT_EQ(portInTitle("something 127.0.0.1:7700"), 0);
  EXPECT_EQ(portInTitle(""), 0);
}

TEST(ServerProcess, IsNoneThatIsNotARedis) {
  EXPECT_FALSE(serverProcess({{"process_id", std::to_string(::getpid())}, {"tcp_port", "1"}}));
  EXPECT_FALSE(serverProcess({{"process_id", "0"}}));
  EXPECT_FALSE(serverProcess({{"process_id", "many"}}));
  EXPECT_FALSE(serverProcess({}));
}

TEST(Containers, AreReadFromWhatDockerPrints) {
  const auto read = parseContainers(fmt::format(
      "abc\tnode-1\ttrue\t{}\t\"\"\ndef\tnode-2\tfalse\t0\t\"no such file\"\n", ::getpid()));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].service, "node-1");
  EXPECT_EQ((*read)[0].process, identify(::getpid()));
  EXPECT_FALSE((*read)[1].running);
  EXPECT_EQ((*read)[1].process.pid, 0);
  EXPECT_EQ((*read)[1].problem, "no such file");
  EXPECT_FALSE(parseContainers("abc\tnode-1\ttrue\n"));
}

}  // namespace
}  // namespace redline
