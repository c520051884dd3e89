#include "chaos/chaos_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chaos/catalog.h"

namespace redline {
namespace {

using testing::HasSubstr;

std::string problemOf(std::string_view text) {
  const auto plan = parseChaosPlan(text);
  EXPECT_FALSE(plan) << text;
  if (plan) return "";
  EXPECT_EQ(plan.error().code, ErrorCode::usage) << text;
  return plan.error().message;
}

TEST(ChaosPlan, ReadsTimesNamesAndParametersInTheOrderOfTime) {
  const auto plan =
      parseChaosPlan(" 20s : bgsave -target 127.0.0.1:7602 ;5s:bgsave --target=127.0.0.1:7601; ");
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->size(), 2U);
  EXPECT_EQ(plan->at(0).at, 5 * kSecond);
  EXPECT_EQ(plan->at(0).spec->name, "bgsave");
  EXPECT_EQ(plan->at(0).arguments.text("target"), "127.0.0.1:7601");
  EXPECT_EQ(plan->at(1).at, 20 * kSecond);
  EXPECT_EQ(plan->at(1).arguments.text("target"), "127.0.0.1:7602");
}

TEST(ChaosPlan, SaysWhatIsWrongAndWhatWouldBeRight) {
  EXPECT_THAT(problemOf("bgsave"), HasSubstr("5s:bgsave"));
  EXPECT_THAT(problemOf("soon:bgsave"), HasSubstr("does not begin with a time"));
  EXPECT_THAT(problemOf("5:bgsave"), HasSubstr("'5'"));
  EXPECT_THAT(problemOf("5s:"), HasSubstr("names no fault"));
  EXPECT_THAT(problemOf("5s:bgsvae"), HasSubstr("did you mean bgsave?"));
  EXPECT_THAT(problemOf("5s:bgsave -traget=x"), HasSubstr("did you mean -target?"));
  EXPECT_THAT(problemOf("5s:bgsave -target"), HasSubstr("-target needs a value"));
  EXPECT_THAT(problemOf("5s:bgsave -target=a:1 -target=b:1"), HasSubstr("duplicate"));
  EXPECT_THAT(problemOf("5s:bgsave now"), HasSubstr("unexpected word 'now'"));
  EXPECT_THAT(problemOf(";"), HasSubstr("plan is empty"));
}

TEST(Faults, HaveNamesHelpAndDefaultsThatTheirOwnParserTakes) {
  for (const FaultSpec& fault : faults()) {
    EXPECT_TRUE(findFault(fault.name));
    EXPECT_FALSE(fault.summary.empty()) << fault.name;
    EXPECT_TRUE(fault.make) << fault.name;
    std::vector<GivenParameter> defaults, examples;
    for (const FaultParameter& parameter : fault.parameters) {
      EXPECT_FALSE(parameter.help.empty()) << fault.name << " -" << parameter.name;
      if (!parameter.fallback.empty()) defaults.emplace_back(parameter.name, parameter.fallback);
      if (!parameter.example.empty()) examples.emplace_back(parameter.name, parameter.example);
    }
    for (const auto& given : {defaults, examples}) {
      const auto parsed = FaultArguments::parse(fault.name, fault.parameters, given);
      EXPECT_TRUE(parsed) << fault.name << ": " << (parsed ? "" : parsed.error().message);
    }
  }
}

}  // namespace
}  // namespace redline
