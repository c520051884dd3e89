#include "top/run_view.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "transport/blocking.h"
#include "transport/fetch_page.h"

namespace redline {
namespace {

constexpr std::size_t kLongestPage = 16 << 20;

/// Between two readings of a counter of the run, which began at 0; NaN where there is none.
double rateOf(double before, double after, double seconds) {
  if (std::isnan(after) || seconds <= 0) return kNaN;
  return std::max(0.0, after - (std::isnan(before) ? 0 : before)) / seconds;
}

RunView::Percentiles percentiles(const MetricsPage& before, const MetricsPage& after,
                                 const std::string& measure) {
  const std::string name = "redline_" + measure + "_seconds_bucket";
  const auto then = before.by(name, "le"), now = after.by(name, "le");
  return {quantileBetween(then, now, 0.5), quantileBetween(then, now, 0.99),
          quantileBetween(then, now, 0.999)};
}

std::vector<RunNode> nodesOf(const MetricsPage& before, const MetricsPage& after, double seconds) {
  std::vector<RunNode> nodes;
  for (const auto& [addr, memory] : after.by("redis_memory_used_bytes", "addr")) {
    // A server counts since its start, not since the run's: without an earlier reading, no rate.
    const auto rate = [&, addr = addr](std::string_view name) {
      const double then = before.sum(name, "addr", addr);
      return std::isnan(then) ? kNaN : rateOf(then, after.sum(name, "addr", addr), seconds);
    };
    nodes.push_back({addr, rate("redis_commands_processed_total"),
                     rate("redis_cpu_sys_main_thread_seconds_total") +
                         rate("redis_cpu_user_main_thread_seconds_total"),
                     memory, rate("redis_evicted_keys_total"), rate("redis_expired_keys_total")});
  }
  return nodes;
}

/// What the run's own load does.
void addOperations(RunView& view, const MetricsPage& before, const MetricsPage& after,
                   double seconds) {
  const auto rate = [&](std::string_view name, std::string_view label = {},
                        std::string_view value = {}) {
    return rateOf(before.sum(name, label, value), after.sum(name, label, value), seconds);
  };
  view.target = after.sum("redline_target_operations_per_second");
  view.achieved = rate("redline_operations_total", "outcome", "completed");
  view.failedPerS = rate("redline_operations_total", "outcome", "failed");
  view.outstanding = after.sum("redline_outstanding_operations");
  view.backlog = after.sum("redline_backlog_operations");
  const double hits = rate("redline_cache_hits_total"), misses = rate("redline_cache_misses_total");
  if (hits + misses > 0) view.hitRate = hits / (hits + misses);
  view.response = percentiles(before, after, "response");
  view.service = percentiles(before, after, "service");
  view.lateness = percentiles(before, after, "lateness");
  view.generatorBusy =
      (rate("redline_generator_cpu_seconds_total") - rate("redline_generator_idle_seconds_total")) /
      after.sum("redline_generator_threads");
}

/// Why a page could not be asked for: what is missing is a run, and not a server.
Error noPage(const Endpoint& endpoint, Error error) {
  if (error.message.find(kStartAdvice) != std::string::npos)
    error.message = fmt::format(
        "nothing listens on {0}: start the run with -metrics={0}, or name the -metrics of one that "
        "runs",
        endpoint.text());
  return error;
}

}  // namespace

RunView runView(const MetricsPage& before, const MetricsPage& after, double seconds) {
  RunView view;
  const auto info = after.labelsOf("redline_run_info");
  if (const auto run = info.find("run"); run != info.end()) view.run = run->second;
  view.phase = after.current("redline_run_phase", "phase");
  view.hasLoad = after.sum("redline_generator_threads") != 0;
  if (view.hasLoad) addOperations(view, before, after, seconds);
  for (const auto& [kind, count] : after.by("redline_errors_total", "kind"))
    if (count > 0) view.errors[kind] = count;
  for (const auto& [kind, count] : after.by("redline_redirects_total", "kind"))
    if (count > 0) view.redirects[kind] = count;
  for (const auto& [fault, active] : after.by("redline_fault_active", "fault"))
    if (active > 0) view.faults.push_back(fault);
  view.nodes = nodesOf(before, after, seconds);
  const double completed = after.sum("redline_operations_total", "outcome", "completed");
  for (const auto& [slot, operations] : after.by("redline_hot_slot_operations_total", "slot"))
    if (operations > 0 && completed > 0) view.hotSlots.emplace_back(slot, operations / completed);
  std::ranges::stable_sort(view.hotSlots, std::greater{}, &std::pair<std::string, double>::second);
  return view;
}

Result<MetricsPage> readMetrics(const Endpoint& endpoint, Nanos timeout) {
  const auto answer = fetchPage(endpoint, "/metrics", SteadyClock::read() + timeout, kLongestPage);
  if (!answer) return fail(noPage(endpoint, answer.error()));
  if (answer->status != 200)
    return fail(ErrorCode::invalidInput, "{} does not answer GET /metrics: is that a -metrics?",
                endpoint.text());
  auto page = MetricsPage::parse(answer->body);
  if (!page) return fail(page.error().code, "{}: {}", endpoint.text(), page.error().message);
  if (!page->hasAny("redline_"))
    return fail(ErrorCode::invalidInput,
                "the metrics of {} are another program's, without any redline_…: name the -metrics "
                "of a driver, a lab or a chaos",
                endpoint.text());
  return page;
}

}  // namespace redline
