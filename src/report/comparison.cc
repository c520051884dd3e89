#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "report/run_blocks.h"

namespace redline {
namespace {

constexpr std::size_t kResamples = 1'000;
constexpr double kConfidence = 0.95;

std::vector<double> valuesOf(const ComparedSide& side, const Metric& metric) {
  std::vector<double> values;
  for (const RunData& run : side.runs)
    if (const auto value = metricOf(run, metric)) values.push_back(*value);
  return values;
}

bool anyLowerBound(const ComparedSide& side, const Metric& metric) {
  return std::ranges::any_of(side.runs,
                             [&](const RunData& run) { return isLowerBound(run, metric); });
}

using Resampled = std::map<std::string, std::vector<double>>;

/// The run's own figure, with the spread of its resampled ones.
Estimate fromResamples(double value, const std::vector<double>& resampled, std::size_t blocks) {
  return {value,
          quantileOf(resampled, (1 - kConfidence) / 2),
          quantileOf(resampled, (1 + kConfidence) / 2),
          blocks,
          kConfidence,
          IntervalMethod::blockBootstrap};
}

/// Two runs, one each, by their resampled blocks.
class BlockEvidence {
 public:
  static std::optional<BlockEvidence> of(const RunData& a, const RunData& b) {
    const auto blocksA = RunBlocks::of(a.dir), blocksB = RunBlocks::of(b.dir);
    if (!blocksA || !blocksB) return std::nullopt;
    BlockEvidence evidence;
    evidence.blocks_ = std::min(blocksA->count(), blocksB->count());
    evidence.a_ = blocksA->resample(kResamples, 1);
    evidence.b_ = blocksB->resample(kResamples, 2);
    return evidence;
  }

  /// Leaves `row` without intervals when the blocks have no such figure.
  void fill(ComparedMetric& row) const {
    const auto a = a_.find(row.metric.name), b = b_.find(row.metric.name);
    if (a == a_.end() || b == b_.end()) return;
    if (a->second.size() != kResamples || b->second.size() != kResamples) return;
    row.a = fromResamples(row.a.value, a->second, blocks_);
    row.b = fromResamples(row.b.value, b->second, blocks_);
    std::vector<double> changes(kResamples);
    for (std::size_t i = 0; i < kResamples; ++i) {
      const double from = a->second[i], to = b->second[i];
      if (!row.metric.byDifference() && from <= 0) return;
      changes[i] = row.metric.byDifference() ? to - from : to / from;
    }
    row.change = fromResamples(row.change.value, changes, blocks_);
  }

