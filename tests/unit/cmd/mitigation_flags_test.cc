#include "cmd/mitigation_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/commands.h"
#include "cmd/plans.h"
#include "cmd/resolve.h"

namespace redline {
namespace {

using testing::HasSubstr;

Result<MitigationPlan> mitigationOf(std::vector<std::string> arguments) {
  const auto flags = resolve(
      *findCommand("driver"), commands(),
      {std::move(arguments), {}, [](const std::string&) { return Result<std::string>{""}; }});
  if (!flags) return fail(flags.error());
  return mitigationPlan(*flags);
}

std::string refusalOf(std::vector<std::string> arguments) {
  const auto plan = mitigationOf(std::move(arguments));
  if (plan) return "";
  EXPECT_EQ(plan.error().code, ErrorCode::usage);
  return plan.error().message;
}

TEST(MitigationFlags, AskForNothingByDefault) {
  const auto plan = mitigationOf({});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_FALSE(plan->isUsed());
}

TEST(MitigationFlags, SayWhatIsDoneAndHow) {
  const auto cache =
      mitigationOf({"-mitigation=local-cache", "-tracking=bcast", "-cache-size=2MB", "-ledger=1k"});
  ASSERT_TRUE(cache) << cache.error().message;
  EXPECT_TRUE(cache->is(MitigationKind::localCache));
  EXPECT_EQ(cache->tracking, Tracking::prefix);
  EXPECT_EQ(cache->cacheBytes, 2U << 20);
  EXPECT_EQ(cache->ledgerKeys, 1000U);
  const auto split = mitigationOf(
      {"-mitigation=key-split", "-split=tag", "-split-ways=8", "-hot=top:100", "-ttl-frac=0"});
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_EQ(split->split.mode, SplitMode::tag);
  EXPECT_EQ(split->split.ways, 8U);
  EXPECT_EQ(split->split.hot, 100U);
}

TEST(MitigationFlags, RefuseWhatWouldDoNothing) {
  EXPECT_THAT(refusalOf({"-tracking=bcast"}), HasSubstr("-mitigation=local-cache"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-cache-size=1MB"}), HasSubstr("-cache-size"));
  EXPECT_THAT(refusalOf({"-split-ways=3"}), HasSubstr("-mitigation=key-split"));
  EXPECT_THAT(refusalOf({"-replica-policy=nearest"}), HasSubstr("-mitigation=replica-read"));
}

TEST(MitigationFlags, RefuseWhatCannotBe) {
  EXPECT_THAT(refusalOf({"-topology=node", "-mitigation=replica-read"}),
              HasSubstr("needs a cluster"));
  EXPECT_THAT(refusalOf({"-mitigation=local-cache", "-tx"}), HasSubstr("-tx"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-split=tag", "-ttl-frac=0.3"}),
              HasSubstr("MSET"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-hot=10"}), HasSubstr("-hot=top:10"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-hot=top:many"}), HasSubstr("-hot=top:10"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-keys=5", "-hot=top:6"}), HasSubstr("-keys"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-split-ways=1000"}), HasSubstr("at most"));
  EXPECT_THAT(refusalOf({"-mitigation=key-split", "-keys=10M", "-hot=top:1M", "-split-ways=200"}),
              HasSubstr("copies"));
  EXPECT_THAT(refusalOf({"-ledger=10", "-keys=5"}), HasSubstr("-keys"));
  EXPECT_THAT(refusalOf({"-ledger=10", "-verify=none"}), HasSubstr("-verify=none"));
  EXPECT_THAT(refusalOf({"-ledger=10", "-value-size=20"}), HasSubstr("24 bytes"));
}

Result<DriverPlan> driverOf(std::vector<std::string> arguments) {
  const auto flags = resolve(
      *findCommand("driver"), commands(),
      {std::move(arguments), {}, [](const std::string&) { return Result<std::string>{""}; }});
  if (!flags) return fail(flags.error());
  return driverPlan({*flags, {}, ""}, {});
}

TEST(MitigationFlags, WorkInAClusterToo) {
  const auto plan = mitigationOf({"-topology=cluster", "-mitigation=replica-read", "-ledger=100"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(plan->is(MitigationKind::replicaRead));
}

TEST(MitigationFlags, WaitingForReplicasIsInWholeMillisecondsAndNeedsANumber) {
  const auto plan = driverOf({"-wait-replicas=2", "-wait-timeout=1s"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->engine.waitReplicas, 2U);
  EXPECT_EQ(plan->engine.waitTimeout, kSecond);
  EXPECT_EQ(driverOf({})->engine.waitReplicas, 0U);
  EXPECT_THAT(driverOf({"-wait-timeout=1s"}).error().message, HasSubstr("-wait-replicas"));
  EXPECT_THAT(driverOf({"-wait-replicas=1", "-wait-timeout=1500us"}).error().message,
              HasSubstr("whole milliseconds"));
}

}  // namespace
}  // namespace redline
