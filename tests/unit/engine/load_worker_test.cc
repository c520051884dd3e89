#include "engine/load_worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "support/sim_transport.h"
#include "workload/keyspace.h"

namespace redline::load_worker_test {
namespace {

/// One worker on a simulated clock and wire, and what the server was given.
struct Rig {
  LoadPlan plan;
  ManualClock clock{kSecond};
  SimTransport transport{clock};
  std::map<std::string, std::string> stored;
  std::map<std::string, std::string> expiries;
  std::uint64_t commands = 0, msets = 0;
  std::size_t longestMset = 0;

  Rig() {
    plan.keys = 1000;
    plan.batch = 16;
    plan.conns = 3;
    plan.ttlFraction = 0.3;
    plan.ttlEpochMillis = 1'000'000'000'000;
    transport.serviceTime = kMicrosecond;
    transport.answer = [this](const Value& request) { return store(request); };
  }

  std::string store(const Value& request) {
    ++commands;
    if (request.items.at(0).text == "MSET") {
      ++msets;
      longestMset = std::max(longestMset, request.items.size() / 2);
      for (std::size_t i = 1; i + 1 < request.items.size(); i += 2)
        stored[request.items[i].text] = request.items[i + 1].text;
      return "+OK\r\n";
    }
    stored[request.items.at(1).text] = request.items.at(2).text;
    if (request.items.size() == 5 && request.items[3].text == "PXAT")
      expiries[request.items[1].text] = request.items[4].text;
    return "+OK\r\n";
  }
};

std::string keyOf(std::uint64_t id) {
  char key[kMaxKeyLength];
  return {key, writeKey(key, id)};
}

/// What the plan says that a server should have, and nothing else.
void expectDataSet(const Rig& rig) {
  const LoadPlan& plan = rig.plan;
  const Values values(plan.seed, plan.valueSize);
  const Ttls ttls(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax);
  EXPECT_EQ(rig.stored.size(), plan.keys - plan.from);
  std::size_t expiring = 0;
  for (std::uint64_t id = plan.from; id < plan.keys; ++id) {
    const auto found = rig.stored.find(keyOf(id));
    ASSERT_NE(found, rig.stored.end()) << id;
    std::uint64_t version = 7;
    EXPECT_EQ(values.check(found->second, id, &version, VerifyLevel::full), Values::Verdict::ok);
    EXPECT_EQ(found->second.size(), plan.valueSize);
    EXPECT_EQ(version, 0U);
    const std::int64_t ttl = ttls.ttlMillisOf(id);
    if (ttl == 0) continue;
    ++expiring;
    const auto expiry = rig.expiries.find(keyOf(id));
    ASSERT_NE(expiry, rig.expiries.end()) << id;
    const std::int64_t after = plan.ttlAtMillis != 0 ? plan.ttlAtMillis : ttl;
    EXPECT_EQ(expiry->second, std::to_string(plan.ttlEpochMillis + after));
  }
  EXPECT_EQ(rig.expiries.size(), expiring);
}

TEST(LoadWorker, WritesEveryKeyWithItsValueAndExpiry) {
  Rig rig;
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  ASSERT_TRUE(worker.run());
  expectDataSet(rig);
  EXPECT_EQ(shared.done.load(), 1000U);
  EXPECT_EQ(worker.lowestUnfinished(), 1000U);
  EXPECT_EQ(worker.counters().keysSent, 1000U);
  EXPECT_EQ(worker.counters().commands, rig.commands);
  EXPECT_GT(rig.msets, 0U);
}

TEST(LoadWorker, StoresTheSameDataInEveryShapeOfBatch) {
  for (const std::uint64_t batch : {1U, 3U, 64U, 4096U})
    for (const bool mset : {true, false})
      for (const std::size_t size : {1U, 24U, 100U, 5000U}) {
        Rig rig;
        rig.plan.batch = batch;
        rig.plan.mset = mset;
        rig.plan.valueSize = size;
        rig.plan.from = 37;
        LoadShared shared(rig.plan);
        LoadWorker worker(shared, 0, rig.transport, rig.clock);
        ASSERT_TRUE(worker.run());
        expectDataSet(rig);
        EXPECT_EQ(rig.msets == 0, !mset);
      }
}

TEST(LoadWorker, ExpiresAllKeysAtOneInstantWhereAsked) {
  Rig rig;
  rig.plan.ttlFraction = 1;
  rig.plan.ttlAtMillis = 60'000;
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  ASSERT_TRUE(worker.run());
  expectDataSet(rig);
  EXPECT_EQ(rig.expiries.size(), 1000U);
  EXPECT_EQ(rig.expiries.begin()->second, "1000000060000");
}

TEST(LoadWorker, KeepsSeveralBatchesOnTheWayOnEachConnection) {
  Rig rig;
  rig.plan.inFlight = 3;
  rig.plan.ttlFraction = 0;
  rig.transport.serviceTime = kSecond;  // so that all is sent before the first reply
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  std::uint64_t sentBeforeReply = 0;
  rig.transport.onRequest = [&](Nanos at, ConnId, const Value& request) {
    if (at < 2 * kSecond) sentBeforeReply += request.items.size() / 2;
  };
  ASSERT_TRUE(worker.run());
  EXPECT_EQ(sentBeforeReply, rig.plan.batch * rig.plan.conns * rig.plan.inFlight);
}

TEST(LoadWorker, SendsAgainWhatALostConnectionTookAlong) {
  Rig rig;
  rig.transport.serviceTime = 50 * kMicrosecond;
  rig.transport.cutAllAt(kSecond + 4 * kMillisecond);
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  ASSERT_TRUE(worker.run());
  expectDataSet(rig);
  EXPECT_EQ(shared.done.load(), 1000U);
  EXPECT_EQ(worker.counters().reconnects, rig.plan.conns);
  EXPECT_GT(worker.counters().resentKeys, 0U);
  EXPECT_EQ(worker.counters().keysSent, 1000U + worker.counters().resentKeys);
}

TEST(LoadWorker, GivesUpAServerThatSwallowsReplies) {
  Rig rig;
  std::size_t replies = 0;
  rig.transport.answer = [&](const Value& request) {
    return ++replies % 5 == 0 ? std::string() : rig.store(request);
  };
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  const Status ended = worker.run();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::timeout);
  EXPECT_LT(rig.clock.now(), kSecond + kLoaderPatience + 5 * kSecond);
}

TEST(LoadWorker, WaitsForAServerThatIsFullAndThenSaysSo) {
  for (const Nanos until : {2 * kSecond, 60 * kSecond}) {
    Rig rig;
    rig.transport.greeting = [until](Nanos at) {
      return at < until ? "-ERR max number of clients reached\r\n" : "+PONG\r\n";
    };
    LoadShared shared(rig.plan);
    LoadWorker worker(shared, 0, rig.transport, rig.clock);
    const Status ended = worker.run();
    EXPECT_LT(rig.transport.greetings, 8 * rig.plan.conns);
    if (until == 2 * kSecond) {
      EXPECT_TRUE(ended);
      expectDataSet(rig);
      continue;
    }
    ASSERT_FALSE(ended);
    EXPECT_NE(ended.error().message.find("maxclients"), std::string::npos);
  }
}

TEST(LoadWorker, StopsAtAnErrorReplyAndSaysWhereToGoOn) {
  Rig rig;
  rig.plan.mset = false;
  rig.plan.ttlFraction = 0;
  const std::string poison = keyOf(500);
  rig.transport.answer = [&](const Value& request) {
    if (request.items.at(1).text == poison)
      return std::string("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    return rig.store(request);
  };
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  const Status ended = worker.run();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::noSpace);
  EXPECT_NE(ended.error().message.find("OOM command not allowed"), std::string::npos);
  EXPECT_NE(ended.error().message.find("maxmemory"), std::string::npos);
  // Blocks are 16 ids: the one with id 500 begins at 496.
  EXPECT_EQ(worker.lowestUnfinished(), 496U);
  for (std::uint64_t id = 0; id < worker.lowestUnfinished(); ++id)
    ASSERT_TRUE(rig.stored.contains(keyOf(id))) << id;
}

TEST(LoadWorker, StopsOnRequestAndWaitsForWhatIsOnTheWay) {
  Rig rig;
  rig.plan.keys = 1'000'000;
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) {
    if (rig.commands == 200) shared.stop = true;
  };
  ASSERT_TRUE(worker.run());
  EXPECT_EQ(worker.lowestUnfinished(), rig.plan.keys);  // nothing of its own is open
  EXPECT_EQ(shared.blocks.frontier(), shared.done.load());
  EXPECT_EQ(rig.stored.size(), shared.done.load());
  EXPECT_LT(shared.done.load(), 2'000U);
}

TEST(LoadWorker, GivesUpAServerThatStaysSilentWhenItIsToStop) {
  Rig rig;
  rig.transport.freeze(kSecond + 5 * kMicrosecond, 3600 * kSecond);
  LoadShared shared(rig.plan);
  LoadWorker worker(shared, 0, rig.transport, rig.clock);
  rig.transport.onRequest = [&](Nanos, ConnId, const Value&) { shared.stop = true; };
  ASSERT_TRUE(worker.run());
  EXPECT_LT(worker.lowestUnfinished(), 1000U);
  EXPECT_LT(rig.clock.now(), kSecond + rig.plan.drain + kSecond);
}

TEST(LoadWorker, RefusesAnAnswerThatIsNoReplyToAWrite) {
  for (const char* answer : {":1\r\n", "$2\r\nOK\r\n", "nonsense\r\n", "+QUEUED\r\n"}) {
    Rig rig;
    rig.transport.answer = [&](const Value&) { return std::string(answer); };
    LoadShared shared(rig.plan);
    LoadWorker worker(shared, 0, rig.transport, rig.clock);
    EXPECT_FALSE(worker.run()) << answer;
    EXPECT_EQ(worker.lowestUnfinished(), 0U);
    EXPECT_EQ(shared.done.load(), 0U);
  }
}

TEST(LoadWorker, KeepsABlockOfLargeValuesSmall) {
  LoadPlan plan;
  plan.batch = 1'000'000;
  for (const std::size_t size : {1UL, 100UL, 4096UL, 1UL << 20, 512UL << 20}) {
    plan.valueSize = size;
    EXPECT_GE(plan.blockSize(), 1U);
    EXPECT_LE((plan.blockSize() - 1) * plan.bytesPerKey(), std::size_t{1} << 20);
  }
}

TEST(LoadAdvice, NamesAWayOutOfEachRefusal) {
  EXPECT_NE(loadAdvice("OOM command not allowed").find("maxmemory"), std::string_view::npos);
  EXPECT_NE(loadAdvice("NOAUTH Authentication required.").find("REDLINE_PASSWORD"),
            std::string_view::npos);
  EXPECT_NE(loadAdvice("READONLY You can't write").find("-addr"), std::string_view::npos);
  EXPECT_FALSE(loadAdvice("").empty());
}

}  // namespace
}  // namespace redline::load_worker_test
