#include "rundir/summary_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace redline {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A field, its value on the way out, and nothing left at its default.
Summary filled() {
  Summary summary;
  summary.command = {"redline", "driver", "-rate=10k"};
  summary.config = {{"rate", "10000"}, {"dist", "zipfian"}};
  summary.environment = {"7.0.15", "6.1.0", "A CPU", 2, 25'769'803'776};
  summary.valid = false;
  summary.invalidReasons = {{ReasonCode::stolenTime, "steal 7%"}};
  summary.notes = {"overloaded"};
  summary.windowS = 10.5;
  summary.rate.target = 10'000;
  summary.rate.achieved = 9'999.5;
  summary.rate.scheduled = 100;
  summary.rate.sent = 99;
  summary.rate.completed = 98;
  summary.rate.failed = 1;
  summary.rate.outstanding = 2;
  summary.rate.unanswered = 3;
  summary.rate.unserved = 4;
  summary.rate.longestUnansweredS = 2.5;
  summary.rate.errors = {{"timeout", 1}};
  summary.latency["response"]["all"] = {98, 1.5, 2, 3, 4, 5, 6, 7.25, {"p9999", "max"}};
  summary.latency["service"]["get"] = {97, 0.5, 1, 2, 3, 4, 5, 6, {}};
  summary.latency["failed"]["all"] = {1, 9, 9, 9, 9, 9, 9, 9, {}};
  summary.load = {"rdb", "the server is empty", {"unix:/pg/.s", 3'000'000, 4096, 1.5, 0.5, 0.25}};
  summary.cache = {80, 20, 5, 6, 7, 0.8};
  summary.verify = {80, 1, 2, 3};
  summary.cluster = {
      1,
      2,
      3,
      4,
      {{"127.0.0.1:7600", "replica", "master", 5461, 50, 2, {50, 0.5, 1, 2, 3, 4, 5, 6, {}}}},
      {{8000, "n", 49}}};
  MitigationFigures& m = summary.mitigation;
  m.kind = "local-cache";
  m.counts = {{"fills", 5}, {"stale", 2}};
  m.staleness = {2, 1.5, 2, 3, 4, 5, 6, 7.25, {}};
  m.invalidationLag = {3, 2.5, 3, 4, 5, 6, 7, 8.25, {}};
  m.tracking = "bcast";
  m.caches = 2;
  m.cacheEntries = 1000;
  m.cacheBytesUsed = 3000;
  m.cacheBytes = 4000;
  m.trackingTables = {{"127.0.0.1:7600", 100, 200, 1'000'000}};
  m.split = "spread";
  m.splitWays = 8;
  m.splitKeys = 10;
  m.writeFanOut = 1.75;
  m.divergentKeys = 1;
  m.replicaPolicy = "nearest";
  m.replicas = {{"127.0.0.1:7603", 9, 50.5, 10, 90, 100}};
  m.ledgerKeys = 64;
  m.ledgerBytes = 4096;
  m.missingKeys = 3;
  m.keysWithLoss = 4;
  m.auditUnjudged = 5;
  summary.generator = {2,    "uring", "auto",  1.25, 2.5,    0.75, 0.5, 0.02,
                       0.01, 0.03,    14500.5, 16.5, 120.25, 3,    4,   5};
  ServerFigures server;
  server.addr = "127.0.0.1:7600";
  server.role = "master";
  server.version = "7.0.15";
  server.ops = 98;
  server.cpuUserS = 1.5;
  server.cpuSystemS = 2.5;
  server.mainThreadUtilisation = 0.97;
  server.waitingForCore = 0.03;
  server.hits = 80;
  server.misses = 20;
  server.evicted = 7;
  server.expired = 8;
  server.usedMemory = 1'000'000;
  server.usedMemoryRss = 1'100'000;
  server.fragmentation = 1.1;
  server.latestForkUs = 308;
  summary.servers = {server};
  summary.faults = {
      {"bgsave", "127.0.0.1:7600", "no memory", 5, 5.5, "forked", {{"fork_us", 812.5}}}};
  return summary;
}

// The contract, word for word from the design: names may be added, none may be missing.
constexpr const char* kContract = R"({"schema": 1, "command": ["…"], "config": {},
 "environment": {"redis_version": "", "kernel": "", "cpu": "", "cores": 0},
 "valid": true, "invalid_reasons": [],
 "rate": {"target": 0, "achieved": 0, "scheduled": 0, "sent": 0, "completed": 0, "failed": 0, "outstanding": 0, "errors": {}},
 "latency_us": {"response": {"all": {"count": 0, "mean": 0, "p50": 0, "p90": 0, "p99": 0, "p999": 0, "p9999": 0, "max": 0}, "get": {}, "set": {}},
                "service": {}, "lateness": {}},
 "cache": {"hits": 0, "misses": 0, "hit_rate": 0, "local_hits": 0, "refills": 0},
 "verify": {"checked": 0, "corrupt": 0, "stale": 0, "lost_acknowledged": 0},
 "cluster": {"moved": 0, "ask": 0, "tryagain": 0, "clusterdown": 0, "nodes": [], "hot_slots": [{"slot": 0, "node": "", "ops": 0}]},
 "generator": {"threads": 1, "io": "uring", "wait": "auto", "cpu_user_s": 0, "cpu_sys_s": 0, "cpu_us_per_op": 0, "utilisation": 0, "steal": 0},
 "servers": [{"addr": "", "role": "master", "ops": 0, "cpu_user_s": 0, "cpu_sys_s": 0, "main_thread_utilisation": 0,
              "hits": 0, "misses": 0, "evicted": 0, "expired": 0, "used_memory": 0, "used_memory_rss": 0,
              "mem_fragmentation_ratio": 0, "latest_fork_usec": 0}]})";

