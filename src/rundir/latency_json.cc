#include "rundir/latency_json.h"

#include "record/latency_figures.h"

namespace redline {

Json latencyJson(const LatencyFigures& figures) {
  Json json = {{"count", figures.count}, {"mean", figures.mean}};
  for (const auto& [name, share, figure] : kReportedPercentiles) json[name] = figures.*figure;
  json["max"] = figures.max;
  if (!figures.lowerBounds.empty()) json["lower_bounds"] = figures.lowerBounds;
  return json;
}

void readLatency(JsonFields fields, LatencyFigures& figures) {
  fields.read("count", figures.count);
  fields.read("mean", figures.mean);
  for (const auto& [name, share, figure] : kReportedPercentiles)
    fields.read(name.data(), figures.*figure);
  fields.read("max", figures.max);
  fields.read("lower_bounds", figures.lowerBounds);
}

}  // namespace redline
