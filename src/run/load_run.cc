#include "run/load_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "base/affinity.h"
#include "base/units.h"
#include "engine/loading.h"
#include "os/console.h"
#include "run/cluster_target.h"
#include "run/cluster_watch.h"
#include "run/first_failure.h"
#include "run/foreign_keys.h"
#include "run/generator_memory.h"
#include "run/load_memory.h"
#include "run/load_method.h"
#include "run/load_summary.h"
#include "run/preflight.h"
#include "run/replica_wait.h"
#include "run/server_readings.h"
#include "run/store_fill.h"
#include "run/summarize.h"
#include "rundir/run_dir.h"
#include "rundir/summary_json.h"
#include "server/host.h"
#include "server/sampler.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace {

/// How often progress is reported and an interrupt is checked.
constexpr Nanos kProgressPoll = 50 * kMillisecond;
/// How long a replica that copies its master may seem to stand still: while that one forks, or its
/// child waits for a core.
constexpr Nanos kCopyPatience = 60 * kSecond;

/// The servers of a load, and how it gets into them.
struct Prepared {
  Preflight servers;
  MethodChoice method;
};

/// The node, or the cluster, after a look at whether the load may go there and fits.
Result<Prepared> prepare(const LoadRunPlan& plan, const LoadWatcher& watcher,
                         std::optional<Target> answered) {
  if (auto good = checkLoadPlan(plan.load); !good) return fail(good.error());
  auto servers = connectServers(plan.load.target, plan.load.seeds, plan.load.credentials,
                                plan.anyVersion, std::move(answered));
  if (!servers) return fail(std::move(servers.error()));
  const Target& first = servers->targets.front();
  if (servers->map && !servers->map->uncovered().empty())
    return fail(ErrorCode::refused, "{}",
                uncoveredText(*servers->map, first.admin.endpoint().text()));
  if (!servers->map && first.info.role() != "master")
    return fail(ErrorCode::refused, "{} is a replica: name its master with -addr",
                first.admin.endpoint().text());
  const auto note = [&watcher](const std::string& text) {
    if (watcher.onNote) watcher.onNote(text);
  };
  for (const std::string& text : servers->notes) note(text);
  const std::size_t nodes = servers->map ? servers->map->nodes().size() : 1;
  const Status room =
      checkGeneratorMemory(generatorMemory(plan.load, nodes), servers->host.memoryAvailable);
  if (auto sound = refuseUnless(plan.force, room, note); !sound)
    return fail(std::move(sound.error()));
  const Status fits = checkLoadFits(*servers, plan.load, watcher.onNote);
  if (auto sound = refuseUnless(plan.force, fits, note); !sound)
    return fail(std::move(sound.error()));
  auto foreign = findForeignKey(*servers, plan.load);
  if (!foreign) return fail(std::move(foreign.error()));
  if (*foreign) {
    const ForeignKey& key = **foreign;
    const std::string text =
        fmt::format("{} holds a {} under {}, a name of this data set, which the load overwrites",
                    key.server, key.type, key.key);
    if (!plan.force)
      return fail(ErrorCode::unsafe,
                  "{}: load into an empty server, delete such keys, or insist with -force", text);
    note(text);
  }
  if (auto earlier = earlierKeysText(*servers, plan.load); !earlier.empty()) note(earlier);
  auto method = chooseMethod(plan, *servers, fits.has_value());
  if (!method) return fail(std::move(method.error()));
  if (plan.method == LoadMethod::rdb && method->method != LoadMethod::rdb)
    note(fmt::format("-method=rdb: by commands, as {}", method->reason));
  if (method->method == LoadMethod::rdb && !plan.forCommands.empty())
    note(fmt::format("by rdb, which has no use for {}: -method=commands has",
                     fmt::join(plan.forCommands, ", ")));
  return Prepared{std::move(*servers), std::move(*method)};
}

/// One load's run directory, where one was asked for, and the samples that go into it.
class LoadRecord {
 public:
  Status open(const LoadRunPlan& plan, const EnvironmentFigures& environment) {
    if (plan.out.empty()) return {};
    auto created = RunDirWriter::create(plan.out);
    if (!created) return fail(created.error());
    writer_ = std::make_unique<RunDirWriter>(std::move(*created));
    return writer_->writePlan({plan.redlineVersion, plan.command, plan.config, environment,
                               wallNow(), SteadyClock::read()});
  }

