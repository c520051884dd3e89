#include "plan/sizing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "plan/load.h"
#include "plan/plan_json.h"

namespace redline {
namespace {

using testing::HasSubstr;

/// Figures that the tests can compute with: a GET of 100 B costs 8 µs alone, p99 is below 1 ms up
/// to 80% busy.
Coefficients simpleCoefficients() {
  CoefficientFile file;
  const auto put = [&](std::string name, double value, std::string unit) {
    file.coefficients.push_back({std::move(name), value, value, value, 1, std::move(unit), "test"});
  };
  put("get_us", 2, "us");
  put("set_us", 2, "us");
  put("call_us", 6, "us");
  put("kilobyte_us", 1e-9, "us");
  put("cluster_factor", 1, "x");
  put("knee_1ms", 0.8, "share");
  put("fork_fixed_ms", 10, "ms");
  put("fork_page_ns", 100, "ns");
  put("save_s_per_gb", 10, "s");
  put("pages_per_write", 3, "pages");
  put("empty_bytes", 1e6, "bytes");
  put("resident_factor", 1.1, "x");
  put("lru_weight", 1, "share");
  put("failover_s", 2, "s");
  return Coefficients(file);
}

SizingRequest usualRequest() {
  SizingRequest request;
  request.keys = 10'000'000;
  request.rate = 390'000;
  request.zipfS = 0;
  request.nodeMemory = 32e9;
  request.network = 1e9;
  request.headroom = 0;
  request.replicas = 0;
  return request;
}

TEST(Sizing, TakesAsManyShardsAsTheMainThreadNeeds) {
  // 390k/s at 8 µs are 3.1 busy main threads, of which each gives 0.8: four, evenly loaded.
  const Sizing sizing = sizeOf(usualRequest(), simpleCoefficients());
  EXPECT_EQ(sizing.shards, 4U);
  EXPECT_EQ(sizing.limit, SizeLimit::mainThread);
  EXPECT_NEAR(sizing.shardCeiling, 125'000, 1);
  EXPECT_NEAR(sizing.shardRate, 100'000, 1);
}

TEST(Sizing, KeepsTheHeadroomFree) {
  SizingRequest request = usualRequest();
  request.headroom = 0.5;
  EXPECT_EQ(sizeOf(request, simpleCoefficients()).shards, 6U);
}

TEST(Sizing, TakesFewerWithBatches) {
  SizingRequest request = usualRequest();
  request.batch = 6;                                            // 3 µs a command
  EXPECT_EQ(sizeOf(request, simpleCoefficients()).shards, 3U);  // 2 have no majority
}

TEST(Sizing, TakesAsManyShardsAsTheMemoryNeeds) {
  SizingRequest request = usualRequest();
  request.rate = 1'000;
  request.nodeMemory = 400e6;
  const Sizing sizing = sizeOf(request, simpleCoefficients());
  EXPECT_EQ(sizing.limit, SizeLimit::memory);
  EXPECT_GT(sizing.shards, 4U);
  EXPECT_LE(sizing.load.memory.needed(), request.nodeMemory);
  request.shards = sizing.shards - 1;
  EXPECT_GT(sizeOf(request, simpleCoefficients()).load.memory.needed(), request.nodeMemory);
}

TEST(Sizing, TakesAsManyShardsAsForksNeed) {
  SizingRequest request = usualRequest();
  request.rate = 1'000;
  request.forkMostS = 0.02;
  const Sizing sizing = sizeOf(request, simpleCoefficients());
  EXPECT_EQ(sizing.limit, SizeLimit::fork);
  EXPECT_LE(sizing.load.memory.forkS, request.forkMostS);
}

TEST(Sizing, SaysThatNoNumberOfShardsHelpsAgainstOneHotKey) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.5;  // 38% of the requests go to one key: 1.2 main threads
  const Sizing sizing = sizeOf(request, simpleCoefficients());
  EXPECT_FALSE(sizing.isPossible());
  EXPECT_EQ(sizing.limit, SizeLimit::mainThread);
  EXPECT_THAT(sizing.obstacle, HasSubstr("no number of shards helps"));
  EXPECT_GT(sizing.load.hotKeyBusy, sizing.knee);
}

TEST(Sizing, SaysWhatHelpsAgainstOneHotKey) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.5;
  request.readShare = 0.999;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  ASSERT_FALSE(plan.remedies.empty());
  const auto helps = [&](std::string_view flag) {
    const auto found = std::ranges::find_if(
        plan.remedies, [&](const Remedy& each) { return each.flag.find(flag) != each.flag.npos; });
    return found != plan.remedies.end() && found->shards > 0;
  };
  EXPECT_TRUE(helps("-split-ways"));
  EXPECT_TRUE(helps("-client-cache"));
  EXPECT_TRUE(helps("-pipeline"));
  // And what it says helps does.
  request.split = 4;
  EXPECT_TRUE(sizeOf(request, simpleCoefficients()).isPossible());
}

TEST(Sizing, SaysThatCachesOfClientsDoNotHelpAKeyThatIsWrittenOften) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.5;
  request.readShare = 0.5;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  ASSERT_FALSE(plan.remedies.empty());
  EXPECT_THAT(plan.remedies.front().flag, HasSubstr("-client-cache"));
  EXPECT_EQ(plan.remedies.front().shards, 0U);
}

TEST(Sizing, SplittingDoesNotHelpAKeyThatIsMostlyWritten) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.5;
  request.readShare = 0;
  request.split = 100;
  EXPECT_FALSE(sizeOf(request, simpleCoefficients()).isPossible());
}

