#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "lab/experiment.h"
#include "model/curve.h"

namespace redline {

// What a fault did to the run beside it: the run's series, cut into intervals, on the run's clock.
// For experiments whose runs have a -chaos plan with one fault.

// Their parameters: keys, value-size, rate, conns, rw-ratio, warmup, duration, interval, and `at`,
// when the fault comes in the measured window.

/// The loader's flags, and the driver's for the same keys.
Flags faultDataSet(const Parameters& p);
/// A driver's flags: Poisson arrivals, and `fault` ("bgsave") at its moment.
Flags driveWithFault(const Parameters& p, std::string_view fault);
/// Refuses a moment that leaves no baseline before it or lies after the window. `what` comes then,
/// for people: "fault".
Status checkFaultMoment(const Parameters& p, std::string_view what);
/// What counts as a spike beside a fault: 300 µs at the least, less is a machine's everyday noise.
SpikeRule faultSpikeRule();

/// The fault of the run's first drive; nullptr when it has none that took.
const FaultFigures* faultOf(const Reading& reading);
/// One of its figures; not a number when there is none of that name.
double faultFigure(const Reading& reading, std::string_view name);

/// Response time at quantile `q` of each interval of the measured window and the drain, all
/// operations, in microseconds. Intervals in which nothing completed are left out: a frozen server
/// shows in those after.
std::vector<SeriesPoint> responseSeries(const RunDir& run, double q);

/// The same of dispatch, the generator's own lateness.
std::vector<SeriesPoint> dispatchSeries(const RunDir& run, double q);
/// responseSeries() without the intervals that say nothing of the server: where dispatch at that
/// quantile is half of it or more, and a millisecond at the least.
std::vector<SeriesPoint> serverSeries(const RunDir& run, double q);

/// The median of responseSeries(): what the quantile is most of the time, whatever rare stalls make
/// of it over the whole run. Not a number without intervals.
double typicalUs(const Reading& reading, double q);

/// The spike of the response time at quantile `q`: the baseline is the measured window up to the
/// fault, searched is everything from its begin on. None: no run directory, or no fault that took.
std::optional<Spike> spikeOf(const Reading& reading, double q, const SpikeRule& rule);
/// The same in a series of one's own.
std::optional<Spike> spikeOf(const Reading& reading, const std::vector<SeriesPoint>& series,
                             const SpikeRule& rule);

/// Of the stalls that the PING probe saw from the fault's begin to a second after its end, the
/// longest, in seconds; 0 when it saw none, not a number without a fault.
double longestStallS(const Reading& reading);

/// By how much a counter of servers.csv grew in each of these intervals, a second: on straight
/// lines between the samples. Not a number where the samples do not reach.
std::vector<double> ratesOf(const RunDir& run, std::string_view field,
                            const std::vector<SeriesPoint>& intervals);

/// For how long the main thread of the run's server was ready to run and other threads had its
/// core, in each of these intervals, microseconds. Not a number where the samples do not reach.
std::vector<double> withoutCoreUs(const RunDir& run, const std::vector<SeriesPoint>& intervals);

/// What a series' spike was like, in words: "12.3 ms for 400 ms (31 x the 0.4 ms before)".
std::string spikeWords(const Spike& spike);

}  // namespace redline
