#include "top/model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "base/text.h"
#include "base/units.h"
#include "model/costs.h"
#include "server/key_look.h"

namespace redline {
namespace {

constexpr std::string_view kNoReadingFor = "no reading for ";
constexpr std::size_t kKeptEvents = 100;
constexpr std::size_t kShown = 10;  ///< keys, slots, families

double grown(const ServerInfo& before, const ServerInfo& after, std::string_view field) {
  return std::max(0.0, after.number(field) - before.number(field));
}

/// About how many expired keys our SCAN has met: it passed over so many keys, of which the server
/// estimates how many have expired and not gone yet.
double expiredKeysMet(const NodeReport& report) {
  const auto looked = report.sent.find("memory|usage");
  const auto space = report.info.keyspace.find(0);
  if (looked == report.sent.end() || space == report.info.keyspace.end()) return 0;
  return static_cast<double>(looked->second) * shareOf(space->second.expires, space->second.keys) *
         report.info.number("expired_stale_perc") / 100;
}

/// What is added up over masters; NaN of one leaves the others'.
void add(double& sum, double more) {
  if (std::isnan(more)) return;
  sum = std::isnan(sum) ? more : sum + more;
}

template <typename T, typename Key>
void keepMost(std::vector<T>& list, Key key) {
  std::ranges::stable_sort(list, std::greater{}, key);
  if (list.size() > kShown) list.resize(kShown);
}

}  // namespace

std::string ClusterHealth::problem() const {
  if (state.empty()) return "cluster_state is not known: CLUSTER INFO cannot be read";
  std::vector<std::string> parts;
  const auto part = [&parts](std::uint64_t slots, std::string_view words) {
    if (slots != 0) parts.push_back(fmt::format("{} {}", plural(slots, "slot"), words));
  };
  part(failed, "of failed masters");
  part(unassigned, "of no master");
  part(mayHaveFailed, "of masters that may have failed");
  if (state == "ok" && parts.empty()) return {};
  return fmt::format("cluster_state {}{}{}", state, parts.empty() ? "" : ": ",
                     fmt::join(parts, ", "));
}

bool TopModel::Node::isSilent(Nanos now, Nanos freshFor) const {
  return readAt != 0 && now - readAt > freshFor && (last.problem.empty() || last.silent);
}

std::string TopModel::Node::problem(Nanos now, Nanos freshFor) const {
  if (!hasReported()) return "it has not answered yet";
  return isSilent(now, freshFor) ? fmt::format("{}{}", kNoReadingFor, formatDuration(now - readAt))
                                 : last.problem;
}

std::string TopModel::Node::causeOf(std::string problem) {
  if (problem.starts_with(kNoReadingFor)) return std::string(kNoReadingFor);
  std::erase_if(problem, [](char c) { return c >= '0' && c <= '9'; });
  return problem;
}

bool TopModel::isFresh(const Endpoint& node, Nanos now) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.problem(now, freshFor_).empty();
}

NodeRow TopModel::rowOf(const Endpoint& endpoint, Node& node, Nanos now) {
  NodeRow row;
  row.node = endpoint.text();
  row.problem = node.problem(now, freshFor_);
  if (node.answers()) row.role = node.last.info.role();
  if (row.problem.empty()) row.load = node.load;
  const std::string before = std::exchange(node.told, Node::causeOf(row.problem));
  row.problemBegan = !node.told.empty() && node.told != before;
  row.problemEnded = node.told.empty() && !before.empty();
  return row;
}

void TopModel::take(NodeReport report) {
  Node& node = nodes_[report.node];
  for (Event& event : report.events) {
    events_.push_front(event);
    news_.push_back(std::move(event));
  }
  if (events_.size() > kKeptEvents) events_.resize(kKeptEvents);
  for (const auto& [slot, keys] : report.slots) keysInSlot_[slot] = {report.node, keys};
  const bool answered = report.problem.empty();
  const bool same = answered && node.last.problem.empty() &&
                    node.last.info.text("run_id") == report.info.text("run_id") &&
                    node.hasReported();
  if (same) {
    node.before = std::move(node.last.info);
    node.beforeAt = node.last.at;
  } else {
    node.before.reset();
  }
  node.last = std::move(report);
  if (answered) node.readAt = node.last.at;
  node.cost = {};
  node.costS = 0;
  if (node.before) {
    node.costS = toSeconds(node.last.at - node.beforeAt);
    node.cost = costOf(*node.before, node.last.info, node.last.sent);
  }
  node.load = figuresOf(node);
}

