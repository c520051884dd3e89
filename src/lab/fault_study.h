#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/interval_series.h"
#include "lab/study.h"
#include "model/curve.h"

namespace redline::lab {

// Experiments that do something to a server in the middle of a steady load, and look at p99 before,
// during and after it. Their parameters: keys, value-size, rate, conns, rw-ratio, warmup, duration,
// interval, and `at`, when the fault comes in the measured window.

// What runs.

/// The loader's flags, and the driver's for the same keys.
Flags faultDataSet(const Parameters& p);
/// A driver's flags: Poisson arrivals, and `fault` ("bgsave") at its moment; empty: what disturbs
/// is an action beside it. Its worker leaves the core between operations to what reads, probes and
/// forks there, and takes it back at once. `rate`: of operations a second; empty: the parameter's.
Flags driveWithFault(const Parameters& p, std::string_view fault, std::string rate = {});
/// Refuses a moment that leaves no baseline before it or lies after the window. `what` comes then,
/// for people: "fault".
Status checkFaultMoment(const Parameters& p, std::string_view what);
/// What counts as a spike beside a fault: 300 µs at the least, less is a machine's everyday noise.
SpikeRule faultSpikeRule();

// What one run's fault did.

/// The faults of the run's first drive that took, in order.
std::vector<const FaultFigures*> faultsOf(const Reading& reading);
/// The first of them; nullptr when there is none.
const FaultFigures* faultOf(const Reading& reading);
/// One of a fault's figures by name; not a number when it has none of that name.
double figureOf(const FaultFigures& fault, std::string_view name);
/// From its begin to its end, on the run's clock.
std::optional<Stretch> faultStretch(const Reading& reading);
/// The first fault's figure of that name ("fork_us").
Measurement faultFigure(std::string_view name);

/// Of the stalls that the PING probe saw from the begin of `when` to a second after its end, the
/// longest, in seconds; 0 when it saw none.
double longestStallS(const RunDir& run, Stretch when);

/// Which intervals p99 is read from.
enum class FaultP99 {
  everyInterval,  ///< responseSeries()
  /// serverSeries(): where what is done takes CPU from the generator, which then is late itself
  withoutLateGenerator,
};

/// What a study looks at; a fault of -chaos unless it says otherwise.
struct FaultView {
  /// For people, in "seconds since the fault began".
  std::string what = "fault";
  FaultP99 p99 = FaultP99::everyInterval;
  /// When it was, on the run's clock; none: it was not. Its end may be its begin.
  std::function<std::optional<Stretch>(const Reading&)> when = faultStretch;
  /// Up to where a spike is looked for, on the run's clock; empty: to the run's end.
  std::function<double(const Reading&)> until = {};
  double limitUs = 1000;  ///< of p99, for the time that is spent above it
};

/// One run, read from its directory once.
struct FaultFacts {
  std::optional<Stretch> when;  ///< none: nothing below is known
  // By interval, microseconds. Decoding histograms takes long, so each is decoded once, here.
  std::vector<SeriesPoint> response;  ///< responseSeries()
  std::vector<SeriesPoint> dispatch;  ///< dispatchSeries(); empty where the view does not need it
  std::vector<SeriesPoint> p99;       ///< those of `response` that the view looks at
  std::optional<Spike> spike;         ///< baseline: all before; searched: all from the begin on
  double stallUs = kNaN;              ///< the longest that the PING probe saw
  double aboveLimitS = kNaN;          ///< time with p99 above the limit, from the begin on
  double lateGenerator = kNaN;        ///< share of the intervals in it that p99 leaves out
  /// The worst interval of the stretch right before the begin, and of an equally long one from it
  /// on: a maximum grows with the number of intervals that it is taken of.
  double worstBefore = kNaN, worstAfter = kNaN;

  /// INFO's samples before the begin, and from then on.
  std::span<const ServerSample> serverBefore, serverAfter;

  /// Lies wholly between begin and end; the interval of the begin itself does not.
  bool isDuring(const SeriesPoint& interval) const {
    return when && interval.startS >= when->fromS && interval.endS <= when->toS;
  }
  bool isBefore(const SeriesPoint& interval) const { return when && interval.endS <= when->fromS; }
  /// So many intervals are left out that times above a threshold are lower bounds.
  bool isMostlyLeftOut() const { return lateGenerator > 0.5; }
  /// How long the spike lasted; not a number without one.
  double spikeS() const;
};

/// A figure of one run with what its fault did.
using FaultMeasurement = std::function<double(const Reading&, const FaultFacts&)>;

// A field of INFO by FaultFacts' samples.
FaultMeasurement fieldBefore(std::string_view field);   ///< at the last one before
FaultMeasurement fieldAtEnd(std::string_view field);    ///< at the run's last
FaultMeasurement fieldGrowth(std::string_view field);   ///< from the former to the latter
FaultMeasurement fieldFastest(std::string_view field);  ///< its growth a second, of the interval
                                                        ///< of p99 in which that is highest

/// Before, during and after, in each of some cells.
///
///   const FaultStudy fault(s, grid.cells, {.what = "command"});
///   s.table("…").column("p99 before", fault.baseline).column("peak p99", fault.peak)…
///   s.claim(…).text("p99 rises from {} to {}", fault.baseline[cell], fault.peak[cell]);
class FaultStudy {
  Study& study_;  // before the quantities, which are made of them
  Cells cells_;
  FaultView view_;
  FactsOf<FaultFacts> facts_;

