#include "cluster/slot_map.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace redline {

/// Fills a SlotMap from a reply; the first thing that is wrong ends it.
class SlotMapReader {
 public:
  SlotMapReader(const NodeAddress& asked, std::string_view command)
      : asked_(asked), command_(command) {}

  Result<SlotMap> readSlots(const Value& reply) {
    if (!isList(reply)) return notIt(reply);
    for (const Value& entry : reply.items)
      if (auto read = readEntry(entry); !read) return fail(read.error());
    return std::move(map_);
  }

  Result<SlotMap> readShards(const Value& reply) {
    if (!isList(reply)) return notIt(reply);
    for (const Value& shard : reply.items)
      if (auto read = readShard(shard); !read) return fail(read.error());
    return std::move(map_);
  }

 private:
  static bool isList(const Value& value) { return value.type == Value::Type::array; }

  tl::unexpected<Error> broken(std::string_view what) const {
    return fail(ErrorCode::invalidInput, "{} answers {} with {}", asked_.text(), command_, what);
  }
  tl::unexpected<Error> notIt(const Value& reply) const {
    return broken(reply.isError() ? std::string_view(reply.text) : "a reply that is not a list");
  }

  // CLUSTER SLOTS: [first, last, master, replica, …], each node [host, port, id, metadata].
  Status readEntry(const Value& entry) {
    if (!isList(entry) || entry.items.size() < 3) return broken("an entry without slots or nodes");
    const auto range = readRange(entry.items[0], entry.items[1]);
    if (!range) return fail(range.error());
    std::uint16_t master = SlotMap::kNoNode;
    for (std::size_t i = 2; i < entry.items.size(); ++i) {
      auto node = readSlotsNode(entry.items[i]);
      if (!node) return fail(node.error());
      const auto index = place(std::move(*node), master);
      if (!index) return fail(index.error());
      if (i == 2) master = *index;
    }
    assign(*range, master);
    return {};
  }

  Result<ClusterNode> readSlotsNode(const Value& value) const {
    if (!isList(value) || value.items.size() < 2) return broken("a node without host or port");
    const auto port = readPort(&value.items[1]);
    if (!port) return broken("a node with an invalid port");
    ClusterNode node;
    const Value* ip = value.items.size() > 3 ? value.items[3].find("ip") : nullptr;
    node.address = {hostOf(value.items.data(), ip), *port};
    if (value.items.size() > 2) node.id = value.items[2].text;
    return node;
  }

  // CLUSTER SHARDS: {slots: [first, last, …], nodes: [{id, port, tls-port, ip, endpoint, hostname,
  // role, replication-offset, health}, …]}.
  Status readShard(const Value& shard) {
    const Value* slots = shard.find("slots");
    const Value* nodes = shard.find("nodes");
    if (slots == nullptr || nodes == nullptr || !isList(*slots) || !isList(*nodes))
      return broken("a shard without slots or nodes");
    std::vector<ClusterNode> members;
    for (const Value& value : nodes->items) {
      auto node = readShardsNode(value);
      if (!node) return fail(node.error());
      members.push_back(std::move(*node));
    }
    // The master first, the living before one that has failed: the others name it.
    const auto rank = [](const ClusterNode& node) { return std::pair(node.role, !node.online); };
    const auto first = std::ranges::min_element(members, {}, rank);
    if (first != members.end()) std::iter_swap(first, members.begin());
    std::uint16_t master = SlotMap::kNoNode;
    for (ClusterNode& node : members) {
      const bool isMaster = node.role == NodeRole::master;
      if (!isMaster && master == SlotMap::kNoNode) continue;  // its master is not known: no use
      const auto index = place(std::move(node), isMaster ? SlotMap::kNoNode : master);
      if (!index) return fail(index.error());
      if (master == SlotMap::kNoNode) master = *index;
    }
    return readShardSlots(*slots, master);
  }

  Status readShardSlots(const Value& slots, std::uint16_t master) {
    if (slots.items.size() % 2 != 0) return broken("a slot range without an end");
    for (std::size_t i = 0; i < slots.items.size(); i += 2) {
      const auto range = readRange(slots.items[i], slots.items[i + 1]);
      if (!range) return fail(range.error());
      assign(*range, master);
    }
    return {};
  }

  Result<ClusterNode> readShardsNode(const Value& value) const {
    auto port = readPort(value.find("port"));
    if (!port) port = readPort(value.find("tls-port"));
    if (!port) return broken("a node without a port");
    ClusterNode node;
    node.address = {hostOf(value.find("endpoint"), value.find("ip")), *port};
    if (const Value* id = value.find("id")) node.id = id->text;
    if (const Value* role = value.find("role"); role != nullptr && role->text != "master")
      node.role = NodeRole::replica;
    if (const Value* health = value.find("health")) node.online = health->text == "online";
    return node;
  }

