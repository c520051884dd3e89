#include "lab/availability.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "lab/format.h"
#include "lab/interval_series.h"
#include "lab/measures.h"
#include "model/blocks.h"
#include "model/shares.h"
#include "model/statistics.h"
#include "record/histogram.h"

namespace redline {
namespace {

constexpr std::size_t kLeastKept = 3;
constexpr std::array<std::pair<const char*, double>, 3> kQuantiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}};

/// Intervals of the measured window, in order.
std::vector<const IntervalRow*> windowOf(const RunDir& run) {
  std::vector<const IntervalRow*> window;
  for (const IntervalRow& row : run.intervals)
    if (row.isMeasured() && row.end > row.start) window.push_back(&row);
  return window;
}

/// Median over the intervals that start at one of `starts`; not a number where there are too few.
double medianOfKept(const RunDir& run, const std::vector<double>& starts, double q) {
  constexpr double kSameMoment = 1e-4;
  std::vector<double> values;
  for (const SeriesPoint& point : lab::responseSeries(run, q)) {
    const auto at = std::ranges::lower_bound(starts, point.startS - kSameMoment);
    if (at != starts.end() && *at < point.startS + kSameMoment) values.push_back(point.value);
  }
  return values.size() < kLeastKept ? kNaN : medianOf(values);
}

/// Runs that were watched, by condition, in the order in which conditions came up; those of one
/// part of the experiment, which are compared with each other.
struct Condition {
  Labels labels;
  std::vector<const Reading*> runs;

  std::string title() const {
    std::string title;
    for (const auto& [name, value] : labels)
      title += (title.empty() ? "" : ", ") + (name == "part" ? value : name + " " + value);
    return title.empty() ? "every run" : title;
  }
};
using Part = std::vector<Condition>;

std::vector<std::pair<std::string, Part>> partsOf(const Readings& readings) {
  std::vector<std::pair<std::string, Part>> parts;
  for (const auto& reading : readings.all()) {
    if (!reading->done() || !std::isfinite(reading->figure(kLostShare))) continue;
    const std::string name(reading->label("part"));
    auto part = std::ranges::find(parts, name, &std::pair<std::string, Part>::first);
    if (part == parts.end()) part = parts.insert(parts.end(), {name, {}});
    const Labels labels = conditionOf(reading->record);
    auto condition = std::ranges::find(part->second, labels, &Condition::labels);
    if (condition == part->second.end())
      condition = part->second.insert(part->second.end(), {labels, {}});
    condition->runs.push_back(reading.get());
  }
  return parts;
}

std::string medianText(const std::vector<const Reading*>& runs, std::string_view figure,
                       std::string_view unit) {
  const auto values = figuresOf(runs, [&](const Reading& run) { return run.figure(figure); });
  if (values.empty()) return "–";
  return unit.empty() ? formatDecimals(medianOf(values)) : formatQuantity(medianOf(values), unit);
}

double lostOf(const std::vector<const Reading*>& runs) {
  return meanOf(figuresOf(runs, [](const Reading& run) { return run.figure(kLostShare); }));
}

/// Several drivers share one load evenly, as processes of an application do. Where their rates
/// differ one disturbs another, and the first is what is looked at.
bool isShared(const Reading& run) {
  const auto takesAsMuch = [&](const RunDir& dir) {
    return dir.summary && run.summary() != nullptr &&
           dir.summary->rate.target == run.summary()->rate.target;
  };
  return run.dirs.size() > 1 && std::ranges::all_of(run.dirs, takesAsMuch);
}

/// The whole run's p99 as it was found: of drivers that share a load that of all their responses.
double foundP99Us(const Reading& run) {
  const Histogram all = isShared(run) ? responsesOf(run) : Histogram();
  return all.count() > 0 ? toMicros(all.quantile(0.99)) : latencyUs(run, "p99");
}

std::vector<std::vector<const Reading*>> runsOf(const Part& part) {
  std::vector<std::vector<const Reading*>> runs;
  for (const Condition& condition : part) runs.push_back(condition.runs);
  return runs;
}

}  // namespace

Labels conditionOf(const RunRecord& record) {
  Labels condition = record.labels;
  std::erase_if(condition, [](const auto& label) { return label.first == "repeat"; });
  return condition;
}

