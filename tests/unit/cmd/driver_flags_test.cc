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