  /// The host of a node, of which the reply gives an endpoint and perhaps the address that it
  /// announces. An endpoint that is null or empty says that only the host that was asked is known
  /// to lead there (cluster-preferred-endpoint-type unknown-endpoint), whatever is announced; "?",
  /// that the cluster goes by names and the node has none.
  std::string hostOf(const Value* endpoint, const Value* announced) const {
    const auto isNamed = [](const Value* name) {
      return name != nullptr && name->isText() && !name->text.empty() && name->text != "?";
    };
    if (isNamed(endpoint)) return endpoint->text;
    const bool open = endpoint == nullptr || endpoint->text == "?";
    return open && isNamed(announced) ? announced->text : asked_.host;
  }

  Result<SlotRange> readRange(const Value& first, const Value& last) const {
    const auto from = first.asInteger();
    const auto to = last.asInteger();
    if (!from || !to || *from < 0 || *from > *to || *to >= static_cast<std::int64_t>(kSlots))
      return broken("an invalid range of slots");
    return SlotRange{static_cast<std::uint16_t>(*from), static_cast<std::uint16_t>(*to)};
  }

  static std::optional<std::uint16_t> readPort(const Value* value) {
    const auto number = value == nullptr ? std::nullopt : value->asInteger();
    if (!number || *number < 1 || *number > std::numeric_limits<std::uint16_t>::max())
      return std::nullopt;
    return static_cast<std::uint16_t>(*number);
  }

  /// `master`: of a replica; kNoNode for a master.
  Result<std::uint16_t> place(ClusterNode node, std::uint16_t master) {
    node.role = master == SlotMap::kNoNode ? NodeRole::master : NodeRole::replica;
    node.master = master;
    const std::uint16_t known = map_.find(node.address.host, node.address.port);
    if (known == SlotMap::kNoNode) {
      if (map_.nodes_.size() == SlotMap::kNoNode) return broken("more nodes than a cluster has");
      return map_.add(std::move(node));
    }
    // A node that is gone may have left its address to another one.
    if (!map_.nodes_[known].online && node.online) {
      node.master = master == SlotMap::kNoNode ? known : master;
      map_.nodes_[known] = std::move(node);
    }
    return known;
  }

  void assign(SlotRange range, std::uint16_t master) {
    for (std::size_t slot = range.first; slot <= range.last; ++slot) map_.owners_[slot] = master;
  }

  const NodeAddress& asked_;
  std::string_view command_;
  SlotMap map_;
};

Result<SlotMap> SlotMap::fromSlots(const Value& reply, const NodeAddress& asked) {
  return SlotMapReader(asked, "CLUSTER SLOTS").readSlots(reply);
}

Result<SlotMap> SlotMap::fromShards(const Value& reply, const NodeAddress& asked) {
  return SlotMapReader(asked, "CLUSTER SHARDS").readShards(reply);
}

std::uint16_t SlotMap::find(std::string_view host, std::uint16_t port) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const ClusterNode& node = nodes_[i];
    if (node.address.port == port && (node.address.host == host || node.name == host))
      return static_cast<std::uint16_t>(i);
  }
  return kNoNode;
}

std::vector<std::uint16_t> SlotMap::replicasOf(std::uint16_t master) const {
  std::vector<std::uint16_t> replicas;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].role == NodeRole::replica && nodes_[i].master == master)
      replicas.push_back(static_cast<std::uint16_t>(i));
  return replicas;
}

std::vector<SlotRange> SlotMap::rangesOf(std::uint16_t node) const {
  return slotRangesWhere([&](std::uint16_t slot) { return owners_[slot] == node; });
}

std::uint16_t SlotMap::moved(std::uint16_t slot, std::string_view host, std::uint16_t port) {
  std::uint16_t owner = find(host, port);
  if (owner == kNoNode) owner = add({{std::string(host), port}, {}, {}, NodeRole::master, kNoNode});
  nodes_[owner].role = NodeRole::master;
  nodes_[owner].master = owner;
  return owners_[slot] = owner;
}

/// A node that is its own master names kNoNode, until it has a number.
std::uint16_t SlotMap::add(ClusterNode node) {
  const auto index = static_cast<std::uint16_t>(nodes_.size());
  if (node.master == kNoNode) node.master = index;
  nodes_.push_back(std::move(node));
  return index;
}

}  // namespace redline
