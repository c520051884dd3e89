#include "report/blame_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "base/units.h"
#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::size_t kMostRows = 20;

std::string ruleText(const Blame& blame) {
  return fmt::format(
      "an interval is slow when its response p99 is above {}: {} times the median interval's {}, "
      "and {} scaled deviations and {} above it",
      formatMicros(blame.threshold), kSlowRule.factor, formatMicros(blame.usualP99),
      kSlowRule.deviations, formatMicros(kSlowRule.least));
}

/// What the run's files have about that time.
std::string recordedDuring(const SlowStretch& stretch) {
  std::vector<std::string> parts;
  if (!stretch.faults.empty())
    parts.push_back(fmt::format("fault {}", fmt::join(stretch.faults, ", ")));
  parts.insert(parts.end(), stretch.evidence.begin(), stretch.evidence.end());
  return parts.empty() ? "nothing recorded" : fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<Cell> rowOf(const SlowStretch& stretch) {
  return {fmt::format("{:.2f}–{:.2f} s", stretch.at.start, stretch.at.end),
          formatMicros(stretch.worstP99),
          formatMicros(stretch.waiting.total()),
          formatMicros(stretch.waiting.generator),
          formatMicros(stretch.waiting.queue),
          formatMicros(stretch.waiting.server),
          culpritName(stretch.culprit),
          recordedDuring(stretch)};
}

/// The worst by how much waiting they hold, in the order of time.
std::vector<const SlowStretch*> worstOf(const Blame& blame) {
  std::vector<const SlowStretch*> worst;
  worst.reserve(blame.stretches.size());
  for (const SlowStretch& stretch : blame.stretches) worst.push_back(&stretch);
  const auto weight = [](const SlowStretch* stretch) {
    return stretch->beyond.total() * stretch->beyond.operations;
  };
  std::ranges::sort(worst, std::ranges::greater{}, weight);
  worst.resize(std::min(worst.size(), kMostRows));
  std::ranges::sort(worst, {}, [](const SlowStretch* stretch) { return stretch->at.start; });
  return worst;
}

/// "server, and the queue behind it: 2; generator: 1", the most frequent first.
std::string causes(const Blame& blame) {
  std::map<Culprit, std::size_t> counts;
  for (const SlowStretch& stretch : blame.stretches) ++counts[stretch.culprit];
  std::vector<std::pair<Culprit, std::size_t>> ordered(counts.begin(), counts.end());
  std::ranges::sort(ordered, std::ranges::greater{}, &std::pair<Culprit, std::size_t>::second);
  std::vector<std::string> parts;
  parts.reserve(ordered.size());
  for (const auto& [culprit, count] : ordered)
    parts.push_back(fmt::format("{}: {}", culpritName(culprit), count));
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

void Excess::add(const Excess& other) {
  generator += other.generator;
  queue += other.queue;
  server += other.server;
  slowS += other.slowS;
}

Excess excessOf(const Blame& blame) {
  Excess sums;
  for (const SlowStretch& stretch : blame.stretches)
    sums.add({stretch.beyond.generator * stretch.beyond.operations,
              stretch.beyond.queue * stretch.beyond.operations,
              stretch.beyond.server * stretch.beyond.operations, stretch.at.length()});
  return sums;
}

std::string excessText(const Excess& excess) {
  const auto share = [&](double part) { return formatShare(part / excess.all()); };
  return fmt::format(
      "In them {} of the extra latency was queueing for a connection or a full batch, and {} arose "
      "between send and reply. The generator's own lateness was {}",
      share(excess.queue), share(excess.server), share(excess.generator));
}

Table blameTable(const RunData& run, const Blame& blame) {
  Table table{.title = "Slow stretches and their causes",
              .columns = columnsOf({"when", "p99", "mean wait", "generator", "queue", "server",
                                    "cause", "recorded at that time"}),
              .note = fmt::format(
                  "Mean wait = generator (due, a connection free, not sent) + queue (due, no "
                  "connection free or its batch not full) + server (from send to reply). Usual: {} "
                  "+ {} + {}. Rule: {}.",
                  formatMicros(blame.usual.generator), formatMicros(blame.usual.queue),
                  formatMicros(blame.usual.server), ruleText(blame))};
  table.columns[6].kind = ColumnKind::text;
  table.columns[7].kind = ColumnKind::prose;
  for (const SlowStretch* stretch : worstOf(blame)) table.add(rowOf(*stretch));
  if (run.closed()) table.note += " A closed loop sends when a reply comes: it has no queue.";
  if (blame.stretches.size() > kMostRows)
    table.note +=
        fmt::format(" The {} with the most waiting of {}.", kMostRows, blame.stretches.size());
  return table;
}

std::optional<Finding> blameFinding(const RunData& run, const Blame& blame) {
  if (!blame.judged) return std::nullopt;
  const std::string from =
      "intervals.csv: means of service, lateness and dispatch; latency.hlog; servers.csv; "
      "events.jsonl";
  if (blame.stretches.empty())
    return Finding{"blame", Weight::plain,
                   fmt::format("No interval was slow ({})", ruleText(blame)), from};
  const Excess excess = excessOf(blame);
  std::string text = fmt::format("{}, {:.2f} s of {:.2f} s. Causes: {}",
                                 plural(blame.stretches.size(), "slow stretch", "slow stretches"),
                                 excess.slowS, blame.measuredS, causes(blame));
  const auto faulted = std::ranges::count_if(
      blame.stretches, [](const SlowStretch& stretch) { return !stretch.faults.empty(); });
  if (faulted > 0)
    text +=
        fmt::format(". {} of them overlap{} an injected fault", faulted, faulted == 1 ? "s" : "");
  if (excess.all() > 0 && !run.closed()) text += ". " + excessText(excess);
  return Finding{"blame", Weight::notable, std::move(text), from};
}

std::optional<Finding> slowStretches(const RunData& run) {
  return blameFinding(run, blameOf(run));
}

}  // namespace redline
