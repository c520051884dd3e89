#include "report/lab_front.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/text.h"
#include "base/units.h"
#include "model/statistics.h"
#include "record/product.h"
#include "record/reason.h"
#include "report/lab_document.h"
#include "report/text.h"

namespace redline {
namespace {

using Experiments = std::vector<ExperimentDocument>;

/// "two"; "12".
std::string numberWord(std::size_t number) {
  constexpr std::array<std::string_view, 11> kWords{
      "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"};
  return number < kWords.size() ? std::string(kWords[number]) : std::to_string(number);
}

/// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

std::string_view markOf(SloVerdict verdict) {
  switch (verdict) {
    case SloVerdict::met:
      return "✓";
    case SloVerdict::missed:
      return "✗";
    case SloVerdict::reported:
      return "·";
    case SloVerdict::inconclusive:
    case SloVerdict::invalid:
      break;
  }
  return "?";
}

std::size_t countOf(const std::vector<SloLine>& lines, SloVerdict verdict) {
  return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const SloLine& line) {
    return line.outcome != nullptr && line.outcome->verdict == verdict;
  }));
}

std::string withoutAsides(std::string text) {
  for (std::size_t open; (open = text.find(" (")) != std::string::npos;) {
    const std::size_t close = text.find(')', open);
    if (close == std::string::npos) break;
    text.erase(open, close + 1 - open);
  }
  return text;
}

/// "one HGETALL of 1M elements (p99 of other keys 421 ms)".
std::string riskText(const LabDecision& decision) {
  return decision.measured.empty() ? decision.risk
                                   : fmt::format("{} ({})", decision.risk, decision.measured);
}

bool isUndecided(const LabFinding& finding) {
  return finding.standing == Standing::inconclusive || finding.standing == Standing::problem;
}

/// What stands for the answer of a document that has none; null where nothing does.
const LabFinding* answeringFinding(const ExperimentDocument& experiment) {
  const LabFinding* first = nullptr;
  for (const LabFinding& finding : experiment.findings) {
    if (!finding.headline) continue;
    if (!isUndecided(finding)) return &finding;
    if (first == nullptr) first = &finding;
  }
  return first;
}

bool isAnswered(const ExperimentDocument& experiment) {
  if (!experiment.answer.empty()) return experiment.answer != kDisturbedAnswer;
  const LabFinding* const finding = answeringFinding(experiment);
  return finding != nullptr && !isUndecided(*finding);
}

/// The experiment that settles the brief's first level; the first with an answer where none does.
const ExperimentDocument* leadingExperiment(const Experiments& experiments) {
  for (const SloLine& line : sloLines(experiments))
    if (line.experiment != nullptr && isAnswered(*line.experiment)) return line.experiment;
  const auto found = std::ranges::find_if(experiments, isAnswered);
  return found == experiments.end() ? nullptr : &*found;
}

constexpr std::size_t kMostRisks = 4;

std::vector<std::string> risksOf(const std::vector<RankedDecision>& decisions, bool stalls,
                                 const ExperimentDocument* without) {
  std::vector<std::string> risks;
  for (const RankedDecision& each : decisions)
    if (each.decision.isStall == stalls && !each.decision.risk.empty() &&
        each.experiment != without && risks.size() < kMostRisks)
      risks.push_back(riskText(each.decision));
  return risks;
}

}  // namespace

std::vector<SloLine> sloLines(const Experiments& experiments) {
  std::vector<SloLine> lines;
  for (const SloRow& row : kSloRows) {
    // A row whose experiment was not asked for is not this lab's.
    if (std::ranges::find(experiments, row.experiment, &ExperimentDocument::name) ==
        experiments.end())
      continue;
    SloLine& line = lines.emplace_back(SloLine{.row = &row});
    for (const ExperimentDocument& experiment : experiments)
      for (const SloOutcome& outcome : experiment.slo)
        if (outcome.id == row.id) line = {&row, &outcome, &experiment};
  }
  return lines;
}

std::string_view markOf(const SloLine& line) {
  return line.outcome == nullptr ? "?" : markOf(line.outcome->verdict);
}

Tone toneOf(const SloLine& line) {
  if (line.outcome == nullptr) return Tone::unsure;
  switch (line.outcome->verdict) {
    case SloVerdict::met:
      return Tone::good;
    case SloVerdict::missed:
      return Tone::bad;
    case SloVerdict::reported:
      return Tone::neutral;
    case SloVerdict::inconclusive:
    case SloVerdict::invalid:
      break;
  }
  return Tone::unsure;
}

std::string measuredText(const SloLine& line) {
  if (line.outcome == nullptr) return "not measured";
  if (line.outcome->verdict == SloVerdict::invalid) return "no valid run";
  const std::string text = withoutAsides(withoutIntervals(line.outcome->measured));
  return text.substr(0, text.find(';'));
}