  void watch(const LoadRunPlan& plan, const std::vector<Endpoint>& servers) {
    if (!writer_) return;
    SamplerOptions options;
    options.servers = servers;
    options.credentials = plan.load.credentials;
    options.interval = plan.interval;
    sampler_ = std::make_unique<Sampler>(
        options, clock_,
        [this](const ServerSample& s) { failures_.note(writer_->appendServerSample(s)); },
        [this](const Event& e) { failures_.note(writer_->appendEvent(e)); });
    sampler_->awaitFirst();
  }

  void event(const Event& event) {
    if (writer_) failures_.note(writer_->appendEvent(event));
  }

  /// Writes the summary, there and where the plan says.
  Status close(const LoadRunPlan& plan, const Summary& summary,
               std::span<const HotSlotFigures> slots) {
    if (sampler_) sampler_->stop();
    if (writer_ && !slots.empty()) failures_.note(writer_->writeSlots(slots));
    if (writer_) failures_.note(writer_->writeSummary(summary));
    Status written = failures_.get();
    if (!plan.json.empty() && written) written = writeResult(plan.json, summaryToJson(summary));
    return written;
  }

 private:
  SteadyClock clock_;
  std::unique_ptr<RunDirWriter> writer_;
  FirstFailure failures_;
  std::unique_ptr<Sampler> sampler_;
};

void describe(Summary& summary, const LoadRunPlan& plan, const HostFacts& host) {
  summary.command = plan.command;
  summary.config = plan.config;
  summary.environment = environmentFigures(host);
}

/// One load, from servers that may be loaded to the summary.
class LoadRun {
 public:
  LoadRun(const LoadRunPlan& plan, const LoadWatcher& watcher, Prepared& prepared,
          StoreFillFigures store)
      : plan_(plan),
        watcher_(watcher),
        servers_(prepared.servers),
        method_(prepared.method),
        store_(std::move(store)) {}

  Result<LoadRunOutcome> run() {
    const AffinityScope beside(plan_.load.cpus);
    Summary& summary = result_.summary;
    describe(summary, plan_, servers_.host);
    summary.environment.redisVersion = servers_.targets.front().info.recordedVersion();
    if (auto opened = record_.open(plan_, summary.environment); !opened)
      return fail(opened.error());
    record_.watch(plan_, endpoints());
    if (auto read = readBefore(); !read) return fail(read.error());
    if (servers_.map) followCluster();

    const CpuReading cpuBefore = readCpuTimes();
    record_.event({SteadyClock::read(), "phase", "load", "begin", {}, {}, 0});
    auto driven = drive();
    if (!driven) return fail(std::move(driven.error()));
    const LoadOutcome& outcome = *driven;
    summary.load = {std::string(nameOf(method_.method)), method_.reason, store_};
    record_.event({outcome.end, "phase", "load", "end", {}, {}, outcome.end - outcome.begin});
    const CpuReading cpuAfter = readCpuTimes();
    clusterWatch_.reset();

    result_.done = outcome.done;
    result_.resumeFrom = outcome.resumeFrom;
    readAfter(Servers::storing);
    result_.status = endOf(plan_, outcome, interrupted_, known_);
    if (slotMap_) awaitCopies();
    readAfter(Servers::others);
    summarizeLoad(summary, plan_.load, outcome, known_, stealShare(cpuBefore.all, cpuAfter.all));
    if (method_.method == LoadMethod::rdb) addExpiredOnArrival(summary, known_);
    if (slotMap_) describeCluster(outcome);
    judgeLoad(summary, plan_, result_.status);
    noteEarlierKeys();
    finish(outcome);
    return std::move(result_);
  }

 private:
  std::vector<Endpoint> endpoints() const {
    std::vector<Endpoint> all;
    for (const Target& target : servers_.targets) all.push_back(target.admin.endpoint());
    return all;
  }

  /// Whether it is the node, or a master with slots.
  bool stores(const Endpoint& endpoint) const {
    if (!servers_.map) return true;
    const std::uint16_t node = servers_.map->find(endpoint.host, endpoint.port);
    return node != SlotMap::kNoNode && !servers_.map->rangesOf(node).empty();
  }

