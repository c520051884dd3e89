#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "base/units.h"
#include "record/validity.h"
#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

double countFlag(const RunData& run, std::string_view name) {
  const auto count = parseCount(run.flag(name));
  return count ? static_cast<double>(*count) : 0;
}

double secondsWithoutConnection(const RunData& run) {
  double seconds = 0;
  for (const Bracket& bracket : run.brackets)
    if (bracket.kind == "connection") seconds += bracket.at.length();
  return seconds;
}

/// The most that Little's law lets through, operations/s; 0: not known.
double mostByLittle(const RunData& run) {
  const double service = run.latencyOf("service").mean;
  const double inFlight = countFlag(run, "conns") * std::max(1.0, countFlag(run, "pipeline"));
  return service > 0 ? inFlight / service * 1e6 : 0;
}

/// What bounded a run that could not keep up, where the figures tell.
std::string boundOf(const RunData& run) {
  if (const double gone = secondsWithoutConnection(run); gone > 0)
    return fmt::format("the server was out of reach for {:.2f} s of it", gone);
  const double server = busiestServer(run);
  if (server >= kServerBound)
    return fmt::format("Redis's main thread was {} busy: the server was at its ceiling",
                       percent(server));
  const double generator = run.figures.generator.utilisation;
  if (generator >= kGeneratorNearBound)
    return fmt::format("the generator was {} busy: look there before blaming Redis",
                       percent(generator));
  const double most = mostByLittle(run);
  if (most <= 0 || most > run.figures.rate.target) return {};
  return fmt::format(
      "-conns={} with {:.0f} on the way in each, at {} of mean service time, let through about "
      "{}/s "
      "(Little's law): more connections, or batches, were needed before the server was",
      run.flag("conns"), std::max(1.0, countFlag(run, "pipeline")),
      microsWords(run.latencyOf("service").mean), groupedRounded(most));
}

}  // namespace

double busiestServer(const RunData& run) {
  double busiest = -1;
  for (const ServerFigures& server : run.figures.servers)
    busiest = std::max(busiest, server.mainThreadUtilisation);
  return busiest;
}

std::optional<Finding> notEnded(const RunData& run) {
  if (run.ended) return {};
  return Finding{"not-ended", Weight::problem,
                 fmt::format("The run did not end by itself: there is no summary. Its figures here "
                             "were put together from the {} intervals that it left, up to {:.1f} s",
                             run.load.size(), run.whole.end),
                 "summary.json (missing), intervals.csv, latency.hlog"};
}

std::optional<Finding> notConserved(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (rate.scheduled == rate.completed + rate.failed + rate.outstanding) return {};
  return Finding{
      "not-conserved", Weight::problem,
      fmt::format("Operations are missing: {} scheduled, but {} completed + {} failed + {} "
                  "outstanding are {}. This is a fault of redline or of the file",
                  grouped(rate.scheduled), grouped(rate.completed), grouped(rate.failed),
                  grouped(rate.outstanding),
                  grouped(rate.completed + rate.failed + rate.outstanding)),
      "rate.scheduled, .completed, .failed, .outstanding"};
}

std::optional<Finding> overloaded(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (run.closed() || rate.achieved >= kKeptUp * rate.target) return {};
  std::string text = fmt::format(
      "Overloaded: {} of {} operations/s offered were completed ({}). Response time is then the "
      "length of the queue, which grew by {} operations each second; it says how long the run "
      "was, not how fast Redis is",
      groupedRounded(rate.achieved), groupedRounded(rate.target),
      percent(rate.achieved / rate.target), groupedRounded(rate.target - rate.achieved));
  if (const std::string bound = boundOf(run); !bound.empty()) text += ": " + bound;
  return Finding{"overloaded", Weight::problem, std::move(text),
                 "rate.achieved, rate.target; main_thread_utilisation, generator.utilisation, "
                 "service mean, -conns"};
}