void TopModel::takeOwnCpu(Nanos at, Nanos cpu) {
  if (ownCpu_ && at > ownCpu_->first)
    ownShare_ = toSeconds(cpu - ownCpu_->second) / toSeconds(at - ownCpu_->first);
  ownCpu_ = {at, cpu};
}

bool TopModel::hasRates() const {
  return !nodes_.empty() && std::ranges::all_of(nodes_, [](const auto& each) {
    return each.second.before || !each.second.last.problem.empty();
  });
}

bool TopModel::answers(const Endpoint& endpoint) const {
  const auto found = nodes_.find(endpoint);
  return found != nodes_.end() && found->second.answers();
}

TopLoad TopModel::figuresOf(const Node& node) {
  const ServerInfo& info = node.last.info;
  TopLoad figures;
  figures.memory = info.number("used_memory");
  figures.limit = info.number("maxmemory");
  figures.clients = info.number("connected_clients");
  figures.keys = static_cast<double>(info.keys());
  const double seconds = toSeconds(node.last.at - node.beforeAt);
  if (!node.before || seconds <= 0) return figures;
  const ServerInfo& before = *node.before;
  const SentCommands observing = observingCommands(before, info, node.last.sent);
  double noLoad = 0;
  for (const auto& [name, count] : observing) noLoad += static_cast<double>(count);
  figures.opsPerS =
      std::max(0.0, grown(before, info, "total_commands_processed") - noLoad) / seconds;
  figures.pingsPerS = static_cast<double>(callsBetween(before, info, "ping")) / seconds;
  const double hits = std::max(
      0.0, grown(before, info, "keyspace_hits") - static_cast<double>(lookupsIn(observing)));
  const double misses = grown(before, info, "keyspace_misses");
  if (hits + misses > 0) figures.hitRate = hits / (hits + misses);
  if (!info.text("used_cpu_user_main_thread").empty())
    figures.mainThread = (grown(before, info, "used_cpu_user_main_thread") +
                          grown(before, info, "used_cpu_sys_main_thread")) /
                         seconds;
  figures.evictedPerS = grown(before, info, "evicted_keys") / seconds;
  figures.expiredPerS = grown(before, info, "expired_keys") / seconds;
  figures.expiredByUsPerS = std::min(figures.expiredPerS, expiredKeysMet(node.last) / seconds);
  return figures;
}

TopView TopModel::view(Nanos now) {
  TopView view;
  view.isCluster = isCluster_;
  view.events.assign(events_.begin(), events_.end());
  view.news = std::exchange(news_, {});
  view.ownCpu = ownShare_;
  double hits = 0, lookups = 0;
  std::set<std::string> notes;
  view.health = health_;
  view.healthTurned = std::exchange(toldHealth_, health_) != health_;
  view.eventsKnown = true;
  for (auto& [endpoint, node] : nodes_) {
    view.nodes.push_back(rowOf(endpoint, node, now));
    const NodeRow& row = view.nodes.back();
    notes.insert(node.last.notes.begin(), node.last.notes.end());
    view.eventsKnown = view.eventsKnown && row.problem.empty() && node.last.logsRead;
    if (!row.problem.empty()) continue;
    const std::string_view policy = node.last.info.text("maxmemory_policy");
    if (view.policy.empty() || redline::countsUses(policy)) view.policy = policy;
    if (node.costS > 0) {
      add(view.commandsPerS, static_cast<double>(node.cost.commands) / node.costS);
      add(view.serverUsPerS, node.cost.serverUs / node.costS);
    }
    if (row.role != "master" && nodes_.size() > 1) continue;
    const TopLoad& load = node.load;
    add(view.all.opsPerS, load.opsPerS);
    add(view.all.pingsPerS, load.pingsPerS);
    add(view.all.expiredByUsPerS, load.expiredByUsPerS);
    add(view.all.evictedPerS, load.evictedPerS);
    add(view.all.expiredPerS, load.expiredPerS);
    add(view.all.memory, load.memory);
    add(view.all.limit, load.limit);
    add(view.all.clients, load.clients);
    add(view.all.keys, load.keys);
    if (!std::isnan(load.mainThread))
      view.all.mainThread = std::isnan(view.all.mainThread)
                                ? load.mainThread
                                : std::max(view.all.mainThread, load.mainThread);
    if (!std::isnan(load.hitRate) && node.before) {
      const double all = grown(*node.before, node.last.info, "keyspace_hits") +
                         grown(*node.before, node.last.info, "keyspace_misses");
      hits += load.hitRate * all;
      lookups += all;
    }
  }
  if (lookups > 0) view.all.hitRate = hits / lookups;
  std::ranges::stable_sort(view.nodes, {}, [](const NodeRow& row) { return row.role != "master"; });
  view.notes.assign(notes.begin(), notes.end());
  addKeys(view);
  addSlots(view);
  return view;
}

