#include <fmt/format.h>

#include <algorithm>

#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "os/console.h"
#include "os/files.h"
#include "report/comparison.h"
#include "report/comparison_document.h"
#include "report/fail_conditions.h"
#include "report/terminal.h"

namespace redline {
namespace {

using State = ConditionOutcome::State;

/// The usual metrics, and whatever a condition is about.
std::vector<Metric> wantedMetrics(const std::vector<FailCondition>& conditions) {
  std::vector<Metric> metrics = usualMetrics();
  for (const FailCondition& condition : conditions)
    if (std::ranges::find(metrics, condition.metric.name, &Metric::name) == metrics.end())
      metrics.push_back(condition.metric);
  return metrics;
}

bool any(const std::vector<ConditionOutcome>& outcomes, State state) {
  return std::ranges::find(outcomes, state, &ConditionOutcome::state) != outcomes.end();
}

ExitCode exitCodeOf(const Comparison& comparison, const std::vector<ConditionOutcome>& outcomes,
                    bool strict) {
  if (!comparison.invalid.empty() || any(outcomes, State::unmeasured)) return ExitCode::invalid;
  const bool failed = any(outcomes, State::holds) || (strict && any(outcomes, State::undecided));
  return failed ? ExitCode::conditionHolds : ExitCode::good;
}

Result<ExitCode> runCompare(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  const auto conditions = parseFailConditions(flags.text("fail-if"));
  if (!conditions)
    return fail(ErrorCode::usage, "{}: {}", flags.at("fail-if").where, conditions.error().message);
  if (const Status writable = checkFileFlag(flags, "json"); !writable)
    return fail(writable.error());
  const auto a = readSide(flags.positional("a"));
  if (!a) return fail(a.error());
  const auto b = readSide(flags.positional("b"));
  if (!b) return fail(b.error());

  const Comparison comparison = compare(*a, *b, wantedMetrics(*conditions), flags.number("margin"));
  std::vector<ConditionOutcome> outcomes;
  for (const FailCondition& condition : *conditions)
    outcomes.push_back(judgeCondition(condition, comparison));
  printOut("{}", toTerminal(comparisonBlocks(comparison, outcomes)));
  if (!flags.empty("json")) {
    const Status written = writeResult(flags.text("json"), comparisonJson(comparison, outcomes));
    if (!written) return fail(written.error());
  }
  return exitCodeOf(comparison, outcomes, flags.on("strict"));
}

}  // namespace

Command compareCommand() {
  Command command;
  command.name = "compare";
  command.summary = "compare two runs, or two sets of runs, with confidence intervals";
  command.about =
      "Reads run directories; needs no server. For each metric: both sides, the change from A to B "
      "with its 95% interval, and one of three verdicts: differs, no evidence of a difference, "
      "inconclusive. With several runs on both sides the intervals come from the repeats; with one "
      "each, from blocks of their windows, which miss the variation between runs. Warns where the "
      "runs differ in other flags, versions or machines.";
  command.positionals = {
      {.name = "a",
       .help = "a run directory, several separated by commas, or a directory of runs",
       .paths = true},
      {.name = "b", .help = "another one, to compare with a", .paths = true}};
  command.flags = joinFlags(
      {{{.name = "fail-if",
         .kind = ValueKind::text,
         .help = "conditions, separated by commas: exit with 4 if one holds. With a sign the value "
                 "is a change from A (beyond chance), without one a limit for B",
         .example = "p99>+10%, achieved<-5%, hit_rate<99%",
         .group = "Verdict"},
        {.name = "strict",
         .kind = ValueKind::boolean,
         .fallback = "false",
         .help = "a condition that may hold by chance counts as held",
         .group = "Verdict"},
        {.name = "margin",
         .kind = ValueKind::share,
         .fallback = "5%",
         .help = "the largest relative difference that does not matter, for the verdict \"no "
                 "evidence of "
                 "a difference\"",
         .group = "Verdict"},
        {.name = "json",
         .kind = ValueKind::path,
         .help = "also write the comparison as JSON to this file; -: to standard output, and "
                 "everything else to standard error",
         .example = "comparison.json",
         .group = "Output"}},
       configFlag()});
  command.examples = {
      {"redline compare runs/before runs/after", "two runs, by blocks of their windows"},
      {"redline compare runs/a1,runs/a2,runs/a3 runs/b1,runs/b2,runs/b3 -fail-if='p99>+10%'",
       "two sets of repeats; exits with 4 if p99 rose by more than 10%"},
      {"redline compare results/no results/always -json=fsync.json",
       "all runs below two directories"},
  };
  command.more = "docs/comparing.md explains the verdicts and the syntax of conditions.";
  command.run = runCompare;
  return command;
}

}  // namespace redline
