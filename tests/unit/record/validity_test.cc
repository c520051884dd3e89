#include "record/validity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

auto because(ReasonCode code) {
  return testing::Field(&Reason::code, code);
}

auto because(ReasonCode code, const std::string& figure) {
  return AllOf(because(code), testing::Field(&Reason::text, HasSubstr(figure)));
}

/// An open-model run in which all went well.
ValidityFacts sound() {
  ValidityFacts facts;
  facts.targetRate = 10'000;
  facts.answeredRate = 10'000;
  facts.dispatchP99Us = 20;
  facts.generatorUtilisation = 0.3;
  facts.serverUtilisation = 0.5;
  facts.scheduled = facts.completed = 100'000;
  return facts;
}

TEST(Validity, ASoundRunIsValidWithoutANote) {
  const Verdict verdict = judgeValidity(sound());
  EXPECT_THAT(verdict.reasons, IsEmpty());
  EXPECT_THAT(verdict.notes, IsEmpty());
  EXPECT_FALSE(verdict.overloaded);
}

TEST(Validity, OnlyWhatOthersDidPasses) {
  ValidityFacts facts = sound();
  facts.steal = 2 * kTolerableSteal;
  facts.dispatchP99Us = 2 * kTolerableDispatchP99Us;
  EXPECT_TRUE(allPassing(judgeValidity(facts).reasons));
  facts.corrupt = 1;
  EXPECT_FALSE(allPassing(judgeValidity(facts).reasons));
  EXPECT_FALSE(allPassing({}));
}

TEST(Validity, OperationsWithoutAReplyAtTheEndMakeARunInvalidUnlessAFaultWasInjected) {
  ValidityFacts facts = sound();
  facts.unanswered = 1;
  facts.longestUnansweredS = 2.5;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::unanswered, "2.5 s")));
  facts.faults = 1;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  EXPECT_THAT(judgeValidity(facts).notes, ElementsAre(HasSubstr("2.5 s")));
}

TEST(Validity, OperationsThatAClusterRefusesToTheEndMakeARunInvalid) {
  ValidityFacts facts = sound();
  facts.unservedShare = kTolerableLost;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.unservedShare = 0.28;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::unserved, "28.0%")));
}

TEST(Validity, ACodeIsReadBackByItsName) {
  for (int code = 0; code <= static_cast<int>(ReasonCode::other); ++code) {
    const auto each = static_cast<ReasonCode>(code);
    EXPECT_EQ(reasonCodeFrom(nameOf(each)), each);
    EXPECT_FALSE(labelOf(each).empty());
  }
  EXPECT_EQ(reasonCodeFrom("core taken: by others"), ReasonCode::other);
}

TEST(Validity, LatenessOfTheGeneratorItselfIsAReason) {
  ValidityFacts facts = sound();
  facts.dispatchP99Us = kTolerableDispatchP99Us;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.dispatchP99Us += 1;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::behindSchedule, "1001 µs")));
}

TEST(Validity, AServerThatCannotFollowIsANoteAndNoReason) {
  ValidityFacts facts = sound();
  facts.answeredRate = 9'899;
  const Verdict verdict = judgeValidity(facts);
  EXPECT_THAT(verdict.reasons, IsEmpty());
  EXPECT_THAT(verdict.notes, ElementsAre(HasSubstr("overloaded: 9899 operations/s were answered")));
  EXPECT_TRUE(verdict.overloaded);
}

TEST(Validity, InTheClosedModelABusyGeneratorBesideAnIdleServerIsAReason) {
  ValidityFacts facts = sound();
  facts.closed = true;
  facts.targetRate = 0;
  facts.generatorUtilisation = 0.96;
  facts.serverUtilisation = 0.89;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::generatorBound)));
  facts.serverUtilisation = 0.90;  // both at their ceilings: the server's is the one measured
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.serverUtilisation = -1;  // not known: no ground to blame the generator
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
}

TEST(Validity, AGeneratorIsAsBusyAsItCanBeWhenItUsesAllThatOthersLeave) {
  ValidityFacts facts = sound();
  facts.closed = true;
  facts.targetRate = 0;
  facts.serverUtilisation = 0.2;
  facts.generatorUtilisation = 0.93;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.generatorWaiting = 0.04;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::generatorBound)));
}

