#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/commands.h"
#include "cmd/plans.h"
#include "cmd/resolve.h"

namespace redline {
namespace {

using testing::HasSubstr;

Result<DriverPlan> planOf(std::vector<std::string> arguments) {
  const auto flags = resolve(
      *findCommand("driver"), commands(),
      {std::move(arguments), {}, [](const std::string&) { return Result<std::string>{""}; }});
  if (!flags) return fail(flags.error());
  return driverPlan({*flags, {"redline", "driver"}, ""}, {});
}

std::string whyNot(std::vector<std::string> arguments) {
  const auto plan = planOf(std::move(arguments));
  if (plan) return "";
  EXPECT_EQ(plan.error().code, ErrorCode::usage);
  return plan.error().message;
}

TEST(DriverFlags, LeaveMissesAloneUnlessAsked) {
  EXPECT_EQ(planOf({})->engine.onMiss, OnMiss::none);
  const auto plan = planOf({"-on-miss=refill", "-mitigation=local-cache"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->engine.onMiss, OnMiss::refill);
}

TEST(DriverFlags, RefuseWhatRefillsDoNotGoTogetherWith) {
  EXPECT_THAT(whyNot({"-on-miss=refill", "-mitigation=key-split"}), HasSubstr("key-split"));
  EXPECT_THAT(whyNot({"-on-miss=refill", "-tx", "-pipeline=8"}), HasSubstr("-tx"));
  EXPECT_THAT(whyNot({"-on-miss=refill", "-ledger=100"}), HasSubstr("-ledger"));
}

TEST(DriverFlags, DescribeTheStoreBehindTheCache) {
  const auto plan = planOf({"-on-miss=postgres", "-on-write=through", "-backing-conns=3",
                            "-backing-max-rate=8000", "-backing-timeout=250ms", "-coalesce",
                            "-miss-lock=200ms", "-early-refresh=1.5", "-stale-while-refresh=2s",
                            "-ttl-frac=1", "-ledger=10", "-max-backlog=1000"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->engine.onMiss, OnMiss::store);
  const BackingPlan& backing = plan->engine.backing;
  EXPECT_TRUE(backing.used);
  EXPECT_EQ(backing.onWrite, OnWrite::through);
  EXPECT_EQ(backing.limits.connections, 3U);
  EXPECT_EQ(backing.limits.maxRate, 8000);
  EXPECT_EQ(backing.timeout, 250 * kMillisecond);
  EXPECT_TRUE(backing.coalesce);
  EXPECT_EQ(backing.missLock, 200 * kMillisecond);
  EXPECT_EQ(backing.freshness.beta, 1.5);
  EXPECT_EQ(backing.freshness.staleWindow, 2 * kSecond);
  EXPECT_EQ(plan->engine.maxBacklog, 1000U);
  EXPECT_EQ(planOf({"-on-miss=postgres"})->engine.backing.onWrite, OnWrite::invalidate);
}

TEST(DriverFlags, RefuseFlagsOfAStoreWithoutOne) {
  for (const char* flag : {"-on-write=none", "-coalesce", "-miss-lock=1s", "-early-refresh=1",
                           "-stale-while-refresh=1s", "-backing-conns=4", "-backing-max-rate=1",
                           "-backing-timeout=1s", "-backing-addr=/tmp"})
    EXPECT_THAT(whyNot({flag, "-ttl-frac=1"}), HasSubstr("-on-miss=postgres")) << flag;
}

TEST(DriverFlags, RefuseWhatAStoreDoesNotGoTogetherWith) {
  EXPECT_THAT(whyNot({"-on-miss=postgres", "-tx", "-pipeline=8"}), HasSubstr("-tx"));
  EXPECT_THAT(whyNot({"-on-miss=postgres", "-mitigation=key-split"}), HasSubstr("key-split"));
  EXPECT_THAT(whyNot({"-on-miss=postgres", "-wait-replicas=1"}), HasSubstr("-wait-replicas"));
  EXPECT_THAT(whyNot({"-on-miss=postgres", "-ttl-frac=0", "-early-refresh=1"}),
              HasSubstr("-ttl-frac"));
  EXPECT_THAT(whyNot({"-on-miss=postgres", "-ttl-frac=0", "-stale-while-refresh=1s"}),
              HasSubstr("-ttl-frac"));
  EXPECT_THAT(whyNot({"-on-miss=postgres", "-miss-lock=1500us"}), HasSubstr("milliseconds"));
}

TEST(DriverFlags, MoveThePopularKeysOnlyWhereSomeArePopular) {
  const auto plan = planOf({"-dist=zipfian", "-hot-seed=2"});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->engine.seed, 1U);
  EXPECT_EQ(plan->engine.hotSeed, 2U);
  EXPECT_FALSE(planOf({"-dist=zipfian"})->engine.hotSeed.has_value());
  EXPECT_THAT(whyNot({"-hot-seed=2"}), HasSubstr("-dist=zipfian"));
}

}  // namespace
}  // namespace redline
