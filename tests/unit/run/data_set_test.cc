#include "run/data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "workload/ttl.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

EnginePlan planOf(std::uint64_t keys = 1000) {
  EnginePlan plan;
  plan.keys = keys;
  return plan;
}

/// Every tenth id of a data set that was loaded with `plan`'s flags, up to `loaded`.
DataSetSample sampleOf(const EnginePlan& plan, std::uint64_t loaded) {
  const Ttls ttls(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax);
  DataSetSample sample;
  sample.serverKeys = loaded;
  for (std::uint64_t id = 0; id < plan.keys; id += 10)
    sample.keys.push_back(
        {id, id < loaded, plan.valueSize, id < loaded && ttls.ttlMillisOf(id) != 0, false});
  return sample;
}

TEST(DataSet, ThatWasLoadedWithTheSameFlagsContradictsNone) {
  EnginePlan plan = planOf();
  plan.ttlFraction = 0.3;
  const auto judgement = judgeDataSet(plan, sampleOf(plan, 1000));
  EXPECT_THAT(judgement.contradictions, IsEmpty());
  EXPECT_THAT(judgement.notes, IsEmpty());
}

TEST(DataSet, OfAnotherValueSizeContradictsThatFlag) {
  const EnginePlan plan = planOf();
  DataSetSample sample = sampleOf(plan, 1000);
  for (SampledKey& key : sample.keys) key.length = 4096;
  EXPECT_THAT(judgeDataSet(plan, sample).contradictions,
              ElementsAre(AllOf(HasSubstr("-value-size=100"), HasSubstr("4096 bytes"))));
}

TEST(DataSet, OfAnotherTtlShareContradictsThatFlag) {
  EnginePlan loaded = planOf(), driven = planOf();
  loaded.ttlFraction = 0.3;
  EXPECT_THAT(judgeDataSet(driven, sampleOf(loaded, 1000)).contradictions,
              ElementsAre(AllOf(HasSubstr("-ttl-frac=0:"), HasSubstr("expire, but should not"))));
  driven.ttlFraction = 0.9;
  EXPECT_THAT(judgeDataSet(driven, sampleOf(loaded, 1000)).contradictions,
              ElementsAre(HasSubstr("do not expire, but should")));
}

/// All keys expire; `leftMs` says what a key has left by what `loaded`'s flags gave it.
DataSetSample expiringSample(EnginePlan loaded, const std::function<double(double)>& leftMs) {
  loaded.ttlFraction = 1;
  DataSetSample sample = sampleOf(loaded, loaded.keys);
  const Ttls ttls(loaded.seed, 1, loaded.ttlMin, loaded.ttlMax);
  for (SampledKey& key : sample.keys)
    key.leftMillis =
        static_cast<std::int64_t>(leftMs(static_cast<double>(ttls.ttlMillisOf(key.id))));
  return sample;
}

EnginePlan expiring(Nanos min, Nanos max) {
  EnginePlan plan = planOf();
  plan.ttlFraction = 1;
  plan.ttlMin = min;
  plan.ttlMax = max;
  return plan;
}

