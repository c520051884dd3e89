#include "cmd/stack_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "transport/certificates.h"

namespace redline {
namespace {

nlohmann::json nodeJson(const NodeState& node) {
  return {{"name", node.name},
          {"role", node.role},
          {"addr", node.endpoint().text()},
          {"unix", node.unixEndpoint().text()},
          {"pid", node.process.pid},
          {"container", node.container},
          {"dir", node.dir.string()}};
}

nlohmann::json observerJson(const ObserverState& observer) {
  return {{"name", observer.name}, {"url", observer.url()}, {"pid", observer.process.pid}};
}

nlohmann::json describe(const StackState& state) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const NodeState& node : state.nodes) nodes.push_back(nodeJson(node));
  return {{"name", state.name},
          {"topology", state.topology},
          {"engine", state.compose ? "compose" : "process"},
          {"dir", state.dir.string()},
          {"tls_ca", state.tls ? Certificates::in(state.certificatesDir()).ca.string() : ""},
          {"nodes", nodes}};
}

nlohmann::json nodeJson(const NodeStatus& status) {
  nlohmann::json node = nodeJson(status.node);
  node["alive"] = status.alive;
  node["stopped"] = status.stopped;
  node["version"] = status.version;
  node["used_memory"] = status.usedMemory;
  node["keys"] = status.keys;
  node["problem"] = status.problem;
  if (status.role.empty()) return node;
  node["role"] = status.role;
  node["planned_role"] = status.node.role;
  node["replication_offset"] = status.replication.offset;
  if (!status.replication.master) {
    node["master"] = status.replication.source.text();
    node["link_up"] = status.replication.linkUp;
  }
  if (status.member) {
    node["id"] = status.member->id;
    node["slots"] = slotCount(status.member->slots);
    node["slot_ranges"] = formatSlotRanges(status.member->slots);
    node["migrating"] = status.member->migrating.size();
    node["importing"] = status.member->importing.size();
  }
  return node;
}

/// How far a replica is behind, where its master is one of the stack's.
std::string lagText(const NodeStatus& replica, const StackStatus& status) {
  if (!replica.replication.linkUp)
    return fmt::format("link to {} is down", replica.replication.source.text());
  std::string text = "of " + replica.replication.source.text();
  const auto master = std::ranges::find_if(status.nodes, [&](const NodeStatus& node) {
    return node.node.endpoint() == replica.replication.source;
  });
  if (master != status.nodes.end() && master->replication.offset > replica.replication.offset)
    text += fmt::format(", {} behind",
                        formatSize(master->replication.offset - replica.replication.offset));
  return text;
}

std::string clusterText(const NodeStatus& node, const StackStatus& status) {
  std::string text = fmt::format("  offset {}", node.replication.offset);
  if (!node.replication.master) return text + "  " + lagText(node, status);
  if (!node.member) return text;
  text += fmt::format("  {} slots", slotCount(node.member->slots));
  if (!node.member->slots.empty()) text += " " + formatSlotRanges(node.member->slots);
  if (const auto count = node.member->migrating.size(); count > 0)
    text += fmt::format("  {} migrating", count);
  if (const auto count = node.member->importing.size(); count > 0)
    text += fmt::format("  {} importing", count);
  return text;
}

std::string nodeText(const NodeStatus& node, const StackStatus& status) {
  const std::string& role = node.role.empty() ? node.node.role : node.role;
  std::string text = fmt::format("  {}  {:<7}", node.node.endpoint().text(), role);
  if (!node.problem.empty())
    return text + fmt::format("  {}{}", node.problem,
                              node.stopped ? fmt::format(" (pid {})", node.node.process.pid) : "");
  text += fmt::format("  redis {}  pid {}{}  {} keys  {}", node.version, node.node.process.pid,
                      node.node.inContainer(), formatCount(static_cast<double>(node.keys)),
                      formatSize(node.usedMemory));
  return status.state.isCluster() ? text + clusterText(node, status) : text;
}

std::string backingText(const BackingStatus& status) {
  std::string text = fmt::format("  {}", status.address.text());
  if (!status.problem.empty()) return text + "  " + status.problem;
  return text + fmt::format("  postgres {}  pid {}  {} rows  {}", status.version,
                            status.postgres.process.pid,
                            formatCount(static_cast<double>(status.rows)),
                            formatSize(status.bytes));
}

nlohmann::json backingJson(const PostgresState& postgres, const PgAddress& address) {
  return {{"name", "postgres"},
          {"unix", address.text()},
          {"pid", postgres.process.pid},
          {"dir", postgres.dir.string()}};
}

nlohmann::json backingJson(const BackingStatus& status) {
  nlohmann::json backing = backingJson(status.postgres, status.address);
  backing["alive"] = status.alive;
  backing["version"] = status.version;
  backing["rows"] = status.rows;
  backing["bytes"] = status.bytes;
  backing["problem"] = status.problem;
  return backing;
}

}  // namespace

std::string statusText(const StackStatus& status) {
  std::string text = fmt::format("stack {} ({}), files in {}\n", status.state.name,
                                 status.state.topology, status.state.dir.string());
  for (const NodeStatus& node : status.nodes) text += nodeText(node, status) + "\n";
  if (status.backing) text += backingText(*status.backing) + "\n";
  for (const ObserverStatus& each : status.observers)
    text +=
        fmt::format("  {}  {}  {}\n", each.observer.name, each.observer.url(),
                    each.alive ? fmt::format("pid {}", each.observer.process.pid) : "not running");
  if (!status.driver.empty()) text += fmt::format("  {}\n", scrapeText(status.driver));
  if (status.state.isCluster() && status.cluster.empty())
    text += "  every node agrees on the slots, and all replicas are in sync\n";
  return text;
}

void takeRoles(StackState& state, const StackStatus& now) {
  for (NodeState& node : state.nodes) {
    const auto known = std::ranges::find(now.nodes, node.name,
                                         [](const NodeStatus& status) { return status.node.name; });
    if (known != now.nodes.end() && !known->role.empty()) node.role = known->role;
  }
}

std::string stackJson(const StackUp& up) {
  nlohmann::json stack = describe(up.state);
  for (const ObserverState& observer : up.observers)
    stack["observers"].push_back(observerJson(observer));
  if (!up.driver.empty()) stack["scraped_driver"] = up.driver;
  if (const auto address = backingAddress(up.state, {}))
    stack["backing"] = backingJson(*up.state.backing, *address);
  return stack.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string statusJson(const StackStatus& status) {
  nlohmann::json stack = describe(status.state);
  stack["nodes"] = nlohmann::json::array();
  for (const NodeStatus& node : status.nodes) stack["nodes"].push_back(nodeJson(node));
  for (const ObserverStatus& each : status.observers) {
    nlohmann::json observer = observerJson(each.observer);
    observer["alive"] = each.alive;
    observer["log"] = each.log.string();
    stack["observers"].push_back(observer);
  }
  if (!status.driver.empty()) stack["scraped_driver"] = status.driver;
  if (status.backing) stack["backing"] = backingJson(*status.backing);
  if (status.state.isCluster()) stack["problem"] = status.cluster;
  return stack.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace redline
