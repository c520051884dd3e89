#include "server/observers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "os/files.h"
#include "server/embedded.h"
#include "server/observer_files.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using nlohmann::json;

StackState cluster() {
  StackState state;
  state.name = "lab";
  for (const std::uint16_t port : {std::uint16_t{7700}, std::uint16_t{7701}})
    state.nodes.push_back({fmt::format("node-{}", port), "master", port, "/tmp/s", {}});
  return state;
}

TEST(ObserverFiles, NameEachServerAndItsExporter) {
  const json targets = json::parse(redisTargets(cluster(), 7791));
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0]["targets"], (json{"127.0.0.1:7700", "127.0.0.1:7701"}));
  EXPECT_EQ(targets[0]["labels"]["stack"], "lab");
  EXPECT_EQ(targets[0]["labels"]["__exporter__"], "127.0.0.1:7791");
  EXPECT_EQ(json::parse(driverTargets({"127.0.0.1", 9121, {}}))[0]["targets"][0], "127.0.0.1:9121");
}

TEST(ObserverFiles, SayWhereServersSpeakTls) {
  StackState state = cluster();
  EXPECT_FALSE(json::parse(redisTargets(state, 7791))[0]["labels"].contains("__redis_scheme__"));
  state.tls = true;
  const json targets = json::parse(redisTargets(state, 7791));
  EXPECT_EQ(targets[0]["labels"]["__redis_scheme__"], "rediss://");
  EXPECT_EQ(targets[0]["targets"][0], "127.0.0.1:7700");  // what instances are called
}

TEST(ObserverFiles, GiveTheExporterAPasswordForEachServerAndForNoOther) {
  StackState state = cluster();
  EXPECT_EQ(json::parse(exporterPasswords(state, "a b'\"c")),
            (json{{"redis://127.0.0.1:7700", "a b'\"c"}, {"redis://127.0.0.1:7701", "a b'\"c"}}));
  state.tls = true;
  EXPECT_EQ(json::parse(exporterPasswords(state, "x")),
            (json{{"rediss://127.0.0.1:7700", "x"}, {"rediss://127.0.0.1:7701", "x"}}));
}

TEST(ObserverFiles, AreThoseOfDeployBesideTheTargets) {
  const TemporaryDirectory dir;
  ASSERT_TRUE(writeObserverFiles(dir.path() / "observe", cluster(), 7791, {"127.0.0.1", 9, {}}));
  const auto file = [&](const char* name) {
    return readWholeFile(dir.path() / "observe" / name).value_or("");
  };
  EXPECT_EQ(file("prometheus.yml"), kPrometheusConfig);
  EXPECT_THAT(file("prometheus.yml"), testing::HasSubstr("targets/redis.json"));
  EXPECT_THAT(file("rules/alerts.yml"), testing::HasSubstr("alert: RedisHotShard"));
  EXPECT_THAT(file("rules/recording.yml"), testing::HasSubstr("record: "));
  EXPECT_EQ(file("targets/redis.json"), redisTargets(cluster(), 7791));
}

TEST(Observers, AreNoneWhereNoneWereStarted) {
  const TemporaryDirectory dir;
  auto observers = Observers::load(dir.path());
  ASSERT_TRUE(observers);
  EXPECT_TRUE(observers->all().empty());
  EXPECT_TRUE(observers->stop().value().empty());
}

TEST(Observers, KnowTheDriverThatIsScraped) {
  const TemporaryDirectory dir;
  const auto driverOf = [&](const char* text) {
    EXPECT_TRUE(writeWholeFile(dir.path() / "observers.json", text));
    const auto observers = Observers::load(dir.path());
    return observers ? observers->driver() : observers.error().message;
  };
  EXPECT_EQ(driverOf(R"({"schema":1,"observers":[],"driver":"127.0.0.1:9121"})"), "127.0.0.1:9121");
  EXPECT_EQ(driverOf(R"({"schema":1,"observers":[]})"), "") << "of an earlier version";
}

TEST(Observers, OfADamagedFileAreAnErrorThatNamesIt) {
  const TemporaryDirectory dir;
  ASSERT_TRUE(writeWholeFile(dir.path() / "observers.json", "{\"schema\":1}"));
  const auto observers = Observers::load(dir.path());
  ASSERT_FALSE(observers);
  EXPECT_THAT(observers.error().message, testing::HasSubstr("observers.json"));
}

}  // namespace
}  // namespace redline