void noteAvailability(const RunDir& run, const Witnessed& witnessed, double tolerable,
                      RunRecord& record) {
  const auto window = windowOf(run);
  if (!run.plan || window.empty()) return;
  std::vector<double> foreign;
  foreign.reserve(window.size());
  for (const IntervalRow* const row : window)
    foreign.push_back(
        witnessed.foreignShare(run.plan->clockZero + row->start, run.plan->clockZero + row->end)
            .value_or(kNaN));
  if (std::ranges::none_of(foreign, [](double share) { return std::isfinite(share); })) return;
  const auto kept = undisturbed(foreign, tolerable);
  std::vector<double> starts, known;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) starts.push_back(toSeconds(window[i]->start));
    if (std::isfinite(foreign[i])) known.push_back(foreign[i]);
  }
  const double lost = 1 - static_cast<double>(starts.size()) / static_cast<double>(kept.size());
  record.figures.emplace_back(kLostShare, lost);
  record.figures.emplace_back(kForeignShare, meanOf(known));
  record.figures.emplace_back(kTolerableShare, tolerable);
  record.figures.emplace_back(kServerGapShare, witnessed.gapShare(Witnessed::Core::server));
  record.figures.emplace_back(kGeneratorGapShare, witnessed.gapShare(Witnessed::Core::generator));
  record.figures.emplace_back(kKernelShare, witnessed.kernelShare());
  if (!witnessed.canaryRefused.empty())
    record.notes.emplace_back("canary_without_priority", witnessed.canaryRefused);
  if (run.summary && !run.summary->faults.empty()) return;
  for (const auto& [name, q] : kQuantiles)
    if (const double value = medianOfKept(run, starts, q); std::isfinite(value))
      record.figures.emplace_back(fmt::format("{}{}_us", kAvailablePrefix, name), value);
}

bool loseDifferently(const std::vector<std::vector<const Reading*>>& conditions) {
  // Blocks are the repeats that every condition has.
  std::map<std::string_view, std::vector<double>> shares;
  for (const auto& runs : conditions)
    for (const Reading* const run : runs)
      if (const double lost = run->figure(kLostShare); std::isfinite(lost))
        shares[run->label("repeat")].push_back(lost);
  std::vector<std::vector<double>> blocks;
  for (auto& [repeat, block] : shares)
    if (block.size() == conditions.size()) blocks.push_back(std::move(block));
  return testShares(blocks).differ();
}

void addAvailability(const Readings& readings, ExperimentDocument& document) {
  LabTable table;
  table.title = "What others took of the cores";
  table.head = {"condition", "cores that others had", "intervals lost", "p99 as found",
                "p99, core available"};
  table.note =
      "An interval is lost where other processes, or a hypervisor, had more of the lab's cores "
      "than "
      "the idle machine's background and 2%, and so is the one after it. As found: the whole run's "
      "p99, median of the runs. Core available: the median of the p99 of intervals that are left.";
  if (std::ranges::any_of(readings.all(), [](const auto& run) { return isShared(*run); }))
    table.note +=
        " Where several drivers share a load, as found is of all of them; intervals lost and core "
        "available are of the first.";
  for (const auto& [name, part] : partsOf(readings)) {
    const bool differ = loseDifferently(runsOf(part));
    std::vector<std::string> names;
    for (const Condition& condition : part) {
      const auto foundUs = figuresOf(condition.runs, [](const Reading& run) {
        return run.record.figure(kFoundP99, foundP99Us(run));
      });
      table.rows.push_back(
          {{condition.title(), medianText(condition.runs, kForeignShare, ""),
            formatShare(lostOf(condition.runs)),
            foundUs.empty() ? "–" : formatQuantity(medianOf(foundUs), "us"),
            differ ? "not told apart" : medianText(condition.runs, "available_p99_us", "us")},
           namesOf(condition.runs)});
      for (const Reading* const run : condition.runs) names.push_back(run->record.name);
    }
    if (!differ) continue;
    const auto lost = [](const Condition& condition) { return lostOf(condition.runs); };
    const auto [least, most] = std::ranges::minmax_element(part, {}, lost);
    document.findings.push_back(
        {name.empty() ? "cores-lost" : "cores-lost-" + name, Standing::problem,
         fmt::format(
             "Conditions lost their cores differently, beyond chance: from {} of the intervals "
             "({}) "
             "to {} ({}). What is compared causes the disturbance, so no interval is left out",
             formatShare(lost(*least)), least->title(), formatShare(lost(*most)), most->title()),
         "the witness of each run; shares exchanged within repeats at 5% (docs/method.md)", false,
         std::move(names)});
  }
  if (!table.rows.empty()) document.tables.push_back(std::move(table));
}

}  // namespace redline