TEST(DataSet, OfOtherTimesToLiveContradictsThoseFlags) {
  const EnginePlan hour = expiring(1800 * kSecond, 3600 * kSecond);
  const auto afterTwentySeconds = [](double ttl) { return ttl - 20'000; };
  EXPECT_THAT(judgeDataSet(hour, expiringSample(hour, afterTwentySeconds)).contradictions,
              IsEmpty());
  for (const EnginePlan& loaded :
       {expiring(60 * kSecond, 120 * kSecond), expiring(1800 * kSecond, 7200 * kSecond),
        expiring(5000 * kSecond, 9000 * kSecond)})
    EXPECT_THAT(judgeDataSet(hour, expiringSample(loaded, afterTwentySeconds)).contradictions,
                ElementsAre(AllOf(HasSubstr("-ttl-min=30m"), HasSubstr("left to live"))));
}

TEST(DataSet, TimesToLiveThatOneLoadOrDriverMayHaveGivenContradictNothing) {
  const EnginePlan hour = expiring(1800 * kSecond, 3600 * kSecond);
  const auto contradictions = [&](const std::function<double(double)>& leftMs) {
    return judgeDataSet(hour, expiringSample(hour, leftMs)).contradictions;
  };
  EXPECT_THAT(contradictions([](double) { return 9e6; }), IsEmpty()) << "-ttl-at";
  EXPECT_THAT(contradictions([](double ttl) { return ttl + 9e6; }), IsEmpty()) << "-ttl-epoch";
  int key = 0;
  EXPECT_THAT(contradictions([&](double ttl) { return ++key % 10 == 0 ? ttl - key * 1e4 : 9e6; }),
              IsEmpty())
      << "-ttl-at, and a driver since";
  EXPECT_THAT(contradictions([&](double ttl) { return ttl - ++key * 1e4; }), IsEmpty())
      << "a driver has written them one by one";
}

TEST(DataSet, ThatEndsEarlyContradictsTheNumberOfKeys) {
  const EnginePlan plan = planOf();
  EXPECT_THAT(judgeDataSet(plan, sampleOf(plan, 100)).contradictions,
              ElementsAre(AllOf(HasSubstr("-keys=1k"), HasSubstr("from obj:100 on"),
                                HasSubstr("servers hold 100 keys"))));
}

TEST(DataSet, KeysThatMayBeAbsentContradictNothing) {
  EnginePlan plan = planOf();
  DataSetSample evicted = sampleOf(plan, 100);
  evicted.evicted = true;
  EXPECT_THAT(judgeDataSet(plan, evicted).contradictions, IsEmpty());

  plan.onMiss = OnMiss::refill;
  EXPECT_THAT(judgeDataSet(plan, sampleOf(plan, 100)).contradictions, IsEmpty());
  plan.onMiss = OnMiss::none;
  plan.readShare = 0;
  EXPECT_THAT(judgeDataSet(plan, sampleOf(plan, 100)).contradictions, IsEmpty());
  plan.readShare = 0.9;
  plan.ttlFraction = 1;
  DataSetSample expired = sampleOf(plan, 100);
  expired.expired = true;
  EXPECT_THAT(judgeDataSet(plan, expired).contradictions, IsEmpty());
}

TEST(DataSet, AKeyThatIsMissingBelowOthersContradictsNothing) {
  const EnginePlan plan = planOf();
  DataSetSample sample = sampleOf(plan, 1000);
  for (const std::size_t i : {3U, 50U, 98U}) sample.keys[i].found = false;
  EXPECT_THAT(judgeDataSet(plan, sample).contradictions, IsEmpty());
}

TEST(DataSet, ThatIsLargerThanTheFlagsSayIsWorthANote) {
  const EnginePlan plan = planOf();
  DataSetSample sample = sampleOf(plan, 1000);
  sample.continues = true;
  sample.serverKeys = 5000;
  const auto judgement = judgeDataSet(plan, sample);
  EXPECT_THAT(judgement.contradictions, IsEmpty());
  EXPECT_THAT(judgement.notes, ElementsAre(AllOf(HasSubstr("-keys=1k"), HasSubstr("5k keys"))));
}

TEST(DataSet, OfAnotherSeedOrProgramIsReadOnlyByWhoChecksNoValue) {
  EnginePlan plan = planOf();
  DataSetSample sample = sampleOf(plan, 1000);
  for (SampledKey& key : sample.keys) {
    key.foreign = true;
    key.length = 7;
  }
  EXPECT_THAT(judgeDataSet(plan, sample).contradictions, ElementsAre(HasSubstr("-seed=1")));
  plan.verify = VerifyLevel::none;
  EXPECT_THAT(judgeDataSet(plan, sample).contradictions, IsEmpty());
  EXPECT_THAT(judgeDataSet(plan, sample).notes, ElementsAre(HasSubstr("hold 7 bytes")));
}

TEST(DataSet, OfAnEmptyServerIsANoteAndNoneWhereMissesAreRefilled) {
  EnginePlan plan = planOf();
  EXPECT_THAT(judgeDataSet(plan, sampleOf(plan, 0)).notes,
              ElementsAre(HasSubstr("load them first")));
  plan.onMiss = OnMiss::refill;
  EXPECT_THAT(judgeDataSet(plan, sampleOf(plan, 0)).notes, IsEmpty());
}

}  // namespace
}  // namespace redline
