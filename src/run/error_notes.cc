#include "run/error_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "record/operation.h"

namespace redline {
namespace {

constexpr double kNotedShare = 0.01;  // of the operations

std::string_view meaningOf(std::string_view kind, bool cluster) {
  if (cluster && kind == kFailureNames[index(Failure::redirects)])
    return "the nodes sent them on to each other until their deadline: they disagree on who owns "
           "the "
           "slots; see redis-cli --cluster check";
  using Entry = std::pair<Failure, std::string_view>;
  static constexpr std::array<Entry, kFailures> kMeanings{{
      {Failure::serverError,
       "Redis refused the command itself: send it by hand with redis-cli to read why"},
      {Failure::oom,
       "the server is at maxmemory and its policy finds no key to evict: raise maxmemory, take an "
       "allkeys policy, or give more keys a time to live (-ttl-frac)"},
      {Failure::loading,
       "the server was reading its data into memory: wait until INFO says loading:0"},
      {Failure::readOnly,
       "the server is a replica and takes no writes: name its master with -addr, or use "
       "-rw-ratio=1"},
      {Failure::misconf,
       "the server's last BGSAVE failed and it takes no writes until one succeeds: repair its disk "
       "(see its log), or set stop-writes-on-bgsave-error no"},
      {Failure::busy,
       "a script or function blocked the server: end it with SCRIPT KILL or FUNCTION KILL, and "
       "find "
       "out who runs it"},
      {Failure::masterDown,
       "the server is a replica that has lost its master and serves no stale data: repair the "
       "link, or set replica-serve-stale-data yes"},
      {Failure::noAuth,
       "the server requires a credentials, or its user lacks the permission: set REDLINE_PASSWORD "
       "(and "
       "-user), or extend the user's ACL"},
      {Failure::clusterDown, "the cluster had slots without an owner: see CLUSTER INFO"},
      {Failure::redirects,
       "the server is a node of a cluster and the keys live on others: drive it as a cluster"},
      {Failure::execAbort,
       "Redis refused a command of a transaction and dropped all of it: see the other errors"},
      {Failure::wrongType,
       "keys of this data set hold other types than strings: load into an empty server"},
      {Failure::timeout,
       "they exceeded -op-timeout: lower -rate, or find out what stalls the server"},
      {Failure::disconnected,
       "the server closed the connections or died: see its log, timeout and maxclients"},
      {Failure::unknownFate,
       "writes were under way when their connection was lost, so it is unknown whether they were "
       "stored"},
      {Failure::protocol, "replies were not what Redis answers: is there a proxy in between?"},
      {Failure::underReplicated,
       "the master had the writes, and fewer replicas than -wait-replicas within -wait-timeout: "
       "see INFO replication for replicas that are down, behind or missing"},
      {Failure::storeFailed,
       "the store behind the cache could not be asked or refused: see store_… in intervals.csv for "
       "the kind, and PostgreSQL's log"},
      {Failure::storeTimeout,
       "the store behind the cache had no answer within -backing-timeout: it is behind, or a lock "
       "of -miss-lock was never given back; lower the misses, or raise -backing-conns"},
      {Failure::storeShed,
       "-backing-max-rate was reached, or the store's queue was full: that is admission control at "
       "work"},
  }};
  for (const auto& [failure, meaning] : kMeanings)
    if (kFailureNames[index(failure)] == kind) return meaning;
  return "see the server's log";
}

}  // namespace

std::vector<std::string> errorNotes(const RateFigures& rate, bool cluster) {
  std::vector<std::pair<std::uint64_t, std::string_view>> kinds;
  for (const auto& [name, count] : rate.errors) kinds.emplace_back(count, name);
  std::ranges::stable_sort(kinds, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> notes;
  for (const auto& [count, kind] : kinds) {
    const double share = static_cast<double>(count) /
                         static_cast<double>(std::max<std::uint64_t>(rate.scheduled, 1));
    if (share < kNotedShare) break;
    notes.push_back(fmt::format("{:.0f}% of the operations failed with {}: {}", 100 * share, kind,
                                meaningOf(kind, cluster)));
  }
  return notes;
}

}  // namespace redline
