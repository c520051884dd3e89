#include "run/mitigation_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/units.h"
#include "cluster/hash_slot.h"
#include "server/slot_map_reading.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

std::string plainKey(std::uint64_t id) {
  std::array<char, kMaxKeyLength> key;
  return {key.data(), writeKey(key.data(), id)};
}

std::string_view nameOf(MitigationKind kind) {
  switch (kind) {
    case MitigationKind::localCache:
      return "local-cache";
    case MitigationKind::keySplit:
      return "key-split";
    case MitigationKind::replicaRead:
      return "replica-read";
    case MitigationKind::none:
      break;
  }
  return "none";
}

std::string_view nameOf(ReplicaPolicy policy) {
  switch (policy) {
    case ReplicaPolicy::random:
      return "random";
    case ReplicaPolicy::nearest:
      return "nearest";
    case ReplicaPolicy::replicaPreferred:
      break;
  }
  return "replica-preferred";
}

/// The value at a share of sorted ones (nearest rank).
double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

ReplicationLagFigures lagFigures(const ReplicationLag& lag, std::size_t replica) {
  ReplicationLagFigures figures;
  figures.addr = lag.pairs()[replica].replica.text();
  std::vector<double> most;
  for (const ReplicationLagSample& sample : lag.samples()) {
    if (sample.replica != replica) continue;
    most.push_back(static_cast<double>(sample.atMost));
    figures.maxAtLeast = std::max(figures.maxAtLeast, static_cast<double>(sample.atLeast));
  }
  std::ranges::sort(most);
  figures.samples = most.size();
  figures.p50 = quantile(most, 0.5);
  figures.p99 = quantile(most, 0.99);
  figures.max = most.empty() ? 0 : most.back();
  return figures;
}

/// Values in one go, whatever their number: the memory of both sides is not the run's to fill.
constexpr std::size_t kBytesAtOnce = std::size_t{4} << 20;

}  // namespace

MitigationRun::MitigationRun(const EnginePlan& plan, Endpoint node, KeyAdmin keys)
    : plan_(plan),
      node_(std::move(node)),
      keys_(std::move(keys)),
      values_(plan.seed, plan.valueSize),
      ttls_(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax) {}

Result<std::unique_ptr<MitigationRun>> MitigationRun::prepare(const EnginePlan& plan,
                                                              const Endpoint& node,
                                                              const SlotMap* map) {
  auto keys = KeyAdmin::connect(node, map != nullptr, plan.credentials, plan.valueSize);
  if (!keys) return fail(keys.error());
  std::unique_ptr<MitigationRun> run(new MitigationRun(plan, node, std::move(*keys)));
  if (plan.mitigation.is(MitigationKind::keySplit))
    if (auto named = run->nameCopies(map); !named) return fail(named.error());
  if (plan.mitigation.ledgerKeys != 0)
    run->shared_.ledger = std::make_unique<Ledger>(plan.keyChooser(), plan.mitigation.ledgerKeys);
  if (plan.mitigation.is(MitigationKind::localCache)) run->readTrackingLimit();
  if (map != nullptr && plan.mitigation.is(MitigationKind::replicaRead)) {
    run->findReplicas(*map);
    if (run->replicas_.empty())
      return fail(ErrorCode::usage, "-mitigation=replica-read: the cluster of {} has no replicas",
                  node.text());
  }
  if (auto written = run->writeFirstVersions(); !written) return fail(written.error());
  return run;
}

Status MitigationRun::nameCopies(const SlotMap* map) {
  std::vector<std::uint16_t> masters;  // indices of the map's nodes that own slots
  if (map != nullptr)
    for (std::uint16_t node = 0; node < map->nodes().size(); ++node)
      if (!map->rangesOf(node).empty()) masters.push_back(node);
  const auto masterOf = [&](std::string_view key) -> unsigned {
    if (map == nullptr) return 0;
    const auto found = std::ranges::find(masters, map->ownerOf(hashSlot(key)));
    return static_cast<unsigned>(found - masters.begin());  // masters.size(): no owner
  };
  auto split = KeySplit::make(plan_.mitigation.split, plan_.keyChooser(), plan_.keys,
                              map == nullptr ? 1 : static_cast<unsigned>(masters.size()), masterOf);
  if (!split) return fail(split.error());
  shared_.split = std::move(*split);
  return {};
}