/// Every name of `contract` is in `ours`, with a value of the same type; lists by their first
/// element.
void expectHolds(const json& ours, const json& contract, const std::string& path) {
  ASSERT_TRUE(ours.type() == contract.type() || (ours.is_number() && contract.is_number())) << path;
  if (contract.is_array() && !contract.empty()) {
    ASSERT_FALSE(ours.empty()) << path;
    expectHolds(ours[0], contract[0], path + "[0]");
  }
  if (!contract.is_object()) return;
  for (const auto& [name, value] : contract.items()) {
    ASSERT_TRUE(ours.contains(name)) << path << "." << name;
    expectHolds(ours[name], value, path + "." + name);
  }
}

TEST(SummaryJson, HoldsEveryFieldOfTheContract) {
  expectHolds(json::parse(summaryToJson(filled())), json::parse(kContract), "");
}

TEST(SummaryJson, HasEveryLatencyFigureEvenOfAnEmptyRun) {
  const json ours = json::parse(summaryToJson(Summary{}));
  const json figures = json::parse(kContract)["latency_us"]["response"]["all"];
  for (const auto* measure : {"response", "service", "lateness", "dispatch"})
    for (const auto* kind : {"all", "get", "set"})
      expectHolds(ours["latency_us"][measure][kind], figures, measure);
  expectHolds(ours["latency_us"]["failed"]["all"], figures, "failed");
  EXPECT_EQ(ours["cluster"]["nodes"], json::array());
  EXPECT_EQ(ours["cluster"]["hot_slots"], json::array());
  EXPECT_EQ(ours["servers"], json::array());
}

