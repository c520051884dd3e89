#pragma once

#include "record/summary.h"
#include "rundir/json_fields.h"

namespace redline {

// The block `mitigation` of summary.json.

Json mitigationJson(const MitigationFigures& figures);
void readMitigation(JsonFields fields, MitigationFigures& figures);

}  // namespace redline