std::string availableText(const SloLine& line) {
  if (line.outcome == nullptr || line.outcome->availableMeasured.empty()) return "";
  const std::string text = withoutAsides(withoutIntervals(line.outcome->availableMeasured));
  return fmt::format("{} with the core available {}", text.substr(0, text.find(';')),
                     markOf(line.outcome->availableVerdict));
}

std::string verdictSentence(const std::vector<SloLine>& lines) {
  if (lines.empty()) return "";
  std::vector<std::string> parts;
  const auto add = [&](std::size_t count, std::string_view noun, std::string_view one,
                       std::string_view many) {
    if (count == 0) return;
    // The first part says of what it counts: "two targets are met, one is missed".
    const std::string what =
        parts.empty() ? (count == 1 ? fmt::format(" {}", noun) : fmt::format(" {}s", noun)) : "";
    parts.push_back(fmt::format("{}{} {}", numberWord(count), what, count == 1 ? one : many));
  };
  add(countOf(lines, SloVerdict::met), "target", "is met", "are met");
  add(countOf(lines, SloVerdict::missed), "target", "is missed", "are missed");
  add(countOf(lines, SloVerdict::inconclusive), "target", "is undecided", "are undecided");
  const auto without = countOf(lines, SloVerdict::invalid) +
                       static_cast<std::size_t>(std::ranges::count(
                           lines, nullptr, [](const SloLine& line) { return line.outcome; }));
  add(without, "level", "has no valid measurement", "have no valid measurement");
  std::string sentence = capitalized(listed(parts));
  const std::size_t reported = countOf(lines, SloVerdict::reported);
  if (reported == 0) return sentence;
  const std::string measured =
      reported == 1 ? "one level without a target was measured"
                    : fmt::format("{} levels without a target were measured", numberWord(reported));
  return sentence.empty() ? capitalized(measured) : sentence + "; " + measured;
}

std::string withoutIntervals(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t open = text.find(" [");
    const std::size_t close = open == std::string_view::npos ? open : text.find(']', open);
    if (close == std::string_view::npos) break;
    const bool interval = text.substr(open, close - open).find(" – ") != std::string_view::npos;
    kept += text.substr(0, interval ? open : close + 1);
    text.remove_prefix(close + 1);
  }
  return kept.append(text);
}

std::string answerOf(const ExperimentDocument& experiment) {
  if (!experiment.answer.empty()) return withoutIntervals(experiment.answer);
  const LabFinding* const finding = answeringFinding(experiment);
  if (finding == nullptr) return "";
  const std::string text = withoutIntervals(finding->text);
  return isUndecided(*finding)
             ? fmt::format("{}: {}", capitalized(std::string(cautionOf(finding->standing))), text)
             : text;
}

std::string answerSentence(const ExperimentDocument& experiment) {
  const std::string answer = answerOf(experiment);
  return answer.empty() ? "Not measured." : answer + ".";
}

bool isAnswer(const ExperimentDocument& experiment, const LabFinding& finding) {
  if (experiment.answer.empty()) return &finding == answeringFinding(experiment);
  return withoutIntervals(finding.text) == withoutIntervals(experiment.answer);
}

std::vector<RankedDecision> decisionsOf(const Experiments& experiments) {
  struct Placed {
    RankedDecision ranked;
    std::size_t place;  ///< in its experiment
  };
  std::vector<Placed> all;
  for (const ExperimentDocument& experiment : experiments) {
    std::vector<LabDecision> own = experiment.decisions;
    if (own.empty() && !experiment.recommendations.empty())
      own.push_back({.risk = {},
                     .measured = {},
                     .action = withoutIntervals(experiment.recommendations.front()),
                     .price = experiment.costs.empty() ? std::string("not measured")
                                                       : withoutIntervals(experiment.costs.front()),
                     .runs = {}});
    for (std::size_t i = 0; i < own.size(); ++i) all.push_back({{own[i], &experiment}, i});
  }
  std::ranges::stable_sort(all, [](const Placed& a, const Placed& b) {
    if (a.place != b.place) return a.place < b.place;
    const double gainA = a.ranked.decision.gain, gainB = b.ranked.decision.gain;
    if (std::isfinite(gainA) != std::isfinite(gainB)) return std::isfinite(gainA);
    return std::isfinite(gainA) && gainA > gainB;
  });
  std::vector<RankedDecision> ranked;
  for (Placed& each : all) {
    const LabDecision& own = each.ranked.decision;
    const bool isSaidBetter =
        !own.risk.empty() && std::ranges::any_of(all, [&](const Placed& other) {
          const LabDecision& theirs = other.ranked.decision;
          return theirs.risk == own.risk && other.ranked.experiment != each.ranked.experiment &&
                 (theirs.runs.size() > own.runs.size() ||
                  (theirs.runs.size() == own.runs.size() && &other < &each));
        });
    if (!isSaidBetter) ranked.push_back(each.ranked);
  }
  return ranked;
}

