#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "record/validity.h"
#include "report/finding_rules.h"
#include "report/text.h"

namespace redline {
namespace {

/// How much a counter of INFO grew over the samples of all servers; a restart counts from zero.
double grown(const RunData& run, std::string_view field) {
  double sum = 0;
  std::map<std::string, double, std::less<>> before;
  for (const ServerSample& sample : run.dir.servers) {
    const double now = sample.number(field);
    const auto [last, first] = before.try_emplace(sample.addr, now);
    if (!first) sum += now >= last->second ? now - last->second : now;
    last->second = now;
  }
  return sum;
}

std::string sizeText(double bytes) {
  return formatSize(static_cast<std::uint64_t>(std::max(0.0, bytes)));
}

}  // namespace

std::optional<Finding> wrongValues(const RunData& run) {
  const VerifyFigures& verify = run.figures.verify;
  if (verify.corrupt + verify.stale + verify.lostAcknowledged == 0) return {};
  return Finding{"wrong-values", Weight::problem,
                 fmt::format("Of {} values checked, {} were corrupt and {} stale. {} acknowledged "
                             "writes were lost",
                             grouped(verify.checked), grouped(verify.corrupt),
                             grouped(verify.stale), grouped(verify.lostAcknowledged)),
                 "verify"};
}

std::optional<Finding> rightValues(const RunData& run) {
  const VerifyFigures& verify = run.figures.verify;
  if (verify.checked == 0 || wrongValues(run)) return {};
  return Finding{
      "right-values", Weight::plain,
      fmt::format("All {} values checked were what had been written", grouped(verify.checked)),
      "verify.checked, verify.corrupt"};
}

std::optional<Finding> misses(const RunData& run) {
  const CacheFigures& cache = run.figures.cache;
  if (cache.misses == 0) return {};
  std::uint64_t evicted = 0;
  std::uint64_t expired = 0;
  for (const ServerFigures& server : run.figures.servers) {
    evicted += server.evicted;
    expired += server.expired;
  }
  std::string why;
  if (evicted + expired != 0)
    why = fmt::format(". During the run the servers evicted {} keys, and {} expired",
                      grouped(evicted), grouped(expired));
  else if (!run.figures.servers.empty())
    why =
        ". No key was evicted or expired during the run: these were gone before it, or deleted, or "
        "never loaded";
  return Finding{"misses", Weight::notable,
                 fmt::format("{} of {} reads missed: hit rate {}{}", grouped(cache.misses),
                             grouped(cache.hits + cache.misses), formatShare(cache.hitRate), why),
                 "cache.hits, cache.misses; servers' evicted, expired"};
}

std::optional<Finding> serverBound(const RunData& run) {
  const double busy = busiestServer(run);
  if (busy < kServerBound) return {};
  return Finding{
      "server-bound", Weight::notable,
      fmt::format("Redis's main thread was {} busy: the server was at its maximum rate for these "
                  "operations, or close to it, where latency is mostly queueing",
                  formatShare(busy)),
      "servers' main_thread_utilisation"};
}

std::optional<Finding> serverWithoutCore(const RunData& run) {
  const auto& servers = run.figures.servers;
  const auto worst = std::ranges::max_element(servers, {}, &ServerFigures::waitingForCore);
  if (worst == servers.end() || worst->waitingForCore < kWithoutCoreWorthNaming) return {};
  return Finding{
      "server-without-core", Weight::notable,
      fmt::format(
          "{}'s main thread was ready to run and had no core for {} of the time, because "
          "other threads ran there. Every client waits meanwhile. Give it a CPU of its own: "
          "one in -server-cpus that is not in -cpus and runs nothing else",
          worst->addr, formatShare(worst->waitingForCore)),
      "servers' waiting_for_core: the run delay of its main thread, by Linux"};
}

std::optional<Finding> fragmentation(const RunData& run) {
  for (const ServerFigures& server : run.figures.servers) {
    if (server.fragmentation < kFragmented ||
        static_cast<double>(server.usedMemory) < kFragmentedAtLeast)
      continue;
    return Finding{"fragmentation", Weight::notable,
                   fmt::format("{} held {} of memory for {} of data (mem_fragmentation_ratio "
                               "{:.2f})",
                               server.addr, formatSize(server.usedMemoryRss),
                               formatSize(server.usedMemory), server.fragmentation),
                   "servers' mem_fragmentation_ratio, used_memory, used_memory_rss"};
  }
  return {};
}

std::optional<Finding> memoryGrew(const RunData& run) {
  for (const ServerSeries& series : run.servers) {
    if (series.points.size() < 2) continue;
    const double first = series.points.front().usedMemory;
    const double last = series.points.back().usedMemory;
    if (first <= 0 || std::abs(last - first) < kMemoryGrowth * first) continue;
    return Finding{"memory-changed", Weight::notable,
                   fmt::format("used_memory of {} {} from {} to {} during the run", series.addr,
                               last > first ? "grew" : "shrank", sizeText(first), sizeText(last)),
                   "servers.csv used_memory, first and last sample"};
  }
  return {};
}

std::optional<Finding> forked(const RunData& run) {
  const double forks = grown(run, "total_forks");
  if (forks < 1) return {};
  // Until a server forks in the run, the field tells of an earlier fork.
  double longest = 0;
  std::map<std::string, double, std::less<>> before;
  for (const ServerSample& sample : run.dir.servers) {
    const double count = sample.number("total_forks");
    if (before.try_emplace(sample.addr, count).first->second != count)
      longest = std::max(longest, sample.number("latest_fork_usec"));
  }
  return Finding{
      "forked", Weight::notable,
      fmt::format("Redis forked {:.0f} time{} and stalled for up to {} while its page tables were "
                  "copied",
                  forks, forks < 1.5 ? "" : "s", formatMicros(longest)),
      "servers.csv total_forks, latest_fork_usec"};
}

std::optional<Finding> delayedFsync(const RunData& run) {
  const double delayed = grown(run, "aof_delayed_fsync");
  if (delayed < 1) return {};
  return Finding{
      "delayed-fsync", Weight::notable,
      fmt::format("{:.0f} fsync{} of the append-only file took so long that Redis waited for the "
                  "disk before the next write",
                  delayed, delayed < 1.5 ? "" : "s"),
      "servers.csv aof_delayed_fsync"};
}

}  // namespace redline
