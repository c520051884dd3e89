#include "cmd/stack_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

NodeStatus nodeAt(std::uint16_t port, const std::string& planned, const std::string& role) {
  NodeStatus status;
  status.node = {fmt::format("node-{}", port), planned, port, "/tmp/s", {4711, 1, "boot"}};
  status.alive = true;
  status.role = role;
  status.version = "7.0.15";
  status.replication.master = role == "master";
  status.member.emplace();
  status.member->id = std::string(40, 'a');
  return status;
}

/// After a failover: the planned master is back as a replica, and a little behind.
StackStatus failedOver() {
  StackStatus status;
  status.state = {"lab", "cluster", true, "/tmp/s", "redis-server", {}};
  status.nodes = {nodeAt(7700, "master", "replica"), nodeAt(7703, "replica", "master")};
  status.nodes[0].replication = {false, true, {"127.0.0.1", 7703, {}}, 1000, 0, {}, 0};
  status.nodes[1].replication.offset = 3048;
  status.nodes[1].member->slots = {{0, 99}};
  status.nodes[1].member->migrating = {{7, std::string(40, 'b')}};
  for (const NodeStatus& node : status.nodes) status.state.nodes.push_back(node.node);
  return status;
}

TEST(StackText, ShowsRolesAsTheyAreNow) {
  const std::string text = statusText(failedOver());
  EXPECT_THAT(text, HasSubstr("127.0.0.1:7700  replica"));
  EXPECT_THAT(text, HasSubstr("of 127.0.0.1:7703, 2 KB behind"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1:7703  master"));
  EXPECT_THAT(text, HasSubstr("100 slots 0-99  1 migrating"));
  EXPECT_THAT(text, HasSubstr("all replicas are in sync"));
}

TEST(StackText, ShowsWhatIsWrong) {
  StackStatus status = failedOver();
  status.cluster = "127.0.0.1:7703 says cluster_state:fail";
  status.nodes[0].replication.linkUp = false;
  status.nodes[1].problem = "held by a SIGSTOP";
  status.nodes[1].stopped = true;
  const std::string text = statusText(status);
  EXPECT_THAT(text, HasSubstr("link to 127.0.0.1:7703 is down"));
  EXPECT_THAT(text, HasSubstr("held by a SIGSTOP (pid 4711)"));
  EXPECT_THAT(text, Not(HasSubstr("in sync")));
}

TEST(StackText, NamesWhatObservesAStackAndWhatHasDied) {
  StackStatus status = failedOver();
  EXPECT_THAT(statusText(status), Not(HasSubstr("prometheus")));
  status.observers = {{{"prometheus", 7790, {12, 1, "boot"}}, false, "/tmp/s/prometheus.log"},
                      {{"prometheus-redis-exporter", 7791, {13, 1, "boot"}}, true, "/tmp/s/e.log"}};
  const std::string text = statusText(status);
  EXPECT_THAT(text, HasSubstr("prometheus  http://127.0.0.1:7790  not running"));
  EXPECT_THAT(text, HasSubstr("prometheus-redis-exporter  http://127.0.0.1:7791  pid 13"));
  const auto json = nlohmann::json::parse(statusJson(status));
  EXPECT_EQ(json["observers"][0]["alive"], false);
  EXPECT_EQ(json["observers"][0]["log"], "/tmp/s/prometheus.log");
  EXPECT_EQ(json["observers"][1]["url"], "http://127.0.0.1:7791");
  StackUp up{status.state, false, {status.observers[1].observer}};
  EXPECT_THAT(up.text(), HasSubstr("prometheus-redis-exporter pid 13  http://127.0.0.1:7791"));
  EXPECT_EQ(nlohmann::json::parse(stackJson(up))["observers"].size(), 1U);
}

TEST(StackText, OfAStackThatWasUpHasTheRolesOfItsStatus) {
  StackUp up{failedOver().state, true, {}};
  takeRoles(up.state, failedOver());
  EXPECT_THAT(up.text(), HasSubstr("node-7700 replica"));
  EXPECT_THAT(up.text(), HasSubstr("node-7703 master"));
  StackStatus silent = failedOver();
  silent.nodes[0].role.clear();
  takeRoles(up.state, silent);
  EXPECT_EQ(up.state.nodes[0].role, "replica");
}

TEST(StackText, SaysWhereADriverIsScraped) {
  StackStatus status = failedOver();
  EXPECT_THAT(statusText(status), Not(HasSubstr("scrapes")));
  status.driver = "127.0.0.1:9121";
  StackUp up{status.state, false, {}};
  up.driver = status.driver;
  for (const std::string& text : {statusText(status), up.text()})
    EXPECT_THAT(text, HasSubstr("Prometheus scrapes a driver at 127.0.0.1:9121: run it with "
                                "-metrics=127.0.0.1:9121"));
  for (const std::string& text : {statusJson(status), stackJson(up)})
    EXPECT_EQ(nlohmann::json::parse(text)["scraped_driver"], "127.0.0.1:9121");
}

TEST(StackText, SaysTheSameAsJson) {
  const auto json = nlohmann::json::parse(statusJson(failedOver()));
  EXPECT_EQ(json["topology"], "cluster");
  EXPECT_EQ(json["problem"], "");
  EXPECT_EQ(json["nodes"][0]["role"], "replica");
  EXPECT_EQ(json["nodes"][0]["planned_role"], "master");
  EXPECT_EQ(json["nodes"][0]["master"], "127.0.0.1:7703");
  EXPECT_EQ(json["nodes"][1]["slots"], 100);
  EXPECT_EQ(json["nodes"][1]["slot_ranges"], "0-99");
  EXPECT_EQ(json["nodes"][1]["migrating"], 1);
  EXPECT_EQ(json["nodes"][1]["replication_offset"], 3048);
}

}  // namespace
}  // namespace redline