void MitigationRun::findReplicas(const SlotMap& map) {
  for (std::uint16_t master = 0; master < map.nodes().size(); ++master)
    for (const std::uint16_t replica : map.replicasOf(master))
      replicas_.push_back(
          {endpointOf(map.nodes()[master].address), endpointOf(map.nodes()[replica].address)});
}

// For the record only: the servers of one stack have one configuration, and none is needed to run.
void MitigationRun::readTrackingLimit() {
  auto admin = Admin::connect(node_, plan_.credentials);
  const auto limit = admin ? admin->configGet("tracking-table-max-keys") : std::string();
  if (limit) trackingMaxKeys_ = parseCount(*limit).value_or(0);
}

/// The keys that hold a ledger key's value: its copies, or itself.
std::vector<std::string> MitigationRun::keysOf(Ledger::Key key) const {
  const std::uint64_t id = shared_.ledger->idOf(key);
  std::vector<std::string> keys;
  const auto hot = shared_.split ? shared_.split->hotIndex(id) : std::nullopt;
  if (!hot) return {plainKey(id)};
  for (unsigned way = 0; way < shared_.split->ways(); ++way)
    keys.emplace_back(shared_.split->key(*hot, way));
  return keys;
}

Status MitigationRun::writeFirstVersions() {
  std::vector<std::vector<std::string>> commands;
  std::string value(plan_.valueSize, '\0');
  const auto add = [&](std::string key, std::uint64_t id) {
    values_.write(value.data(), id, 0);
    auto& command = commands.emplace_back(std::vector<std::string>{"SET", std::move(key), value});
    if (const std::int64_t ttl = ttls_.ttlMillisOf(id); ttl != 0)
      command.insert(command.end(), {"PX", std::to_string(ttl)});
  };
  // Split keys by the thousand may be gigabytes: a bounded number at a time.
  const std::size_t atOnce = std::clamp<std::size_t>(kBytesAtOnce / plan_.valueSize, 1, 4096);
  const auto send = [&]() -> Status {
    const auto replies = keys_.pipeline(commands);
    if (!replies) return fail(replies.error());
    for (const Value& reply : *replies)
      if (reply.isError())
        return fail(ErrorCode::refused, "{} refuses the writes that prepare the run: {}",
                    node_.text(), reply.text);
    commands.clear();
    return {};
  };
  if (shared_.split)
    for (std::uint32_t hot = 0; hot < shared_.split->hot(); ++hot) {
      for (unsigned way = 0; way < shared_.split->ways(); ++way)
        add(std::string(shared_.split->key(hot, way)), shared_.split->idOf(hot));
      if (commands.size() >= atOnce)
        if (auto sent = send(); !sent) return sent;
    }
  if (shared_.ledger)
    for (Ledger::Key key = 0; key < shared_.ledger->size(); ++key) {
      const std::uint64_t id = shared_.ledger->idOf(key);
      if (!shared_.split || !shared_.split->hotIndex(id)) add(plainKey(id), id);
      if (commands.size() >= atOnce)
        if (auto sent = send(); !sent) return sent;
    }
  if (commands.empty() && !shared_.split && !shared_.ledger) return {};
  if (auto sent = send(); !sent) return sent;
  const auto replicated = keys_.awaitReplicas();
  if (!replicated) return fail(replicated.error());
  if (!*replicated)
    return fail(ErrorCode::timeout,
                "the replicas of {} are behind: wait until they are in sync (redline stack status)",
                node_.text());
  return {};
}

void MitigationRun::watch() {
  if (!replicas_.empty()) lag_ = std::make_unique<ReplicationLag>(replicas_, plan_.credentials);
}

void MitigationRun::onSample(const ServerSample& sample) {
  if (!plan_.mitigation.is(MitigationKind::localCache)) return;
  TrackingFigures& table = tracking_[sample.addr];
  table.addr = sample.addr;
  const auto raise = [&](std::uint64_t& to, std::string_view field) {
    to = std::max(to, static_cast<std::uint64_t>(sample.number(field)));
  };
  raise(table.keys, "tracking_total_keys");
  raise(table.items, "tracking_total_items");
}

MitigationOutcome MitigationRun::finish(bool evicted, const LocalCacheTally& caches) {
  MitigationOutcome outcome;
  MitigationFigures& figures = outcome.figures;
  describe(figures, caches);
  if (lag_) {
    lag_->stop();
    for (std::size_t i = 0; i < lag_->pairs().size(); ++i)
      figures.replicas.push_back(lagFigures(*lag_, i));
  }
  for (const auto& [addr, table] : tracking_) figures.trackingTables.push_back(table);
  for (TrackingFigures& table : figures.trackingTables) table.maxKeys = trackingMaxKeys_;
  if (auto read = audit(evicted, outcome); !read)
    outcome.notes.push_back(
        fmt::format("the ledger's keys could not be read back: {}", read.error().message));
  return outcome;
}

