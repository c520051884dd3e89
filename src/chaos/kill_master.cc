#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/units.h"
#include "chaos/catalog.h"
#include "chaos/cluster_target.h"
#include "chaos/failover_watch.h"
#include "chaos/target.h"
#include "server/failover.h"
#include "server/own_servers.h"

namespace redline {
namespace {

constexpr std::string_view kFirst = "first", kHottest = "hottest";
constexpr Nanos kFailoverPoll = 20 * kMillisecond;
constexpr Nanos kHeat = 200 * kMillisecond;  ///< how long to look who is the hottest
constexpr Nanos kExit = 10 * kSecond;
constexpr Nanos kRejoin = 60 * kSecond;

void pause(Nanos span) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(span));
}

/// Kills a master, watches the cluster replace it, and restarts it as a replica.
class KillMaster final : public Fault {
 public:
  KillMaster(const FaultArguments& arguments, const FaultContext& context)
      : Fault(context), arguments_(arguments) {}

  Status prepare() override {
    auto cluster = connectCluster(context_);
    if (!cluster) return fail(std::move(cluster.error()));
    cluster_.emplace(std::move(*cluster));
    return choose();
  }

  /// Chosen again: a failover may have changed the masters, and the load the hottest one.
  Status check() override { return choose(); }

  Status inject() override {
    auto process = own_->current();
    if (!process) return fail(std::move(process.error()));
    killedAt_ = now();
    if (auto sent = sendSignal(*process, SIGKILL); !sent) return sent;
    killed_ = true;
    if (!awaitExit(*process, kExit))
      return fail(ErrorCode::timeout, "process {} has survived SIGKILL", process->pid);
    cluster_->forget(victim_.endpoint);
    point("killed", fmt::format("{} (pid {})", victim_.endpoint.text(), process->pid), killedAt_);
    return watchFailover();
  }

  /// Only when its slots have a new owner: it comes back empty, and as their master it would make
  /// its replica empty, too.
  Status heal() override {
    if (!killed_ || !arguments_.on("restart")) return {};
    if (auto replaced = awaitSuccessor(*cluster_, victim_, others()); !replaced) return replaced;
    const Nanos begin = now();
    if (auto started = own_->restart(restartAs_); !started) return started;
    ClusterWait wait;
    wait.timeout = kRejoin;
    wait.progress = [this](const Convergence& seen) {
      progress(fmt::format("{} is restarting: {}", victim_.endpoint.text(), seen.missing));
    };
    if (auto whole = awaitConverged(*cluster_, members_, wait); !whole) return whole;
    const auto role = cluster_->replicationOf(victim_.endpoint);
    if (!role) return fail(role.error());
    if (role->master && hadReplica_)
      return fail(ErrorCode::refused, "{} came back as a master, not as a replica",
                  victim_.endpoint.text());
    const Nanos end = now();
    point("rejoined",
          fmt::format("{} follows {}, {} after it was restarted", victim_.endpoint.text(),
                      role->source.text(), formatDuration(end - begin)),
          end, {{"rejoined_s", toSeconds(end - begin)}});
    return {};
  }

 private:
  Status choose() {
    auto view = cluster_->view();
    if (!view) return fail(std::move(view.error()));
    auto victim = chosen(*view);
    if (!victim) return fail(std::move(victim.error()));
    victim_ = std::move(*victim);
    findings_.node = victim_.endpoint.text();
    own_ = findOwn(context_.own, victim_.endpoint);
    if (own_ == nullptr)
      return fail(ErrorCode::unsafe,
                  "{} was not started by redline, so its process is unknown, even with -force; "
                  "start a cluster with `redline stack up cluster`",
                  victim_.endpoint.text());
    if (auto ours = checkMembers(*view, context_); !ours) return ours;
    members_.clear();
    for (const ClusterMember& member : view->nodes)
      if (!member.failed) members_.push_back(member.endpoint);
    if (auto known = learnPassword(); !known) return known;
    keysBefore_ = keysAt(victim_.endpoint);
    return checkReplaceable(*view);
  }

  Status learnPassword() {
    if (!arguments_.on("restart")) return {};
    auto admin = cluster_->at(victim_.endpoint);
    if (!admin) return fail(admin.error());
    auto credentials = restartCredentials(**admin, context_);
    if (!credentials)
      return fail(credentials.error().code, "{}, or give -restart=false",
                  credentials.error().message);
    restartAs_ = std::move(*credentials);
    return {};
  }

  Result<ClusterMember> chosen(const ClusterView& view) {
    const std::string& wanted = arguments_.text("target");
    if (wanted != kFirst && wanted != kHottest) return masterNamed(view, "target", wanted);
    std::vector<const ClusterMember*> masters;
    for (const ClusterMember* const master : view.masters())
      if (!master->failed && !master->slots.empty()) masters.push_back(master);
    if (masters.empty()) return fail(ErrorCode::refused, "no master of this cluster owns a slot");
    if (wanted == kFirst) return *masters.front();
    std::vector<double> before, after;
    for (const ClusterMember* const master : masters) before.push_back(commandsOf(*master));
    pause(kHeat);
    for (const ClusterMember* const master : masters) after.push_back(commandsOf(*master));
    std::size_t hottest = 0;
    for (std::size_t i = 1; i < masters.size(); ++i)
      if (after[i] - before[i] > after[hottest] - before[hottest]) hottest = i;
    return *masters[hottest];
  }

  std::optional<double> keysAt(const Endpoint& node) {
    auto admin = cluster_->at(node);
    return admin ? keysOf(**admin) : std::nullopt;
  }

