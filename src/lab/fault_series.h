#pragma once

#include "lab/fault_study.h"
#include "lab/interval_series.h"

namespace redline {

// For experiments that are not declared yet (lab/study.h): the names that they use.
using lab::checkFaultMoment;
using lab::faultSpikeRule;
using lab::responseSeries;

}  // namespace redline
