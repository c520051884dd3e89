#pragma once

#include "plan/sizing.h"
#include "report/document.h"

namespace redline {

/// Hit rate by maxmemory, with its bounds.
Picture hitPicture(const SizingPlan& plan);
/// How much of each limit is used as keys and rate grow together.
Picture cliffPicture(const SizingPlan& plan);

}  // namespace redline
