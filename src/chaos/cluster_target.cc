#include "chaos/cluster_target.h"

#include <algorithm>
#include <utility>

#include "server/own_servers.h"
#include "transport/gate.h"

namespace redline {
namespace {

std::string mastersText(const ClusterView& view) {
  std::vector<std::string> names;
  for (const ClusterMember* const master : view.masters()) names.push_back(master->endpoint.text());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Result<ClusterAdmin> connectCluster(const FaultContext& context) {
  return ClusterAdmin::connect(context.servers, context.credentials);
}

Status checkMembers(const ClusterView& view, const FaultContext& context) {
  for (const ClusterMember& member : view.nodes) {
    if (member.endpoint.host.empty()) continue;  // dead, and forgotten where
    if (const auto good = admit(member.endpoint); !good && good.error().code == ErrorCode::unsafe)
      return fail(ErrorCode::unsafe, "the cluster announces another machine: {}",
                  good.error().message);
    if (context.force) continue;
    if (findOwn(context.own, member.endpoint) == nullptr)
      return fail(ErrorCode::unsafe,
                  "{} belongs to the cluster and was not started by redline: start one with "
                  "`redline stack up cluster`, or insist with -force",
                  member.endpoint.text());
  }
  return {};
}

const ClusterMember* memberAt(const ClusterView& view, const Endpoint& endpoint) {
  if (const ClusterMember* const same = view.byEndpoint(endpoint)) return same;
  if (endpoint.isUnix() || !isLocal(endpoint).value_or(false)) return nullptr;
  const auto found = std::ranges::find_if(view.nodes, [&](const ClusterMember& member) {
    return member.endpoint.port == endpoint.port && isLocal(member.endpoint).value_or(false);
  });
  return found == view.nodes.end() ? nullptr : &*found;
}

Result<ClusterMember> masterNamed(const ClusterView& view, std::string_view flag,
                                  const std::string& text) {
  const auto endpoint = parseEndpoint(text);
  if (!endpoint) return fail(ErrorCode::usage, "-{}: {}", flag, endpoint.error().message);
  const ClusterMember* const member = memberAt(view, *endpoint);
  if (member == nullptr)
    return fail(ErrorCode::usage, "-{}: {} is not a node of this cluster; its masters are {}", flag,
                text, mastersText(view));
  if (!member->master) {
    const ClusterMember* const master = view.byId(member->masterId);
    return fail(ErrorCode::usage, "-{}: {} is a replica{}; the masters are {}", flag, text,
                master != nullptr ? " of " + master->endpoint.text() : "", mastersText(view));
  }
  if (member->failed)
    return fail(ErrorCode::usage, "-{}: {} has failed; name a live master", flag, text);
  return *member;
}

}  // namespace redline
