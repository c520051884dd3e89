#pragma once

#include "json/json.h"
#include "record/summary.h"

namespace redline {

/// plan.json, summary.json and experiment.json describe the machine by the same fields.
void visit(auto& json, MappedAs<EnvironmentFigures> auto& environment) {
  json.field("redis_version", environment.redisVersion);
  json.field("kernel", environment.kernel);
  json.field("cpu", environment.cpu);
  json.field("cores", environment.cores);
  json.field("memory_bytes", environment.memoryBytes);
}

}  // namespace redline
