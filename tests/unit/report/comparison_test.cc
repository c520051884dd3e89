#include "report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/comparison_document.h"
#include "report/fail_conditions.h"
#include "report/terminal.h"
#include "unit/report/blocks.h"
#include "unit/report/measured_runs.h"

namespace redline {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Flags = std::vector<std::pair<std::string, std::string>>;
using State = ConditionOutcome::State;

/// Repeats of about ten seconds each, around these latencies.
ComparedSide sideOf(const std::string& name, const std::vector<double>& us,
                    const Flags& flags = {}) {
  ComparedSide side{name, {}};
  for (const double typical : us)
    side.runs.push_back(measuredRun(std::vector<double>(10, typical), flags));
  return side;
}

Comparison compared(const ComparedSide& a, const ComparedSide& b) {
  return compare(a, b, usualMetrics(), 0.05);
}

TEST(Comparison, OfRepeatsThatLieApartDiffers) {
  const auto comparison = compared(sideOf("a", {200, 204, 198}), sideOf("b", {240, 244, 239}));
  EXPECT_EQ(comparison.evidence, Evidence::repeats);
  const ComparedMetric* const p99 = comparison.find("p99");
  ASSERT_NE(p99, nullptr);
  EXPECT_EQ(p99->verdict, Difference::differs);
  EXPECT_NEAR(p99->change.value, 1.2, 0.02);
  EXPECT_EQ(p99->change.method, IntervalMethod::welchT);
}

TEST(Comparison, OfScatteredRepeatsIsInconclusive) {
  const auto comparison = compared(sideOf("a", {150, 260, 205}), sideOf("b", {210, 330, 160}));
  EXPECT_EQ(comparison.find("p99")->verdict, Difference::inconclusive);
}

TEST(Comparison, OfTheSameIsNoEvidence) {
  const auto comparison = compared(sideOf("a", {200, 201, 199}), sideOf("b", {200, 199, 201}));
  EXPECT_EQ(comparison.find("p99")->verdict, Difference::noEvidence);
  EXPECT_EQ(comparison.find("hit_rate")->verdict, Difference::noEvidence);
}

TEST(Comparison, OfOneRunEachTakesItsIntervalsFromBlocks) {
  ComparedSide a{"a", {measuredRun({200, 210, 190, 205, 195, 200, 204})}};
  ComparedSide b{"b", {measuredRun({260, 270, 255, 262, 268, 251, 266})}};
  const auto comparison = compared(a, b);
  EXPECT_EQ(comparison.evidence, Evidence::blocks);
  EXPECT_EQ(comparison.find("p50")->change.method, IntervalMethod::blockBootstrap);
  EXPECT_EQ(comparison.find("p50")->verdict, Difference::differs);
  EXPECT_FALSE(comparison.find("max")->change.hasInterval());
  EXPECT_THAT(toTerminal(comparisonBlocks(comparison, {})), HasSubstr("block bootstrap"));
}

TEST(Comparison, OfOneRunAgainstSeveralHasNoIntervals) {
  const auto comparison = compared(sideOf("a", {200}), sideOf("b", {240, 244, 239}));
  EXPECT_EQ(comparison.evidence, Evidence::none);
  EXPECT_EQ(comparison.find("p99")->verdict, Difference::inconclusive);
}

TEST(Comparison, NamesTheFlagThatDiffers) {
  const auto comparison = compared(sideOf("a", {200, 201}, {{"tx", "false"}, {"out", "x"}}),
                                   sideOf("b", {200, 201}, {{"tx", "true"}, {"out", "y"}}));
  ASSERT_THAT(comparison.flags, SizeIs(1));
  EXPECT_EQ(comparison.flags[0].flag, "tx");
  EXPECT_THAT(comparison.warnings, IsEmpty());
}

TEST(Comparison, WarnsOfSeveralFlagsThatDiffer) {
  const auto comparison = compared(sideOf("a", {200, 201}, {{"tx", "false"}, {"keys", "1M"}}),
                                   sideOf("b", {200, 201}, {{"tx", "true"}, {"keys", "2M"}}));
  EXPECT_THAT(comparison.warnings, Contains(HasSubstr("-keys, -tx")));
}

TEST(Comparison, WarnsOfRepeatsThatAreNone) {
  ComparedSide a = sideOf("a", {200, 201}, {{"keys", "1M"}});
  a.runs[1].figures.config.back().second = "2M";
  EXPECT_THAT(compared(a, sideOf("b", {200, 201}, {{"keys", "1M"}})).warnings,
              Contains(HasSubstr("not repeats")));
}

TEST(Comparison, WarnsOfOtherMachinesAndRates) {
  ComparedSide b = sideOf("b", {200, 201});
  b.runs[1].figures.environment.redisVersion = "7.2.4";
  for (RunData& run : b.runs) run.figures.rate.target = 20'000;
  const auto comparison = compared(sideOf("a", {200, 201}), b);
  EXPECT_THAT(comparison.warnings, Contains(HasSubstr("same server version")));
  EXPECT_THAT(comparison.warnings, Contains(HasSubstr("offered rates differ")));
}

TEST(Comparison, OfASocketAndAPortIsADifferenceAndOfTwoPortsIsNone) {
  const auto ports = compared(sideOf("a", {200}, {{"addr", "127.0.0.1:7600"}}),
                              sideOf("b", {200}, {{"addr", "127.0.0.1:7601"}}));
  EXPECT_THAT(ports.flags, IsEmpty());
  const auto kinds = compared(sideOf("a", {200}, {{"addr", "127.0.0.1:7600"}}),
                              sideOf("b", {200}, {{"addr", "unix:/tmp/x"}}));
  EXPECT_THAT(kinds.flags, SizeIs(1));
}

TEST(Comparison, SaysWhichRunIsInvalid) {
  ComparedSide b = sideOf("b", {200, 201});
  b.runs[0].figures.valid = false;
  b.runs[0].figures.invalidReasons = {
      {ReasonCode::generatorBound, "the generator was at its limit"}};
  EXPECT_THAT(compared(sideOf("a", {200, 201}), b).invalid,
              Contains(HasSubstr("the generator was at its limit")));
}

TEST(Comparison, MarksLowerBounds) {
  ComparedSide b = sideOf("b", {200, 201});
  b.runs[0].figures.latency["response"]["all"].lowerBounds = {"p99"};
  const auto comparison = compared(sideOf("a", {200, 201}), b);
  EXPECT_TRUE(comparison.find("p99")->bIsLowerBound);
  EXPECT_THAT(toTerminal(comparisonBlocks(comparison, {})), HasSubstr("≥ "));
}

TEST(Comparison, ItsJsonHoldsEveryMetricAndCondition) {
  const auto comparison = compared(sideOf("a", {200, 204, 198}), sideOf("b", {240, 244, 239}));
  const auto conditions = parseFailConditions("p99>+10%");
  const std::string json =
      comparisonJson(comparison, {judgeCondition(conditions->front(), comparison)});
  EXPECT_THAT(json, HasSubstr("\"metric\": \"service.p99\""));
  EXPECT_THAT(json, HasSubstr("\"state\": \"FAILED\""));
}

TEST(Metrics, AreFoundByTheSummarysNames) {
  for (const char* name : {"p99", "response.p99", "service.get.p999", "set.mean", "max", "achieved",
                           "hit_rate", "steal"})
    EXPECT_TRUE(findMetric(name)) << name;
  EXPECT_EQ(findMetric("response.all.p99")->name, "p99");
  EXPECT_EQ(findMetric("get.service.p99")->name, "service.get.p99");
  for (const char* name : {"", "p98", "p99.", "foo.p99", "p99.service"})
    EXPECT_FALSE(findMetric(name)) << name;
}

TEST(Metrics, OfTheUsualListAllExist) {
  EXPECT_GT(usualMetrics().size(), 10U);
}

TEST(FailConditions, ReadRatiosDifferencesAndLimits) {
  using Against = FailCondition::Against;
  const auto conditions = parseFailConditions(
      "p99>+10%, achieved<-5%; p99 > +200us,p999>=5ms,hit_rate<99%,"
      "hit_rate<-0.01,achieved<95k");
  ASSERT_TRUE(conditions) << conditions.error().message;
  ASSERT_THAT(*conditions, SizeIs(7));
  EXPECT_EQ((*conditions)[0].against, Against::ratio);
  EXPECT_NEAR((*conditions)[0].value, 1.1, 1e-12);
  EXPECT_NEAR((*conditions)[1].value, 0.95, 1e-12);
  EXPECT_EQ((*conditions)[2].against, Against::difference);
  EXPECT_EQ((*conditions)[2].value, 200);
  EXPECT_EQ((*conditions)[3].against, Against::limit);
  EXPECT_TRUE((*conditions)[3].orEqual);
  EXPECT_EQ((*conditions)[3].value, 5'000);
  EXPECT_EQ((*conditions)[4].value, 0.99);
  EXPECT_EQ((*conditions)[4].against, Against::limit);
  EXPECT_EQ((*conditions)[5].value, -0.01);
  EXPECT_EQ((*conditions)[6].value, 95'000);
}

TEST(FailConditions, RefuseWhatCannotBeMeant) {
  for (const char* text : {"p99", "p99>", "p98>+10%", ">+10%", "p99>10%", "p99>5", "p99>+ten%",
                           "hit_rate<99q", "achieved<5us"})
    EXPECT_FALSE(parseFailConditions(text)) << text;
  EXPECT_THAT(parseFailConditions("p99>10%").error().message, HasSubstr("+10%"));
  EXPECT_TRUE(parseFailConditions("")->empty());
}

State stateOf(std::string_view condition, const Comparison& comparison) {
  return judgeCondition(parseFailConditions(condition)->front(), comparison).state;
}

TEST(FailConditions, HoldWhereTheChangeIsBeyondAndNoChance) {
  const auto comparison = compared(sideOf("a", {200, 204, 198}), sideOf("b", {240, 244, 239}));
  EXPECT_EQ(stateOf("p99>+10%", comparison), State::holds);
  EXPECT_EQ(stateOf("p99>+30%", comparison), State::not_);
  EXPECT_EQ(stateOf("p99<-10%", comparison), State::not_);
  EXPECT_EQ(stateOf("p99>+10us", comparison), State::holds);
  EXPECT_EQ(stateOf("p99>300us", comparison), State::holds);
  EXPECT_EQ(stateOf("p99>500us", comparison), State::not_);
  EXPECT_EQ(stateOf("hit_rate<99.5%", comparison), State::holds);
  EXPECT_EQ(stateOf("hit_rate<-1%", comparison), State::not_);
}

TEST(FailConditions, AreUndecidedWhereItMayBeChance) {
  const auto comparison = compared(sideOf("a", {150, 260, 205}), sideOf("b", {210, 330, 260}));
  EXPECT_EQ(stateOf("p99>+10%", comparison), State::undecided);
}

TEST(FailConditions, GoByTheFiguresAloneWithoutAnInterval) {
  const auto comparison = compared(sideOf("a", {200}), sideOf("b", {240, 244, 239}));
  EXPECT_EQ(stateOf("p99>+10%", comparison), State::holds);
}

TEST(FailConditions, AboutWhatWasNotMeasuredSaySo) {
  ComparedSide a = sideOf("a", {200, 201}), b = sideOf("b", {200, 201});
  for (RunData& run : b.runs) run.figures.cache = {};
  EXPECT_EQ(stateOf("hit_rate<99%", compared(a, b)), State::unmeasured);
}

}  // namespace
}  // namespace redline
