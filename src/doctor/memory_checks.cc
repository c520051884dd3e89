#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "base/text.h"
#include "base/units.h"
#include "doctor/checks.h"
#include "server/stack_state.h"

namespace redline {
namespace {

constexpr std::string_view kLimit = "maxmemory", kPolicy = "maxmemory_policy";
constexpr double kCrowded = 0.05;    ///< share of the memory that clients may take unnoticed
constexpr double kEndangered = 0.2;  ///< beyond it their buffers push the data out
constexpr double kStuckKeys = 0.7;   ///< share of the limit that may be of keys that cannot go

std::uint64_t limitsHere(const DoctorFacts& facts) {
  std::uint64_t sum = 0;
  for (const ServerFacts& server : facts.servers)
    if (server.here) sum += server.info.count(kLimit);
  return sum;
}

/// Sets a limit that leaves room for forks, beside the other servers that are here. A limit below
/// what the server holds would evict its data at once, or refuse every write: then only more room
/// helps.
std::vector<std::string> limitFixes(const ServerFacts& server, const DoctorFacts& facts,
                                    bool withPolicy) {
  const auto commands = [&](const std::string& limit) {
    std::vector<std::string> lines{configSet(server, "maxmemory", limit)};
    if (withPolicy) lines.push_back(configSet(server, "maxmemory-policy", "allkeys-lru"));
    return lines;
  };
  if (!server.here) return commands("<bytes>");
  std::uint64_t used = 0;
  for (const ServerFacts& other : facts.servers)
    if (other.here) used += other.info.count("used_memory_rss");
  const auto here =
      static_cast<std::uint64_t>(std::ranges::count_if(facts.servers, &ServerFacts::here));
  const std::uint64_t share = defaultMaxmemory(facts.machine.host.memoryAvailable + used, here);
  const std::uint64_t data = server.info.count("used_memory");
  if (share >= data) return commands(std::to_string(share));
  return {fmt::format(
      "its data, {}, is more than its share of this machine, {}: move data or servers away before "
      "a limit is set, which would evict data or refuse writes now",
      formatSize(data), formatSize(share))};
}

}  // namespace

std::optional<Diagnosis> judgeLimit(const ServerFacts& server, const DoctorFacts& facts) {
  const std::uint64_t limit = server.info.count(kLimit);
  const HostFacts& host = facts.machine.host;
  if (limit == 0)
    return Diagnosis{Severity::dangerous,
                     fmt::format("maxmemory is 0, and {} are used",
                                 formatSize(server.info.count("used_memory"))),
                     "it grows until the kernel kills it or a fork fails; nothing is ever evicted",
                     nullptr, limitFixes(server, facts, true)};
  const std::uint64_t sum = limitsHere(facts);
  if (server.here && host.memoryTotal != 0 && sum > host.memoryTotal)
    return Diagnosis{
        Severity::dangerous,
        fmt::format("maxmemory is {}; with the others here that makes {}, and the machine has {}",
                    formatSize(limit), formatSize(sum), formatSize(host.memoryTotal)),
        "before the servers reach their limits the kernel swaps, or kills one of them", nullptr,
        limitFixes(server, facts, false)};
  return fine(fmt::format("{}, {} of it used", formatSize(limit),
                          formatShare(shareOf(server.info.count("used_memory"), limit))));
}

std::optional<Diagnosis> judgePolicy(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const std::uint64_t limit = server.info.count(kLimit);
  if (limit == 0) return std::nullopt;  // nothing is evicted then: judgeLimit()
  const std::string policy(server.info.text(kPolicy));
  const double used = shareOf(server.info.count("used_memory"), limit);
  if (policy == "noeviction")
    return Diagnosis{Severity::dangerous,
                     fmt::format("noeviction, and {} of maxmemory is used", formatShare(used)),
                     "at the limit every write is refused with -OOM: right for a store that alerts "
                     "long before, wrong for a cache",
                     &kVolatilePrice,
                     {configSet(server, "maxmemory-policy", "allkeys-lru")}};
  if (!policy.starts_with("volatile")) return fine(policy);
  std::uint64_t expiring = 0;
  for (const auto& [number, space] : server.info.keyspace) expiring += space.expires;
  const double stuck = used * (1 - shareOf(expiring, server.info.keys()));
  const std::string evidence =
      fmt::format("{}; {} of {} keys have a time to live and can be evicted", policy,
                  formatCount(static_cast<double>(expiring)),
                  formatCount(static_cast<double>(server.info.keys())));
  if (server.info.keys() == 0 || stuck < kStuckKeys) return fine(evidence);
  return Diagnosis{
      Severity::dangerous,
      fmt::format("{}; the others fill about {} of maxmemory", evidence, formatShare(stuck)),
      "when keys without a time to live alone exceed maxmemory, writes are refused "
      "with -OOM",
      &kVolatilePrice,
      {configSet(server, "maxmemory-policy", "allkeys-lru")}};
}

std::optional<Diagnosis> judgeEviction(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const double evicted = server.perSecond("evicted_keys");
  const double hits = server.perSecond("keyspace_hits"),
               misses = server.perSecond("keyspace_misses");
  if (evicted < 1)
    return fine(fmt::format("none just now, {} keys since the start",
                            formatCount(server.info.number("evicted_keys"))));
  return Diagnosis{Severity::costsLatency,
                   fmt::format("{} keys a second{}", formatCount(evicted),
                               hits + misses > 0 ? fmt::format(", at a hit rate of {}",
                                                               formatShare(hits / (hits + misses)))
                                                 : std::string()),
                   "the working set exceeds maxmemory: what was evicted is a miss, and a read of "
                   "the store behind",
                   &kEvictionPrice,
                   {"raise maxmemory, add masters, or store less",
                    "redline lab run eviction-cliff: what a smaller limit costs"}};
}

std::optional<Diagnosis> judgeSwapped(const ServerFacts& server, const DoctorFacts& facts) {
  if (!server.process || facts.machine.host.swapTotal == 0) return std::nullopt;
  const std::uint64_t swapped = server.process->swapped;
  if (swapped == 0) return fine("nothing of it is in swap");
  return Diagnosis{Severity::costsLatency,
                   fmt::format("{} of it are in swap", formatSize(swapped)),
                   "a key in a swapped page costs a disk read on the event loop: milliseconds for "
                   "every client",
                   nullptr,
                   {"swapoff -a"}};
}

std::optional<Diagnosis> judgeBuffers(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const ClientFacts& clients = *server.clients;
  const std::uint64_t used = server.info.count("mem_clients_normal");
  const std::uint64_t room = std::max(server.info.count(kLimit), server.info.count("used_memory"));
  const bool unlimited =
      server.setting("client-output-buffer-limit").find("normal 0 0 0") != std::string_view::npos &&
      server.setting("maxmemory-clients") == "0";
  std::string evidence = fmt::format("buffers of {} have {}; the longest reply that waits has {}",
                                     plural(clients.clients, "client"), formatSize(used),
                                     formatSize(clients.largestBuffer));
  if (clients.largestBuffer != 0) evidence += fmt::format(", for {}", clients.largest);
  if (unlimited) evidence += "; there is no limit";
  const double share = shareOf(used, room);
  if (share < kCrowded) return fine(evidence);
  return Diagnosis{share >= kEndangered ? Severity::dangerous : Severity::costsLatency,
                   fmt::format("{}: {} of the memory", evidence, formatShare(share)),
                   "buffers count towards maxmemory: replies that nobody fetches evict data, or "
                   "refuse writes",
                   &kReplyPrice,
                   {configSet(server, "maxmemory-clients", "5%"),
                    redisCli(server, {"CLIENT", "LIST"}) + "  # omem: who does not read"}};
}

}  // namespace redline
