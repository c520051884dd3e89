#include "report/blame_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::size_t kMostRows = 20;

std::string ruleText(const Blame& blame) {
  return fmt::format(
      "Slow: a response p99 above {} ({} x the median interval's {}, and {} scaled deviations and "
      "{} "
      "above it).",
      microsWords(blame.threshold), kSlowRule.factor, microsWords(blame.usualP99),
      kSlowRule.deviations, microsWords(kSlowRule.least));
}

std::string whatWasGoingOn(const SlowStretch& stretch) {
  std::vector<std::string> parts;
  if (!stretch.faults.empty())
    parts.push_back(fmt::format("fault {}", fmt::join(stretch.faults, ", ")));
  parts.insert(parts.end(), stretch.evidence.begin(), stretch.evidence.end());
  if (parts.empty()) return "nothing on record";
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<std::string> rowOf(const SlowStretch& stretch) {
  return {fmt::format("{:.2f}–{:.2f} s", stretch.at.start, stretch.at.end),
          microsWords(stretch.worstP99),
          microsWords(stretch.waiting.total()),
          microsWords(stretch.waiting.generator),
          microsWords(stretch.waiting.queue),
          microsWords(stretch.waiting.server),
          std::string(culpritName(stretch.culprit)),
          whatWasGoingOn(stretch)};
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

/// "2 to the server, and the queue behind it, 1 to the generator", the most frequent first.
std::string culprits(const Blame& blame) {
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

std::string faultsText(const Blame& blame) {
  const auto touched = std::ranges::count_if(
      blame.stretches, [](const SlowStretch& stretch) { return !stretch.faults.empty(); });
  if (touched == 0) return {};
  return fmt::format(" {} of them {} within reach of a fault that was injected.", touched,
                     touched == 1 ? "lies" : "lie");
}

}  // namespace

Excess excessOf(const Blame& blame) {
  Excess sums;
  for (const SlowStretch& stretch : blame.stretches) {
    sums.generator += stretch.beyond.generator * stretch.beyond.operations;
    sums.queue += stretch.beyond.queue * stretch.beyond.operations;
    sums.server += stretch.beyond.server * stretch.beyond.operations;
    sums.slowS += stretch.at.length();
  }
  return sums;
}

Table blameTable(const RunData& run, const Blame& blame) {
  Table table;
  table.title = "Slow stretches, and whose doing they were";
  table.prose = true;
  table.head = {"when",  "p99",    "mean wait", "generator",
                "queue", "server", "blame",     "what was going on"};
  for (const SlowStretch* stretch : worstOf(blame)) table.rows.push_back(rowOf(*stretch));
  table.note =
      ruleText(blame) +
      fmt::format(
          " Mean wait = generator (due, a connection free, not sent) + queue (due, no connection "
          "free or its batch not full) + server (from send to reply). Usual: {} + {} + {}.",
          microsWords(blame.usual.generator), microsWords(blame.usual.queue),
          microsWords(blame.usual.server));
  if (run.closed()) table.note += " A closed loop sends when a reply comes: it has no queue.";
  if (blame.stretches.size() > kMostRows)
    table.note +=
        fmt::format(" The {} with the most waiting of {}.", kMostRows, blame.stretches.size());
  return table;
}

std::optional<Finding> blameFinding(const RunData& run, const Blame& blame) {
  if (!blame.judged) return std::nullopt;
  const std::string from =
      "intervals.csv: means of service, lateness and dispatch; latency.hlog; "
      "servers.csv; events.jsonl";
  if (blame.stretches.empty())
    return Finding{
        "blame", Weight::plain,
        "No interval stood out. " + ruleText(blame).substr(0, ruleText(blame).size() - 1), from};
  const Excess sums = excessOf(blame);
  const std::size_t n = blame.stretches.size();
  std::string text = fmt::format("{} stretch{} stood out, {:.2f} s of {:.2f} s ({}).", n,
                                 n == 1 ? "" : "es", sums.slowS, blame.measuredS, culprits(blame));
  text += faultsText(blame);
  if (sums.all() > 0 && !run.closed())
    text += fmt::format(
        " Of what was waited there beyond the usual, {} was between send and reply, {} for a free "
        "connection or a full batch, {} the generator's own",
        percent(sums.server / sums.all()), percent(sums.queue / sums.all()),
        percent(sums.generator / sums.all()));
  else
    text.pop_back();
  return Finding{"blame", Weight::notable, std::move(text), from};
}

std::optional<Finding> slowStretches(const RunData& run) {
  return blameFinding(run, blameOf(run));
}

}  // namespace redline
