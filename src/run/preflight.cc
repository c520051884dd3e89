#include "run/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/rng.h"
#include "base/text.h"
#include "base/units.h"
#include "run/cluster_target.h"
#include "server/cluster_admin.h"
#include "server/key_admin.h"
#include "workload/keyspace.h"
#include "workload/values.h"

namespace redline {
namespace {

constexpr std::uint64_t kCheckedKeys = 64;

struct Probe {
  std::uint64_t found = 0;
  std::uint64_t foreign = 0;  // there, and not of this data set
  std::string example;
};

// Reads a few keys the way the run will, to tell a wrong -seed from a corrupt server beforehand.
Result<Probe> probeKeys(const EnginePlan& plan, const Endpoint& where) {
  const Values values(plan.seed, plan.valueSize);
  Rng rng(plan.runSeed, 0x70726f6265);
  std::vector<std::uint64_t> ids;
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t i = 0; i < std::min(kCheckedKeys, plan.keys); ++i) {
    std::array<char, kMaxKeyLength> key;
    ids.push_back(rng.below(plan.keys));
    commands.push_back({"GET", std::string(key.data(), writeKey(key.data(), ids.back()))});
  }
  auto admin = KeyAdmin::connect(where, plan.cluster(), {plan.login.user, plan.login.password});
  if (!admin) return fail(admin.error());
  auto replies = admin->pipeline(commands);
  if (!replies) return fail(replies.error());
  Probe probe;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Value& reply = (*replies)[i];
    if (reply.isNull()) continue;
    if (reply.isError())
      return fail(ErrorCode::refused, "{} answers GET {} with: {}", plan.target.text(),
                  commands[i][1], reply.text);
    ++probe.found;
    if (values.check(reply.text, ids[i], nullptr, VerifyLevel::full) == Values::Verdict::ok)
      continue;
    ++probe.foreign;
    probe.example = commands[i][1];
  }
  return probe;
}

/// A WAIT that no replica can answer would time out behind every write.
Status requireReplicas(const EnginePlan& plan, const Preflight& found) {
  if (plan.waitReplicas == 0 || plan.readShare == 1) return {};
  for (const Target& target : found.targets) {
    const ReplicationState state = parseReplication(target.info);
    if (!state.master || state.replicas >= plan.waitReplicas) continue;
    return fail(
        ErrorCode::refused, "-wait-replicas={}: {} has {} connected, so no write would be complete",
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
                "{} is a node of a cluster, and only some of the keys are its own: add "
                "-topology=cluster",
                where.text());
  Preflight result{{}, std::nullopt, readHost(), {}};
  result.targets.push_back(std::move(*target));
  return result;
}

Result<Preflight> preflight(const EnginePlan& plan, bool anyVersion) {
  auto result = connectServers(plan.target, plan.seeds, plan.login, anyVersion);
  if (!result) return result;
  if (auto sound = requireReplicas(plan, *result); !sound) return fail(std::move(sound.error()));
  const auto probe = probeKeys(plan, result->targets.front().admin.endpoint());
  if (!probe) return fail(probe.error());

  if (probe->foreign != 0 && plan.verify != VerifyLevel::none)
    return fail(
        ErrorCode::usage,
        "{} of {} keys looked at, {} among them, hold values that -seed={} does not give: drive "
        "with the -seed they were loaded with, load again, or use -verify=none",
        probe->foreign, probe->found, probe->example, plan.seed);
  if (probe->found == 0 && plan.readShare > 0)
    result->notes.push_back(fmt::format(
        "none of {} keys looked at exists, so reads will miss; load them first: "
        "redline loader -keys={}",
        std::min(kCheckedKeys, plan.keys), formatCount(static_cast<double>(plan.keys))));
  return result;
}

}  // namespace redline
