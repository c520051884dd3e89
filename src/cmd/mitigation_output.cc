#include "cmd/mitigation_output.h"

#include <fmt/format.h>

#include <iterator>

#include "base/numbers.h"
#include "base/units.h"
#include "record/mitigation_count.h"

namespace redline {
namespace {

using Count = MitigationCount;

std::uint64_t countOf(const MitigationFigures& figures, Count count) {
  const auto found = figures.counts.find(std::string(kMitigationCountNames[index(count)]));
  return found == figures.counts.end() ? 0 : found->second;
}

void addCache(std::string& out, const MitigationFigures& m) {
  const std::uint64_t hits = countOf(m, Count::localHits);
  const std::uint64_t asked = hits + countOf(m, Count::localMisses);
  fmt::format_to(std::back_inserter(out),
                 "  local cache {:.1f}% of {} reads; {} × {} entries, {} used of {}; {} "
                 "invalidations received, {} entries dropped, {} fills poisoned, {} flushes\n",
                 100 * shareOf(hits, asked), asked, m.caches, m.cacheEntries,
                 formatSize(m.cacheBytesUsed), formatSize(m.cacheBytes),
                 countOf(m, Count::invalidationsReceived), countOf(m, Count::invalidations),
                 countOf(m, Count::poisonedFills), countOf(m, Count::cacheFlushes));
}

void addSplit(std::string& out, const MitigationFigures& m) {
  fmt::format_to(std::back_inserter(out),
                 "  key split  {} keys × {} copies ({}): {} reads, {} writes, {:.2f} copies for "
                 "each write of the run, {} partial\n",
                 m.splitKeys, m.splitWays, m.split, countOf(m, Count::splitReads),
                 countOf(m, Count::splitWrites), m.writeFanOut, countOf(m, Count::partialWrites));
}

void addReplicas(std::string& out, const MitigationFigures& m) {
  const std::uint64_t away = countOf(m, Count::replicaReads);
  fmt::format_to(
      std::back_inserter(out),
      "  replicas   {:.1f}% of {} reads ({}), {} at masters because none was reachable\n",
      100 * shareOf(away, away + countOf(m, Count::masterReads)),
      away + countOf(m, Count::masterReads), m.replicaPolicy, countOf(m, Count::fallbackReads));
  for (const ReplicationLagFigures& lag : m.replicas)
    fmt::format_to(std::back_inserter(out), "    {} behind by at most {} (p99 {})\n", lag.addr,
                   formatSize(static_cast<std::uint64_t>(lag.max)),
                   formatSize(static_cast<std::uint64_t>(lag.p99)));
}

void addLedger(std::string& out, const Summary& summary) {
  const MitigationFigures& m = summary.mitigation;
  auto to = std::back_inserter(out);
  fmt::format_to(to,
                 "  ledger     {} keys: {} reads, {} stale, {} impossible; {} acknowledged writes, "
                 "{} lost\n",
                 m.ledgerKeys, countOf(m, Count::ledgerReads), summary.verify.stale,
                 countOf(m, Count::impossible), countOf(m, Count::ledgerWrites),
                 summary.verify.lostAcknowledged);
  if (m.staleness.count != 0)
    fmt::format_to(to, "    stale by p50 {}, p99 {}, max {}\n", formatMicros(m.staleness.p50),
                   formatMicros(m.staleness.p99), formatMicros(m.staleness.max));
  if (m.invalidationLag.count != 0)
    fmt::format_to(to, "    invalidation lag p50 {}, p99 {}, max {}\n",
                   formatMicros(m.invalidationLag.p50), formatMicros(m.invalidationLag.p99),
                   formatMicros(m.invalidationLag.max));
  if (m.missingKeys + m.divergentKeys != 0)
    fmt::format_to(to, "    at the end {} keys were gone, and the copies of {} differed\n",
                   m.missingKeys, m.divergentKeys);
}

}  // namespace

void addMitigation(std::string& out, const Summary& summary) {
  const MitigationFigures& m = summary.mitigation;
  if (m.caches != 0) addCache(out, m);
  if (!m.split.empty()) addSplit(out, m);
  if (!m.replicaPolicy.empty()) addReplicas(out, m);
  if (m.ledgerKeys != 0) addLedger(out, summary);
}

}  // namespace redline