std::optional<Finding> keptUp(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (run.closed() || rate.achieved < kKeptUp * rate.target) return {};
  return Finding{"kept-up", Weight::plain,
                 fmt::format("The offered rate was served: {} of {} operations/s",
                             groupedRounded(rate.achieved), groupedRounded(rate.target)),
                 "rate.achieved, rate.target"};
}

std::optional<Finding> nothingCompleted(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (rate.scheduled == 0 || rate.completed != 0) return {};
  return Finding{
      "nothing-completed", Weight::problem,
      fmt::format(
          "None of the {} operations that fell due in the window was completed before the "
          "run ended: service time and lateness have no figures, response time lower "
          "bounds only{}",
          grouped(rate.scheduled),
          rate.achieved > 0 ? ". What was completed meanwhile had been due in the warm-up" : ""),
      "rate.scheduled, rate.completed"};
}

std::optional<Finding> failedOperations(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (rate.failed == 0) return {};
  std::vector<std::string> reasons;
  reasons.reserve(rate.errors.size());
  for (const auto& [name, count] : rate.errors)
    reasons.push_back(fmt::format("{} {}", name, grouped(count)));
  return Finding{
      "failed", Weight::notable,
      fmt::format(
          "{} of {} operations failed ({}): {}. Their latency is kept apart", grouped(rate.failed),
          grouped(rate.scheduled), percent(shareOf(rate.failed, rate.scheduled)),
          reasons.empty() ? "no reason was recorded" : fmt::format("{}", fmt::join(reasons, ", "))),
      "rate.failed, rate.scheduled, rate.errors"};
}

std::optional<Finding> connectionsLost(const RunData& run) {
  const double gaps = secondsWithoutConnection(run);
  std::size_t events = 0;
  bool open = false;
  for (const Bracket& bracket : run.brackets) {
    if (bracket.kind != "connection") continue;
    ++events;
    open = open || bracket.open;
  }
  const std::uint64_t lost = run.figures.generator.reconnects;
  if (events == 0 && lost == 0) return {};
  return Finding{
      "connections-lost", Weight::notable,
      fmt::format(
          "Connections were lost: {} opened again{}, {} operations sent again{}", grouped(lost),
          events == 0
              ? std::string{}
              : fmt::format(", the server out of reach {} for {:.2f} s in all",
                            events == 1 ? std::string{"once"} : fmt::format("{} times", events),
                            gaps),
          grouped(run.figures.generator.retried),
          open ? ". It was not back when the run ended" : ""),
      "generator.reconnects, generator.retried, events of kind connection"};
}

std::optional<Finding> closedLoop(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  const double conns = countFlag(run, "conns");
  const LatencyFigures& service = run.latencyOf("service");
  if (!run.closed() || conns <= 0 || rate.achieved <= 0 || service.count == 0) return {};
  const double batch = std::max(1.0, countFlag(run, "pipeline"));
  return Finding{
      "closed-model", Weight::notable,
      fmt::format("Closed model: the next operation waits for the last one's reply, so latency at "
                  "the ceiling is {:.0f} connections × {:.0f} ÷ {}/s = {} whatever the server does "
                  "(measured mean: {}). Use these latencies for nothing but this check",
                  conns, batch, groupedRounded(rate.achieved),
                  microsWords(conns * batch / rate.achieved * 1e6), microsWords(service.mean)),
      "-conns, -pipeline, rate.achieved, service mean"};
}

std::optional<Finding> smallBatches(const RunData& run) {
  const double wanted = countFlag(run, "pipeline");
  const double got = run.figures.generator.meanBatch;
  if (run.closed() || wanted < 2 || got <= 0 || got >= wanted / 2) return {};
  return Finding{"small-batches", Weight::notable,
                 fmt::format("Batches held {:.1f} operations of the {:.0f} that -pipeline allows: "
                             "at this rate few are due at once. A higher rate or -batch-wait fills "
                             "them",
                             got, wanted),
                 "generator.mean_batch, -pipeline"};
}

}  // namespace redline
