#include "cmd/lab_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "base/units.h"
#include "cmd/help.h"
#include "cmd/text.h"
#include "report/lab_front.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::string_view kGrey = "\x1b[90m", kGreen = "\x1b[32m", kRed = "\x1b[31m",
                           kYellow = "\x1b[33m", kBold = "\x1b[1m", kPlain = "\x1b[0m";

std::string inColour(std::string_view text, std::string_view colour, const LabStyle& style) {
  return style.isColoured && !colour.empty() ? fmt::format("{}{}{}", colour, text, kPlain)
                                             : std::string(text);
}

/// "2:18", "1:02:18".
std::string clockText(double seconds) {
  const auto whole = static_cast<long>(std::max(0.0, seconds));
  const long minutes = whole / 60;
  return minutes < 60 ? fmt::format("{}:{:02}", minutes, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, whole % 60);
}

std::string bar(std::size_t done, std::size_t of) {
  constexpr std::size_t kCells = 10;
  const std::size_t full = of == 0 ? 0 : std::min(kCells, done * kCells / of);
  std::string text;
  for (std::size_t i = 0; i < kCells; ++i) text += i < full ? "█" : "░";
  return text;
}

std::string_view colourOf(Tone tone) {
  switch (tone) {
    case Tone::good:
      return kGreen;
    case Tone::bad:
      return kRed;
    case Tone::unsure:
      return kYellow;
    case Tone::neutral:
    case Tone::notable:
      break;
  }
  return "";
}

/// A text under its mark; longer ones go on below it.
void addWrapped(std::vector<std::string>& lines, std::string_view first, std::string_view text,
                const LabStyle& style) {
  const std::size_t indent = 4;
  std::string before(first);
  for (const std::string& line :
       wrap(printable(text), std::max<std::size_t>(style.width, 40) - indent)) {
    lines.push_back(before + line);
    before = std::string(indent, ' ');
  }
}

}  // namespace

LabStyle labStyleOf(int fd) {
  LabStyle style;
  if (isatty(fd) == 0) return style;
  const char* const noColour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  style.isTerminal = terminal == nullptr || std::string_view(terminal) != "dumb";
  style.isColoured = style.isTerminal && (noColour == nullptr || *noColour == '\0');
  style.width = terminalWidth(fd);
  return style;
}

std::string LabDisplay::inWidth(std::string text) const {
  return style_.isTerminal ? shortened(text, style_.width - 1) : printable(text);
}

std::string LabDisplay::coloured(std::string_view text, std::string_view colour) const {
  return inColour(text, colour, style_);
}

std::string LabDisplay::opening(std::string_view profile, std::string_view out) const {
  double expected = 0;
  for (const Part& part : parts_) expected += part.expectedS;
  return printable(fmt::format("lab: {} profile, {}, about {}, into {}", profile,
                               plural(parts_.size(), "experiment"), wholeSeconds(expected), out));
}

void LabDisplay::begin(Nanos now) {
  ++at_;
  partBegan_ = now;
  disturbed_ = kept_ = 0;
  last_ = {};
  activity_.clear();
  expect(parts_[at_ - 1].expectedS, now);
}

void LabDisplay::expect(double partS, Nanos now) {
  expectedS_ = toSeconds(now - began_) + partS;
  for (std::size_t i = at_; i < parts_.size(); ++i) expectedS_ += parts_[i].expectedS;
}

/// "total 2:18 of about 12:00".
std::string LabDisplay::totalText(Nanos now) const {
  const double gone = toSeconds(now - began_);
  return fmt::format("total {} of about {}", clockText(gone),
                     clockText(std::max(gone, expectedS_)));
}

std::string LabDisplay::status(Nanos now) const {
  if (!style_.isTerminal || at_ == 0 || at_ > parts_.size()) return "";
  const std::size_t done = last_.number == 0                     ? 0
                           : last_.what == LabStep::What::begins ? last_.number - 1
                                                                 : last_.number;
  const std::string where =
      fmt::format("{}/{} {}  {} {}/{}  {}", at_, parts_.size(), parts_[at_ - 1].name,
                  bar(done, last_.of), done, last_.of, clockText(toSeconds(now - partBegan_)));
  return inWidth(fmt::format("{}  {}  {}", where, totalText(now),
                             activity_.empty() ? last_.title : activity_));
}

