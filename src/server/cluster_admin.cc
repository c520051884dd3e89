#include "server/cluster_admin.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "server/slot_map_reading.h"

namespace redline {
namespace {

constexpr auto kConvergencePoll = std::chrono::milliseconds(20);

void addOnce(std::vector<Endpoint>& list, const Endpoint& endpoint) {
  if (endpoint.port != 0 && std::ranges::find(list, endpoint) == list.end())
    list.push_back(endpoint);
}

/// CLUSTER NODES has the addresses that nodes announce to each other. Where clients find them is
/// what CLUSTER SHARDS says, and has one reader: SlotMap.
void takeEndpoints(const Value& shards, const Endpoint& asked, ClusterView& view) {
  const auto map = SlotMap::fromShards(shards, {asked.host, asked.port});
  if (!map) return;  // before 7.0 there is no such command
  for (ClusterMember& member : view.nodes) {
    const auto node = std::ranges::find(map->nodes(), member.id, &ClusterNode::id);
    if (node != map->nodes().end()) member.endpoint = {node->address.host, node->address.port, {}};
  }
}

/// `asked` answered CLUSTER NODES with `reply` and CLUSTER SHARDS with `shards`. Before its first
/// handshake a node does not know its own address.
Result<ClusterView> viewFrom(const Value& reply, const Value& shards, const Endpoint& asked) {
  if (!reply.isText())
    return fail(reply.isError() ? ErrorCode::refused : ErrorCode::invalidInput,
                "{} does not answer CLUSTER NODES: {}", asked.text(), reply.text);
  auto view = parseClusterNodes(reply.text);
  if (view && !asked.isUnix())
    for (ClusterMember& member : view->nodes)
      if (member.myself && member.endpoint.host.empty()) member.endpoint.host = asked.host;
  if (view && !asked.isUnix()) takeEndpoints(shards, asked, *view);
  return view;
}

}  // namespace

ReplicationState parseReplication(const ServerInfo& info) {
  ReplicationState state;
  state.master = info.role() == "master";
  state.replicas = info.count("connected_slaves");
  state.history = info.text("master_replid");
  if (state.master) {
    state.offset = info.count("master_repl_offset");
    return state;
  }
  state.linkUp = info.text("master_link_status") == "up";
  state.source = {std::string(info.text("master_host")),
                  static_cast<std::uint16_t>(info.count("master_port")),
                  {}};
  state.offset = info.count("slave_repl_offset");
  state.copied = info.count("master_sync_read_bytes") + info.count("loading_loaded_bytes");
  return state;
}

bool NodeReading::stateOk() const {
  const auto state = info.find("cluster_state");
  return state != info.end() && state->second == "ok";
}

Result<ClusterAdmin> ClusterAdmin::connect(std::span<const Endpoint> seeds, Credentials credentials,
                                           Nanos timeout) {
  ClusterAdmin cluster(std::move(credentials), timeout);
  Error last{ErrorCode::usage, "no address of a cluster node: name one with -addr"};
  for (const Endpoint& seed : seeds) {
    auto admin = cluster.at(seed);
    auto info = admin ? (*admin)->about({"cluster"}) : Result<ServerInfo>(fail(admin.error()));
    if (!info) {
      last = info.error();
      if (last.code == ErrorCode::unsafe) break;
      continue;
    }
    if (info->text("cluster_enabled") != "1")
      return fail(ErrorCode::refused,
                  "{} is not a node of a cluster: use -topology=node, or name a cluster's node",
                  seed.text());
    cluster.known_.assign(seeds.begin(), seeds.end());
    std::ranges::rotate(cluster.known_, std::ranges::find(cluster.known_, seed));
    return cluster;
  }
  return fail(std::move(last));
}

Result<Admin*> ClusterAdmin::at(const Endpoint& endpoint) {
  auto found = connections_.find(endpoint);
  if (found != connections_.end() && found->second.connected()) return &found->second;
  auto admin = Admin::connect(endpoint, credentials_, timeout_);
  if (!admin) return fail(std::move(admin.error()));
  admin->expectValues(valueBytes_);
  return &connections_.insert_or_assign(endpoint, std::move(*admin)).first->second;
}

void ClusterAdmin::expectValues(std::size_t bytes) {
  valueBytes_ = bytes;
  for (auto& [endpoint, admin] : connections_) admin.expectValues(bytes);
}

Result<ClusterView> ClusterAdmin::viewOf(const Endpoint& endpoint) {
  auto admin = at(endpoint);
  if (!admin) return fail(std::move(admin.error()));
  static const std::vector<std::vector<std::string>> kQuestions{{"CLUSTER", "NODES"},
                                                                {"CLUSTER", "SHARDS"}};
  auto replies = (*admin)->pipeline(kQuestions);
  if (!replies) return fail(std::move(replies.error()));
  auto view = viewFrom((*replies)[0], (*replies)[1], endpoint);
  if (view)
    for (const ClusterMember& member : view->nodes) addOnce(known_, member.endpoint);
  return view;
}

template <typename Ask>
auto ClusterAdmin::askAny(Ask&& ask) -> decltype(ask(std::declval<const Endpoint&>())) {
  Error last{ErrorCode::usage, "no address of a cluster node: name one with -addr"};
  for (std::size_t next = 0; next < known_.size();) {
    auto answer = ask(Endpoint(known_[next++]));  // a copy: asking adds to the list
    if (answer) return answer;
    last = std::move(answer.error());
  }
  return fail(std::move(last));
}

Result<ClusterView> ClusterAdmin::view() {
  return askAny([this](const Endpoint& node) { return viewOf(node); });
}

Result<SlotMap> ClusterAdmin::slotMap() {
  return askAny([this](const Endpoint& node) -> Result<SlotMap> {
    auto admin = at(node);
    auto reading = admin ? readSlotMap(**admin) : Result<SlotMapReading>(fail(admin.error()));
    if (!reading) return fail(std::move(reading.error()));
    for (const ClusterNode& other : reading->map.nodes())
      addOnce(known_, endpointOf(other.address));
    return std::move(reading->map);
  });
}

Result<ReplicationState> ClusterAdmin::replicationOf(const Endpoint& endpoint) {
  auto admin = at(endpoint);
  if (!admin) return fail(std::move(admin.error()));
  auto info = (*admin)->info({"replication", "persistence"});
  if (!info) return fail(std::move(info.error()));
  return parseReplication(*info);
}

Result<NodeReading> ClusterAdmin::read(const Endpoint& endpoint) {
  static const std::vector<std::vector<std::string>> kQuestions{
      {"CLUSTER", "INFO"}, {"CLUSTER", "NODES"}, {"INFO", "replication"}, {"CLUSTER", "SHARDS"}};
  auto admin = at(endpoint);
  if (!admin) return fail(std::move(admin.error()));
  auto replies = (*admin)->pipeline(kQuestions);
  if (!replies) return fail(std::move(replies.error()));
  for (const Value& reply : std::span(*replies).first(3))
    if (!reply.isText())
      return fail(ErrorCode::refused, "{} says: {}", endpoint.text(), reply.text);
  auto view = viewFrom((*replies)[1], (*replies)[3], endpoint);
  if (!view) return fail(std::move(view.error()));
  return NodeReading{endpoint, parseClusterInfo((*replies)[0].text), std::move(*view),
                     parseReplication(parseServerInfo((*replies)[2].text))};
}

namespace {

/// What one node's reading lacks; empty: nothing.
std::string missingIn(const NodeReading& reading, std::span<const Endpoint> nodes,
                      bool fullCoverage) {
  const std::string who = reading.endpoint.text();
  for (const Endpoint& node : nodes) {
    const ClusterMember* const member = reading.view.byEndpoint(node);
    if (member == nullptr || member->handshake)
      return fmt::format("{} does not know {} yet", who, node.text());
    if (member->failed || member->suspected)
      return fmt::format("{} reports {} as failed", who, node.text());
    if (!member->connected) return fmt::format("{} has no link to {}", who, node.text());
    if (!member->master && member->masterId.empty())
      return fmt::format("{} does not know the master of {}", who, node.text());
  }
  for (const ClusterMember& member : reading.view.nodes)
    if (!member.failed && std::ranges::find(nodes, member.endpoint) == nodes.end())
      return fmt::format("{} still knows {}, which is not a running node", who,
                         member.endpoint.text());
  if (const std::size_t covered = reading.view.slotsCovered(); fullCoverage && covered != kSlots)
    return fmt::format("{} knows owners of {} of {} slots", who, covered, kSlots);
  // A node reports "ok" with uncovered slots only where cluster-require-full-coverage is off.
  if (!reading.stateOk()) return fmt::format("{} says cluster_state:fail", who);
  return {};
}

const NodeReading* find(std::span<const NodeReading> readings, const Endpoint& endpoint) {
  const auto found = std::ranges::find(readings, endpoint, &NodeReading::endpoint);
  return found == readings.end() ? nullptr : &*found;
}

/// What a replica lacks to be as far as its master was in `readings`; empty: nothing.
std::string missingIn(ClusterAdmin& cluster, const Endpoint& replica,
                      std::span<const NodeReading> readings) {
  const auto now = cluster.replicationOf(replica);
  if (!now) return now.error().message;
  if (now->master) return fmt::format("{} is not a replica yet", replica.text());
  if (!now->linkUp)
    return fmt::format("replica {} has no link to its master {}", replica.text(),
                       now->source.text());
  const NodeReading* const master = find(readings, now->source);
  if (master == nullptr)
    return fmt::format("replica {} follows {}, which is not a running node", replica.text(),
                       now->source.text());
  if (now->offset < master->replication.offset)
    return fmt::format("replica {} is {} bytes behind its master {}", replica.text(),
                       master->replication.offset - now->offset, now->source.text());
  return {};
}

}  // namespace

Convergence lookAtCluster(ClusterAdmin& cluster, std::span<const Endpoint> nodes,
                          bool fullCoverage) {
  Convergence found;
  found.nodes = nodes.size();
  const auto note = [&](const std::string& missing) {
    if (found.missing.empty()) found.missing = missing;
    return missing.empty();
  };
  std::vector<NodeReading> readings;
  for (const Endpoint& node : nodes) {
    auto reading = cluster.read(node);
    if (!reading) {
      note(reading.error().message);
      continue;
    }
    readings.push_back(std::move(*reading));
    const NodeReading& latest = readings.back();
    const std::string map = readings.front().view.mapText();
    if (note(missingIn(latest, nodes, fullCoverage)) &&
        note(latest.view.mapText() == map
                 ? ""
                 : fmt::format("{} and {} do not agree on the slots", latest.endpoint.text(),
                               readings.front().endpoint.text())))
      ++found.agreeing;
  }
  for (const NodeReading& reading : readings) {
    const ClusterMember* const self = reading.view.myself();
    if (self == nullptr || self->master) continue;
    ++found.replicas;
    if (note(missingIn(cluster, reading.endpoint, readings))) ++found.inSync;
  }
  return found;
}

Status awaitConverged(ClusterAdmin& cluster, std::span<const Endpoint> nodes,
                      const ClusterWait& wait) {
  for (const Nanos end = SteadyClock::read() + wait.timeout;;) {
    const Convergence seen = lookAtCluster(cluster, nodes, wait.fullCoverage);
    if (wait.progress) wait.progress(seen);
    if (seen.done()) return {};
    if (wait.interrupted && wait.interrupted())
      return fail(ErrorCode::interrupted, "interrupted while waiting for the cluster");
    if (SteadyClock::read() >= end)
      return fail(ErrorCode::timeout, "the cluster has not converged within {} s: {}",
                  wait.timeout / kSecond, seen.missing);
    std::this_thread::sleep_for(kConvergencePoll);
  }
}

}  // namespace redline
