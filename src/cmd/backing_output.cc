#include "cmd/backing_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "record/backing_count.h"

namespace redline {
namespace {

std::uint64_t backingCount(const BackingFigures& figures, BackingCount count) {
  const auto found = figures.counts.find(std::string(kBackingCountNames[index(count)]));
  return found == figures.counts.end() ? 0 : found->second;
}

void addTimes(std::string& out, std::string_view name, const LatencyFigures& figures) {
  if (figures.count == 0) return;
  fmt::format_to(std::back_inserter(out), "    {:<8} {} × p50 {}, p99 {}, max {}\n", name,
                 figures.count, formatMicros(figures.p50), formatMicros(figures.p99),
                 formatMicros(figures.max));
}

/// Outcomes that are no success.
void addFailures(std::string& out, const BackingFigures& b) {
  std::vector<std::string> failures;
  for (std::size_t i = index(BackingCount::missing); i <= index(BackingCount::shed); ++i)
    if (const auto count = backingCount(b, static_cast<BackingCount>(i)); count != 0)
      failures.push_back(fmt::format(
          "{} {}", kBackingCountNames[i].substr(std::string_view("store_").size()), count));
  if (!failures.empty())
    fmt::format_to(std::back_inserter(out), "    without  {}\n", fmt::join(failures, ", "));
}

void addDefences(std::string& out, const BackingFigures& b) {
  std::vector<std::string> lines;
  const auto add = [&](BackingCount count, std::string_view what) {
    if (const auto n = backingCount(b, count); n != 0)
      lines.push_back(fmt::format("{} {}", n, what));
  };
  add(BackingCount::coalesced, "reads coalesced");
  add(BackingCount::locksTaken, "locks taken");
  add(BackingCount::locksDenied, "locks denied");
  add(BackingCount::lockWaits, "GETs sent again");
  add(BackingCount::fencedRefills, "refills fenced off");
  add(BackingCount::earlyRefreshes, "early refreshes");
  add(BackingCount::staleServed, "values served past their expiry");
  add(BackingCount::staleRefreshes, "refreshes of those");
  if (!lines.empty())
    fmt::format_to(std::back_inserter(out), "  defences   {}\n", fmt::join(lines, ", "));
}

}  // namespace

void addBacking(std::string& out, const Summary& summary) {
  const BackingFigures& b = summary.backing;
  if (b.store.empty()) return;
  auto to = std::back_inserter(out);
  fmt::format_to(
      to, "  store      {} reads and {} writes on {}; queue up to {}, up to {} waiting\n",
      backingCount(b, BackingCount::reads), backingCount(b, BackingCount::writes),
      plural(b.connections, "connection"), b.longestQueue, plural(b.mostWaiting, "operation"));
  addTimes(out, "read", b.read);
  addTimes(out, "write", b.write);
  addTimes(out, "service", b.service);
  addFailures(out, b);
  fmt::format_to(to, "    refills  {}, {} failed\n", summary.cache.refills,
                 summary.cache.refillsFailed);
  if (const auto stale = backingCount(b, BackingCount::staleRefills); stale != 0)
    fmt::format_to(to, "    {} stale refills, by p50 {}, max {}\n", stale,
                   formatMicros(b.staleRefillAge.p50), formatMicros(b.staleRefillAge.max));
  addDefences(out, b);
}

std::string storeText(const Interval& interval) {
  const Counters& counts = interval.counts;
  const std::uint64_t asked = counts.of(BackingCount::reads) + counts.of(BackingCount::writes);
  if (asked + counts.storeWaiting == 0) return {};
  const double seconds = toSeconds(std::max<Nanos>(interval.end - interval.start, 1));
  std::string text = fmt::format("  store {}/s", formatCount(static_cast<double>(asked) / seconds));
  if (interval.store && interval.store->read.count() != 0)
    text += fmt::format(" p99 {}", formatDuration(interval.store->read.quantile(0.99)));
  if (counts.storeWaiting != 0)
    text += fmt::format(" queue {}", formatCount(static_cast<double>(counts.storeWaiting)));
  return text;
}

}  // namespace redline
