#include "lab/fault_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/units.h"
#include "lab/compare.h"

namespace redline {
namespace {

double secondsOf(Nanos span) {
  return static_cast<double>(span) / 1e9;
}

/// Start of the measured window, from the run's zero.
double windowStartS(const RunDir& run) {
  for (const IntervalRow& row : run.intervals)
    if (!row.warmup) return secondsOf(row.start);
  return kNaN;
}

/// The counter at a time, on a straight line between two samples.
double valueAt(const std::vector<std::pair<double, double>>& samples, double at) {
  const auto after = std::ranges::lower_bound(samples, at, {}, &std::pair<double, double>::first);
  if (after == samples.end() || (after == samples.begin() && after->first > at)) return kNaN;
  if (after->first == at) return after->second;
  const auto before = after - 1;
  const double share = (at - before->first) / (after->first - before->first);
  return before->second + share * (after->second - before->second);
}

std::vector<SeriesPoint> seriesOf(const RunDir& run, std::string_view measure, double q) {
  std::vector<SeriesPoint> series;
  const double from = windowStartS(run);
  for (const LoggedHistogram& line : run.latency.lines) {
    if (line.tag != measure) continue;
    const double start = secondsOf(line.start);
    const auto histogram = line.histogram();
    // Warm-up has a tag of its own; what is compared is in microseconds' distance of an edge.
    if (!histogram || histogram->count() == 0 || start < from - 1e-6) continue;
    series.push_back(
        {start, start + secondsOf(line.length), static_cast<double>(histogram->quantile(q)) / 1e3});
  }
  return series;
}

}  // namespace

Flags faultDataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

Flags driveWithFault(const Parameters& p, std::string_view fault) {
  return joinFlags({faultDataSet(p),
                    {"-rate=" + p.text("rate"), "-arrivals=poisson", "-conns=" + p.text("conns"),
                     "-rw-ratio=" + p.text("rw-ratio"), "-warmup=" + p.text("warmup"),
                     "-duration=" + p.text("duration"), "-interval=" + p.text("interval"),
                     fmt::format("-chaos={}:{}", p.text("at"), fault)}});
}

Status checkFaultMoment(const Parameters& p, std::string_view what) {
  const SpikeRule spike;
  if (p.seconds("at") / p.seconds("interval") < static_cast<double>(spike.leastBaseline))
    return p.refuse("at", fmt::format("a baseline needs {} intervals before the {}",
                                      spike.leastBaseline, what));
  if (p.seconds("at") >= p.seconds("duration"))
    return p.refuse("at", fmt::format("the {} comes after the measured window", what));
  return {};
}

SpikeRule faultSpikeRule() {
  SpikeRule spike;
  spike.least = 300;  // µs
  return spike;
}

const FaultFigures* faultOf(const Reading& reading) {
  const Summary* const summary = reading.summary();
  if (summary == nullptr) return nullptr;
  const auto found = std::ranges::find_if(summary->faults, [](const FaultFigures& fault) {
    return fault.problem.empty() && fault.endS > 0;
  });
  return found == summary->faults.end() ? nullptr : &*found;
}

double faultFigure(const Reading& reading, std::string_view name) {
  const FaultFigures* const fault = faultOf(reading);
  if (fault == nullptr) return kNaN;
  for (const auto& [known, value] : fault->figures)
    if (known == name) return value;
  return kNaN;
}

std::vector<SeriesPoint> responseSeries(const RunDir& run, double q) {
  return seriesOf(run, "response", q);
}

std::vector<SeriesPoint> dispatchSeries(const RunDir& run, double q) {
  return seriesOf(run, "dispatch", q);
}

std::vector<SeriesPoint> serverSeries(const RunDir& run, double q) {
  constexpr double kHalf = 0.5, kWorthNamingUs = 1000;
  std::map<double, double> own;
  for (const SeriesPoint& point : dispatchSeries(run, q)) own[point.startS] = point.value;
  auto series = responseSeries(run, q);
  std::erase_if(series, [&](const SeriesPoint& point) {
    const auto found = own.find(point.startS);
    return found != own.end() && found->second >= std::max(kWorthNamingUs, kHalf * point.value);
  });
  return series;
}

double typicalUs(const Reading& reading, double q) {
  if (reading.dir() == nullptr) return kNaN;
  std::vector<double> values;
  for (const SeriesPoint& point : responseSeries(*reading.dir(), q)) values.push_back(point.value);
  return values.empty() ? kNaN : medianOf(values);
}

std::optional<Spike> spikeOf(const Reading& reading, double q, const SpikeRule& rule) {
  if (reading.dir() == nullptr) return std::nullopt;
  return spikeOf(reading, responseSeries(*reading.dir(), q), rule);
}

std::optional<Spike> spikeOf(const Reading& reading, const std::vector<SeriesPoint>& series,
                             const SpikeRule& rule) {
  const FaultFigures* const fault = faultOf(reading);
  if (fault == nullptr || series.empty()) return std::nullopt;
  return findSpike(series, {series.front().startS, fault->beginS},
                   {fault->beginS, series.back().endS}, rule);
}

double longestStallS(const Reading& reading) {
  const RunDir* const run = reading.dir();
  const FaultFigures* const fault = faultOf(reading);
  if (run == nullptr || fault == nullptr) return kNaN;
  constexpr double kAfter = 1;
  double longest = 0;
  for (const Event& event : run->events) {
    const double at = secondsOf(event.at);
    if (event.kind == "stall" && at + secondsOf(event.duration) >= fault->beginS &&
        at <= fault->endS + kAfter)
      longest = std::max(longest, secondsOf(event.duration));
  }
  return longest;
}

std::vector<double> ratesOf(const RunDir& run, std::string_view field,
                            const std::vector<SeriesPoint>& intervals) {
  std::vector<std::pair<double, double>> samples;
  for (const ServerSample& sample : run.servers)
    if (const double value = sample.number(field, kNaN); std::isfinite(value))
      samples.emplace_back(secondsOf(sample.at), value);
  std::vector<double> rates;
  rates.reserve(intervals.size());
  for (const SeriesPoint& interval : intervals)
    rates.push_back((valueAt(samples, interval.endS) - valueAt(samples, interval.startS)) /
                    (interval.endS - interval.startS));
  return rates;
}

std::vector<double> withoutCoreUs(const RunDir& run, const std::vector<SeriesPoint>& intervals) {
  auto waited = ratesOf(run, "waiting_for_core_main_thread", intervals);
  for (std::size_t i = 0; i < intervals.size(); ++i)
    waited[i] *= 1e6 * (intervals[i].endS - intervals[i].startS);
  return waited;
}

std::string spikeWords(const Spike& spike) {
  const auto micros = [](double us) { return formatDuration(static_cast<Nanos>(us * 1e3)); };
  const auto seconds = [](double s) { return formatDuration(static_cast<Nanos>(s * 1e9)); };
  if (!spike.judged) return "cannot be judged: too few intervals before the fault";
  if (!spike.found)
    return fmt::format("no spike: at most {}, against {} before", micros(spike.peak),
                       micros(spike.baseline));
  return fmt::format("{} for {}{} ({:.0f} x the {} before)", micros(spike.peak),
                     spike.cutOff ? "at least " : "", seconds(spike.durationS()), spike.multiple(),
                     micros(spike.baseline));
}

}  // namespace redline