LabDisplay::Shown LabDisplay::step(const LabStep& step, Nanos now) {
  last_ = step;
  activity_.clear();
  expect(step.leftS, now);
  Shown shown;
  const bool everyRun = !style_.isTerminal || style_.isVerbose;
  const std::string where =
      fmt::format("{} {}/{}: {}{}", parts_[at_ - 1].name, step.number, step.of, step.title,
                  style_.isVerbose ? fmt::format(" ({})", step.directory) : "");
  const auto add = [&](std::string_view text, std::string_view colour) {
    shown.lines.push_back(coloured(inWidth(fmt::format("  {}", text)), colour));
  };
  switch (step.what) {
    case LabStep::What::begins:
      break;
    case LabStep::What::kept:
      ++kept_;
      break;
    case LabStep::What::done:
      if (everyRun)
        add(fmt::format("{}{}{}; {}", where, step.result.empty() ? "" : ": ", step.result,
                        totalText(now)),
            "");
      break;
    case LabStep::What::disturbed:
    case LabStep::What::invalid:
      ++disturbed_;
      add(fmt::format("↻ {}: {} ({}){}", where,
                      step.what == LabStep::What::disturbed ? "disturbed" : "invalid", step.reason,
                      style_.isTerminal ? "" : "; " + totalText(now)),
          kGrey);
      break;
    case LabStep::What::skipped:
      if (everyRun) add(fmt::format("{}: not needed, {}", where, step.reason), kGrey);
      break;
    case LabStep::What::failed:
      add(fmt::format("✗ {}: failed: {}", where, step.reason), kRed);
      break;
  }
  shown.status = status(now);
  return shown;
}

std::string LabDisplay::note(std::string_view text) const {
  return coloured(inWidth(fmt::format("  {}", text)), kGrey);
}

std::vector<std::string> LabDisplay::end(const LabOutcome& outcome, Nanos now) {
  const ExperimentDocument& document = outcome.document;
  const bool isSound = outcome.hasValidData();
  const Tone tone = outcome.failed > 0 ? Tone::bad : isSound ? Tone::good : Tone::unsure;
  std::string head =
      fmt::format("{} {}/{} {}: {} in {}",
                  outcome.failed > 0 ? "✗"
                  : isSound          ? "✓"
                                     : "?",
                  at_, parts_.size(), document.title, plural(outcome.done + outcome.failed, "run"),
                  clockText(toSeconds(now - partBegan_)));
  if (outcome.kept > 0) head += fmt::format(", {} of them made earlier", outcome.kept);
  if (outcome.failed > 0) head += fmt::format(", {} failed", outcome.failed);
  if (outcome.invalid > 0) head += fmt::format(", {} disturbed", outcome.invalid);
  std::vector<std::string> lines{coloured(inWidth(std::move(head)), colourOf(tone))};
  if (const std::string answer = answerOf(document); !answer.empty())
    lines.push_back(inWidth(fmt::format("    {}", answer)));
  const auto decisions = decisionsOf({document});
  if (!decisions.empty())
    lines.push_back(inWidth(fmt::format("    → {}", decisions.front().decision.action)));
  return lines;
}

std::vector<std::string> closingScreen(const std::vector<ExperimentDocument>& experiments,
                                       std::string_view report, double tookS,
                                       const LabStyle& style) {
  constexpr std::size_t kActions = 5, kMostRule = 60;
  std::vector<std::string> lines{""};
  std::string rule;
  for (std::size_t i = 0; i < std::min(style.width, kMostRule); ++i) rule += "─";
  lines.push_back(rule);
  const auto levels = sloLines(experiments);
  for (const SloLine& line : levels) {
    const std::size_t before = lines.size();
    addWrapped(lines, fmt::format("  {} ", markOf(line)),
               fmt::format("{}: {} ({}target: {})", line.row->metric, measuredText(line),
                           availableText(line).empty() ? "" : availableText(line) + "; ",
                           line.row->target),
               style);
    for (std::size_t i = before; i < lines.size(); ++i)
      lines[i] = inColour(lines[i], colourOf(toneOf(line)), style);
  }
  if (const std::string verdict = verdictSentence(levels); !verdict.empty())
    addWrapped(lines, "  ", verdict + ".", style);
  auto decisions = decisionsOf(experiments);
  decisions.resize(std::min(decisions.size(), kActions));
  if (!decisions.empty()) lines.push_back(inColour("Do:", kBold, style));
  std::size_t number = 0;
  for (const RankedDecision& each : decisions)
    addWrapped(lines, fmt::format(" {}. ", ++number),
               fmt::format("{} (price: {})", each.decision.action, each.decision.price), style);
  lines.push_back(inColour(fmt::format("report: {}", report), kBold, style));
  lines.push_back(fmt::format("time:   {}", wholeSeconds(tookS)));
  return lines;
}

}  // namespace redline
