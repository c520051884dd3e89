#include "server/key_admin.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <thread>

#include "cluster/hash_slot.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace {

constexpr std::size_t kPipelined = 256;
constexpr Nanos kRetryWait = 50 * kMillisecond;

/// Another attempt may succeed: the slot is moving, or has no owner for now.
bool passes(const Value& reply) {
  constexpr std::array<std::string_view, 6> kCodes{"MOVED",       "ASK",        "TRYAGAIN",
                                                   "CLUSTERDOWN", "MASTERDOWN", "LOADING"};
  return reply.isError() && std::ranges::any_of(kCodes, [&](std::string_view code) {
           return reply.text.starts_with(code);
         });
}

}  // namespace

Result<KeyAdmin> KeyAdmin::connect(const Endpoint& seed, bool cluster,
                                   const Credentials& credentials, std::size_t valueBytes) {
  if (!cluster) {
    ClusterAdmin nodes(credentials);
    nodes.expectValues(valueBytes);
    if (auto admin = nodes.at(seed); !admin) return fail(admin.error());
    return KeyAdmin(seed, false, std::move(nodes));
  }
  auto nodes = ClusterAdmin::connect(std::span(&seed, 1), credentials);
  if (!nodes) return fail(nodes.error());
  nodes->expectValues(valueBytes);
  return KeyAdmin(seed, true, std::move(*nodes));
}

Result<std::vector<Value>> KeyAdmin::pipeline(std::span<const std::vector<std::string>> commands,
                                              Nanos limit) {
  const Nanos begin = SteadyClock::read();
  std::vector<std::optional<Value>> replies(commands.size());
  for (bool told = !onWait_;;) {
    const Status asked = attempt(commands, replies);
    const auto left = std::ranges::count_if(replies, [](const auto& r) { return !r; });
    if (left == 0) break;
    const Error why =
        asked ? fail(ErrorCode::timeout, "{} of {} keys are served by no node of the cluster of {}",
                     left, commands.size(), node_.text())
                    .value()
              : asked.error();
    const Nanos waited = SteadyClock::read() - begin;
    if (waited >= limit) return fail(why);
    if (!told && waited >= kSecond) {
      told = true;
      onWait_(fmt::format("retrying for up to {} s: {}", limit / kSecond, why.message));
    }
    std::this_thread::sleep_for(std::chrono::nanoseconds(kRetryWait));
  }
  std::vector<Value> values;
  values.reserve(replies.size());
  for (auto& reply : replies) values.push_back(std::move(*reply));
  return values;
}

// Asks for all that has no reply yet, each where the cluster's present view says. An error: the
// first that kept something from being asked.
Status KeyAdmin::attempt(std::span<const std::vector<std::string>> commands,
                         std::vector<std::optional<Value>>& replies) {
  std::map<Endpoint, std::vector<std::size_t>> byNode;
  Status first;
  if (!cluster_) {
    for (std::size_t i = 0; i < commands.size(); ++i)
      if (!replies[i]) byNode[node_].push_back(i);
  } else {
    const auto map = nodes_.slotMap();
    if (!map) return fail(map.error());
    for (std::size_t i = 0; i < commands.size(); ++i) {
      if (replies[i]) continue;
      const std::uint16_t owner = map->ownerOf(hashSlot(commands[i][1]));
      if (owner != SlotMap::kNoNode) byNode[endpointOf(map->nodes()[owner].address)].push_back(i);
    }
  }
  for (const auto& [endpoint, which] : byNode) {
    Result<Admin*> admin = nodes_.at(endpoint);
    Status asked = admin ? ask(commands, which, **admin, replies) : fail(admin.error());
    if (!asked && first) first = std::move(asked);
  }
  return first;
}

Status KeyAdmin::ask(std::span<const std::vector<std::string>> commands,
                     std::span<const std::size_t> which, Admin& admin,
                     std::vector<std::optional<Value>>& replies) {
  for (; !which.empty(); which = which.subspan(std::min(kPipelined, which.size()))) {
    std::vector<std::vector<std::string>> some;
    const std::size_t count = std::min(kPipelined, which.size());
    for (std::size_t i = 0; i < count; ++i) some.push_back(commands[which[i]]);
    auto got = admin.pipeline(some);
    if (!got) return fail(got.error());
    for (std::size_t i = 0; i < count; ++i)
      if (!cluster_ || !passes((*got)[i])) replies[which[i]] = std::move((*got)[i]);
  }
  return {};
}

Result<bool> KeyAdmin::awaitReplicas(Nanos limit) {
  if (!cluster_) {
    auto admin = nodes_.at(node_);
    if (!admin) return fail(admin.error());
    const auto info = (*admin)->info({"replication"});
    if (!info) return fail(info.error());
    return awaitReplicasOf(**admin, parseReplication(*info).replicas, limit);
  }
  const auto view = nodes_.view();
  if (!view) return fail(view.error());
  bool all = true;
  for (const ClusterMember* master : view->masters()) {
    auto admin = nodes_.at(master->endpoint);
    if (!admin) return fail(admin.error());
    const auto done = awaitReplicasOf(**admin, view->replicasOf(master->id).size(), limit);
    if (!done) return fail(done.error());
    all &= *done;
  }
  return all;
}

Result<bool> KeyAdmin::awaitReplicasOf(Admin& admin, std::size_t replicas, Nanos limit) {
  if (replicas == 0) return true;
  const auto reply = admin.command(
      {"WAIT", std::to_string(replicas), std::to_string(limit / kMillisecond)}, limit + kSecond);
  if (!reply) return fail(reply.error());
  return reply->integer >= static_cast<std::int64_t>(replicas);
}

}  // namespace redline