void TopModel::addKeys(TopView& view) const {
  double uses = 0;
  bool any = false;
  view.whole = true;
  std::map<std::string, KeyFamily> families;
  for (const auto& [endpoint, node] : nodes_) {
    // What one that is gone had, its successor has: it would be counted twice.
    if (!node.answers()) continue;
    const KeySample& sample = node.last.keys;
    if (node.last.info.role() == "master")
      for (const auto& [number, space] : node.last.info.keyspace)
        if (number != 0) view.otherKeys += space.keys;
    if (sample.keys == 0) continue;
    any = true;
    view.looked += sample.looked;
    view.keys += sample.keys;
    view.whole = view.whole && sample.whole;
    view.countsUses = view.countsUses || sample.counters;
    uses += sample.uses * sample.scale();
    for (const KeyFamily& family :
         sample.extrapolated(node.last.info.number("used_memory", kInfinity))) {
      KeyFamily& sum = families[family.prefix];
      sum.prefix = family.prefix;
      sum.keys += family.keys;
      sum.bytes += family.bytes;
      sum.onceKeys += family.onceKeys;
      sum.onceBytes += family.onceBytes;
      view.familyBytes += family.bytes;
    }
    for (const ExaminedKey& key : sample.largest)
      view.bigKeys.push_back({key.name, endpoint.text(), key.type, key.bytes, key.elements,
                              wholeReadSeconds(key.type, key.elements),
                              std::string(wholeRead(key.type))});
    for (const ExaminedKey& key : sample.busiest)
      view.hotKeys.push_back({key.name, endpoint.text(), hashSlot(key.name), key.reads,
                              usesOf(key.reads, sample.logFactor)});
  }
  view.whole = view.whole && any;
  for (HotKey& key : view.hotKeys) key.share = uses > 0 ? std::min(1.0, key.share / uses) : 0;
  for (auto& [prefix, family] : families) view.families.push_back(std::move(family));
  keepMost(view.families, &KeyFamily::bytes);
  keepMost(view.hotKeys, &HotKey::share);
  keepMost(view.bigKeys, [](const BigKey& key) { return std::pair(key.stallS, key.bytes); });
}

void TopModel::addSlots(TopView& view) const {
  if (!isCluster_) return;
  std::map<std::uint16_t, std::pair<Endpoint, std::uint64_t>> counts;
  for (const auto& [slot, counted] : keysInSlot_)
    if (answers(counted.first)) counts.emplace(slot, counted);
  view.slotsCounted = counts.size();
  const auto keysIn = [&counts](std::uint16_t slot) {
    const auto found = counts.find(slot);
    return found == counts.end() ? 0 : found->second.second;
  };
  if (view.countsUses) {
    double all = 0;
    for (const auto& [endpoint, node] : nodes_) {
      if (!node.answers()) continue;
      const KeySample& sample = node.last.keys;
      for (const auto& [slot, uses] : sample.usesBySlot) {
        all += uses * sample.scale();
        // What was seen in this slot, and no more: at least so much of all.
        view.hotSlots.push_back({slot, endpoint.text(), uses, keysIn(slot)});
      }
    }
    for (HotSlot& slot : view.hotSlots) slot.share = all > 0 ? slot.share / all : 0;
  } else {
    std::uint64_t all = 0;
    for (const auto& [slot, counted] : counts) all += counted.second;
    for (const auto& [slot, counted] : counts)
      if (counted.second != 0)
        view.hotSlots.push_back(
            {slot, counted.first.text(), shareOf(counted.second, all), counted.second});
  }
  keepMost(view.hotSlots, &HotSlot::share);
}

}  // namespace redline
