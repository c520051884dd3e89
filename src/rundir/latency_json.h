#pragma once

#include "record/summary.h"
#include "rundir/json_fields.h"

namespace redline {

// Percentiles as the JSON files have them, in microseconds.

Json latencyJson(const LatencyFigures& figures);
void readLatency(JsonFields fields, LatencyFigures& figures);

}  // namespace redline