TEST(SummaryJson, ReadsBackEveryFieldThatItWrote) {
  const std::string text = summaryToJson(filled());
  const auto read = summaryFromJson(text, "summary.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(summaryToJson(*read), text);
  EXPECT_EQ(read->config, filled().config);
  EXPECT_EQ(read->latency.at("response").at("all").lowerBounds,
            (std::vector<std::string>{"p9999", "max"}));
  EXPECT_EQ(read->cluster.hotSlots.at(0).slot, 8000U);
  EXPECT_EQ(read->generator.longestPassUs, 120.25);
}

TEST(SummaryJson, WritesNoZeroWhereAFieldWasSet) {
  // `filled` sets every field; one that is still zero in the text was forgotten by the writer.
  const json ours = json::parse(summaryToJson(filled()));
  for (const auto* part : {"rate", "cache", "verify", "cluster", "generator", "environment"})
    for (const auto& [name, value] : ours[part].items())
      EXPECT_TRUE(!value.is_number() || value != 0) << part << "." << name;
  for (const auto* part : {"cache", "split", "replicas", "ledger"})
    for (const auto& [name, value] : ours["mitigation"][part].items())
      EXPECT_TRUE(!value.is_number() || value != 0) << "mitigation." << part << "." << name;
  for (const auto& [name, value] : ours["servers"][0].items())
    EXPECT_TRUE(!value.is_number() || value != 0) << name;
}

TEST(SummaryJson, SaysNothingOfMitigationsWhereThereWereNone) {
  EXPECT_FALSE(json::parse(summaryToJson(Summary{})).contains("mitigation"));
}

TEST(SummaryJson, MarksLowerBoundsOnlyWhereThereAreAny) {
  const json latency = json::parse(summaryToJson(filled()))["latency_us"];
  EXPECT_EQ(latency["response"]["all"]["lower_bounds"], json({"p9999", "max"}));
  EXPECT_FALSE(latency["service"]["get"].contains("lower_bounds"));
}

TEST(SummaryJson, PassesOverWhatItDoesNotKnowAndMisses) {
  const auto read = summaryFromJson(R"({"schema": 1, "new": [1], "rate": {"sent": 5}})", "s");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->rate.sent, 5U);
  EXPECT_TRUE(read->valid);
}

TEST(SummaryJson, NamesTheFieldThatIsWrong) {
  const auto why = [](const char* text) {
    return summaryFromJson(text, "dir/summary.json").error().message;
  };
  EXPECT_EQ(why(R"({"schema": 1, "rate": {"sent": "many"}})"),
            "dir/summary.json: rate.sent is not a whole number");
  EXPECT_EQ(why(R"({"schema": 1, "servers": [{}, {"addr": 7}]})"),
            "dir/summary.json: servers[1].addr is not a text");
  EXPECT_EQ(why(R"({"schema": 2})"), "dir/summary.json: schema 2 where 1 is read");
  EXPECT_EQ(why("[]"), "dir/summary.json: the whole is not an object");
  EXPECT_THAT(why("{\n\"schema\": 1,\n\"valid\": maybe}"),
              HasSubstr("dir/summary.json:3: not JSON"));
}

TEST(SummaryJson, TellsATextThatEndsTooEarlyFromOneThatIsWrong) {
  const std::string whole = summaryToJson(filled());
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
    bool cutOff = false;
    ASSERT_FALSE(summaryFromJson(whole.substr(0, size), "s", &cutOff));
    ASSERT_TRUE(cutOff) << size;
  }
  bool cutOff = false;
  EXPECT_FALSE(summaryFromJson("{]", "s", &cutOff));
  EXPECT_FALSE(cutOff);
}

TEST(SummaryJson, WritesNothingThatIsNotJson) {
  Summary summary;
  summary.rate.achieved = std::numeric_limits<double>::quiet_NaN();
  summary.notes = {"not UTF-8: \xff\xfe", "a \"quote\"\n"};
  const std::string text = summaryToJson(summary);
  ASSERT_TRUE(json::accept(text));
  const auto read = summaryFromJson(text, "s");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->notes[1], "a \"quote\"\n");
}

// Found by fuzzing: the library throws something else for it than for what is not JSON.
TEST(SummaryJson, ReasonsAreTextsForPeopleWithTheirCodesBeside) {
  const json ours = json::parse(summaryToJson(filled()));
  EXPECT_EQ(ours["invalid_reasons"], json({"steal 7%"}));
  EXPECT_EQ(ours["invalid_codes"], json({"stolen-time"}));
}

TEST(SummaryJson, RefusesANumberThatNoDoubleHolds) {
  const auto read = summaryFromJson(R"({"window_s": 1E011110})", "summary.json");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("summary.json"), std::string::npos);
}

}  // namespace
}  // namespace redline
