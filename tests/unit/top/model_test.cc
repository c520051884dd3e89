#include "top/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cluster/hash_slot.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Endpoint kFirst{"127.0.0.1", 7600, {}}, kSecondNode{"127.0.0.1", 7601, {}};

const Nanos kNow = fromSeconds(110), kFresh = fromSeconds(1000);

/// One reading of a master at `seconds`, with so many commands, hits and misses since its start.
NodeReport reading(const Endpoint& node, double seconds, double commands, double hits = 0,
                   double misses = 0) {
  NodeReport report;
  report.node = node;
  report.at = fromSeconds(100 + seconds);
  report.info.fields = {{"run_id", "a"},
                        {"role", "master"},
                        {"total_commands_processed", fmt::format("{}", commands)},
                        {"keyspace_hits", fmt::format("{}", hits)},
                        {"keyspace_misses", fmt::format("{}", misses)},
                        {"used_memory", "1000"},
                        {"maxmemory", "4000"},
                        {"connected_clients", "7"}};
  return report;
}

TEST(TopModel, HasNoRatesAfterOneReading) {
  TopModel model(false, kFresh);
  EXPECT_FALSE(model.hasRates());
  model.take(reading(kFirst, 0, 1000));
  EXPECT_FALSE(model.hasRates());
  const TopView view = model.view(kNow);
  EXPECT_TRUE(std::isnan(view.all.opsPerS));
  EXPECT_EQ(view.all.memory, 1000);
}

TEST(TopModel, TakesItsOwnCommandsAndLookupsOut) {
  TopModel model(false, kFresh);
  model.take(reading(kFirst, 0, 1000, 500, 100));
  NodeReport second = reading(kFirst, 2, 1000 + 2000 + 150, 500 + 1800 + 100, 100 + 200);
  second.sent = {{"info", 1}, {"memory|usage", 49}, {"object|freq", 90}, {"type", 10}};
  model.take(second);
  ASSERT_TRUE(model.hasRates());
  const TopView view = model.view(kNow);
  EXPECT_DOUBLE_EQ(view.all.opsPerS, 1000);
  EXPECT_DOUBLE_EQ(view.all.hitRate, 0.9);
  EXPECT_DOUBLE_EQ(view.commandsPerS, 75);
}

