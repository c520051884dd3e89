#include "cmd/lab_display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr LabStyle kPlainStyle{};
constexpr LabStyle kTerminal{.isTerminal = true, .isColoured = true, .width = 100};

LabDisplay displayOf(const LabStyle& style) {
  return {style, {{"ceiling", "Ceilings", 120}, {"fsync", "What fsync costs", 60}}, 0};
}

LabStep stepOf(LabStep::What what, std::size_t number, double leftS) {
  return {.what = what,
          .number = number,
          .of = 20,
          .title = "batch 64, repeat 2",
          .directory = "closed-b64-r2",
          .result = what == LabStep::What::done ? "726k/s, p99 1.4 ms" : "",
          .reason = what == LabStep::What::done ? "" : "core taken",
          .leftS = leftS};
}

/// Characters, each a column here.
std::size_t columnsOf(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(LabDisplay, SaysAtFirstHowLongAllOfItTakes) {
  EXPECT_EQ(displayOf(kPlainStyle).opening("quick", "runs/x"),
            "lab: quick profile, 2 experiments, about 3m, into runs/x");
}

TEST(LabDisplay, TheStatusLineHasTheExperimentsProgressAndTheTotal) {
  LabDisplay display = displayOf(kTerminal);
  display.begin(0);
  const auto shown = display.step(stepOf(LabStep::What::done, 10, 90), 30 * kSecond);
  EXPECT_THAT(shown.lines, IsEmpty());
  EXPECT_THAT(shown.status, StartsWith("1/2 ceiling  █████░░░░░ 10/20  0:30  "
                                       "total 0:30 of about 3:00  batch 64, repeat 2"));
  EXPECT_THAT(display.status(45 * kSecond), HasSubstr("total 0:45 of about 3:00"));
  EXPECT_THAT(display.status(200 * kSecond), HasSubstr("total 3:20 of about 3:20"));
  display.begin(150 * kSecond);
  EXPECT_THAT(display.status(150 * kSecond),
              StartsWith("2/2 fsync  ░░░░░░░░░░ 0/0  0:00  total 2:30 of about 3:30"));
}

TEST(LabDisplay, ARunThatBeginsIsNotDoneYet) {
  LabDisplay display = displayOf(kTerminal);
  display.begin(0);
  EXPECT_THAT(display.step(stepOf(LabStep::What::begins, 3, 90), 0).status, HasSubstr(" 2/20 "));
}

TEST(LabDisplay, WhatItDoesJustNowIsShownUntilTheNextStep) {
  LabDisplay display = displayOf(kTerminal);
  display.begin(0);
  display.step(stepOf(LabStep::What::begins, 3, 90), 0);
  display.activity("loading small: 1k of 2k keys");
  EXPECT_THAT(display.status(0), testing::EndsWith("  loading small: 1k of 2k keys"));
  display.activity("");
  EXPECT_THAT(display.status(0), testing::EndsWith("  batch 64, repeat 2"));
}

TEST(LabDisplay, WithoutATerminalThereAreLinesAndNoStatus) {
  LabDisplay display = displayOf(kPlainStyle);
  display.begin(0);
  const auto done = display.step(stepOf(LabStep::What::done, 10, 90), 30 * kSecond);
  EXPECT_THAT(done.lines, ElementsAre("  ceiling 10/20: batch 64, repeat 2: 726k/s, p99 1.4 ms; "
                                      "total 0:30 of about 3:00"));
  EXPECT_THAT(done.status, IsEmpty());
  EXPECT_THAT(display.step(stepOf(LabStep::What::begins, 11, 90), 0).lines, IsEmpty());
}

TEST(LabDisplay, ADisturbedRunIsGreyShortAndWithoutAFigure) {
  LabDisplay display = displayOf(kTerminal);
  display.begin(0);
  LabStep step = stepOf(LabStep::What::disturbed, 10, 90);
  step.result = "1k/s, p99 9 s";
  const auto shown = display.step(step, 30 * kSecond);
  EXPECT_THAT(shown.lines, ElementsAre("\x1b[90m  ↻ ceiling 10/20: batch 64, repeat 2: disturbed "
                                       "(core taken)\x1b[0m"));
}

TEST(LabDisplay, WithoutColoursThereAreNoEscapes) {
  LabStyle style = kTerminal;
  style.isColoured = false;
  LabDisplay display = displayOf(style);
  display.begin(0);
  for (const auto what : {LabStep::What::disturbed, LabStep::What::failed, LabStep::What::invalid})
    for (const std::string& line : display.step(stepOf(what, 1, 1), 0).lines)
      EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST(LabDisplay, NothingIsWiderThanTheTerminal) {
  LabStyle style{.isTerminal = true, .isColoured = false, .isVerbose = true, .width = 40};
  LabDisplay display = displayOf(style);
  display.begin(0);
  for (const auto what : {LabStep::What::done, LabStep::What::disturbed, LabStep::What::failed}) {
    const auto shown = display.step(stepOf(what, 10, 90), 30 * kSecond);
    EXPECT_LT(columnsOf(shown.status), 40U);
    for (const std::string& line : shown.lines) EXPECT_LT(columnsOf(line), 40U) << line;
  }
}

TEST(LabDisplay, OnlyWithVerboseDirectoriesAreShown) {
  for (const bool verbose : {false, true}) {
    LabDisplay display = displayOf({.isVerbose = verbose});
    display.begin(0);
    const auto shown = display.step(stepOf(LabStep::What::done, 1, 90), 0);
    EXPECT_EQ(shown.lines.at(0).find("closed-b64-r2") != std::string::npos, verbose);
  }
}

LabOutcome outcomeOf(std::size_t done, std::size_t failed, std::size_t invalid) {
  LabOutcome outcome;
  outcome.document.title = "Ceilings";
  outcome.document.answer = "One core serves 130k/s [120k – 140k]";
  outcome.document.decisions = {{"a", "b", "Plan a shard for 90k/s", "a third", 1.5, false, {}}};
  outcome.done = done;
  outcome.failed = failed;
  outcome.invalid = invalid;
  return outcome;
}

TEST(LabDisplay, AFinishedExperimentTakesThreeLines) {
  LabDisplay display = displayOf(kPlainStyle);
  display.begin(10 * kSecond);
  EXPECT_THAT(display.end(outcomeOf(62, 0, 6), 122 * kSecond),
              ElementsAre("✓ 1/2 Ceilings: 62 runs in 1:52, 6 disturbed",
                          "    One core serves 130k/s", "    → Plan a shard for 90k/s"));
  EXPECT_THAT(display.end(outcomeOf(6, 0, 6), 0).at(0), StartsWith("? "));
  EXPECT_THAT(display.end(outcomeOf(6, 1, 0), 0).at(0),
              AllOf(StartsWith("✗ "), HasSubstr("1 failed")));
}

ExperimentDocument ceilingDocument() {
  ExperimentDocument document = outcomeOf(1, 0, 0).document;
  document.name = "ceiling";
  document.slo = {{"get-ceiling", "133k/s", SloVerdict::reported, "", {}},
                  {"read-p99-at-80", "2.2 ms [1 – 3]", SloVerdict::missed, "", {}}};
  return document;
}

TEST(LabDisplay, TheLastScreenHasServiceLevelsActionsTheReportAndTheTime) {
  const auto lines = closingScreen({ceilingDocument()}, "file:///x/report.html", 780, kPlainStyle);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_THAT(text, HasSubstr("\n  ✗ Read p99 at 80% of the ceiling"));
  EXPECT_THAT(text, HasSubstr("\n  · Single-shard GET ceiling"));
  EXPECT_THAT(text, HasSubstr("2.2 ms (target: < 1 ms)"));
  EXPECT_THAT(text, HasSubstr("Do:\n 1. Plan a shard for 90k/s (price: a third)\n"));
  EXPECT_THAT(text, HasSubstr("report: file:///x/report.html\n"));
  EXPECT_THAT(text, HasSubstr("time:   13m"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(LabDisplay, TheLastScreenColoursVerdictsOnATerminal) {
  std::string text;
  for (const std::string& line : closingScreen({ceilingDocument()}, "r", 1, kTerminal))
    text += line + "\n";
  EXPECT_THAT(text, HasSubstr("\x1b[31m  ✗ "));
}

}  // namespace
}  // namespace redline