  Status readBefore() {
    for (Target& target : servers_.targets) {
      auto sample = readSample(target.admin);
      const bool withheld = !target.info.withheld.empty();
      if (!sample && !withheld) return fail(sample.error());
      const Endpoint& endpoint = target.admin.endpoint();
      known_.push_back({endpoint.text(), stores(endpoint),
                        sample ? std::move(*sample) : ServerSample{}, std::nullopt});
    }
    return {};
  }

  enum class Servers { storing, others };

  // A connection may have been lost with the others, and its server be there again.
  void readAfter(Servers which) {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i].stores != (which == Servers::storing)) continue;
      Target& target = servers_.targets[i];
      auto sample = readSample(target.admin);
      if (!sample) {
        auto again =
            connectTarget(target.admin.endpoint(), plan_.load.credentials, plan_.anyVersion);
        if (!again) {
          if (known_[i].stores) result_.databaseKeys.reset();
          continue;
        }
        target = std::move(*again);
        sample = readSample(target.admin);
      }
      known_[i].withheld = !sample && !target.info.withheld.empty();
      if (sample ? sample->role == "master" : known_[i].stores) countKeys(target);
      if (sample) known_[i].after = std::move(*sample);
    }
  }

  void countKeys(Target& target) {
    if (!result_.databaseKeys) return;
    if (const auto size = target.admin.command({"DBSIZE"}))
      *result_.databaseKeys += static_cast<std::uint64_t>(size->integer);
    else if (const auto info = target.admin.info({"keyspace"}))
      *result_.databaseKeys += keysInDatabase(*info);
    else
      result_.databaseKeys.reset();
  }

  void noteEarlierKeys() {
    const std::uint64_t all = plan_.load.keys;
    if (!result_.status || result_.databaseKeys.value_or(0) <= all) return;
    result_.summary.notes.push_back(fmt::format(
        "{} keys more than the data set has were there before: empty the server first (FLUSHALL) "
        "where that is not meant",
        *result_.databaseKeys - all));
  }

  void followCluster() {
    slotMap_ = std::make_unique<LiveSlotMap>(*servers_.map);
    clusterWatch_ = std::make_unique<ClusterWatch>(
        *slotMap_, plan_.load.credentials, [this](const Event& event) { record_.event(event); });
  }

  void report(Nanos now, std::uint64_t done, bool over) const {
    if (watcher_.onProgress) watcher_.onProgress({now, done, over});
  }

  Result<LoadOutcome> drive() {
    auto outcome = driveByMethod();
    if (outcome) report(outcome->end, outcome->done, true);
    return outcome;
  }

  Result<LoadOutcome> driveByMethod() {
    if (method_.method == LoadMethod::commands)
      return follow(*Loading::start(knownLoad(), slotMap_.get()));
    auto loading = RdbLoading::start(plan_.load, method_.streams);
    if (!loading) return fail(std::move(loading.error()));
    LoadOutcome outcome = follow(**loading);
    streamed_ = outcome.counters.keysSent != 0;
    if (mayGoByCommands(outcome)) {
      method_.method = LoadMethod::commands;
      method_.reason = outcome.status.error().message;
      return follow(*Loading::start(knownLoad(), slotMap_.get()));
    }
    if (slotMap_ && streamed_)
      if (auto stayed = checkSlotsStayed(method_.streams, plan_.load.credentials);
          !stayed && outcome.status)
        outcome.status = std::move(stayed);
    return outcome;
  }

  /// A server did not let us after all.
  bool mayGoByCommands(const LoadOutcome& outcome) const {
    return plan_.method == LoadMethod::automatic && !interrupted_ && !outcome.status &&
           outcome.status.error().code == ErrorCode::refused;
  }

  /// With the node by the address that it was reached at.
  LoadPlan knownLoad() const {
    LoadPlan load = plan_.load;
    if (!servers_.map) load.target = servers_.targets.front().admin.peer();
    return load;
  }

  LoadOutcome follow(auto& loading) {
    report(SteadyClock::read(), 0, false);
    while (!loading.waitFor(kProgressPoll)) {
      report(SteadyClock::read(), loading.done(), false);
      if (interrupted_ || !watcher_.interrupted || !watcher_.interrupted()) continue;
      interrupted_ = true;
      loading.stop();
    }
    return loading.join();
  }

  void describeCluster(const LoadOutcome& outcome) {
    ClusterFigures& cluster = result_.summary.cluster;
    const LiveSlotMap::Map map = slotMap_->latest();
    ClusterFigures places = clusterFigures(outcome.cluster, *map);
    cluster.nodes = std::move(places.nodes);
    cluster.hotSlots = std::move(places.hotSlots);
  }

  /// Waits for the replicas, and notes which of them lack something.
  void awaitCopies() {
    if (!result_.status && !streamed_) return;
    ReplicaWait wait;
    if (streamed_) wait.patience = kCopyPatience;
    wait.copyAll = streamed_;  // what came by a stream is not in the replication stream
    wait.progress = watcher_.onReplicas;
    wait.interrupted = watcher_.interrupted;
    const Credentials& credentials = plan_.load.credentials;
    for (const ReplicaBehind& behind : awaitReplicas(*slotMap_->latest(), credentials, wait))
      result_.summary.notes.push_back(
          fmt::format("replica {} is {} behind {}{}", behind.replica, formatSize(behind.bytes),
                      behind.master, behind.problem.empty() ? "" : ": " + behind.problem));
  }

  void finish(const LoadOutcome& outcome) {
    std::vector<HotSlotFigures> slots;
    if (slotMap_) slots = slotFigures(outcome.cluster, *slotMap_->latest());
    Status written = record_.close(plan_, result_.summary, slots);
    if (result_.status && !written) result_.status = std::move(written);
  }

  const LoadRunPlan& plan_;
  const LoadWatcher& watcher_;
  Preflight& servers_;
  MethodChoice& method_;
  const StoreFillFigures store_;
  std::vector<LoadServer> known_;  ///< in the order of servers_.targets
  LoadRecord record_;
  LoadRunOutcome result_;
  bool interrupted_ = false;
  bool streamed_ = false;                 ///< keys came by a stream
  std::unique_ptr<LiveSlotMap> slotMap_;  ///< of a cluster
  std::unique_ptr<ClusterWatch> clusterWatch_;
};

