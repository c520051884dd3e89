#pragma once

#include "base/result.h"
#include "lab/experiment.h"

namespace redline::lab {

/// Deletes every key of the stack's first server before it returns.
Status emptyCache(Bench& bench);

}  // namespace redline::lab