TEST(Sizing, ReadsFromReplicasTakeReadsOffTheMaster) {
  SizingRequest request = usualRequest();
  request.readShare = 1;
  request.replicas = 3;
  request.replicaReads = true;
  const Sizing sizing = sizeOf(request, simpleCoefficients());
  EXPECT_NEAR(sizing.load.evenBusy * static_cast<double>(sizing.shards), 3.12 / 4, 0.01);
}

TEST(Sizing, SaysWhenANodeIsTooSmallForAnyShard) {
  SizingRequest request = usualRequest();
  request.nodeMemory = 1'000;
  const Sizing sizing = sizeOf(request, simpleCoefficients());
  EXPECT_FALSE(sizing.isPossible());
  EXPECT_EQ(sizing.limit, SizeLimit::memory);
  request = usualRequest();
  request.forkMostS = 0.001;
  EXPECT_EQ(sizeOf(request, simpleCoefficients()).limit, SizeLimit::fork);
}

TEST(Sizing, NeedsNoFewerShardsInAnUnfavourableOutlook) {
  SizingRequest request = usualRequest();
  const Coefficients committed = Coefficients::committed();
  const auto shards = [&](Outlook outlook) { return sizeOf(request, committed, outlook).shards; };
  EXPECT_LE(shards(Outlook::favourable), shards(Outlook::expected));
  EXPECT_LE(shards(Outlook::expected), shards(Outlook::unfavourable));
}

TEST(ShardLoads, HitLessOftenWithLessMemory) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.1;
  const Coefficients coefficients = simpleCoefficients();
  const LoadModel model(request, coefficients, Outlook::expected);
  const double whole = model.memoryAt(4, 0).maxmemory;
  const ShardLoad all = model.at(4, whole), half = model.at(4, whole / 2);
  EXPECT_NEAR(all.storeReads, 0, 1e-6);
  EXPECT_GT(half.storeReads, 0);
  EXPECT_LT(half.worstHits, half.bestHits);
  EXPECT_GT(half.worstStoreReads, half.storeReads - 1e-6);
}

