#include "cmd/topology.h"

#include <fmt/format.h>

namespace redline {
namespace {

constexpr std::string_view kFlag = "topology";

/// By INFO; where the user may not have it, by a command that single servers refuse.
bool isClusterNode(Target& target) {
  if (target.info.count("cluster_enabled") != 0) return true;
  if (!target.info.text("cluster_enabled").empty()) return false;
  const auto reply = target.admin.commandRaw({"CLUSTER", "INFO"});
  return reply && !reply->isError();
}

}  // namespace

Result<Topology> withTopology(const FlagValues& flags, const Credentials& credentials) {
  if (!flags.empty(kFlag)) return Topology{flags};
  const std::vector<Endpoint>& servers = flags.endpoints("addr");
  auto target = connectTarget(servers.front(), credentials, flags.on("any-version"));
  for (std::size_t i = 1; !target && i < servers.size(); ++i)
    if (auto other = connectTarget(servers[i], credentials, flags.on("any-version")))
      target = std::move(other);
  if (!target) return fail(std::move(target.error()));
  const bool cluster = isClusterNode(*target);
  if (!cluster && servers.size() != 1)
    return fail(ErrorCode::usage,
                "-addr names {} servers, and {} is not a node of a cluster: name "
                "one server, or nodes of one cluster",
                servers.size(), target->admin.endpoint().text());
  FlagValue detected;
  detected.text = cluster ? "cluster" : "node";
  detected.content = detected.text;
  detected.where = "the server";
  Topology found{flags, std::move(*target)};
  found.flags.set(kFlag, std::move(detected));
  return found;
}

std::vector<std::pair<std::string, std::string>> configOf(const FlagValues& flags) {
  auto config = flags.config();
  for (auto& [name, text] : config)
    if (name == kFlag && text.empty()) text = "node";
  return config;
}

}  // namespace redline
