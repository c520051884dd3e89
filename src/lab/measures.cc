#include "lab/measures.h"

#include <algorithm>
#include <cmath>

#include "record/latency_figures.h"

namespace redline {
namespace {

const Summary* summaryOf(const Reading& reading, std::size_t drive) {
  const RunDir* const dir = reading.dir(drive);
  return dir == nullptr || !dir->summary ? nullptr : &*dir->summary;
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : kNaN;
}

double figureOf(const LatencyFigures& figures, std::string_view percentile) {
  if (figures.count == 0) return kNaN;
  if (percentile == "mean") return figures.mean;
  if (percentile == "max") return figures.max;
  const auto found = std::ranges::find(kReportedPercentiles, percentile, &ReportedPercentile::name);
  return found == kReportedPercentiles.end() ? kNaN : figures.*found->figure;
}

}  // namespace

double achievedRate(const Reading& reading, std::size_t drive) {
  const Summary* const summary = summaryOf(reading, drive);
  return summary == nullptr ? kNaN : summary->rate.achieved;
}

double latencyUs(const Reading& reading, std::string_view percentile, std::string_view measure,
                 std::string_view kind, std::size_t drive) {
  const Summary* const summary = summaryOf(reading, drive);
  if (summary == nullptr) return kNaN;
  const auto kinds = summary->latency.find(std::string(measure));
  if (kinds == summary->latency.end()) return kNaN;
  const auto figures = kinds->second.find(std::string(kind));
  return figures == kinds->second.end() ? kNaN : figureOf(figures->second, percentile);
}

Histogram responsesOf(const Reading& reading) {
  Histogram all;
  for (const RunDir& dir : reading.dirs)
    if (const auto found = dir.latency.merged.find("response"); found != dir.latency.merged.end())
      all.add(found->second);
  return all;
}

Measurement latency(std::string_view percentile, std::string_view measure, std::string_view kind,
                    std::size_t drive) {
  return [percentile = std::string(percentile), measure = std::string(measure),
          kind = std::string(kind), drive](const Reading& reading) {
    return latencyUs(reading, percentile, measure, kind, drive);
  };
}

double rateOf(const Reading& reading) {
  return achievedRate(reading);
}

double keptUp(const Reading& reading) {
  const Summary* const summary = reading.summary();
  return summary == nullptr ? kNaN : rateOf(reading) / summary->rate.target;
}

double storeCount(const Reading& reading, BackingCount count) {
  if (reading.dirs.empty()) return kNaN;
  double sum = 0;
  for (const RunDir& dir : reading.dirs) {
    if (!dir.summary || dir.summary->backing.store.empty()) return kNaN;
    const auto& counts = dir.summary->backing.counts;
    if (const auto found = counts.find(std::string(kBackingCountNames[index(count)]));
        found != counts.end())
      sum += static_cast<double>(found->second);
  }
  return sum;
}

Measurement storeCounted(BackingCount count) {
  return [count](const Reading& reading) { return storeCount(reading, count); };
}

double mainThreadBusy(const Reading& reading) {
  const Summary* const summary = reading.summary();
  if (summary == nullptr || summary->servers.empty()) return kNaN;
  return std::ranges::max(summary->servers, {}, &ServerFigures::mainThreadUtilisation)
      .mainThreadUtilisation;
}

double generatorBusy(const Reading& reading) {
  const Summary* const summary = reading.summary();
  return summary == nullptr ? kNaN : summary->generator.utilisation;
}

double meanBatch(const Reading& reading) {
  const Summary* const summary = reading.summary();
  return summary == nullptr ? kNaN : summary->generator.meanBatch;
}

double serverDelta(const Reading& reading, std::string_view field) {
  const RunDir* const dir = reading.dir();
  if (dir == nullptr || dir->servers.size() < 2) return kNaN;
  return dir->servers.back().number(field, kNaN) - dir->servers.front().number(field, kNaN);
}

Measurement counted(std::string_view field) {
  return
      [field = std::string(field)](const Reading& reading) { return serverDelta(reading, field); };
}

Measurement recorded(std::string_view figure) {
  return [figure = std::string(figure)](const Reading& reading) { return reading.figure(figure); };
}

double commandsPerRead(const Reading& reading) {
  return ratio(serverDelta(reading, "total_commands_processed"),
               serverDelta(reading, "total_reads_processed"));
}

double kernelUsPerCommand(const Reading& reading) {
  return 1e6 * ratio(serverDelta(reading, "used_cpu_sys_main_thread"),
                     serverDelta(reading, "total_commands_processed"));
}

double userUsPerCommand(const Reading& reading) {
  return 1e6 * ratio(serverDelta(reading, "used_cpu_user_main_thread"),
                     serverDelta(reading, "total_commands_processed"));
}

double mainThreadUsPerCommand(const Reading& reading) {
  return kernelUsPerCommand(reading) + userUsPerCommand(reading);
}

double executionUsPerCommand(const Reading& reading) {
  const double gets = serverDelta(reading, "cmdstat_get.calls");
  const double sets = serverDelta(reading, "cmdstat_set.calls");
  const auto or0 = [](double value) { return std::isfinite(value) ? value : 0; };
  return ratio(
      or0(serverDelta(reading, "cmdstat_get.usec")) + or0(serverDelta(reading, "cmdstat_set.usec")),
      or0(gets) + or0(sets));
}

}  // namespace redline