TEST(ShardLoads, MissKeysThatHaveExpired) {
  SizingRequest request = usualRequest();
  request.rate = 400'000;
  request.ttlShare = 0.5;
  request.ttlLeastS = request.ttlMostS = 25;  // each key is asked 0.036 times a second
  const Coefficients coefficients = simpleCoefficients();
  const ShardLoad load = LoadModel(request, coefficients, Outlook::expected).at(4, 0);
  const double lives = (0.036 + 0.004) * 25;  // reads and writes, both put it in
  EXPECT_NEAR(load.storeReads, 360'000 * 0.5 / (1 + lives), 500);
}

TEST(ShardLoads, OfClientsWithCachesAreBoundedByWrites) {
  SizingRequest request = usualRequest();
  request.rate = 400'000;
  request.clientEntries = 1e9;
  request.clients = 9;  // each reads a key as often as all together write it
  const Coefficients coefficients = simpleCoefficients();
  const ShardLoad load = LoadModel(request, coefficients, Outlook::expected).at(4, 0);
  EXPECT_NEAR(load.clients.hitShare, 0.5, 1e-6);
  EXPECT_NEAR(load.clients.invalidationsPerS, 40'000 * 9 * 0.5, 1);
}

TEST(NodeMemory, OfAClustersNodeHasRoomForTheMostSlots) {
  const Coefficients coefficients = simpleCoefficients();
  const SizingRequest request = usualRequest();
  const LoadModel model(request, coefficients, Outlook::expected);
  EXPECT_EQ(model.memoryAt(1, 0).keys, 10e6);
  EXPECT_EQ(model.memoryAt(5, 0).keys, std::ceil(10e6 * 3'277 / 16'384));
  EXPECT_GT(model.memoryAt(2, 0).bytesPerKey, model.memoryAt(1, 0).bytesPerKey);
}

TEST(NodeLosses, OfAMasterWithAReplicaLoseNothing) {
  SizingRequest request = usualRequest();
  request.replicas = 1;
  request.storeMax = 8'000;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  ASSERT_EQ(plan.losses.size(), 3U);
  EXPECT_EQ(plan.losses[0].id, "with-replica");
  EXPECT_EQ(plan.losses[0].outageS, 7);
  EXPECT_EQ(plan.losses[0].backS, 0);
  EXPECT_FALSE(plan.losses[0].storeSurvives);  // 90k reads/s of its keys, if they go to the store
  EXPECT_EQ(plan.losses[1].id, "without-replica");
  EXPECT_GT(plan.losses[1].backS, 100);  // 2.5M keys at 8k/s take 300 s at the least
  EXPECT_GT(plan.losses[2].backS, plan.losses[1].backS);
}

TEST(PlannedCliffs, AreReachedWhereTheLimitIs) {
  SizingRequest request = usualRequest();
  request.rate = 320'000;  // four shards at 64%
  request.shards = 4;
  request.headroom = 0.5;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  const auto cliff = [&](std::string_view id) {
    return *std::ranges::find(plan.cliffs, id, &PlannedCliff::id);
  };
  EXPECT_NEAR(cliff("main-thread").byRate, 1.25, 0.02);
  EXPECT_NEAR(cliff("eviction").byKeys, 1.5, 0.06);                  // the hash tables take a part
  EXPECT_GT(cliff("main-thread").byKeys, cliff("eviction").byKeys);  // misses cost writes
  EXPECT_EQ(plan.cliffs.front().id, "main-thread");
}

TEST(PlannedCliffs, LeadToTheStoreOnceKeysAreEvicted) {
  SizingRequest request = usualRequest();
  request.storeMax = 8'000;
  request.zipfS = 0.9;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  const auto store = std::ranges::find(plan.cliffs, "store", &PlannedCliff::id);
  const auto eviction = std::ranges::find(plan.cliffs, "eviction", &PlannedCliff::id);
  ASSERT_NE(store, plan.cliffs.end());
  EXPECT_GE(store->byKeys, eviction->byKeys);
  EXPECT_LT(store->byKeys, 10);
}

TEST(PlannedCliffs, HaveTheReadsAtANodesLossThatItsTableHas) {
  SizingRequest request = usualRequest();
  request.shards = 4;
  request.maxmemory = 300e6;  // so that each shard always misses some of its keys
  request.storeMax = 400'000;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  ASSERT_GT(plan.expected.load.storeReads, 10'000);
  const auto cliff = std::ranges::find(plan.cliffs, "node-loss", &PlannedCliff::id);
  const auto loss = std::ranges::find(plan.losses, "without-replica", &NodeLoss::id);
  ASSERT_NE(cliff, plan.cliffs.end());
  ASSERT_NE(loss, plan.losses.end());
  EXPECT_NEAR(cliff->usage, loss->storeReads / request.storeMax, 1e-3);
}

TEST(SizingPlans, CoverTheRangeToTenBillionKeys) {
  const SizingPlan plan = planOf(usualRequest(), simpleCoefficients());
  ASSERT_GE(plan.range.size(), 5U);
  EXPECT_EQ(plan.range.front().sizing.shards, 3U);
  EXPECT_EQ(plan.range.back().keys, 10e9);
  EXPECT_EQ(plan.range.back().rate, 20e6);
  for (std::size_t i = 1; i < plan.range.size(); ++i)
    EXPECT_GE(plan.range[i].sizing.shards, plan.range[i - 1].sizing.shards);
}

TEST(SizingPlans, OfALargeSkewedLoadSayWhatTheyNeed) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.1;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  EXPECT_TRUE(plan.range.back().sizing.isPossible());
  EXPECT_THAT(plan.range.back().needs, HasSubstr("-"));
}