 private:
  std::size_t blocks_ = 0;
  Resampled a_, b_;
};

Difference judge(const ComparedMetric& row, double margin) {
  if (!row.metric.byDifference()) return judgeRatio(row.change, margin);
  const double matters = row.metric.unit == MetricUnit::share
                             ? kShareMargin
                             : margin * std::max(std::abs(row.a.value), std::abs(row.b.value));
  return judgeDifference(row.change, matters);
}

std::optional<ComparedMetric> compareMetric(const ComparedSide& a, const ComparedSide& b,
                                            const Metric& metric,
                                            const std::optional<BlockEvidence>& blocks,
                                            double margin) {
  const std::vector<double> valuesA = valuesOf(a, metric), valuesB = valuesOf(b, metric);
  if (valuesA.empty() || valuesB.empty()) return std::nullopt;
  ComparedMetric row;
  row.metric = metric;
  row.a = meanEstimate(valuesA, kConfidence);
  row.b = meanEstimate(valuesB, kConfidence);
  row.aIsLowerBound = anyLowerBound(a, metric);
  row.bIsLowerBound = anyLowerBound(b, metric);
  row.change = metric.byDifference() ? differenceEstimate(valuesA, valuesB, kConfidence)
                                     : ratioEstimate(valuesA, valuesB, kConfidence);
  if (blocks) blocks->fill(row);
  row.verdict = judge(row, margin);
  return row;
}

/// Flags that name places and streams: they always differ, and change nothing that is measured.
bool mayDiffer(std::string_view flag) {
  static constexpr std::array<std::string_view, 7> kHarmless{
      "out", "json", "metrics", "metrics-linger", "run-seed", "config", "force"};
  return std::ranges::find(kHarmless, flag) != kHarmless.end();
}

std::set<std::string> flagNames(const ComparedSide& a, const ComparedSide& b) {
  std::set<std::string> names;
  for (const ComparedSide* side : {&a, &b})
    for (const RunData& run : side->runs)
      for (const auto& [name, value] : run.figures.config)
        if (!mayDiffer(name)) names.insert(name);
  return names;
}

/// The values that a side's runs have for a flag: one, where they agree.
std::vector<std::string> flagValues(const ComparedSide& side, const std::string& flag) {
  std::vector<std::string> values;
  for (const RunData& run : side.runs) {
    std::string value = run.flag(flag);
    // Which port it was does not matter; which kind of socket does.
    if (flag == "addr") value = value.starts_with("unix:") ? "a Unix socket" : "TCP";
    if (std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
  }
  return values;
}

void compareFlags(const ComparedSide& a, const ComparedSide& b, Comparison& comparison) {
  for (const std::string& flag : flagNames(a, b)) {
    const auto ofA = flagValues(a, flag), ofB = flagValues(b, flag);
    for (const auto* values : {&ofA, &ofB})
      if (values->size() > 1)
        comparison.warnings.push_back(
            fmt::format("the runs of {} differ in -{} ({}): they are not repeats",
                        values == &ofA ? "A" : "B", flag, fmt::join(*values, ", ")));
    if (ofA != ofB)
      comparison.flags.push_back(
          {flag, fmt::format("{}", fmt::join(ofA, ", ")), fmt::format("{}", fmt::join(ofB, ", "))});
  }
  if (comparison.flags.size() < 2) return;
  std::vector<std::string> names;
  names.reserve(comparison.flags.size());
  for (const FlagDifference& flag : comparison.flags) names.push_back("-" + flag.flag);
  comparison.warnings.push_back(
      fmt::format("A and B differ in {} flags ({}): the change cannot be attributed to one of them",
                  names.size(), fmt::join(names, ", ")));
}

/// Differences that are not what somebody set out to compare.
void compareSurroundings(const ComparedSide& a, const ComparedSide& b, Comparison& comparison) {
  const EnvironmentFigures& first = a.runs.front().figures.environment;
  const auto differ = [&](std::string_view what, const auto& member) {
    for (const ComparedSide* side : {&a, &b})
      for (const RunData& run : side->runs)
        if (run.figures.environment.*member != first.*member)
          return comparison.warnings.push_back(
              fmt::format("not all runs had the same {}: {} and {}", what, first.*member,
                          run.figures.environment.*member));
  };
  differ("server version", &EnvironmentFigures::redisVersion);
  differ("kernel", &EnvironmentFigures::kernel);
  differ("CPU", &EnvironmentFigures::cpu);
  differ("number of cores", &EnvironmentFigures::cores);
  const double rateA = a.runs.front().figures.rate.target;
  const double rateB = b.runs.front().figures.rate.target;
  if (rateA != rateB)
    comparison.warnings.emplace_back(
        "the offered rates differ: latencies at different loads are not comparable");
}

void collectInvalid(const ComparedSide& side, std::vector<std::string>& invalid) {
  for (const RunData& run : side.runs) {
    if (!run.ended)
      invalid.push_back(fmt::format("{} did not end by itself", run.dir.path.string()));
    else if (!run.figures.valid)
      invalid.push_back(fmt::format("{} is invalid: {}", run.dir.path.string(),
                                    fmt::join(textsOf(run.figures.invalidReasons), "; ")));
  }
}

}  // namespace

const ComparedMetric* Comparison::find(std::string_view metric) const {
  const auto found = std::ranges::find_if(
      metrics, [&](const ComparedMetric& row) { return row.metric.name == metric; });
  return found == metrics.end() ? nullptr : &*found;
}

Comparison compare(const ComparedSide& a, const ComparedSide& b, const std::vector<Metric>& metrics,
                   double margin) {
  Comparison comparison;
  comparison.aName = a.name;
  comparison.bName = b.name;
  comparison.aRuns = a.runs.size();
  comparison.bRuns = b.runs.size();
  comparison.margin = margin;
  std::optional<BlockEvidence> blocks;
  if (a.runs.size() == 1 && b.runs.size() == 1)
    blocks = BlockEvidence::of(a.runs.front(), b.runs.front());
  if (a.runs.size() > 1 && b.runs.size() > 1) comparison.evidence = Evidence::repeats;
  if (blocks) comparison.evidence = Evidence::blocks;
  for (const Metric& metric : metrics)
    if (auto row = compareMetric(a, b, metric, blocks, margin))
      comparison.metrics.push_back(std::move(*row));
  compareFlags(a, b, comparison);
  compareSurroundings(a, b, comparison);
  collectInvalid(a, comparison.invalid);
  collectInvalid(b, comparison.invalid);
  return comparison;
}

}  // namespace redline