TEST(Validity, AServerIsAtItsCeilingWhenItUsesAllThatOthersLeave) {
  ValidityFacts facts = sound();
  facts.closed = true;
  facts.targetRate = 0;
  facts.generatorWaiting = 0.07;
  facts.serverUtilisation = 0.84;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::coreTaken)));
  facts.serverWaiting = 0.11;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
}

TEST(Validity, TheWaitOfTheBusiestServerCounts) {
  Summary summary;
  summary.latency["dispatch"]["all"] = {};
  summary.servers.resize(3);
  summary.servers[0].mainThreadUtilisation = 0.2;
  summary.servers[0].waitingForCore = 0.7;
  summary.servers[1].mainThreadUtilisation = 0.8;
  summary.servers[1].waitingForCore = 0.1;
  summary.servers[2].mainThreadUtilisation = -1;
  const ValidityFacts facts = validityFacts(summary, {}, {});
  EXPECT_EQ(facts.serverUtilisation, 0.8);
  EXPECT_EQ(facts.serverWaiting, 0.1);
}

TEST(Validity, ACoreThatOthersTookIsAReasonWhereTheServerWasIdle) {
  ValidityFacts facts = sound();
  facts.closed = true;
  facts.targetRate = 0;
  facts.generatorWaiting = kTolerableWaiting;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.generatorWaiting = 0.46;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::coreTaken, "46.0%")));
  facts.serverUtilisation = 0.95;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.serverUtilisation = 0.5;
  facts.closed = false;  // an open run that kept its rate was not held up: lateness judges it
  facts.targetRate = facts.answeredRate;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
}

TEST(Validity, WhatAFaultOrAStoreHeldUpIsNotBlamedOnAGeneratorThatWasOnTime) {
  ValidityFacts facts = sound();
  facts.answeredRate = 0.9 * facts.targetRate;
  facts.generatorWaiting = 0.07;
  facts.serverUtilisation = 0.2;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::coreTaken)));
  facts.faults = 1;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  EXPECT_TRUE(judgeValidity(facts).overloaded);

  Summary summary;
  summary.latency["dispatch"]["all"] = {};
  summary.servers.resize(1);
  summary.servers[0].mainThreadUtilisation = 0.2;
  EXPECT_EQ(validityFacts(summary, {}, {}).serverUtilisation, 0.2);
  summary.backing.store = "postgres";
  EXPECT_LT(validityFacts(summary, {}, {}).serverUtilisation, 0);
}

TEST(Validity, ACoreThatOthersTookIsTheReasonWhyAnOpenRunWasLate) {
  ValidityFacts facts = sound();
  facts.dispatchP99Us = 90'000;
  facts.generatorWaiting = 0.85;
  facts.serverUtilisation = -1;  // whatever the server did
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::behindSchedule), because(ReasonCode::coreTaken)));
  facts.generatorWaiting = kTolerableWaiting;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::behindSchedule)));
}

TEST(Validity, UnexplainedPausesAreNotBlamedOnTheRate) {
  ValidityFacts facts = sound();
  facts.dispatchP99Us = 8'544;
  facts.longestPauseUs = 14'500;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::behindSchedule, "lower -rate")));
  facts.hiddenSteal = 0.21;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(AllOf(because(ReasonCode::behindSchedule, "21.0%"),
                                because(ReasonCode::behindSchedule, "14500 µs"),
                                Not(because(ReasonCode::behindSchedule, "lower -rate")))));
}

TEST(Validity, OfAnImpossibleRateTheGeneratorsCeilingIsAReasonAndTheServersIsNot) {
  ValidityFacts facts = sound();
  facts.answeredRate = 5'000;
  facts.generatorUtilisation = 0.99;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::generatorBound)));
  facts.serverUtilisation = 0.95;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.serverUtilisation = 0.5;
  facts.answeredRate = 10'000;  // it kept up, however hard that was
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
}

TEST(Validity, StolenTimeIsAReason) {
  ValidityFacts facts = sound();
  facts.steal = kTolerableSteal;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.steal += 0.001;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::stolenTime)));
}

TEST(Validity, OneWrongValueIsAReason) {
  ValidityFacts facts = sound();
  facts.corrupt = 1;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::corruptValues, "1 values")));
}

