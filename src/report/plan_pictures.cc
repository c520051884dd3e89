#include "report/plan_pictures.h"

#include <string>
#include <utility>

namespace redline {
namespace {

constexpr double kGigabyte = 1024.0 * 1024 * 1024;
constexpr double kMostUsage = 100, kLeastUsage = 1e-3;

PanelSeries seriesOf(std::size_t number, std::string title, Stroke stroke = Stroke::solid) {
  PanelSeries series;
  series.title = std::move(title);
  series.ink = kLines[number % kLines.size()];
  series.stroke = stroke;
  return series;
}

}  // namespace

Picture hitPicture(const SizingPlan& plan) {
  Picture picture{.id = "hit-rate",
                  .title = "Hit rate by maxmemory",
                  .description =
                      "What a node's maxmemory makes of the hit rate, between eviction "
                      "without recency and exact LRU."};
  Panel panel{.x = {.title = "maxmemory of a node, GB"},
              .y = {.title = "hit rate", .kind = AxisKind::share}};
  PanelSeries hits = seriesOf(0, "as Redis samples");
  PanelSeries best = seriesOf(1, "exact LRU", Stroke::dashed);
  PanelSeries worst = seriesOf(2, "no recency", Stroke::dotted);
  for (const MemoryPoint& each : plan.memory) {
    const double x = each.maxmemory / kGigabyte;
    hits.points.push_back({x, each.hits});
    best.points.push_back({x, each.bestHits});
    worst.points.push_back({x, each.worstHits});
  }
  panel.series = {std::move(hits), std::move(best), std::move(worst)};
  if (!plan.memory.empty()) picture.panels.push_back(std::move(panel));
  return picture;
}

Picture cliffPicture(const SizingPlan& plan) {
  Picture picture{.id = "cliffs",
                  .title = "Limits as keys and rate grow together",
                  .description =
                      "Each line is the share of one limit that is used, with the layout "
                      "and the maxmemory of the plan; at 1 the cliff is reached."};
  Panel panel{.x = {.title = "growth of keys and rate", .kind = AxisKind::logCount},
              .y = {.title = "share of the limit", .kind = AxisKind::logCount}};
  for (std::size_t i = 0; i < plan.cliffs.size(); ++i) {
    PanelSeries series = seriesOf(i, plan.cliffs[i].id);
    for (std::size_t at = 0; at < plan.growths.size(); ++at) {
      const double usage = plan.cliffs[i].usageByBoth[at];
      if (usage >= kLeastUsage && usage <= kMostUsage)
        series.points.push_back({plan.growths[at], usage});
    }
    if (!series.points.empty()) panel.series.push_back(std::move(series));
  }
  PanelSeries limit = seriesOf(0, "the limit", Stroke::dashed);
  limit.ink = kText;
  if (!plan.growths.empty()) limit.points = {{plan.growths.front(), 1}, {plan.growths.back(), 1}};
  if (panel.series.empty()) return picture;
  panel.series.push_back(std::move(limit));
  picture.panels.push_back(std::move(panel));
  return picture;
}

}  // namespace redline