  double commandsOf(const ClusterMember& node) {
    auto admin = cluster_->at(node.endpoint);
    auto info = admin ? (*admin)->info({"stats"}) : Result<ServerInfo>(fail(admin.error()));
    return info ? info->number("total_commands_processed") : 0;
  }

  /// Without a replica in sync its slots would have no owner, and their data would be gone.
  Status checkReplaceable(const ClusterView& view) {
    hadReplica_ = false;
    for (const ClusterMember* const replica : view.replicasOf(victim_.id)) {
      if (replica->failed) continue;
      const auto state = cluster_->replicationOf(replica->endpoint);
      if (state && !state->master && state->linkUp) hadReplica_ = true;
    }
    if (hadReplica_ || context_.force) return {};
    return fail(ErrorCode::refused,
                "{} has no replica in sync: no node could take over its slots, and their data "
                "would be lost; insist with -force",
                victim_.endpoint.text());
  }

  std::vector<Endpoint> others() const {
    std::vector<Endpoint> all = members_;
    std::erase(all, victim_.endpoint);
    return all;
  }

  std::vector<NodeReading> readOthers() {
    std::vector<NodeReading> readings;
    for (const Endpoint& member : others())
      if (auto reading = cluster_->read(member)) readings.push_back(std::move(*reading));
    return readings;
  }

  Status watchFailover() {
    const std::vector<NodeReading> before = readOthers();
    std::uint64_t epoch = 0;
    for (const NodeReading& reading : before) epoch = std::max(epoch, currentEpoch(reading));
    FailoverWatch watch(victim_, epoch);
    const Nanos limit = failoverLimit(*cluster_, others());
    while (now() < killedAt_ + limit) {
      const std::vector<NodeReading> readings = readOthers();
      const Nanos seen = now();
      for (const std::string& step : watch.look(readings, seen)) {
        if (step == "promoted") keysAfter_ = keysAt(watch.steps().successor);
        point(step,
              fmt::format("{} after the kill{}", formatDuration(seen - killedAt_),
                          stepText(step, watch.steps())),
              seen, {{"after_s", toSeconds(seen - killedAt_)}});
      }
      report(watch.steps());
      if (watch.steps().recovered) return {};
      progress(fmt::format("{} has been dead for {}; {}", victim_.endpoint.text(),
                           formatDuration(now() - killedAt_),
                           watch.steps().promoted ? "the other nodes learn of its successor"
                           : watch.steps().failed ? "its replica is being elected"
                                                  : "the other nodes have not noticed yet"));
      if (!sleep(kFailoverPoll))
        return fail(ErrorCode::interrupted, "the run ended {} after the kill: {}",
                    formatDuration(now() - killedAt_), findings_.detail);
    }
    return fail(ErrorCode::timeout, "the cluster has not recovered within {}: {}",
                formatDuration(limit), findings_.detail);
  }

  static std::string stepText(std::string_view step, const FailoverSteps& steps) {
    if (step == "promoted") return fmt::format("; {} is master now", steps.successor.text());
    if (step == "recovered") return "; every node agrees and says cluster_state:ok";
    return {};
  }

  void report(const FailoverSteps& steps) {
    findings_.figures.clear();
    std::vector<std::string> texts;
    const auto add = [&](const char* name, const char* text, const std::optional<Nanos>& at) {
      if (!at) return;
      findings_.figures.emplace_back(fmt::format("{}_s", name), toSeconds(*at - killedAt_));
      texts.push_back(fmt::format("{} after {}", text, formatDuration(*at - killedAt_)));
    };
    add("suspected", "suspected", steps.suspected);
    add("failed", "declared failed", steps.failed);
    add("election", "an election", steps.election);
    add("promoted", "promoted", steps.promoted);
    add("recovered", "recovered", steps.recovered);
    if (keysBefore_ && keysAfter_) {
      findings_.figures.emplace_back("keys_before", *keysBefore_);
      findings_.figures.emplace_back("keys_after", *keysAfter_);
    }
    findings_.detail =
        texts.empty() ? "no node has noticed" : fmt::format("{}", fmt::join(texts, ", "));
    if (steps.promoted) findings_.detail += "; the new master is " + steps.successor.text();
  }

  const FaultArguments& arguments_;
  std::optional<ClusterAdmin> cluster_;
  ClusterMember victim_;
  std::vector<Endpoint> members_;  ///< all that lived before
  const OwnServer* own_ = nullptr;
  Credentials restartAs_;
  std::optional<double> keysBefore_, keysAfter_;  ///< of the victim, of its successor
  bool hadReplica_ = false;
  bool killed_ = false;
  Nanos killedAt_ = 0;
};

}  // namespace

FaultSpec killMasterFault() {
  FaultSpec spec;
  spec.name = "kill-master";
  spec.summary = "kills a master, times detection, election and promotion, and restarts it";
  spec.parameters = {
      {.name = "target",
       .kind = ValueKind::text,
       .fallback = kFirst,
       .help = "the master to kill: its address, first (owner of the lowest slot) or hottest (most "
               "commands per second now)",
       .example = "hottest"},
      {.name = "restart",
       .kind = ValueKind::boolean,
       .fallback = "true",
       .help = "restart it once its slots have a new owner, so that it comes back as a replica"},
  };
  spec.destructive = true;
  spec.clusterOnly = true;
  spec.needsProcess = true;
  spec.make = makeFault<KillMaster>;
  return spec;
}

}  // namespace redline
