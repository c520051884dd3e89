#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "base/text.h"
#include "base/units.h"
#include "record/run_totals.h"
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

/// Connections that carried the load: in a cluster -conns is for each node.
double connections(const RunData& run) {
  double nodes = 0;
  for (const ClusterNodeFigures& node : run.figures.cluster.nodes)
    if (node.ops != 0) ++nodes;
  return countFlag(run, "conns") * std::max(1.0, nodes);
}

/// The most that Little's law lets through, operations/s; 0: not known.
double mostByLittle(const RunData& run) {
  const double service = run.latencyOf("service").mean;
  const double inFlight = connections(run) * std::max(1.0, countFlag(run, "pipeline"));
  return service > 0 ? inFlight / service * 1e6 : 0;
}

/// How many operations more waited, in flight and in the backlog, with each second of the measured
/// window.
double queueGrowth(const RunData& run) {
  double before = 0, after = 0;
  Span window{-1, -1};
  for (const LoadPoint& point : run.load) {
    const double waiting = point.outstanding + point.backlog;
    if (point.drain) continue;
    if (point.warmup) {
      before = waiting;
      continue;
    }
    if (window.start < 0) window.start = point.at.start;
    window.end = point.at.end;
    after = waiting;
  }
  return window.length() > 0 ? (after - before) / window.length() : 0;
}

/// What kept a run from its rate.
enum class Limit {
  outage,       ///< the server could not be reached for part of the run
  server,       ///< Redis's main thread had no time left
  generator,    ///< the generator's workers had none
  connections,  ///< by Little's law: in flight ÷ service time
  unknown,
};

/// The most certain first.
Limit limitOf(const RunData& run) {
  if (secondsWithoutConnection(run) > 0) return Limit::outage;
  if (busiestServer(run) >= kServerBound) return Limit::server;
  if (run.figures.generator.utilisation >= kGeneratorNearBound) return Limit::generator;
  const double most = mostByLittle(run);
  return most > 0 && most <= run.figures.rate.target ? Limit::connections : Limit::unknown;
}

std::string limitText(const RunData& run) {
  switch (limitOf(run)) {
    case Limit::outage:
      return fmt::format("The server was unreachable for {:.2f} s of the run",
                         secondsWithoutConnection(run));
    case Limit::server:
      return fmt::format("Redis's main thread was {} busy: the server was at its limit",
                         formatShare(busiestServer(run)));
    case Limit::generator:
      return fmt::format("The generator was {} busy: it may be the limit, not Redis",
                         formatShare(run.figures.generator.utilisation));
    case Limit::connections:
      return fmt::format(
          "By Little's law -conns={} with {:.0f} in flight each allow about {}/s at a mean service "
          "time of {}. More connections or batches are needed to load the server",
          run.flag("conns"), std::max(1.0, countFlag(run, "pipeline")),
          groupedRounded(mostByLittle(run)), formatMicros(run.latencyOf("service").mean));
    case Limit::unknown:
      break;
  }
  return {};
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
                 fmt::format("The run did not end by itself and left no summary. These figures are "
                             "computed from its {} intervals, which end at {:.1f} s",
                             run.load.size(), run.whole.end),
                 "summary.json (missing), intervals.csv, latency.hlog"};
}

std::optional<Finding> notConserved(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (rate.scheduled == rate.completed + rate.failed + rate.outstanding) return {};
  return Finding{
      "not-conserved", Weight::problem,
      fmt::format("Operations are missing: {} scheduled, but {} completed + {} failed + {} "
                  "outstanding = {}. This is a bug of redline, or the file is damaged",
                  grouped(rate.scheduled), grouped(rate.completed), grouped(rate.failed),
                  grouped(rate.outstanding),
                  grouped(rate.completed + rate.failed + rate.outstanding)),
      "rate.scheduled, .completed, .failed, .outstanding"};
}

std::optional<Finding> overloaded(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  const double answered = answeredRate(rate, run.figures.windowS);
  if (run.closed() || rate.scheduled == 0 || answered >= kKeptUp * rate.target) return {};
  std::string text = fmt::format("Overloaded: {} of {} operations/s offered were answered ({})",
                                 groupedRounded(answered), groupedRounded(rate.target),
                                 formatShare(answered / rate.target));
  if (const double growth = queueGrowth(run); growth > 0)
    text += fmt::format(
        ". The queue grew by {} operations each second, and response time measures that queue, not "
        "Redis",
        groupedRounded(growth));
  if (const std::string bound = limitText(run); !bound.empty()) text += ". " + bound;
  return Finding{"overloaded", Weight::problem, std::move(text),
                 "rate.achieved, rate.errors, rate.target; intervals' outstanding and backlog; "
                 "main_thread_utilisation, generator.utilisation, service mean, -conns"};
}

