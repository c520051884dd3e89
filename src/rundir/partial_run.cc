#include "rundir/partial_run.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/typed_value.h"
#include "base/units.h"
#include "record/latency_figures.h"
#include "record/operation.h"
#include "record/run_totals.h"
#include "record/server_figures.h"

namespace redline {
namespace {

/// A flag of the plan as a count; 0 when it is none ("max"), or not known.
/// 0 in the closed model.
double rateFlag(const Plan& plan) {
  for (const auto& [flag, value] : plan.config)
    if (flag == "rate")
      if (const auto rate = parseValue({.kind = ValueKind::rate}, value))
        return std::get<double>(rate->content);
  return 0;
}

double countFlag(const Plan& plan, std::string_view name) {
  for (const auto& [flag, value] : plan.config)
    if (flag == name)
      if (const auto count = parseCount(value)) return static_cast<double>(*count);
  return 0;
}

RunTotals totalsOf(const RunDir& dir) {
  RunTotals totals;
  double workS = 0;
  for (const IntervalRow& row : dir.intervals) {
    if (row.warmup) {
      totals.warmupCorrupt += row.counts.corrupt;
      continue;
    }
    totals.counts.follow(row.counts);
    workS += toSeconds(row.end - row.start);
    if (row.drain) continue;
    totals.windowS += toSeconds(row.end - row.start);
    totals.completedInWindow += row.counts.carriedOver;
    for (const KindRow& kind : row.kinds) totals.completedInWindow += kind.completed;
  }
  if (dir.plan) totals.busyS = workS * std::max(1.0, countFlag(*dir.plan, "threads"));
  // What was on the way when the run was cut off is in no count.
  Counters& counts = totals.counts;
  std::uint64_t settled = 0;
  for (std::size_t kind = 0; kind < kOpKinds; ++kind)
    settled += counts.completed[kind] + counts.failed[kind];
  counts.outstandingAtEnd = counts.scheduled - std::min(counts.scheduled, settled);
  return totals;
}

const Histogram* mergedOf(const RunDir& dir, std::string_view tag) {
  const auto found = dir.latency.merged.find(tag);
  return found == dir.latency.merged.end() ? nullptr : &found->second;
}

void addLatencies(const RunDir& dir, Summary& summary) {
  for (const std::string_view measure : kMeasureNames)
    if (const Histogram* const merged = mergedOf(dir, measure))
      summary.latency[std::string(measure)]["all"] = figuresOf(*merged);
  if (const Histogram* const failed = mergedOf(dir, "failed"))
    summary.latency["failed"]["all"] = figuresOf(*failed);
  const Histogram* const response = mergedOf(dir, "response");
  const Histogram* const unfinished = mergedOf(dir, "unfinished");
  if (response != nullptr && unfinished != nullptr && unfinished->count() != 0)
    markLowerBounds(summary.latency["response"]["all"], *response, unfinished->count(),
                    unfinished->min());
}

/// The measured window by the run's own events; open where the run was cut off.
struct MeasuredWindow {
  Nanos start = std::numeric_limits<Nanos>::min(), end = std::numeric_limits<Nanos>::max();
};

MeasuredWindow windowOf(const std::vector<Event>& events) {
  MeasuredWindow window;
  for (const Event& event : events) {
    if (event.kind != "phase" || event.name != "measure") continue;
    if (event.phase == "begin") window.start = event.at;
    if (event.phase == "end") window.end = event.at;
  }
  return window;
}

/// By the sample of each server that is nearest to either edge of the window.
std::vector<ServerFigures> serversOf(const RunDir& dir) {
  const MeasuredWindow window = windowOf(dir.events);
  std::map<std::string_view, std::vector<const ServerSample*>> samples;
  for (const ServerSample& sample : dir.servers) samples[sample.addr].push_back(&sample);
  std::vector<ServerFigures> figures;
  for (const auto& [addr, ofServer] : samples) {
    const auto nearest = [&](Nanos edge) {
      return *std::ranges::min_element(ofServer, {}, [edge](const ServerSample* sample) {
        return std::abs(static_cast<double>(sample->at) - static_cast<double>(edge));
      });
    };
    ServerHistory history;
    for (const ServerSample* const sample : ofServer) history.add(*sample);
    figures.push_back(history.figures(*nearest(window.start), *nearest(window.end)));
    figures.back().version = dir.plan ? dir.plan->environment.redisVersion : std::string();
  }
  return figures;
}

}  // namespace

Summary summarizePartialRun(const RunDir& dir) {
  const RunTotals totals = totalsOf(dir);
  Summary summary;
  summary.valid = false;
  summary.windowS = totals.windowS;
  double target = 0;
  if (dir.plan) {
    summary.command = dir.plan->command;
    summary.config = dir.plan->config;
    summary.environment = dir.plan->environment;
    target = rateFlag(*dir.plan);
  }
  summary.rate = rateFigures(totals, target);
  addLatencies(dir, summary);
  summary.cache = cacheFigures(totals.counts);
  summary.verify = verifyFigures(totals);
  summary.cluster = redirectFigures(totals.counts);
  summary.generator = generatorFigures(totals);
  summary.servers = serversOf(dir);
  return summary;
}

}  // namespace redline