TEST(TopModel, TakesOutWhatOtherObserversSentAndWhatOfItsOwnWasNotRefused) {
  TopModel model(false, kFresh);
  NodeReport first = reading(kFirst, 0, 1000, 500),
             second = reading(kFirst, 1, 1000 + 11'000, 1500);
  first.info.commandStats = {{"memory|usage", {100}}, {"scan", {10}}, {"ping", {1000}}};
  // Another top has sent 9,000, and 400 of this one's 500 SCANs were refused.
  second.info.commandStats = {{"memory|usage", {9100}}, {"scan", {110}},    {"info", {50}},
                              {"slowlog|get", {50}},    {"get", {1000}},    {"ping", {1500}},
                              {"object|freq", {200}},   {"config|get", {0}}};
  second.sent = {{"memory|usage", 10}, {"scan", 500}, {"info", 1}, {"object|freq", 20}};
  model.take(first);
  model.take(second);
  const TopView view = model.view(kNow);
  EXPECT_DOUBLE_EQ(view.all.opsPerS, 11'000 - 9000 - 100 - 50 - 50 - 200);
  EXPECT_DOUBLE_EQ(view.all.pingsPerS, 500);
  EXPECT_DOUBLE_EQ(view.all.hitRate, 1);
}

TEST(TopModel, EstimatesHowManyKeysExpireByItsOwnReads) {
  TopModel model(false, kFresh);
  NodeReport first = reading(kFirst, 0, 0), second = reading(kFirst, 1, 0);
  second.info.keyspace[0] = {100'000, 50'000, 0};
  second.info.fields["expired_keys"] = "272";
  second.info.fields["expired_stale_perc"] = "2.00";
  second.sent = {{"memory|usage", 25'000}};
  model.take(first);
  model.take(second);
  EXPECT_DOUBLE_EQ(model.view(kNow).all.expiredPerS, 272);
  EXPECT_DOUBLE_EQ(model.view(kNow).all.expiredByUsPerS, 250);
}

TEST(TopModel, KnowsNoHitRateWithoutLookups) {
  TopModel model(false, kFresh);
  model.take(reading(kFirst, 0, 1000));
  NodeReport second = reading(kFirst, 1, 1100, 10);
  second.sent = {{"object|freq", 10}};
  model.take(second);
  EXPECT_TRUE(std::isnan(model.view(kNow).all.hitRate));
}

TEST(TopModel, CountsWhatItsCommandsCostByTheServersOwnClock) {
  TopModel model(false, kFresh);
  NodeReport first = reading(kFirst, 0, 0), second = reading(kFirst, 2, 0);
  first.info.commandStats = {{"memory|usage", {100, 0, 0, 150}}, {"info", {10, 0, 0, 1000}}};
  // 200 of 400 calls were ours, at 2 us each; INFO took 90 us.
  second.info.commandStats = {{"memory|usage", {500, 0, 0, 950}}, {"info", {11, 0, 0, 1090}}};
  second.sent = {{"memory|usage", 200}, {"info", 1}, {"scan", 4}};
  model.take(first);
  model.take(second);
  const TopView view = model.view(kNow);
  EXPECT_DOUBLE_EQ(view.serverUsPerS, (400 + 90) / 2.0);
  EXPECT_DOUBLE_EQ(view.commandsPerS, 205 / 2.0);
}

TEST(TopModel, TakesNoRateAcrossARestart) {
  TopModel model(false, kFresh);
  model.take(reading(kFirst, 0, 5000));
  NodeReport restarted = reading(kFirst, 1, 10);
  restarted.info.fields["run_id"] = "b";
  model.take(restarted);
  EXPECT_TRUE(std::isnan(model.view(kNow).all.opsPerS));
  restarted = reading(kFirst, 2, 110);
  restarted.info.fields["run_id"] = "b";
  model.take(restarted);
  EXPECT_DOUBLE_EQ(model.view(kNow).all.opsPerS, 100);
}

TEST(TopModel, SaysWhyANodeCannotBeRead) {
  TopModel model(false, kFresh);
  model.take(reading(kFirst, 0, 5000));
  NodeReport silent;
  silent.node = kFirst;
  silent.at = fromSeconds(101);
  silent.problem = "127.0.0.1:7600 did not answer within 5000 ms";
  model.take(silent);
  EXPECT_TRUE(model.hasRates());
  EXPECT_EQ(model.view(kNow).nodes.front().problem, silent.problem);
  model.take(reading(kFirst, 2, 5100));
  EXPECT_EQ(model.view(kNow).nodes.front().problem, "");
}

TEST(TopModel, ShowsAnOldReadingAsOldAndLeavesItOutOfTheSum) {
  TopModel model(true, 2 * kSecond);
  for (const double at : {0.0, 1.0}) {
    model.take(reading(kFirst, at, 3000 * at));
    model.take(reading(kSecondNode, at, 1000 * at));
  }
  EXPECT_DOUBLE_EQ(model.view(fromSeconds(102.9)).all.opsPerS, 4000);
  for (const double at : {2.0, 3.0}) model.take(reading(kSecondNode, at, 1000 * at));
  NodeReport silent;
  silent.node = kFirst;
  silent.at = fromSeconds(103.5);
  silent.problem = "no answer in time";
  silent.silent = true;
  for (const bool timedOut : {false, true}) {
    if (timedOut) model.take(silent);
    const TopView view = model.view(fromSeconds(104));
    EXPECT_DOUBLE_EQ(view.all.opsPerS, 1000);
    EXPECT_EQ(view.all.keys, 0);
    const NodeRow& row = *std::ranges::find(view.nodes, kFirst.text(), &NodeRow::node);
    EXPECT_EQ(row.problem, "no reading for 3 s");
    EXPECT_TRUE(std::isnan(row.load.memory));
    EXPECT_EQ(row.problemBegan, !timedOut);
  }
  EXPECT_TRUE(model.isFresh(kSecondNode, fromSeconds(104)));
  EXPECT_FALSE(model.isFresh(kFirst, fromSeconds(104)));
}

TEST(TopModel, SaysOnceThatAProblemBeginsAndThatItEnds) {
  TopModel model(false, kFresh);
  const auto turned = [&] {
    const NodeRow row = model.view(kNow).nodes.front();
    return std::pair(row.problemBegan, row.problemEnded);
  };
  const std::pair nothing(false, false), began(true, false), ended(false, true);
  model.take(reading(kFirst, 0, 0));
  EXPECT_EQ(turned(), nothing);
  NodeReport loading;
  loading.node = kFirst;
  for (int percent = 10; percent < 13; ++percent) {
    loading.at = fromSeconds(101);
    loading.problem = fmt::format("it is loading: {}%", percent);
    model.take(loading);
    EXPECT_EQ(turned(), percent == 10 ? began : nothing);
  }
  loading.problem = "nothing listens";
  model.take(loading);
  EXPECT_EQ(turned(), began) << "it is another one";
  model.take(reading(kFirst, 3, 0));
  EXPECT_EQ(turned(), ended);
  EXPECT_EQ(turned(), nothing);
}

TEST(TopModel, AddsMastersUpAndPutsReplicasLast) {
  TopModel model(true, kFresh);
  for (const double at : {0.0, 1.0}) {
    NodeReport replica = reading({"127.0.0.1", 7599, {}}, at, 1000 * at);
    replica.info.fields["role"] = "slave";
    model.take(replica);
    model.take(reading(kFirst, at, 3000 * at, 2000 * at, 1000 * at));
    model.take(reading(kSecondNode, at, 1000 * at, 1000 * at, 0));
  }
  const TopView view = model.view(kNow);
  EXPECT_DOUBLE_EQ(view.all.opsPerS, 4000);
  EXPECT_DOUBLE_EQ(view.all.hitRate, 0.75);
  EXPECT_EQ(view.all.memory, 2000);
  std::vector<std::string> order;
  for (const NodeRow& node : view.nodes) order.push_back(node.node);
  EXPECT_THAT(order, ElementsAre("127.0.0.1:7600", "127.0.0.1:7601", "127.0.0.1:7599"));
  model.forget(kFirst);
  EXPECT_THAT(model.view(kNow).nodes, SizeIs(2));
}

TEST(TopModel, TellsEventsOnceAndKeepsThemForTheScreen) {
  TopModel model(false, kFresh);
  NodeReport report = reading(kFirst, 0, 0);
  Event event;
  event.name = "hgetall";
  report.events = {event, event};
  report.events.back().name = "keys";
  model.take(report);
  TopView view = model.view(kNow);
  ASSERT_THAT(view.news, SizeIs(2));
  EXPECT_EQ(view.news.front().name, "hgetall");
  EXPECT_EQ(view.events.front().name, "keys") << "the latest first";
  view = model.view(kNow);
  EXPECT_THAT(view.news, IsEmpty());
  EXPECT_THAT(view.events, SizeIs(2));
}

TEST(TopModel, RanksBigKeysByTheTimeThatAReadWouldBlock) {
  TopModel model(false, kFresh);
  NodeReport report = reading(kFirst, 0, 0);
  report.keys.keys = 1000;
  report.keys.looked = 1000;
  report.keys.whole = true;
  report.keys.largest = {{"page", 50 << 20, 0, "string", 0},
                         {"hash", 40 << 20, 0, "hash", 1'000'000}};
  model.take(report);
  const TopView view = model.view(kNow);
  ASSERT_THAT(view.bigKeys, SizeIs(2));
  EXPECT_EQ(view.bigKeys.front().name, "hash");
  EXPECT_EQ(view.bigKeys.front().command, "HGETALL");
  EXPECT_NEAR(view.bigKeys.front().stallS, 0.361, 1e-9);
  EXPECT_TRUE(view.whole);
}

TEST(TopModel, EstimatesTheShareOfAHotKeyFromWhatWasSeen) {
  TopModel model(true, kFresh);
  NodeReport report = reading(kFirst, 0, 0);
  report.keys.keys = 1000;
  report.keys.looked = 100;
  report.keys.counters = true;
  report.keys.uses = 2 * usesOf(200);
  report.keys.busiest = {{"obj:7", 100, 200, {}, 0}};
  report.keys.usesBySlot = {
      {hashSlot("obj:7"), usesOf(200)}, {1, usesOf(200) / 2}, {2, usesOf(200) / 2}};
  model.take(report);
  TopView view = model.view(kNow);
  EXPECT_TRUE(view.countsUses);
  ASSERT_THAT(view.hotKeys, SizeIs(1));
  EXPECT_NEAR(view.hotKeys.front().share, 0.05, 1e-9) << "of ten times what was seen";
  EXPECT_NEAR(view.hotSlots.front().share, 0.05, 1e-9);
  report.keys.looked = 1000;
  report.keys.whole = true;
  model.take(report);
  view = model.view(kNow);
  EXPECT_NEAR(view.hotKeys.front().share, 0.5, 1e-9);
  EXPECT_EQ(view.hotSlots.front().slot, hashSlot("obj:7"));
}

TEST(TopModel, ShowsSlotsByTheirKeysWhereUsesAreNotCounted) {
  TopModel model(true, kFresh);
  NodeReport report = reading(kFirst, 0, 0);
  report.slots = {{1, 10}, {2, 0}, {3, 30}};
  model.take(report);
  report.slots = {{1, 70}};
  model.take(report);
  const TopView view = model.view(kNow);
  EXPECT_EQ(view.slotsCounted, 3U);
  ASSERT_THAT(view.hotSlots, SizeIs(2));
  EXPECT_EQ(view.hotSlots.front().slot, 1);
  EXPECT_DOUBLE_EQ(view.hotSlots.front().share, 0.7);
}

NodeReport silence(const Endpoint& node, double seconds) {
  NodeReport report;
  report.node = node;
  report.at = fromSeconds(100 + seconds);
  report.problem = "nothing listens on " + node.text();
  return report;
}

TEST(TopModel, CountsTheKeysOfANodeThatIsGoneNoMore) {
  TopModel model(true, kFresh);
  NodeReport report = reading(kFirst, 0, 0);
  report.keys.keys = report.keys.looked = 1000;
  report.keys.whole = report.keys.counters = true;
  report.keys.uses = usesOf(200);
  report.keys.busiest = report.keys.largest = {{"obj:7", 100, 200, "string", 0}};
  report.keys.usesBySlot = {{7, usesOf(200)}};
  report.keys.families = {{"obj:*", 1000, 100'000}};
  report.slots = {{1, 10}};
  model.take(report);
  NodeReport gone = silence(kFirst, 1);
  gone.keys = report.keys;  // what the watcher knew
  model.take(gone);
  report.node = kSecondNode;  // its successor
  report.slots = {};
  model.take(report);
  const TopView view = model.view(kNow);
  EXPECT_EQ(view.keys, 1000U);
  EXPECT_EQ(view.looked, 1000U);
  EXPECT_EQ(view.slotsCounted, 0U);
  EXPECT_THAT(view.bigKeys, SizeIs(1));
  ASSERT_THAT(view.hotKeys, SizeIs(1));
  EXPECT_DOUBLE_EQ(view.hotKeys.front().share, 1);
  EXPECT_EQ(view.hotKeys.front().node, kSecondNode.text());
  EXPECT_THAT(view.hotSlots, SizeIs(1));
  ASSERT_THAT(view.families, SizeIs(1));
  EXPECT_EQ(view.families.front().keys, 1000U);
}

TEST(TopModel, WaitsForEachNodeThatIsWatched) {
  TopModel model(true, kFresh);
  model.expect(kFirst);
  model.expect(kSecondNode);
  model.take(reading(kFirst, 0, 0));
  model.take(reading(kFirst, 1, 100));
  EXPECT_FALSE(model.hasRates()) << "the other one hangs";
  TopView view = model.view(kNow);
  ASSERT_THAT(view.nodes, SizeIs(2));
  EXPECT_EQ(view.nodes[1].node, kSecondNode.text());
  EXPECT_EQ(view.nodes[1].problem, "it has not answered yet");
  model.take(silence(kSecondNode, 5));
  EXPECT_TRUE(model.hasRates());
  model.expect(kFirst);  // again, as when the cluster's map is read anew
  EXPECT_TRUE(model.hasRates());
  view = model.view(kNow);
  EXPECT_DOUBLE_EQ(view.all.opsPerS, 100);
  EXPECT_EQ(view.all.memory, 1000);
}

TEST(TopModel, CountsASingleNodeWhateverItsRole) {
  TopModel model(false, kFresh);
  model.expect(kFirst);
  EXPECT_TRUE(std::isnan(model.view(kNow).all.memory)) << "nothing has answered";
  EXPECT_TRUE(std::isnan(model.view(kNow).all.keys));
  for (const double at : {0.0, 1.0}) {
    NodeReport replica = reading(kFirst, at, 1000 * at);
    replica.info.fields["role"] = "slave";
    replica.info.keyspace[0] = {42, 0, 0};
    model.take(replica);
  }
  const TopView view = model.view(kNow);
  EXPECT_EQ(view.all.memory, 1000);
  EXPECT_EQ(view.all.keys, 42);
  EXPECT_DOUBLE_EQ(view.all.opsPerS, 1000);
  model.take(silence(kFirst, 2));
  EXPECT_TRUE(std::isnan(model.view(kNow).all.memory));
}

TEST(TopModel, KnowsOfKeysInOtherDatabases) {
  TopModel model(false, kFresh);
  NodeReport report = reading(kFirst, 0, 0);
  report.info.keyspace[3] = {5, 0, 0};
  report.info.keyspace[4] = {6, 0, 0};
  model.take(report);
  EXPECT_EQ(model.view(kNow).keys, 0U);
  EXPECT_EQ(model.view(kNow).otherKeys, 11U);
}

TEST(TopModel, MeasuresItsOwnCpu) {
  TopModel model(false, kFresh);
  EXPECT_TRUE(std::isnan(model.view(kNow).ownCpu));
  model.takeOwnCpu(kSecond, 10 * kMillisecond);
  model.takeOwnCpu(2 * kSecond, 30 * kMillisecond);
  EXPECT_DOUBLE_EQ(model.view(kNow).ownCpu, 0.02);
}

TEST(Budget, LetsAsManyKeysBeLookedAtAsTheirCostAllows) {
  EXPECT_EQ(affordableKeys(0, 0, kSecond, 0.01), 2500U) << "a guess of 4 us";
  EXPECT_EQ(affordableKeys(2000, 1000, kSecond, 0.01), 5000U);
  EXPECT_EQ(affordableKeys(20'000, 1000, kSecond, 0.01), 500U);
  EXPECT_EQ(affordableKeys(1e9, 1, kSecond, 0.01), 10U) << "never nothing";
  EXPECT_EQ(affordableKeys(2000, 1000, 100 * kMillisecond, 0.01), 500U);
}

TEST(Budget, KnowsWhichCommandsCountAsHits) {
  EXPECT_EQ(
      lookupsIn({{"object|freq", 5}, {"type", 2}, {"hlen", 1}, {"memory|usage", 9}, {"scan", 3}}),
      8U);
}

}  // namespace
}  // namespace redline
