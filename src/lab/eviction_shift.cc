#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/units.h"
#include "lab/eviction_cliff.h"
#include "lab/format.h"
#include "model/curve.h"

namespace redline::lab::eviction_cliff {
namespace {

constexpr double kSettles = 0.01;  ///< back to within a point of hit rate
constexpr unsigned kOtherHotSeed = 2;

/// The run before it has to have been on this very server.
Status requireHistory(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto info = (*admin)->info({"stats"});
  if (!info) return fail(info.error());
  if (info->number("keyspace_misses") > 0) return {};
  return fail(ErrorCode::invalidInput,
              "its server was started anew and remembers no popular keys: make this experiment "
              "again without -resume");
}

/// Hit rate by interval.
std::vector<SeriesPoint> hitSeries(const RunDir& dir) {
  std::vector<SeriesPoint> series;
  for (const IntervalRow& row : dir.intervals) {
    const auto reads = static_cast<double>(row.counts.hits + row.counts.misses);
    if (!row.isMeasured() || reads == 0) continue;
    series.push_back({static_cast<double>(row.start) / 1e9, static_cast<double>(row.end) / 1e9,
                      static_cast<double>(row.counts.hits) / reads});
  }
  return series;
}

/// Seconds until a series stays at `level` or above it; none: it does not.
std::optional<double> recoveredS(const std::vector<SeriesPoint>& series, double level) {
  std::optional<double> since;
  for (const SeriesPoint& point : series) {
    if (point.value < level)
      since.reset();
    else if (!since)
      since = point.startS;
  }
  return since;
}

std::string fallText(const Parameters& p, const Axes& axes, const Cell& point, double before,
                     const std::vector<SeriesPoint>& after, const Shift& shift) {
  const double lowest = std::ranges::min(after, {}, &SeriesPoint::value).value;
  if (lowest >= before - kSettles)
    return fmt::format("stays within a percentage point of the {} before ({} at the lowest)",
                       percent(before), percent(lowest));
  const std::string fall = fmt::format("falls from {} to {}", percent(before), percent(lowest));
  if (shift.recoveredS)
    return fmt::format("{}. It is back within a percentage point after {}", fall,
                       formatQuantity(*shift.recoveredS, "s"));
  const std::string text =
      fmt::format("{}. It is still {} lower after {}", fall, points(before - after.back().value),
                  formatQuantity(shift.watchedS, "s"));
  if (point[axes.policy].kind != EvictionPolicy::lfu) return text;
  const Cell first = point.with(axes.policy, p.texts("policies").front());
  return fmt::format(
      "{}. Its counters of keys that were popular decay by one a minute, where LRU "
      "forgets within T_C, {}",
      text, formatQuantity(modelOf(p, axes, first).characteristicS(), "s"));
}

void runShift(Study& s, const Axes& axes, const Cell& point, const Cell& before,
              const Cell& after) {
  const Parameters& p = s.parameters();
  const CacheModel model = modelOf(p, axes, point);
  const std::string name = "shift-" + point[axes.policy].word;
  LabRun first = runOf(s, axes, point, model, name);
  first.name = name + "-before";
  s.runOnce(before, first);
  s.runOnce(
      after,
      {.name = name + "-after",
       .stack = name,
       .before = requireHistory,
       .drives = {{.flags = joinFlags({reads(p, axes, point, model),
                                       {fmt::format("-hot-seed={}", kOtherHotSeed), "-warmup=0",
                                        "-duration=" + p.text("shift-duration")}})}}});
}

/// Adds the lines of one shift, and what they say.
Shift claimShift(Study& s, const Axes& axes, const Cell& point, const Measured& before,
                 const std::vector<SeriesPoint>& after, const Measured& hitAfter, Plot& plot) {
  const Shift shift{.policy = point[axes.policy].word,
                    .recoveredS = recoveredS(after, before.value() - kSettles),
                    .watchedS = after.back().endS};
  const std::string& title = point.level(axes.policy).title;
  LabSeries line{.title = title, .points = {}, .markers = false};
  for (const SeriesPoint& each : after) line.points.push_back({each.startS, each.value});
  plot.series(std::move(line))
      .series({.title = title + " before",
               .points = {{0, before.value()}, {shift.watchedS, before.value()}},
               .dashed = true,
               .markers = false});
  s.claim("shift-" + shift.policy, Standing::plain)
      .from("hit rate by interval, one run each: no interval can be given")
      .restsOn({before, hitAfter})
      .text("When other keys become popular at {}, {} {}", point.level(axes.ratio).title, title,
            fallText(s.parameters(), axes, point, before.value(), after, shift));
  return shift;
}

}  // namespace

std::vector<Shift> shiftPopularity(Study& s, const Axes& axes) {
  const Parameters& p = s.parameters();
  std::vector<Shift> shifts;
  if (!p.on("shift")) return shifts;
  const auto phase = Study::factor("shift", {"before", "after"});
  const Grid grid = gridOf("", {phase, axes.policy.pick(p.texts("shift-policies"))});
  const Quantity hit = s.mean("share", hitRate, grid.cells);
  Plot plot = s.plot("shift", "Other keys become popular at 0 s");
  plot.describe(fmt::format("Hit rate by second at {} × maxmemory; dashed: what it was before.",
                            p.text("shift-ratio")))
      .x("seconds since the shift", AxisKind::linear)
      .y("hit rate", AxisKind::share);
  for (const Cell& before : grid.where(phase, "before")) {
    const Cell after = before.with(phase, "after");
    const Cell point = axes.points("zipfian", before[axes.policy].word, p.numbers("shift-ratio"),
                                   p.text("value-size"))
                           .front();
    runShift(s, axes, point, before, after);
    const auto runs = s.runs(after);
    if (!hit.has(before) || runs.empty() || runs.front()->dir() == nullptr) continue;
    const auto series = hitSeries(*runs.front()->dir());
    if (!series.empty())
      shifts.push_back(claimShift(s, axes, point, hit[before], series, hit[after], plot));
  }
  plot.add();
  return shifts;
}

}  // namespace redline::lab::eviction_cliff
