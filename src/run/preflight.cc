#include "run/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "run/cluster_target.h"
#include "run/data_set.h"
#include "server/cluster_admin.h"

namespace redline {
namespace {

/// The flags describe the data set on the server, or -force is set.
Status requireDataSet(const EnginePlan& plan, bool force, const KeyAdmin::OnWait& onWait,
                      Preflight& found) {
  const auto sample = sampleDataSet(plan, found.targets, onWait, found.map ? &*found.map : nullptr);
  if (!sample) return fail(sample.error());
  DataSetJudgement judgement = judgeDataSet(plan, *sample);
  std::ranges::move(judgement.notes, std::back_inserter(found.notes));
  if (judgement.contradictions.empty()) return {};
  if (force) {
    std::ranges::move(judgement.contradictions, std::back_inserter(found.notes));
    return {};
  }
  return fail(ErrorCode::usage,
              "{} holds another data set than the flags describe: {}. Use the flags that it was "
              "loaded with, load again, or insist with -force",
              plan.target.text(), fmt::join(judgement.contradictions, "; "));
}

/// A WAIT that no replica can answer would time out behind every write.
Status requireReplicas(const EnginePlan& plan, const Preflight& found) {
  if (plan.waitReplicas == 0 || plan.readShare == 1) return {};
  for (const Target& target : found.targets) {
    const ReplicationState state = parseReplication(target.info);
    if (!state.master || state.replicas >= plan.waitReplicas) continue;
    return fail(
        ErrorCode::refused, "-wait-replicas={}: {} has {} connected, so no write would complete",
        plan.waitReplicas, target.admin.endpoint().text(), plural(state.replicas, "replica"));
  }
  return {};
}

}  // namespace

Result<Preflight> connectServers(const Endpoint& where, std::span<const Endpoint> seeds,
                                 const Login& login, bool anyVersion) {
  if (!seeds.empty()) {
    auto cluster = connectCluster(seeds, login, anyVersion);
    if (!cluster) return fail(std::move(cluster.error()));
    return Preflight{std::move(cluster->nodes), std::move(cluster->map), readHost(),
                     std::move(cluster->notes)};
  }
  auto target = connectTarget(where, login, anyVersion);
  if (!target) return fail(std::move(target.error()));
  if (target->info.count("cluster_enabled") != 0)
    return fail(ErrorCode::refused,
                "{} is a node of a cluster, and owns only some of the keys: leave out "
                "-topology=node, or name a single server",
                where.text());
  Preflight result{{}, std::nullopt, readHost(), {}};
  result.targets.push_back(std::move(*target));
  return result;
}

Result<Preflight> preflight(const EnginePlan& plan, bool anyVersion, bool force,
                            const std::function<void(const std::string&)>& onNote) {
  auto result = connectServers(plan.target, plan.seeds, plan.login, anyVersion);
  if (!result) return result;
  if (auto sound = requireReplicas(plan, *result); !sound) return fail(std::move(sound.error()));
  if (auto sound = requireDataSet(plan, force, onNote, *result); !sound)
    return fail(std::move(sound.error()));
  return result;
}

}  // namespace redline
