#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "base/text.h"
#include "base/units.h"
#include "doctor/checks.h"
#include "server/cluster_admin.h"
#include "server/key_look.h"

namespace redline {
namespace {

constexpr double kShortBacklogS = 10;
constexpr double kNoticedRate = 1000;  ///< operations a second of all masters: fewer say nothing
constexpr double kUneven = 1.5;        ///< times an even share

std::string onDisk(const ServerFacts& server) {
  const bool appends = server.info.text("aof_enabled") == "1";
  if (!server.settings) return appends ? "an append-only file" : "nothing that is known of";
  const bool saves = !server.setting("save").empty();
  if (appends) return "an append-only file";
  return saves ? "snapshots" : "nothing";
}

}  // namespace

std::optional<Diagnosis> judgeReplicas(const ServerFacts& server, const DoctorFacts& facts) {
  if (!server.isMaster()) return std::nullopt;
  const std::uint64_t replicas = server.info.count("connected_slaves");
  if (replicas != 0) return fine(fmt::format("{} connected", replicas));
  const bool stopsAll = facts.cluster && server.setting("cluster-require-full-coverage") != "no";
  std::vector<std::string> fixes = healLines(facts);
  const Endpoint& at = server.endpoint;
  fixes.push_back(
      facts.cluster
          ? fmt::format("redis-cli --cluster add-node NEW-HOST:PORT {} --cluster-slave", at.text())
          : fmt::format("redis-cli -p NEW-PORT REPLICAOF {}",
                        at.isUnix() ? "HOST PORT" : fmt::format("{} {}", at.host, at.port)));
  return Diagnosis{
      Severity::dangerous, fmt::format("none; on the disk there is {}", onDisk(server)),
      !facts.cluster
          ? "when it dies its data is gone or stale, and every read meets the store behind"
      : stopsAll ? "when it dies its slots have no owner, and the whole cluster refuses commands"
                 : "when it dies its slots are not served",
      &kFailoverPrice, std::move(fixes)};
}

std::optional<Diagnosis> judgeReplicaLink(const ServerFacts& server, const DoctorFacts& facts) {
  if (server.isMaster()) return std::nullopt;
  const ReplicationState state = parseReplication(server.info);
  if (state.linkUp)
    return fine(fmt::format("up, to {}; heard {} s ago", state.source.text(),
                            server.info.text("master_last_io_seconds_ago")));
  const std::string_view since = server.info.text("master_link_down_since_seconds");
  std::vector<std::string> fixes = healLines(facts);
  fixes.emplace_back("see both logs: a password (masterauth), a full backlog, a network");
  return Diagnosis{Severity::dangerous,
                   fmt::format("down, to {}, {}", state.source.text(),
                               since.empty() || since == "-1" ? "and never was up"
                                                              : fmt::format("for {} s", since)),
                   "it falls behind, and cannot replace its master", nullptr, std::move(fixes)};
}

std::optional<Diagnosis> judgeBacklog(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  if (!server.isMaster() || server.info.count("connected_slaves") == 0) return std::nullopt;
  const double size = server.info.number("repl_backlog_size");
  const double rate = server.perSecond("master_repl_offset");
  const std::string bytes = formatSize(static_cast<std::uint64_t>(size));
  if (rate < 1) return fine(fmt::format("{}, and nothing is written just now", bytes));
  const double seconds = size / rate;
  const std::string evidence =
      fmt::format("{}, at {} a second that is {} of writes", bytes,
                  formatSize(static_cast<std::uint64_t>(rate)), formatMicros(1e6 * seconds));
  if (seconds >= kShortBacklogS) return fine(evidence);
  return Diagnosis{Severity::costsLatency,
                   evidence,
                   "a replica that is away for longer needs a full copy: the master forks for it",
                   &kSnapshotPrice,
                   {configSet(server, "repl-backlog-size",
                              std::to_string(static_cast<std::uint64_t>(60 * rate)))}};
}

namespace {

/// Slots that nobody serves, by what is the matter with them.
struct Unserved {
  std::vector<SlotRange> unowned;
  std::string failed, suspected;  ///< addresses of nodes, blanks before
  std::size_t masters = 0, suspectedMasters = 0;
  std::size_t slotsOfFailed = 0, slotsOfSuspected = 0;
};

Unserved unservedIn(const ClusterFacts& cluster) {
  Unserved found;
  found.unowned = cluster.map.uncovered();
  if (!cluster.view) return found;
  for (const ClusterMember& member : cluster.view->nodes) {
    const std::size_t slots = slotCount(member.slots);
    if (member.failed) {
      found.failed += " " + member.endpoint.text();
      if (slots != 0) ++found.masters, found.slotsOfFailed += slots;
    } else if (member.suspected) {
      found.suspected += " " + member.endpoint.text();
      if (slots != 0) ++found.suspectedMasters, found.slotsOfSuspected += slots;
    }
  }
  return found;
}

std::string stateEvidence(const ClusterFacts& cluster, const Unserved& found) {
  std::string text = fmt::format("cluster_state is {}", cluster.state);
  if (!found.unowned.empty())
    text += fmt::format("; {} of {} slots have no owner", slotCount(found.unowned), kSlots);
  if (found.slotsOfFailed != 0)
    text +=
        fmt::format("; {} of {} slots belong to {} (failed nodes:{})", found.slotsOfFailed, kSlots,
                    found.masters == 1 ? "a failed master" : "failed masters", found.failed);
  if (found.slotsOfSuspected != 0)
    text +=
        fmt::format("; {} of {} slots belong to {} that the node asked gets no answer from{}",
                    found.slotsOfSuspected, kSlots,
                    found.suspectedMasters == 1 ? "a master" : "masters", ":" + found.suspected);
  if (!cluster.view)
    text += fmt::format("; failed nodes cannot be seen: {}", cluster.view.error().message);
  else if (found.unowned.empty() && found.slotsOfFailed == 0 && found.slotsOfSuspected == 0)
    text +=
        "; every slot has an owner that is not known to have failed: the node asked has just "
        "started, or is cut off from most masters";
  return text;
}

/// `redis-cli --cluster fix` through a node that answers.
std::string clusterFix(const DoctorFacts& facts) {
  const auto at = std::ranges::find_if(
      facts.servers, [](const ServerFacts& server) { return server.problem.empty(); });
  if (at == facts.servers.end()) return "redis-cli --cluster fix HOST:PORT";
  return fmt::format("redis-cli{} --cluster fix {}", at->tls ? " --tls" : "", at->endpoint.text());
}

/// Failed nodes come back with their data; fixing gives their slots away, empty.
std::vector<std::string> stateFixes(const DoctorFacts& facts, const Unserved& found) {
  std::vector<std::string> fixes = healLines(facts);
  const bool failed = found.slotsOfFailed + found.slotsOfSuspected != 0;
  if (failed && fixes.empty())
    fixes.emplace_back(
        "restart those nodes in their directories, or let them go on if they are "
        "stopped: they come back with their slots");
  if (!found.unowned.empty()) fixes.push_back(clusterFix(facts));
  if (failed)
    fixes.push_back(clusterFix(facts) +
                    " --cluster-fix-with-unreachable-masters  # gives up what they hold");
  if (!facts.cluster->view)
    fixes.push_back(wayToKnow(facts.cluster->view.error().message, "+cluster|nodes"));
  if (fixes.empty())
    fixes.emplace_back(
        "look again in some seconds; then see the network between the nodes, the "
        "bus port too");
  return fixes;
}

Diagnosis judgeState(const DoctorFacts& facts) {
  const ClusterFacts& cluster = *facts.cluster;
  const Unserved found = unservedIn(cluster);
  if (cluster.state == "fail" || !found.unowned.empty() || found.slotsOfFailed != 0)
    return {Severity::dangerous, stateEvidence(cluster, found),
            "keys of those slots are not served; with full coverage required, none are", nullptr,
            stateFixes(facts, found)};
  if (!found.failed.empty()) {
    std::vector<std::string> fixes = healLines(facts);
    fixes.emplace_back(fixes.empty()
                           ? "restart them, or CLUSTER FORGET them on every other node"
                           : "of those that are not to come back: CLUSTER FORGET on every "
                             "other node");
    return {Severity::dangerous, "nodes that have failed:" + found.failed,
            "their masters or slots have no second copy any more", nullptr, std::move(fixes)};
  }
  if (!cluster.view)
    return {Severity::unknown,
            cluster.view.error().message,
            "nodes that have failed and slots that are left open cannot be seen",
            nullptr,
            {wayToKnow(cluster.view.error().message, "+cluster|nodes")}};
  std::size_t open = 0;
  for (const ClusterMember& member : cluster.view->nodes)
    open += member.migrating.size() + member.importing.size();
  if (open != 0)
    return {Severity::costsLatency,
            fmt::format("{} being moved", plural(open, "slot is", "slots are")),
            "keys of an open slot cost a redirect or TRYAGAIN; one that is left open stays so",
            nullptr,
            {"wait for the reshard, or " + clusterFix(facts)}};
  return fine(fmt::format("ok, {} nodes, all slots owned", cluster.map.nodes().size()));
}

/// How the load on slots is seen: of any client by the uses of keys, which only LFU policies count.
std::vector<std::string> waysToSeeLoad(const ServerFacts& server) {
  std::vector<std::string> ways{
      "of redline driver's load: its live page (-metrics=127.0.0.1:9121), or slots.csv afterwards"};
  const std::string_view policy = server.info.text("maxmemory_policy");
  if (!countsUses(policy))
    ways.push_back(configSet(server, "maxmemory-policy", lfuPolicyFor(policy)) +
                   "  # on every master: LFU counts uses of keys, by any client");
  ways.push_back(fmt::format("redline top -addr={}  # {}; or of one master {}",
                             server.endpoint.text(), "under LFU, after some minutes",
                             redisCli(server, {"--hotkeys"})));
  return ways;
}

/// Whether one master has much more of the load than the others.
Diagnosis judgeBalance(const DoctorFacts& facts) {
  double all = 0, most = 0, masters = 0;
  const ServerFacts* busiest = nullptr;
  for (const ServerFacts& server : facts.servers) {
    if (!server.problem.empty() || !server.isMaster()) continue;
    const double rate = server.perSecond("total_commands_processed");
    all += rate;
    ++masters;
    if (busiest == nullptr || rate > most) busiest = &server, most = rate;
  }
  if (busiest == nullptr || masters < 2) return fine("one master");
  std::vector<std::string> ways = waysToSeeLoad(*busiest);
  if (all < kNoticedRate) {
    ways.insert(ways.begin(), "look again at the peak");
    return {Severity::unknown,
            fmt::format("{} commands a second on {} masters", formatCount(all), masters),
            "which slots are hot shows only under load, and Redis 7.0 counts nothing by slot",
            nullptr, std::move(ways)};
  }
  const double share = most / all;
  const std::string evidence = fmt::format(
      "{} has {} of {} commands a second, where an even share is {}", busiest->endpoint.text(),
      formatShare(share), formatCount(all), formatShare(1 / masters));
  if (share < kUneven / masters) return fine(evidence);
  ways.emplace_back(
      "of hot keys see 'redline lab run hot-key', of hot slots move some: redline chaos "
      "-action=reshard");
  return {Severity::costsLatency, evidence,
          "it saturates while the others idle: either few keys are hot, or its slots are",
          &kHotKeyPrice, std::move(ways)};
}

}  // namespace

std::vector<CheckResult> checkCluster(const DoctorFacts& facts) {
  if (!facts.cluster) return {};
  constexpr const char* kSubject = "cluster";
  return {{"cluster-state", "state of the cluster", kSubject, judgeState(facts)},
          {"balance", "hot slots", kSubject, judgeBalance(facts)}};
}

}  // namespace redline
