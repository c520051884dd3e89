#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "model/statistics.h"
#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

/// Runs in the open model with both figures; in the closed one response is service by definition.
bool comparable(const RunData& run) {
  return !run.closed() && run.latencyOf("response").p99 > 0 && run.latencyOf("service").p99 > 0;
}

/// What events.jsonl has in [from, to): "bgsave (fault), 3 slow-log entries".
std::string eventsWithin(const RunData& run, double from, double to) {
  std::vector<std::string> parts;
  for (const Bracket& bracket : run.brackets) {
    if (bracket.at.start >= to || bracket.at.end < from) continue;
    const bool gap = bracket.kind == "connection";
    std::string part = gap ? "a lost connection" : fmt::format("the fault {}", bracket.name);
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(std::move(part));
  }
  const auto count = [&](std::string_view kind, std::string_view name) {
    std::size_t entries = 0;
    Nanos longest = 0;
    for (const Event& event : run.dir.events) {
      const double at = toSeconds(event.at);
      if (event.kind != kind || at < from || at >= to) continue;
      ++entries;
      longest = std::max(longest, event.duration);
    }
    if (entries != 0)
      parts.push_back(fmt::format("{} {} {} of up to {}", entries, name,
                                  entries == 1 ? "entry" : "entries",
                                  formatMicros(toMicros(longest))));
  };
  count("slowlog", "slow-log");
  count("latency", "latency-monitor");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::optional<Finding> lowerBounds(const RunData& run) {
  const LatencyFigures& response = run.latencyOf("response");
  if (response.lowerBounds.empty()) return {};
  std::vector<std::string> names;
  names.reserve(response.lowerBounds.size());
  for (const std::string& name : response.lowerBounds) names.push_back(percentileName(name));
  return Finding{
      "lower-bounds", Weight::problem,
      fmt::format("{} operations were still outstanding when the run ended. They count with the "
                  "time that they had waited by then, so these figures of response time are lower "
                  "bounds (marked ≥): {}",
                  grouped(run.figures.rate.outstanding), fmt::join(names, ", ")),
      "rate.outstanding, response lower_bounds"};
}

std::optional<Finding> waitBeforeSend(const RunData& run) {
  const double response = run.latencyOf("response").p99;
  const double service = run.latencyOf("service").p99;
  const double late = run.latencyOf("lateness").p99;
  const double dispatch = run.latencyOf("dispatch").p99;
  // Lateness is known of operations that were sent: it explains response time only where it is of
  // its size, and not where the tail is made of operations that nobody answered.
  if (!comparable(run) || response < kWaitedBeforeSend * service || late < kWorthNamingUs ||
      late < response / 2)
    return {};
  const std::string head =
      fmt::format("Response p99 was {}, {} times service p99 ({}). ", formatMicros(response),
                  formatRatio(response / service), formatMicros(service));
  const std::string who =
      dispatch >= late / 2
          ? fmt::format(
                "Most of the wait was in the generator, which sent operations late (dispatch p99 "
                "{})",
                formatMicros(dispatch))
          : fmt::format(
                "Operations waited for a free connection or a full batch before they were sent: "
                "after a stall, or because there are too few connections. The generator's own "
                "lateness was small (dispatch p99 {})",
                formatMicros(dispatch));
  return Finding{"wait-before-send", Weight::notable, head + who,
                 "p99 of response, service, lateness and dispatch"};
}

std::optional<Finding> waitInService(const RunData& run) {
  const double response = run.latencyOf("response").p99;
  const double service = run.latencyOf("service").p99;
  if (!comparable(run) || response > kHardlyWaited * service) return {};
  return Finding{
      "wait-in-service", Weight::plain,
      fmt::format(
          "Operations were sent when they were due: response p99 is {}, service p99 {}. The "
          "latency arose in Redis, the kernel or the network",
          formatMicros(response), formatMicros(service)),
      "p99 of response and service"};
}

std::optional<Finding> worstInterval(const RunData& run) {
  std::vector<double> all;
  const LatencyPoint* worst = nullptr;
  for (const LatencyPoint& point : run.latency) {
    if (point.warmup) continue;
    all.push_back(point.p99);
    if (worst == nullptr || point.p99 > worst->p99) worst = &point;
  }
  if (all.size() < 4) return {};
  const double usual = medianOf(all);
  if (worst->p99 < kOutstandingInterval * usual || worst->p99 < kWorthNamingUs) return {};
  // A stall shows up in the interval that its operations complete in: look as far back as the
  // longest of them waited.
  const double from = worst->at.start - worst->max / 1e6;
  const std::string during = eventsWithin(run, from, worst->at.end);
  return Finding{
      "worst-interval", Weight::notable,
      fmt::format("Worst interval: {:.2f}–{:.2f} s, with a response p99 of {}; the median "
                  "interval's is {}. {}",
                  worst->at.start, worst->at.end, formatMicros(worst->p99), formatMicros(usual),
                  during.empty()
                      ? "No event was recorded in it, or in the wait before it"
                      : fmt::format("Recorded in it, or in the wait before it: {}", during)),
      "latency.hlog by interval, events.jsonl"};
}

std::optional<Finding> serverSilent(const RunData& run) {
  for (const ServerSeries& server : run.servers) {
    std::vector<double> gaps;
    Span longest;
    for (std::size_t i = 1; i < server.points.size(); ++i) {
      const Span gap{server.points[i - 1].at, server.points[i].at};
      gaps.push_back(gap.length());
      if (gap.length() > longest.length()) longest = gap;
    }
    if (gaps.size() < 4) continue;
    const double usual = medianOf(gaps);
    if (longest.length() < kSilentAtLeast || longest.length() < kSilent * usual) continue;
    return Finding{
        "server-silent", Weight::notable,
        fmt::format("{} did not answer INFO between {:.2f} and {:.2f} s; the usual interval is "
                    "{:.2f} s. It stalled, was down, or was executing one long command",
                    server.addr, longest.start, longest.end, usual),
        "servers.csv at_s"};
  }
  return {};
}

std::optional<Finding> slowCommands(const RunData& run) {
  std::size_t entries = 0;
  std::size_t constantTime = 0;
  const Event* longest = nullptr;
  for (const Event& event : run.dir.events) {
    if (event.kind != "slowlog") continue;
    ++entries;
    if (event.name == "get" || event.name == "set") ++constantTime;
    if (longest == nullptr || event.duration > longest->duration) longest = &event;
  }
  if (longest == nullptr) return {};
  std::string text =
      fmt::format("Redis's slow log has {} {}, the longest {} ({})", entries,
                  entries == 1 ? "entry" : "entries", formatMicros(toMicros(longest->duration)),
                  shortened(longest->name, 40));
  if (constantTime != 0)
    text += fmt::format(
        ". {} of them {} GET or SET of one value, which take microseconds. There Redis's thread "
        "was "
        "not running (another process on its core, stolen time, a page fault), and the command is "
        "not the cause",
        constantTime == entries ? "All" : grouped(constantTime),
        constantTime == 1 && entries != 1 ? "is" : "are");
  return Finding{"slow-log", Weight::notable, std::move(text), "events of kind slowlog"};
}

std::optional<Finding> generatorStall(const RunData& run) {
  const double stall = run.figures.generator.longestPassUs;
  const double max = run.latencyOf("response").max;
  if (stall < kWorthNamingUs || max <= 0 || stall < max / 10) return {};
  return Finding{
      "generator-stall", Weight::notable,
      fmt::format("The generator stalled for up to {}. That much of the response maximum "
                  "({}) may be caused by it",
                  formatMicros(stall), formatMicros(max)),
      "generator.longest_pass_us, response max"};
}

std::optional<Finding> hiddenSteal(const RunData& run) {
  const GeneratorFigures& generator = run.figures.generator;
  if (generator.hiddenSteal < kStealWorthNaming) return {};
  return Finding{
      "hidden-steal", Weight::notable,
      fmt::format(
          "The generator did not run for at least {} of the time, {} at the longest, although it "
          "had "
          "not asked to sleep and no other thread had its core. The hypervisor takes time without "
          "reporting it, and presumably from the server's core too. Compare with a run on a quiet "
          "host before quoting a tail",
          formatShare(generator.hiddenSteal), formatMicros(generator.longestPauseUs)),
      "generator.hidden_steal, generator.longest_pause_us"};
}

std::optional<Finding> stolenTime(const RunData& run) {
  const double steal = run.figures.generator.steal;
  if (steal < kStealWorthNaming) return {};
  return Finding{
      "steal", Weight::notable,
      fmt::format("The hypervisor took {} of this machine's time. It may have caused the latency "
                  "above about p{:.1f}. Compare with a run on a quiet host before quoting a tail",
                  formatShare(steal), 100 * (1 - steal)),
      "generator.steal"};
}

std::optional<Finding> generatorBusy(const RunData& run) {
  const double busy = run.figures.generator.utilisation;
  if (busy < kGeneratorNearBound) return {};
  return Finding{
      "generator-busy", Weight::notable,
      fmt::format("The generator was {} busy, near its limit. If more -threads and cores "
                  "improve the figures, these are the generator's, not the server's",
                  formatShare(busy)),
      "generator.utilisation"};
}

}  // namespace redline
