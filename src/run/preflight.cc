#include "run/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "run/cluster_target.h"
#include "run/data_set.h"
#include "run/generator_memory.h"
#include "server/cluster_admin.h"

namespace redline {
namespace {

/// The flags describe the data set on the server, or -force is set.
Status requireDataSet(const EnginePlan& plan, bool force, const KeyAdmin::OnWait& onWait,
                      Preflight& found) {
  const auto sample = sampleDataSet(plan, found.targets, onWait, found.map ? &*found.map : nullptr);
  if (!sample) return fail(sample.error());
  for (const SampledKey& key : sample->keys)
    found.longestValue = std::max<std::size_t>(found.longestValue, key.length);
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
    if (!target.info.withheld.empty()) continue;
    const ReplicationState state = parseReplication(target.info);
    if (!state.master || state.replicas >= plan.waitReplicas) continue;
    return fail(
        ErrorCode::refused, "-wait-replicas={}: {} has {} connected, so no write would complete",
        plan.waitReplicas, target.admin.endpoint().text(), plural(state.replicas, "replica"));
  }
  return {};
}

std::size_t nodesOf(const Preflight& found) {
  return found.map ? std::max<std::size_t>(found.map->nodes().size(), 1) : 1;
}

/// What cannot be said of a run whose user may not have INFO.
void noteWithheld(Preflight& found) {
  const auto target = std::ranges::find_if(
      found.targets, [](const Target& each) { return !each.info.withheld.empty(); });
  if (target == found.targets.end()) return;
  found.notes.push_back(fmt::format(
      "{} does not give this user INFO ({}): the server's CPU time, memory, hits, evictions and "
      "forks stay unknown, and so does whether it was at its limit; {}",
      target->admin.endpoint().text(), target->info.withheld,
      isUnknownCommand(target->info.withheld)
          ? "the server has renamed or disabled the command (rename-command in its redis.conf)"
          : "ACL SETUSER with +info allows it"));
}

}  // namespace

Result<Preflight> connectServers(const Endpoint& where, std::span<const Endpoint> seeds,
                                 const Credentials& credentials, bool anyVersion,
                                 std::optional<Target> answered) {
  if (!seeds.empty()) {
    auto cluster = connectCluster(seeds, credentials, anyVersion, std::move(answered));
    if (!cluster) return fail(std::move(cluster.error()));
    Preflight result{std::move(cluster->nodes), std::move(cluster->map), readHost(), 0,
                     std::move(cluster->notes)};
    noteWithheld(result);
    return result;
  }
  auto target = answered ? Result<Target>(std::move(*answered))
                         : connectTarget(where, credentials, anyVersion);
  if (!target) return fail(std::move(target.error()));
  if (target->info.count("cluster_enabled") != 0)
    return fail(ErrorCode::refused,
                "{} is a node of a cluster, and owns only some of the keys: leave out "
                "-topology=node, or name a single server",
                where.text());
  Preflight result{{}, std::nullopt, readHost(), 0, {}};
  result.targets.push_back(std::move(*target));
  noteWithheld(result);
  return result;
}

Result<Preflight> preflight(const EnginePlan& plan, bool anyVersion, bool force,
                            const std::function<void(const std::string&)>& onNote,
                            std::optional<Target> answered) {
  auto result =
      connectServers(plan.target, plan.seeds, plan.credentials, anyVersion, std::move(answered));
  if (!result) return result;
  const Status fits =
      checkGeneratorMemory(generatorMemory(plan, nodesOf(*result)), result->host.memoryAvailable);
  const auto note = [&](const std::string& text) { result->notes.push_back(text); };
  if (auto sound = refuseUnless(force, fits, note); !sound) return fail(std::move(sound.error()));
  if (auto sound = requireReplicas(plan, *result); !sound) return fail(std::move(sound.error()));
  if (auto sound = requireDataSet(plan, force, onNote, *result); !sound)
    return fail(std::move(sound.error()));
  return result;
}

Status refuseUnless(bool force, const Status& checked,
                    const std::function<void(const std::string&)>& note) {
  if (checked) return {};
  const Error& error = checked.error();
  if (!force) return fail(error.code, "{}, or insist with -force", error.message);
  note(error.message);
  return {};
}

}  // namespace redline