TEST(Validity, AServerThatWasGoneInTheEndIsAReasonWhateverInjectedIt) {
  ValidityFacts facts = sound();
  facts.serverLost = "nothing listens on 127.0.0.1:7600";
  facts.faults = 1;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::serverLost, "nothing listens")));
}

TEST(Validity, ARunThatCompletedNothingIsInvalid) {
  ValidityFacts facts = sound();
  facts.completed = 0;
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::nothingCompleted)));
  facts.scheduled = 0;  // interrupted before anything fell due
  EXPECT_THAT(judgeValidity(facts).reasons, ElementsAre(because(ReasonCode::nothingMeasured)));
}

TEST(Validity, OperationsLostWithTheirConnectionsAreAReasonUnlessTheRunInjectedIt) {
  ValidityFacts facts = sound();
  facts.lostShare = kTolerableLost;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.lostShare = 0.02;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::operationsLost, "2.0%")));
  facts.faults = 1;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  EXPECT_THAT(judgeValidity(facts).notes, ElementsAre(HasSubstr("faults")));
}

TEST(Validity, CountsLatenessDuringFaultsAsTheirEffect) {
  ValidityFacts facts = sound();
  facts.faultedOperations = 1000;
  facts.faultedDispatchP99Us = 40'000;
  const Verdict verdict = judgeValidity(facts);
  EXPECT_THAT(verdict.reasons, IsEmpty());
  EXPECT_THAT(verdict.notes, ElementsAre(HasSubstr("40000 µs")));
  facts.faultedDispatchP99Us = 100;
  EXPECT_THAT(judgeValidity(facts).notes, IsEmpty());
}

TEST(Validity, SaysWhenNoIntervalWasFreeOfFaults) {
  ValidityFacts facts = sound();
  facts.dispatchP99Us = 0;
  facts.faultedOperations = 1000;
  facts.faultedDispatchP99Us = 100;
  facts.allFaulted = true;
  EXPECT_THAT(judgeValidity(facts).notes, ElementsAre(HasSubstr("no interval was free of faults")));
}

TEST(Validity, OfNoOperationsNothingIsTrue) {
  ValidityFacts facts = sound();
  facts.scheduled = facts.completed = facts.answeredRate = 0;
  facts.steal = 2 * kTolerableSteal;
  facts.windowS = 0;
  for (const bool closed : {false, true}) {
    facts.closed = closed;
    const Verdict verdict = judgeValidity(facts);
    EXPECT_THAT(verdict.reasons, ElementsAre(because(ReasonCode::nothingMeasured)));
    EXPECT_THAT(verdict.notes, IsEmpty());
    EXPECT_FALSE(verdict.overloaded);
  }
}

TEST(Validity, ResponseTimesDescribeAQueueOnlyWhereNothingLeftIt) {
  ValidityFacts facts = sound();
  facts.answeredRate = 5'000;
  EXPECT_THAT(judgeValidity(facts).notes,
              ElementsAre(HasSubstr("grow with the length of the run")));
  facts.droppedShare = 0.25;
  EXPECT_THAT(judgeValidity(facts).notes,
              ElementsAre(AllOf(HasSubstr("25.0% timed out or were lost"),
                                Not(HasSubstr("grow with the length")))));
}

TEST(Validity, RepliesThatAnswerNothingAreAReasonOfTheirOwn) {
  ValidityFacts facts = sound();
  facts.strangeShare = kTolerableStrange;
  EXPECT_THAT(judgeValidity(facts).reasons, IsEmpty());
  facts.strangeShare = 1;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::strangeReplies, "100.0% of the operations")));
}

TEST(Validity, AGeneratorThatIsFloodedIsNotToldToTakeMoreThreads) {
  ValidityFacts facts = sound();
  facts.closed = true;
  facts.generatorUtilisation = 0.99;
  facts.valueSize = 100;
  facts.bytesPerOperation = 110;
  EXPECT_THAT(judgeValidity(facts).reasons,
              ElementsAre(because(ReasonCode::generatorBound, "more -threads")));
  facts.bytesPerOperation = 50'000;
  const auto flooded = judgeValidity(facts).reasons;
  EXPECT_THAT(flooded, ElementsAre(because(ReasonCode::generatorBound, "50000 bytes")));
  EXPECT_THAT(flooded.front().text, Not(HasSubstr("-threads")));
}

}  // namespace
}  // namespace redline