std::optional<Finding> keptUp(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (run.closed() || rate.scheduled == 0 || rate.achieved < kKeptUp * rate.target) return {};
  return Finding{"kept-up", Weight::plain,
                 fmt::format("The offered rate was served: {} of {} operations/s",
                             groupedRounded(rate.achieved), groupedRounded(rate.target)),
                 "rate.achieved, rate.target"};
}

std::optional<Finding> nothingMeasured(const RunData& run) {
  if (run.figures.rate.scheduled != 0) return {};
  return Finding{"nothing-measured", Weight::problem,
                 "Nothing was measured: no operation fell due in the measured window",
                 "rate.scheduled"};
}

std::optional<Finding> nothingCompleted(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (rate.scheduled == 0 || rate.completed != 0) return {};
  return Finding{
      "nothing-completed", Weight::problem,
      fmt::format(
          "None of the {} operations that were due in the window was completed before the run "
          "ended. Service time and lateness have no figures, and response time has lower bounds "
          "only{}",
          grouped(rate.scheduled),
          rate.achieved > 0 ? ". The operations that completed had been due in the warm-up" : ""),
      "rate.scheduled, rate.completed"};
}

std::optional<Finding> noReply(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  if (rate.unanswered == 0 && rate.unserved == 0) return {};
  std::string text;
  if (rate.unanswered != 0)
    text = fmt::format(
        "{} had no reply when the run ended, the oldest after {:.1f} s on the wire. Operations "
        "behind them on the same connections were not sent",
        plural(rate.unanswered, "operation"), rate.longestUnansweredS);
  if (rate.unserved != 0)
    text += fmt::format("{}A cluster's nodes refused {} until the run ended",
                        text.empty() ? "" : ". ", plural(rate.unserved, "operation"));
  return Finding{"no-reply", Weight::problem, std::move(text),
                 "rate.unanswered, rate.longest_unanswered_s, rate.unserved"};
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
          "{} of {} operations failed ({}): {}. Their latency is reported separately",
          grouped(rate.failed), grouped(rate.scheduled),
          formatShare(shareOf(rate.failed, rate.scheduled)),
          reasons.empty() ? "no reason recorded" : fmt::format("{}", fmt::join(reasons, ", "))),
      "rate.failed, rate.scheduled, rate.errors"};
}

namespace {

std::string refusalsText(const GeneratorFigures& generator) {
  if (generator.refusedConnections == 0) return {};
  return fmt::format(
      ". A server refused {} of the attempts to connect, since its maxclients was reached",
      grouped(generator.refusedConnections));
}

}  // namespace

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
          "Connections were lost: {} reconnects{}, {} operations sent again{}{}", grouped(lost),
          events == 0
              ? std::string{}
              : fmt::format(", the server unreachable {} for {:.2f} s in total",
                            events == 1 ? std::string{"once"} : fmt::format("{} times", events),
                            gaps),
          grouped(run.figures.generator.retried), refusalsText(run.figures.generator),
          open ? ". It was still unreachable when the run ended" : ""),
      "generator.reconnects, generator.retried, generator.refused_connections, events of kind "
      "connection"};
}

std::optional<Finding> closedLoop(const RunData& run) {
  const RateFigures& rate = run.figures.rate;
  const double conns = connections(run);
  const LatencyFigures& service = run.latencyOf("service");
  if (!run.closed() || conns <= 0 || rate.achieved <= 0 || service.count == 0) return {};
  const double batch = std::max(1.0, countFlag(run, "pipeline"));
  return Finding{
      "closed-model", Weight::notable,
      fmt::format(
          "Closed model: each operation waits for the reply to the one before, so the mean "
          "latency follows from the rate: {:.0f} connections × {:.0f} ÷ {}/s = {} (measured: "
          "{}). Do not use these latencies for anything else",
          conns, batch, groupedRounded(rate.achieved),
          formatMicros(conns * batch / rate.achieved * 1e6), formatMicros(service.mean)),
      "-conns, -pipeline, rate.achieved, service mean"};
}

std::optional<Finding> smallBatches(const RunData& run) {
  const double wanted = countFlag(run, "pipeline");
  const double got = run.figures.generator.meanBatch;
  if (run.closed() || wanted < 2 || got <= 0 || got >= wanted / 2) return {};
  return Finding{
      "small-batches", Weight::notable,
      fmt::format("Batches held {:.1f} operations on average; -pipeline allows {:.0f}. At "
                  "this rate few operations are due at the same time. A higher rate or "
                  "-batch-wait fills the batches",
                  got, wanted),
      "generator.mean_batch, -pipeline"};
}

}  // namespace redline
