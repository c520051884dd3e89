#include "report/lab_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/report/blocks.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

ExperimentDocument repeat(double low, double high, Standing standing = Standing::expected) {
  ExperimentDocument document;
  document.name = "pipelining";
  document.profile = "standard";
  document.command = "redline lab run pipelining";
  document.figures = {{"ceiling", "ops/s", (low + high) / 2, low, high}};
  document.findings = {{"so", standing, "It is so", "the rates", true, {}}};
  document.slo = {{"get-ceiling", "x", SloVerdict::reported, "", {}}};
  return document;
}

TEST(LabAgreement, IntervalsThatShareAPointAgree) {
  const auto agreement =
      agreementOf({repeat(100e3, 120e3), repeat(110e3, 130e3), repeat(118e3, 140e3)});
  ASSERT_THAT(agreement.figures, SizeIs(1));
  EXPECT_TRUE(agreement.figures[0].agrees);
  EXPECT_TRUE(agreement.agrees());
  EXPECT_EQ(calloutOf(agreementDocument(agreement).blocks).tone, Tone::good);
}

TEST(LabAgreement, IntervalsThatDoNotOverlapAreInconclusive) {
  const auto agreement =
      agreementOf({repeat(100e3, 120e3), repeat(110e3, 130e3), repeat(121e3, 140e3)});
  EXPECT_FALSE(agreement.figures[0].agrees);
  EXPECT_EQ(calloutOf(agreementDocument(agreement).blocks).tone, Tone::unsure);
}

TEST(LabAgreement, AFigureWithoutAnIntervalSettlesNothing) {
  const auto agreement = agreementOf({repeat(100e3, 120e3), repeat(kNaN, kNaN)});
  EXPECT_FALSE(agreement.figures[0].agrees);
  EXPECT_THAT(agreement.figures[0].verdict, HasSubstr("not every repeat has an interval"));
}

TEST(LabAgreement, FindingsAreMatchedByTheirIdAndComparedByTheirStanding) {
  auto same = repeat(1, 2);
  same.findings[0].text = "It is so, with other figures in its words";
  EXPECT_TRUE(agreementOf({repeat(1, 2), same}).agrees());
  const auto agreement = agreementOf({repeat(1, 2), repeat(1, 2, Standing::contradicts)});
  ASSERT_THAT(agreement.findings, SizeIs(1));
  EXPECT_THAT(agreement.findings[0].said, ElementsAre("as expected", "not as expected"));
  EXPECT_FALSE(agreement.agrees());
  std::vector<Table> tables;
  const Document document = agreementDocument(agreement);
  forEachBlock<Table>(document.blocks, [&](const Table& table) { tables.push_back(table); });
  ASSERT_THAT(tables, SizeIs(3));
  EXPECT_THAT(
      cellTexts(tables[2].rows.at(0).cells),
      ElementsAre("It is so", "as expected", "not as expected", "inconclusive: they differ"));
}

TEST(LabAgreement, AMissingFindingDoesNotShiftTheOthers) {
  auto first = repeat(1, 2), second = repeat(1, 2);
  first.findings = {{"a", Standing::contradicts, "A", "the rates", false, {}},
                    {"b", Standing::expected, "B", "the rates", false, {}}};
  second.findings = {first.findings[1]};
  const auto agreement = agreementOf({first, second});
  ASSERT_THAT(agreement.findings, SizeIs(2));
  EXPECT_THAT(agreement.findings[0].said, ElementsAre("not as expected", "–"));
  EXPECT_THAT(agreement.findings[1].said, ElementsAre("as expected", "as expected"));
  EXPECT_TRUE(agreement.findings[1].agrees);
}

TEST(LabAgreement, WhatDisturbedOneTimeIsNoFindingAboutRedis) {
  auto disturbed = repeat(1, 2);
  disturbed.findings.push_back(
      {"others", Standing::problem, "Others took the core", "stat", false, {}});
  EXPECT_TRUE(agreementOf({repeat(1, 2), disturbed}).agrees());
}

TEST(LabAgreement, AVerdictThatIsMissingOnceDoesNotAgree) {
  auto without = repeat(1, 2);
  without.slo.clear();
  const auto agreement = agreementOf({repeat(1, 2), without});
  ASSERT_THAT(agreement.verdicts, SizeIs(1));
  EXPECT_FALSE(agreement.verdicts[0].agrees);
}

}  // namespace
}  // namespace redline
