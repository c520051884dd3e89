// What stands first in a report, in the note and on the terminal.

#include "report/lab_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/lab_note.h"
#include "report/markdown.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ExperimentDocument named(const std::string& name, const std::string& answer) {
  ExperimentDocument document;
  document.name = name;
  document.title = "Title of " + name;
  document.profile = "standard";
  document.state = ExperimentState::done;
  document.answer = answer;
  document.environment.cores = 2;
  document.environment.redisVersion = "7.0.15";
  document.command = "redline lab run " + name;
  return document;
}

LabDecision decision(const std::string& risk, double gain, bool isStall) {
  return {risk, "measured " + risk, "action on " + risk, "price of " + risk, gain, isStall, {}};
}

std::vector<ExperimentDocument> lab() {
  auto ceiling = named("ceiling", "One core serves 130k/s");
  ceiling.slo = {
      {"get-ceiling", "133k/s [119k – 148k]; bound: Redis", SloVerdict::reported, "", {}},
      {"get-ceiling-batch16", "600k/s", SloVerdict::reported, "", {}},
      {"read-p99-at-80",
       "2.2 ms [0.8 – 6 ms] at 105k/s (Poisson)",
       SloVerdict::inconclusive,
       "",
       {}}};
  ceiling.decisions = {decision("plan", 1.5, false)};
  auto keys = named("big-key", "One HGETALL stops it");
  keys.decisions = {decision("hgetall", 2000, true), decision("keys", 9000, true)};
  auto fsync = named("fsync", "always costs ten times");
  fsync.slo = {{"write-p99-everysec", "227 µs", SloVerdict::met, "", {}},
               {"write-p99-always", "10 ms", SloVerdict::invalid, "", {}}};
  fsync.decisions = {decision("fsync", 10, true)};
  auto hot = named("hot-key", "One slot gets 20%");
  hot.decisions = {decision("hot", 4.8, false)};
  return {ceiling, keys, fsync, hot};
}

TEST(LabFront, LosesIntervalsAndNothingElse) {
  EXPECT_EQ(withoutIntervals("from 1.4× [1.1 – 2] to 3 ms [2 – 4 ms], [sic] and a [b – c"),
            "from 1.4× to 3 ms, [sic] and a [b – c");
  EXPECT_EQ(withoutIntervals(""), "");
  EXPECT_EQ(withoutIntervals("a [not one] b [1 – 2]"), "a [not one] b");
}

TEST(LabFront, MarksServiceLevelsByTheirVerdict) {
  std::string marks;
  std::vector<std::string> texts;
  const auto experiments = lab();
  for (const SloLine& line : sloLines(experiments)) {
    marks += markOf(line);
    texts.push_back(measuredText(line));
  }
  EXPECT_EQ(marks, "··?✓??");
  EXPECT_THAT(texts, ElementsAre("133k/s", "600k/s", "2.2 ms at 105k/s", "227 µs", "no valid run",
                                 "not measured"));
}

TEST(LabFront, SaysTheVerdictWithTheCoreAvailableBesideTheOneAsFound) {
  auto experiments = lab();
  EXPECT_EQ(availableText(sloLines(experiments)[2]), "");
  experiments[0].slo[2].availableMeasured = "620 µs [600 – 650] at 105k/s";
  experiments[0].slo[2].availableVerdict = SloVerdict::met;
  const SloLine line = sloLines(experiments)[2];
  EXPECT_EQ(availableText(line), "620 µs at 105k/s with the core available ✓");
  EXPECT_EQ(markOf(line), "?");
}

TEST(LabFront, SaysTheVerdictsInASentence) {
  const auto experiments = lab();
  EXPECT_EQ(verdictSentence(sloLines(experiments)),
            "One target is met, one is undecided and two have no valid measurement; two levels "
            "without a target were measured");
  EXPECT_EQ(verdictSentence({}), "");
  const std::vector<ExperimentDocument> none{named("reshard", ""), named("big-key", "")};
  EXPECT_EQ(verdictSentence(sloLines(none)), "Two levels have no valid measurement");
}

TEST(LabFront, DecisionsComeByGainOneOfEachExperimentFirst) {
  std::vector<std::string> risks;
  auto experiments = lab();
  experiments[3].decisions.push_back(decision("fsync", 2, false));  // of a further experiment
  for (const RankedDecision& each : decisionsOf(experiments)) risks.push_back(each.decision.risk);
  EXPECT_THAT(risks, ElementsAre("hgetall", "fsync", "hot", "plan", "keys"));
}

TEST(LabFront, ARiskIsNamedByTheExperimentWithMostRunsOfIt) {
  std::vector<ExperimentDocument> experiments{named("headroom", ""), named("big-key", "")};
  experiments[0].decisions = {decision("hgetall", 900, true)};
  experiments[0].decisions[0].runs = {"a-r1", "a-r2"};
  experiments[1].decisions = {decision("hgetall", 400, true)};
  experiments[1].decisions[0].runs = {"b-r1", "b-r2", "b-r3"};
  const auto decisions = decisionsOf(experiments);
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].experiment, &experiments[1]);
}

