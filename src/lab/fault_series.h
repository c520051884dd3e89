#pragma once

#include "lab/fault_study.h"
#include "lab/interval_series.h"

namespace redline {

// For experiments that are not declared yet (lab/study.h): the names that they use.
using lab::checkFaultMoment;
using lab::dispatchSeries;
using lab::faultSpikeRule;
using lab::ratesOf;
using lab::responseSeries;
using lab::serverSeries;
using lab::typicalUs;
using lab::withoutCoreUs;

}  // namespace redline