/// Of -store=only: no key is written, and no server is asked for anything.
Result<LoadRunOutcome> fillStoreAlone(const LoadRunPlan& plan, const LoadWatcher& watcher) {
  LoadRunOutcome outcome;
  Summary& summary = outcome.summary;
  describe(summary, plan, readHost(0));
  LoadRecord record;
  if (auto opened = record.open(plan, summary.environment); !opened) return fail(opened.error());
  auto store = fillStore(plan, watcher);
  if (!store) return fail(std::move(store.error()));
  summary.load = {"none", "-store=only", std::move(*store)};
  outcome.status = record.close(plan, summary, {});
  return outcome;
}

}  // namespace

Status checkLoadPlan(const LoadPlan& load) {
  if (load.from >= load.keys)
    return fail(ErrorCode::usage, "-from={} leaves nothing to write: -keys={} has the ids 0 to {}",
                load.from, load.keys, load.keys - 1);
  if (load.ttlMin > load.ttlMax)
    return fail(ErrorCode::usage, "-ttl-min={} is longer than -ttl-max={}",
                formatDuration(load.ttlMin), formatDuration(load.ttlMax));
  return {};
}

Result<LoadRunOutcome> runLoad(const LoadRunPlan& plan, const LoadWatcher& watcher,
                               std::optional<Target> answered) {
  if (plan.store == StoreFill::only) return fillStoreAlone(plan, watcher);
  auto prepared = prepare(plan, watcher, std::move(answered));
  if (!prepared) return fail(std::move(prepared.error()));
  auto store = fillStore(plan, watcher);
  if (!store) return fail(std::move(store.error()));
  if (!store->address.empty()) {
    // That may have taken minutes: the servers are looked at again, without the same notes.
    LoadWatcher quiet = watcher;
    quiet.onNote = [](const std::string&) {};
    prepared = prepare(plan, quiet, std::nullopt);
    if (!prepared) return fail(std::move(prepared.error()));
  }
  return LoadRun(plan, watcher, *prepared, std::move(*store)).run();
}

}  // namespace redline
