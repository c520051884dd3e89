#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

/// Runs in the open model with both figures; in the closed one response is service by definition.
bool comparable(const RunData& run) {
  return !run.closed() && run.latencyOf("response").p99 > 0 && run.latencyOf("service").p99 > 0;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
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
                                  microsWords(toMicros(longest))));
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
  for (const std::string& name : response.lowerBounds) names.push_back(percentileWords(name));
  return Finding{
      "lower-bounds", Weight::problem,
      fmt::format("{} operations were still outstanding when the run ended. They count with the "
                  "time they had waited until then, so these figures of response time are lower "
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
      fmt::format("Response p99 was {}, {} × service p99 ({}): ", microsWords(response),
                  ratioWords(response / service), microsWords(service));
  const std::string who =
      dispatch >= late / 2
          ? fmt::format(
                "most of the wait was in the generator, which sent operations late (dispatch "
                "p99 {})",
                microsWords(dispatch))
          : fmt::format(
                "the wait was for a free connection or a full batch, before the request was sent, "
                "as behind "
                "a stall or with too few connections; the generator's own share was small "
                "(dispatch p99 {})",
                microsWords(dispatch));
  return Finding{"wait-before-send", Weight::notable, head + who,
                 "p99 of response, service, lateness and dispatch"};
}

std::optional<Finding> waitInService(const RunData& run) {
  const double response = run.latencyOf("response").p99;
  const double service = run.latencyOf("service").p99;
  if (!comparable(run) || response > kHardlyWaited * service) return {};
  return Finding{
      "wait-in-service", Weight::plain,
      fmt::format("Response p99 ({}) is service p99 ({}): operations were sent when they were due, "
                  "and what there is of latency arose in Redis, the kernel or on the wire",
                  microsWords(response), microsWords(service)),
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
  const double usual = median(all);
  if (worst->p99 < kOutstandingInterval * usual || worst->p99 < kWorthNamingUs) return {};
  // A stall shows up in the interval that its operations complete in: look as far back as the
  // longest of them waited.
  const double from = worst->at.start - worst->max / 1e6;
  const std::string during = eventsWithin(run, from, worst->at.end);
  return Finding{
      "worst-interval", Weight::notable,
      fmt::format("The worst interval was {:.2f}–{:.2f} s: response p99 {} there, {} in the median "
                  "interval. {}",
                  worst->at.start, worst->at.end, microsWords(worst->p99), microsWords(usual),
                  during.empty()
                      ? "No recorded event lies in it or in the wait that led to it"
                      : fmt::format("Recorded in it or in the wait that led to it: {}", during)),
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
    const double usual = median(gaps);
    if (longest.length() < kSilentAtLeast || longest.length() < kSilent * usual) continue;
    return Finding{
        "server-silent", Weight::notable,
        fmt::format("{} gave no INFO between {:.2f} and {:.2f} s, where one came each {:.2f} s "
                    "otherwise: it stood still, was not there, or was busy with one long command",
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
                  entries == 1 ? "entry" : "entries", microsWords(toMicros(longest->duration)),
                  shortened(longest->name, 40));
  if (constantTime != 0)
    text += fmt::format(
        ". {} of them {} GET or SET of one value, a matter of microseconds: then Redis's thread "
        "was "
        "not running (another process on its core, stolen time, a page fault), and the command is "
        "not to blame",
        constantTime == entries ? "All" : grouped(constantTime),
        constantTime == 1 && entries != 1 ? "is" : "are");
  return Finding{"slow-log", Weight::notable, std::move(text), "events of kind slowlog"};
}

std::optional<Finding> generatorStall(const RunData& run) {
  const double stall = run.figures.generator.longestPassUs;
  const double max = run.latencyOf("response").max;
  if (stall < kWorthNamingUs || max <= 0 || stall < max / 10) return {};
  return Finding{"generator-stall", Weight::notable,
                 fmt::format("The generator itself stood still for up to {}: that much of the "
                             "response maximum ({}) may be its doing",
                             microsWords(stall), microsWords(max)),
                 "generator.longest_pass_us, response max"};
}

std::optional<Finding> hiddenSteal(const RunData& run) {
  const GeneratorFigures& generator = run.figures.generator;
  if (generator.hiddenSteal < kStealWorthNaming) return {};
  return Finding{
      "hidden-steal", Weight::notable,
      fmt::format(
          "For {} of the time at least, {} at the longest, the generator stood still though it "
          "had asked for no such sleep and no other thread had its core: a hypervisor that "
          "does not report what it takes. It will take the server's core as well: compare "
          "with a run on a quiet host before a tail is quoted",
          percent(generator.hiddenSteal), microsWords(generator.longestPauseUs)),
      "generator.hidden_steal, generator.longest_pause_us"};
}

std::optional<Finding> stolenTime(const RunData& run) {
  const double steal = run.figures.generator.steal;
  if (steal < kStealWorthNaming) return {};
  return Finding{
      "steal", Weight::notable,
      fmt::format("The hypervisor took {} of this machine's time. Latency above about p{:.1f} may "
                  "be its doing; compare with a run on a quiet host before a tail is quoted",
                  percent(steal), 100 * (1 - steal)),
      "generator.steal"};
}

std::optional<Finding> generatorBusy(const RunData& run) {
  const double busy = run.figures.generator.utilisation;
  if (busy < kGeneratorNearBound) return {};
  return Finding{"generator-busy", Weight::notable,
                 fmt::format("The generator was {} busy, near its own ceiling: with more -threads "
                             "and cores the figures may improve, and then they were not the "
                             "server's",
                             percent(busy)),
                 "generator.utilisation"};
}

}  // namespace redline