 public:
  FaultStudy(Study& study, Cells cells, FaultView view = {});

  const Cells& cells() const { return cells_; }
  const FaultFacts& facts(const Reading& reading) const { return facts_(reading); }

  // With intervals, by the pooled spread of all cells.
  Quantity baseline;                 ///< the median interval's p99 before, microseconds
  Quantity peak;                     ///< p99 of the worst interval from the begin on, microseconds
  Quantity worstBefore, worstAfter;  ///< p99 of the worst interval, of equally long stretches
  // Means.
  Quantity multiple;       ///< peak ÷ baseline of each run, "x"
  Quantity spikeS;         ///< of the runs that have a spike
  Quantity stall;          ///< the longest unanswered PING, microseconds
  Quantity aboveLimit;     ///< seconds
  Quantity lateGenerator;  ///< share of the fault's intervals that p99 leaves out
  Quantity length;         ///< from begin to end, seconds

  /// A figure of the fault by its name ("fork_us"): with an interval, or its mean.
  Quantity figure(std::string unit, std::string_view name) const;
  Quantity mean(std::string unit, std::string_view name) const;
  /// The same of any other figure of runs that have a fault and a series of p99.
  Quantity quantity(std::string unit, const FaultMeasurement& figure) const;
  Quantity mean(std::string unit, const FaultMeasurement& figure) const;

  /// The worst interval after ÷ the worst before, run by run: what the fault made, and not what a
  /// maximum makes of the machine's noise.
  Measured overBefore(const Cell& cell) const { return ratioWithin(cell, worstBefore, worstAfter); }
  bool isMeasured(const Cell& cell) const { return baseline.has(cell) && peak.has(cell); }
  bool hasSpike(const Cell& cell) const { return spikeS.has(cell); }
  /// In how many of a cell's runs there is a spike; of the valid ones, or all where none is.
  std::size_t spikes(const Cell& cell) const;
  /// One of the runs ended while p99 was still above: its spike lasted at least that long.
  bool isCutOff(const Cell& cell) const;
  /// In one of the runs the generator was late through most of the fault, so times above are lower
  /// bounds.
  bool isMostlyLeftOut(const Cell& cell) const;

  /// "150 ms", "no spike"; "–" where it was not measured.
  std::string lasted(const Cell& cell) const;
  /// " for 150 ms", " for at least 150 ms" where intervals are left out; ", no spike by the rule,".
  std::string forHowLong(const Cell& cell) const;
  /// "2.8 s", "at least 2.8 s"; "–" where it was not measured.
  std::string aboveLimitText(const Cell& cell) const;

  /// Adds the finding that it was not measured; `what`: the cell's title, unless it is given.
  void claimNotMeasured(const Cell& cell, std::string id) const;
  void claimNotMeasured(std::string id, std::string_view what) const;

  /// A plot over "seconds since the fault began", with a mark of that name at its begin; none where
  /// it is empty.
  Plot plotOverTime(std::string id, std::string title, std::string mark = {}) const;
  /// A series of one run, on its clock.
  using SeriesOf = std::function<std::vector<SeriesPoint>(const Reading&)>;
  /// A line for each cell, of its first valid run: p99, or another series. Where late intervals are
  /// left out, lines break.
  void addLines(Plot& plot, const Cells& cells, const SeriesOf& seriesOf = {}) const;
  /// The same for one cell, by another title than the cell's.
  void addLine(Plot& plot, const Cell& cell, std::string title,
               const SeriesOf& seriesOf = {}) const;
  /// How long operations took by when they were due, of that run: heatCells().
  void addHeat(Plot& plot, const Cell& cell) const;
  /// p99 of all valid runs, each on the clock of its fault: the median of them as a line, all of
  /// them as a band, and where p99 lies before the fault as a grey one.
  void addRuns(Plot& plot, const Cell& cell) const;
  /// From begin to end, in the first of these cells that has a line.
  void addSpan(Plot& plot, const Cells& cells,
               const std::function<std::string(const Cell&)>& title) const;
  /// A stretch of that cell's line, on the run's clock.
  void addSpan(Plot& plot, const Cell& cell, std::string title,
               const std::function<std::optional<Stretch>(const Reading&)>& when) const;

  /// How spikes were found, and stalls; for Study::method.
  std::string spikeMethod() const;
  std::string method() const;

 private:
  Measurement of(const FaultMeasurement& figure) const;
  Quantity pooledOf(std::string unit, const std::function<double(const FaultFacts&)>& fact) const;
  Quantity meanOf(std::string unit, const std::function<double(const FaultFacts&)>& fact) const;
  bool anyRun(const Cell& cell, const std::function<bool(const FaultFacts&)>& holds) const;
  /// The run that plots show; nullptr where there is none with a fault.
  const Reading* drawnRun(const Cell& cell) const;
};

}  // namespace redline::lab
