#include "server/cluster_view.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/text.h"
#include "server/info.h"

namespace redline {
namespace {

constexpr std::size_t kFirstSlotWord = 8;

std::optional<std::uint16_t> slotIn(std::string_view text) {
  const auto number = toNumber<std::uint16_t>(text);
  return number && *number < kSlots ? number : std::nullopt;
}

/// "127.0.0.1:7700@17700,hostname" and, before a node knows its own address, ":7700@17700".
std::optional<Endpoint> endpointIn(std::string_view word) {
  const std::string_view address = word.substr(0, word.find('@'));
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = toNumber<std::uint16_t>(address.substr(colon + 1));
  if (!port) return std::nullopt;
  return Endpoint{std::string(address.substr(0, colon)), *port, {}};
}

bool readFlags(std::string_view flags, ClusterMember& node) {
  bool role = false;
  while (!flags.empty()) {
    const std::size_t comma = flags.find(',');
    const std::string_view flag = flags.substr(0, comma);
    flags.remove_prefix(comma == std::string_view::npos ? flags.size() : comma + 1);
    if (flag == "master" || flag == "slave") {
      node.master = flag == "master";
      role = true;
    } else if (flag == "myself") {
      node.myself = true;
    } else if (flag == "fail?") {
      node.suspected = true;
    } else if (flag == "fail") {
      node.failed = true;
    } else if (flag == "handshake") {
      node.handshake = true;
    }
  }
  return role || node.handshake;
}

/// "[93->-id]" is on its way out, "[93-<-id]" in.
bool readMoving(std::string_view word, ClusterMember& node) {
  if (!word.ends_with(']')) return false;
  word = word.substr(1, word.size() - 2);
  const std::size_t dash = word.find('-');
  if (dash == std::string_view::npos || word.size() < dash + 4) return false;
  const auto slot = slotIn(word.substr(0, dash));
  const std::string_view arrow = word.substr(dash, 3);
  if (!slot || (arrow != "->-" && arrow != "-<-")) return false;
  (arrow == "->-" ? node.migrating : node.importing)
      .push_back({*slot, std::string(word.substr(dash + 3))});
  return true;
}

bool readSlots(std::string_view word, ClusterMember& node) {
  if (word.starts_with('[')) return readMoving(word, node);
  const std::size_t dash = word.find('-');
  const auto first = slotIn(word.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : slotIn(word.substr(dash + 1));
  if (!first || !last || *first > *last) return false;
  node.slots.push_back({*first, *last});
  return true;
}

std::optional<ClusterMember> memberOf(std::string_view line) {
  const auto words = splitWords(line);
  if (words.size() < kFirstSlotWord) return std::nullopt;
  ClusterMember node;
  node.id = words[0];
  const auto endpoint = endpointIn(words[1]);
  const auto epoch = toNumber<std::uint64_t>(words[6]);
  if (!endpoint || !epoch || !readFlags(words[2], node)) return std::nullopt;
  node.endpoint = *endpoint;
  if (words[3] != "-") node.masterId = words[3];
  node.configEpoch = *epoch;
  node.connected = words[7] == "connected";
  for (std::size_t i = kFirstSlotWord; i < words.size(); ++i)
    if (!readSlots(words[i], node)) return std::nullopt;
  return node;
}

template <typename Wanted>
const ClusterMember* firstWhere(const std::vector<ClusterMember>& nodes, Wanted wanted) {
  const auto found = std::ranges::find_if(nodes, wanted);
  return found == nodes.end() ? nullptr : &*found;
}

}  // namespace

bool ClusterMember::owns(std::uint16_t slot) const {
  return std::ranges::any_of(slots, [&](const SlotRange& range) { return range.contains(slot); });
}

bool ClusterMember::ownsAll(std::span<const SlotRange> ranges) const {
  // Both are joined where they touch, so a range lies in one of ours or not wholly in any.
  return std::ranges::all_of(ranges, [&](const SlotRange& wanted) {
    return std::ranges::any_of(slots, [&](const SlotRange& ours) {
      return ours.contains(wanted.first) && ours.contains(wanted.last);
    });
  });
}

const ClusterMember* ClusterView::byId(std::string_view id) const {
  return firstWhere(nodes, [&](const ClusterMember& node) { return node.id == id; });
}

const ClusterMember* ClusterView::byEndpoint(const Endpoint& endpoint) const {
  return firstWhere(nodes, [&](const ClusterMember& node) { return node.endpoint == endpoint; });
}

const ClusterMember* ClusterView::ownerOf(std::uint16_t slot) const {
  return firstWhere(nodes, [&](const ClusterMember& node) { return node.owns(slot); });
}

const ClusterMember* ClusterView::myself() const {
  return firstWhere(nodes, [](const ClusterMember& node) { return node.myself; });
}

std::vector<const ClusterMember*> ClusterView::masters() const {
  std::vector<const ClusterMember*> masters;
  for (const ClusterMember& node : nodes)
    if (node.master) masters.push_back(&node);
  std::ranges::sort(masters, {}, [](const ClusterMember* node) {
    return std::tuple(node->slots.empty() ? kSlots : node->slots.front().first, node->id);
  });
  return masters;
}

std::vector<const ClusterMember*> ClusterView::replicasOf(std::string_view masterId) const {
  std::vector<const ClusterMember*> replicas;
  for (const ClusterMember& node : nodes)
    if (!node.master && node.masterId == masterId) replicas.push_back(&node);
  return replicas;
}

std::size_t ClusterView::slotsCovered() const {
  std::size_t covered = 0;
  for (const ClusterMember& node : nodes) covered += slotCount(node.slots);
  return covered;
}

std::string ClusterView::mapText() const {
  std::vector<std::string> lines;
  lines.reserve(nodes.size());
  for (const ClusterMember& node : nodes)
    lines.push_back(fmt::format("{} {} {} {}", node.id, node.endpoint.port,
                                node.master ? "master" : "replica of " + node.masterId,
                                formatSlotRanges(node.slots)));
  std::ranges::sort(lines);
  return fmt::format("{}", fmt::join(lines, "\n"));
}

Result<ClusterView> parseClusterNodes(std::string_view text) {
  ClusterView view;
  for (const std::string_view line : splitLines(text)) {
    if (trim(line).empty()) continue;
    auto node = memberOf(line);
    if (!node)
      return fail(ErrorCode::invalidInput, "not a line of CLUSTER NODES: {}", line.substr(0, 200));
    view.nodes.push_back(std::move(*node));
  }
  if (view.nodes.empty()) return fail(ErrorCode::invalidInput, "CLUSTER NODES names no node");
  return view;
}

std::map<std::string, std::string, std::less<>> parseClusterInfo(std::string_view text) {
  return parseServerInfo(text).fields;  // the same form: name:value
}

std::vector<SlotRange> evenSlots(std::size_t masters) {
  std::vector<SlotRange> ranges;
  ranges.reserve(masters);
  for (std::size_t i = 0; i < masters; ++i)
    ranges.push_back({static_cast<std::uint16_t>(i * kSlots / masters),
                      static_cast<std::uint16_t>((i + 1) * kSlots / masters - 1)});
  return ranges;
}

}  // namespace redline