TEST(SizingPlans, SplitKeysIntoAsManyCopiesAsNeedTheFewestShards) {
  SizingRequest request = usualRequest();
  request.zipfS = 1.1;
  const SizingPlan plan = planOf(request, simpleCoefficients());
  unsigned rows = 0;
  for (const RangeRow& row : plan.range) {
    if (row.needs.find("-split-ways") == std::string::npos) continue;
    ++rows;
    SizingRequest other = row.request;
    for (other.split = 2; other.split <= 128; other.split *= 2) {
      const Sizing sizing = sizeOf(other, simpleCoefficients());
      if (!sizing.isPossible()) continue;
      EXPECT_GE(sizing.shards, row.sizing.shards) << row.needs;
    }
  }
  EXPECT_GT(rows, 0U);
}

// The ends of what the flags take: no crash, no figure that is not a number.
TEST(SizingPlans, AreSoundAtTheEndsOfEveryInput) {
  const auto json = [](const SizingRequest& request) {
    EXPECT_TRUE(checkRequest(request));
    return planJson(planOf(request, simpleCoefficients()), simpleCoefficients());
  };
  const SizingRequest usual = usualRequest();
  const auto with = [&](auto change) {
    SizingRequest request = usual;
    change(request);
    const std::string text = json(request);
    EXPECT_THAT(text, HasSubstr("\"plan\""));
    EXPECT_EQ(text.find("nan"), std::string::npos);
  };
  with([](SizingRequest& r) { r.keys = 1; });
  with([](SizingRequest& r) { r.keys = 1'000'000'000'000; });
  with([](SizingRequest& r) { r.rate = 0.001; });
  with([](SizingRequest& r) { r.rate = 1e9; });
  with([](SizingRequest& r) { r.valueBytes = 1; });
  with([](SizingRequest& r) { r.valueBytes = 512.0 * 1024 * 1024; });
  with([](SizingRequest& r) { r.zipfS = 20; });
  with([](SizingRequest& r) { r.readShare = 0; });
  with([](SizingRequest& r) { r.readShare = 1; });
  with([](SizingRequest& r) { r.ttlShare = 1; });
  with([](SizingRequest& r) { r.ttlShare = 1, r.ttlLeastS = r.ttlMostS = 0.001; });
  with([](SizingRequest& r) { r.storeMax = 1e-3; });
  with([](SizingRequest& r) { r.maxmemory = 1; });
  with([](SizingRequest& r) { r.shards = 16'384; });
  with([](SizingRequest& r) { r.replicas = 1'000; });
  with([](SizingRequest& r) { r.clientEntries = 1e12, r.clients = 1e6; });
  with([](SizingRequest& r) { r.split = 250, r.zipfS = 2; });
  with([](SizingRequest& r) { r.network = 1; });
  with([](SizingRequest& r) { r.headroom = 1; });
}

TEST(SizingRequests, ThatContradictThemselvesAreRefused) {
  const auto problem = [](auto change) {
    SizingRequest request = usualRequest();
    change(request);
    const Status sound = checkRequest(request);
    return sound ? std::string() : sound.error().message;
  };
  EXPECT_EQ(problem([](SizingRequest&) {}), "");
  EXPECT_THAT(problem([](SizingRequest& r) { r.ttlLeastS = 2 * r.ttlMostS; }),
              HasSubstr("-ttl-min"));
  EXPECT_THAT(problem([](SizingRequest& r) { r.sloUs = 249; }), HasSubstr("-slo"));
  EXPECT_THAT(problem([](SizingRequest& r) { r.maxmemory = 2 * r.nodeMemory; }),
              HasSubstr("-node-memory"));
  EXPECT_THAT(problem([](SizingRequest& r) { r.replicaReads = true; }), HasSubstr("-replicas"));
  EXPECT_THAT(problem([](SizingRequest& r) { r.keys = 10, r.shards = 11; }), HasSubstr("-shards"));
}

}  // namespace
}  // namespace redline