std::vector<std::string> leadSentences(const Experiments& experiments) {
  std::vector<std::string> sentences;
  const ExperimentDocument* const leading = leadingExperiment(experiments);
  if (leading != nullptr) sentences.push_back(answerOf(*leading) + ".");
  const auto decisions = decisionsOf(experiments);
  if (const auto stalls = risksOf(decisions, true, nullptr); !stalls.empty())
    sentences.push_back(fmt::format("{} {} p99 at rates that Redis otherwise sustains: {}.",
                                    capitalized(numberWord(stalls.size())),
                                    stalls.size() == 1 ? "thing breaks" : "things break",
                                    listed(stalls)));
  if (const auto limits = risksOf(decisions, false, leading); !limits.empty())
    sentences.push_back(fmt::format(
        "{} the design: {}.", limits.size() == 1 ? "One more thing limits" : "Other things limit",
        listed(limits)));
  if (const std::string verdict = verdictSentence(sloLines(experiments)); !verdict.empty())
    sentences.push_back(verdict + ".");
  return sentences;
}

std::string machineText(const Experiments& experiments) {
  const auto known = std::ranges::find_if(
      experiments, [](const ExperimentDocument& each) { return each.environment.cores != 0; });
  if (known == experiments.end()) return "";
  const EnvironmentFigures& machine = known->environment;
  return fmt::format("{} ({}), {} of memory, Linux {}; {} and redline {} on loopback",
                     plural(machine.cores, "core"), machine.cpu, formatSize(machine.memoryBytes),
                     machine.kernel, productText(machine.redisVersion), known->redlineVersion);
}

std::string disturbanceText(const Experiments& experiments) {
  std::size_t done = 0, disturbed = 0;
  std::map<std::string_view, std::size_t> reasons;
  std::vector<double> others, lost;
  for (const ExperimentDocument& experiment : experiments)
    for (const RunRecord& run : experiment.runs) {
      if (const double share = run.figure(kLostShare); std::isfinite(share)) lost.push_back(share);
      if (const double share = run.figure(kOthersOnServerCore); std::isfinite(share))
        others.push_back(share);
      if (run.state != RunState::done) continue;
      ++done;
      if (run.invalid.empty()) continue;
      ++disturbed;
      ++reasons[labelOf(run.invalid.front().code)];
    }
  std::string text;
  if (disturbed == 0) {
    text = fmt::format("None of {} was disturbed", plural(done, "run"));
  } else {
    std::vector<std::string> why;
    for (const auto& [reason, count] : reasons) why.push_back(fmt::format("{}: {}", reason, count));
    text = fmt::format("{} of {} {} disturbed ({})", disturbed, plural(done, "run"),
                       disturbed == 1 ? "was" : "were", fmt::join(why, ", "));
  }
  if (!lost.empty())
    text += fmt::format("; of a run's intervals {} were disturbed (mean of {})",
                        formatShare(meanOf(lost)), plural(lost.size(), "run"));
  if (!others.empty())
    text += fmt::format("; other processes had {} of Redis's core (median)",
                        formatShare(medianOf(others)));
  return text;
}

std::vector<std::string> warningsOf(const Experiments& experiments) {
  std::vector<std::string> warnings;
  if (std::ranges::any_of(experiments, &ExperimentDocument::indicative))
    warnings.emplace_back(
        "Indicative: the quick profile has few points and short runs. It shows directions and "
        "orders of magnitude; for figures to quote, run -profile=standard");
  for (const ExperimentDocument& experiment : experiments) {
    if (experiment.state != ExperimentState::done)
      warnings.push_back(fmt::format("{} is not complete", experiment.name));
    const auto failed = static_cast<std::size_t>(
        std::ranges::count(experiment.runs, RunState::failed, &RunRecord::state));
    if (failed > 0)
      warnings.push_back(fmt::format("{}: {} failed", experiment.name, plural(failed, "run")));
  }
  return warnings;
}

Hyperlink sectionLink(const ExperimentDocument& experiment) {
  return {experiment.name, "experiment-" + experiment.name};
}

std::string commandsOf(const Experiments& experiments) {
  std::vector<std::pair<std::string, std::string>> runsByFlags;
  for (const ExperimentDocument& each : experiments) {
    const std::string run = "redline lab run " + each.name;
    if (!each.command.starts_with(run)) continue;
    const std::string flags = each.command.substr(run.size());
    const auto same =
        std::ranges::find(runsByFlags, flags, [](const auto& it) { return it.first; });
    if (same == runsByFlags.end())
      runsByFlags.emplace_back(flags, run);
    else
      same->second += " " + each.name;
  }
  std::vector<std::string> commands;
  for (const auto& [flags, run] : runsByFlags) commands.push_back(run + flags);
  return fmt::format("{}", fmt::join(commands, "\n"));
}

std::string wholeSeconds(double seconds) {
  return formatDuration(static_cast<Nanos>(seconds) * kSecond);
}

}  // namespace redline
