#pragma once

#include "record/summary.h"
#include "rundir/json_fields.h"

namespace redline {

// plan.json and summary.json describe the machine in the same words.

inline Json environmentJson(const EnvironmentFigures& environment) {
  return {{"redis_version", environment.redisVersion},
          {"kernel", environment.kernel},
          {"cpu", environment.cpu},
          {"cores", environment.cores},
          {"memory_bytes", environment.memoryBytes}};
}

inline void readEnvironment(JsonFields& fields, EnvironmentFigures& environment) {
  fields.read("redis_version", environment.redisVersion);
  fields.read("kernel", environment.kernel);
  fields.read("cpu", environment.cpu);
  fields.read("cores", environment.cores);
  fields.read("memory_bytes", environment.memoryBytes);
}

}  // namespace redline