void MitigationRun::describe(MitigationFigures& figures, const LocalCacheTally& caches) const {
  const MitigationPlan& plan = plan_.mitigation;
  figures.kind = nameOf(plan.kind);
  if (plan.is(MitigationKind::localCache))
    figures.tracking = plan.tracking == Tracking::prefix ? "bcast" : "default";
  figures.caches = caches.caches;
  figures.cacheEntries = caches.entriesEach;
  figures.cacheBytesUsed = caches.bytesUsed;
  figures.cacheBytes = caches.bytes;
  if (plan.is(MitigationKind::replicaRead)) figures.replicaPolicy = nameOf(plan.replicaPolicy);
  if (shared_.split) {
    figures.split = plan.split.mode == SplitMode::tag ? "tag" : "spread";
    figures.splitWays = shared_.split->ways();
    figures.splitKeys = shared_.split->hot();
  }
  if (shared_.ledger) {
    figures.ledgerKeys = shared_.ledger->size();
    figures.ledgerBytes = shared_.ledger->memoryBytes();
  }
}

// Reads every ledger key where its slot is now, and asks the ledger about what is there. Not where
// a store keeps the writes: the cache may lack them, or have older ones.
Status MitigationRun::audit(bool evicted, MitigationOutcome& outcome) {
  if (!shared_.ledger || plan_.backing.writesStore()) return {};
  const std::size_t copies = shared_.split ? shared_.split->ways() : 1;
  const auto atOnce = static_cast<Ledger::Key>(
      std::clamp<std::size_t>(kBytesAtOnce / (plan_.valueSize * copies), 1, 1024));
  for (Ledger::Key begin = 0; begin < shared_.ledger->size(); begin += atOnce) {
    const Ledger::Key end = std::min(begin + atOnce, shared_.ledger->size());
    std::vector<std::vector<std::string>> commands;
    std::vector<std::size_t> counts;
    for (Ledger::Key key = begin; key < end; ++key) {
      const auto names = keysOf(key);
      counts.push_back(names.size());
      for (const std::string& name : names) commands.push_back({"GET", name});
    }
    const auto replies = keys_.pipeline(commands);
    if (!replies) return fail(replies.error());
    std::span<const Value> rest(*replies);
    for (Ledger::Key key = begin; key < end; ++key) {
      const std::size_t count = counts[key - begin];
      const bool mayBeGone = evicted || ttls_.ttlMillisOf(shared_.ledger->idOf(key)) != 0;
      auditKey(key, rest.first(count), mayBeGone, outcome);
      rest = rest.subspan(count);
    }
  }
  return {};
}

void MitigationRun::auditKey(Ledger::Key key, std::span<const Value> copies, bool mayBeGone,
                             MitigationOutcome& outcome) {
  MitigationFigures& figures = outcome.figures;
  std::uint64_t lost = 0;
  bool missing = false, unjudged = false;
  std::optional<std::uint64_t> first;
  bool divergent = false;
  for (const Value& copy : copies) {
    std::uint64_t version = 0;
    if (copy.isNull()) {
      missing = true;
      if (mayBeGone)
        unjudged = true;
      else
        lost = std::max(lost, shared_.ledger->audit(key, std::nullopt).lostAcknowledged);
      continue;
    }
    ++outcome.verify.checked;
    const auto verdict =
        values_.check(copy.text, shared_.ledger->idOf(key), &version, VerifyLevel::full);
    if (copy.isError() || verdict != Values::Verdict::ok) {
      ++outcome.verify.corrupt;
      lost = std::max(lost, shared_.ledger->audit(key, std::nullopt).lostAcknowledged);
      continue;
    }
    if (first && *first != version) divergent = true;
    first = version;
    const KeyAudit found = shared_.ledger->audit(key, version);
    unjudged |= !found.judged;
    lost = std::max(lost, found.lostAcknowledged);
  }
  outcome.verify.lostAcknowledged += lost;
  figures.keysWithLoss += lost != 0 ? 1 : 0;
  figures.missingKeys += missing ? 1 : 0;
  figures.divergentKeys += divergent ? 1 : 0;
  figures.auditUnjudged += unjudged ? 1 : 0;
}

}  // namespace redline
