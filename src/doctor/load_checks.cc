#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/numbers.h"
#include "base/text.h"
#include "base/units.h"
#include "doctor/checks.h"
#include "doctor/remedies.h"
#include "server/server_log.h"

namespace redline {
namespace {

constexpr double kNearlyFull = 0.9;    ///< of maxclients
constexpr double kBusyThread = 0.8;    ///< beyond it queues grow faster than the load
constexpr double kNoticedWait = 0.01;  ///< share of the time that shows in a p99
constexpr Nanos kSlowCommand = 10 * kMillisecond;

bool isLoad(const Event& entry) {
  return entry.detail.starts_with("DEBUG RELOAD NOSAVE NOFLUSH MERGE");  // run/rdb_loading.h
}

/// What redline did itself, and not the clients that are judged.
bool isOurs(const Event& entry) {
  return isLoad(entry) || clientNameOf(entry).starts_with("redline-");
}

/// The longest first.
std::vector<Event> slowOnes(const std::vector<Event>& log, bool ours) {
  std::vector<Event> found;
  std::ranges::copy_if(log, std::back_inserter(found), [ours](const Event& entry) {
    return entry.duration >= kSlowCommand && isOurs(entry) == ours;
  });
  std::ranges::stable_sort(found, std::greater(), &Event::duration);
  return found;
}

std::string oursText(const std::vector<Event>& ours) {
  if (ours.empty()) return {};
  const Event& longest = ours.front();
  return fmt::format("; not counted: {} by redline itself, the longest {}: {}", ours.size(),
                     formatDuration(longest.duration),
                     isLoad(longest) ? "a load (DEBUG RELOAD)" : longest.detail);
}

/// For each command once, the slowest first.
std::vector<std::string> remedies(const std::vector<Event>& slow) {
  constexpr std::size_t kMost = 4;
  std::vector<std::string> texts;
  for (const Event& entry : slow) {
    std::string text = remedyText(entry.name);
    if (texts.size() < kMost && std::ranges::find(texts, text) == texts.end())
      texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace

std::optional<Diagnosis> judgeClients(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const double connected = server.info.number("connected_clients");
  const double most = server.info.number("maxclients");
  const std::uint64_t rejected = server.info.count("rejected_connections");
  std::string evidence =
      fmt::format("{} of {}", formatCount(connected), most > 0 ? formatCount(most) : "unknown");
  if (rejected != 0)
    evidence += fmt::format("; {} refused since the start", plural(rejected, "connection"));
  const bool full = most > 0 && connected >= kNearlyFull * most;
  if (!full && server.perSecond("rejected_connections") <= 0) return fine(evidence);
  return Diagnosis{
      Severity::dangerous,
      evidence,
      "at maxclients new connections are refused, those of a failover's clients too",
      nullptr,
      {"use connection pools, close idle connections (CONFIG SET timeout 300)",
       configSet(server, "maxclients", std::to_string(static_cast<unsigned>(2 * most)))}};
}

std::optional<Diagnosis> judgeMainThread(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const double busy =
      server.perSecond("used_cpu_user_main_thread") + server.perSecond("used_cpu_sys_main_thread");
  const std::string evidence =
      fmt::format("{} busy, {} commands a second", formatShare(busy),
                  formatCount(server.perSecond("total_commands_processed")));
  if (busy < kBusyThread) return fine(evidence);
  return Diagnosis{Severity::costsLatency,
                   evidence,
                   "one thread executes all commands: near its limit what is due meanwhile queues, "
                   "and p99 grows much faster than the load",
                   &kSaturationPrice,
                   {"pipeline what can go together, spread keys over more masters, read from "
                    "replicas",
                    "redline lab run pipelining: what batches save"}};
}

std::optional<Diagnosis> judgeCore(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  constexpr std::string_view kWaiting = "waiting_for_core_main_thread";  // server/kernel_figures.h
  if (server.info.text(kWaiting).empty()) return std::nullopt;
  const double waited = server.perSecond(kWaiting);
  const std::string evidence =
      fmt::format("its main thread waited for a core in {} of the time", formatShare(waited));
  if (waited < kNoticedWait) return fine(evidence);
  return Diagnosis{
      Severity::costsLatency,
      evidence,
      "other threads have its core while commands wait",
      &kNoCorePrice,
      {"give it a core of its own: server_cpulist, and bgsave_cpulist, bio_cpulist and "
       "aof_rewrite_cpulist elsewhere (redis.conf; not by CONFIG SET)"}};
}

std::optional<Diagnosis> judgeSlowCommands(const ServerFacts& server, const DoctorFacts& facts) {
  const std::vector<Event>& log = *server.slowLog;
  const std::string entries = plural(log.size(), "entry", "entries");
  const std::string ours = oursText(slowOnes(log, true));
  const std::vector<Event> slow = slowOnes(log, false);
  if (slow.empty())
    return fine(fmt::format("none of {} or more in the slow log ({}{})",
                            formatDuration(kSlowCommand), entries, ours));
  const Event& longest = slow.front();
  const auto timeout = toNumber<Nanos>(server.setting("cluster-node-timeout"));
  const bool failsOver =
      facts.cluster && timeout && longest.duration >= saturated(*timeout, kMillisecond);
  return Diagnosis{
      failsOver ? Severity::dangerous : Severity::costsLatency,
      fmt::format("{} of {} of the slow log took {} or more; the longest {}: {}{}", slow.size(),
                  entries, formatDuration(kSlowCommand), formatDuration(longest.duration),
                  longest.detail, ours),
      failsOver ? "longer than cluster-node-timeout: the cluster takes the master for dead, and "
                  "fails over"
                : "while a command is executed the server answers nobody else",
      remedyOf(longest.name).price, remedies(slow)};
}

}  // namespace redline