TEST(LabFront, AnOlderDocumentsRecommendationStandsForItsDecision) {
  auto old = named("old", "");
  old.recommendations = {"Take everysec (227 µs [49 – 1050])"};
  old.findings = {{"x", Standing::plain, "p99 is 2 ms [1 – 3]", "", true, {}}};
  const auto decisions = decisionsOf({old});
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].decision.action, "Take everysec (227 µs)");
  EXPECT_EQ(decisions[0].decision.price, "not measured");
  EXPECT_EQ(answerOf(old), "p99 is 2 ms");
}

TEST(LabFront, AnAnswerThatIsNotDecidedSaysSo) {
  auto document = named("mset", "");
  EXPECT_EQ(answerSentence(document), "Not measured.");
  document.findings = {{"a", Standing::inconclusive, "It costs 1.13× [0.96 – 1.33]", "", true, {}}};
  EXPECT_EQ(answerSentence(document), "Inconclusive: It costs 1.13×.");
  EXPECT_TRUE(isAnswer(document, document.findings[0]));
  EXPECT_THAT(leadSentences({document}), testing::IsEmpty());
  document.findings.push_back({"b", Standing::expected, "It saves 90% [80 – 95]", "", true, {}});
  EXPECT_EQ(answerSentence(document), "It saves 90%.");
  EXPECT_FALSE(isAnswer(document, document.findings[0]));
}

TEST(LabFront, LeadsWithFourSentences) {
  const auto sentences = leadSentences(lab());
  ASSERT_EQ(sentences.size(), 4U);
  EXPECT_EQ(sentences[0], "One core serves 130k/s.");
  EXPECT_EQ(sentences[1],
            "Three things break p99 at rates that Redis otherwise sustains: hgetall (measured "
            "hgetall), fsync (measured fsync) and keys (measured keys).");
  EXPECT_EQ(sentences[2], "One more thing limits the design: hot (measured hot).");
  EXPECT_THAT(sentences[3], testing::StartsWith("One target is met"));
}

TEST(LabFront, LeadsWithLessWhereLessIsKnown) {
  EXPECT_THAT(leadSentences({named("pipelining", "")}), testing::IsEmpty());
  EXPECT_THAT(leadSentences({named("pipelining", "Batches help")}), ElementsAre("Batches help."));
  EXPECT_THAT(leadSentences({named("fsync", std::string(kDisturbedAnswer)),
                             named("pipelining", "Batches help")}),
              ElementsAre("Batches help.", "Two levels have no valid measurement."))
      << "what is first on the page is an answer";
}

TEST(LabFront, CountsDisturbedRuns) {
  auto one = named("one", "");
  one.runs.resize(4);
  EXPECT_EQ(disturbanceText({one}), "None of 4 runs was disturbed");
  one.runs[1].invalid = {{ReasonCode::stolenTime, "stolen"}};
  one.runs[2].figures = {{kOthersOnServerCore, 0.06}, {kLostShare, 0.02}};
  one.runs[3].figures = {{kLostShare, 0.04}};
  EXPECT_THAT(disturbanceText({one}), AllOf(HasSubstr("1 of 4 runs was disturbed ("),
                                            HasSubstr("3.0% were disturbed (mean of 2 runs)"),
                                            HasSubstr("had 6.0% of Redis's core")));
}

TEST(LabFront, RepeatsWhatRanWithTheFlagsItRanWith) {
  auto all = lab();
  all[0].command += " -profile=standard";
  all[2].command += " -profile=standard";
  all[3].command.clear();  // as in a document that lost it
  EXPECT_EQ(commandsOf(all),
            "redline lab run ceiling fsync -profile=standard\nredline lab run big-key");
  EXPECT_EQ(commandsOf({all[1]}), "redline lab run big-key");
}

TEST(LabNote, HasCurvesDecisionsAndNoInterval) {
  auto all = lab();
  LabPlot plot;
  plot.id = "p99";
  plot.title = "p99 by rate";
  plot.series = {{"measured", {{0, 1}, {1, 2}}}};
  all[0].plots = {plot};
  all[0].findings = {{"a", Standing::contradicts, "It is 3× [2 – 4]", "", true, {}}};
  all[1].indicative = true;
  all[1].runs.resize(2);
  all[1].runs[0].invalid = {{ReasonCode::stolenTime, "stolen"}};
  const std::string note = toMarkdown(labNote(all));
  EXPECT_THAT(note, testing::StartsWith("# Where one Redis 7.0.15 shard breaks"));
  EXPECT_THAT(note, HasSubstr("![p99 by rate](plots/ceiling-p99.svg)"));
  EXPECT_THAT(note, HasSubstr("| hgetall | measured hgetall | action on hgetall | price of hgetall "
                              "| indicative; 1 of 2 runs valid |"));
  EXPECT_THAT(note, HasSubstr("## What surprised us\n\n- ceiling: It is 3×."));
  EXPECT_THAT(note, HasSubstr("redline lab run ceiling big-key fsync hot-key\n"));
  EXPECT_THAT(note, Not(HasSubstr(" – 4")));
  EXPECT_LT(note.find("## 1. Title of ceiling"), note.find("## 2. Title of big-key"));
}

}  // namespace
}  // namespace redline
