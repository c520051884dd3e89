#include "run/driver_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include "base/affinity.h"
#include "base/text.h"
#include "engine/engine.h"
#include "os/console.h"
#include "os/files.h"
#include "record/recorder.h"
#include "run/chaos_run.h"
#include "run/cluster_watch.h"
#include "run/error_notes.h"
#include "run/first_failure.h"
#include "run/mitigation_run.h"
#include "run/preflight.h"
#include "run/send_file.h"
#include "run/server_readings.h"
#include "run/store_run.h"
#include "run/summarize.h"
#include "rundir/plan.h"
#include "rundir/run_dir.h"
#include "rundir/summary_json.h"
#include "server/host.h"
#include "server/ping_probe.h"
#include "server/sampler.h"
#include "server/slot_map_reading.h"

namespace redline {
namespace {

constexpr Nanos kPollSpan = 20 * kMillisecond;

/// Readings of the servers and the machine at one edge of the measured window.
struct Edge {
  ServerSamples servers;
  CpuReading cpu;
};

Edge readEdge(std::vector<Target>& targets) {
  const CpuReading cpu = readCpuTimes();
  return {readSamples(targets), cpu};
}

/// Ends the store, which still posts to the engine's workers, before the engine.
struct StoreEnd {
  std::unique_ptr<PgStore>& store;
  ~StoreEnd() { store.reset(); }
};

/// One run, from the open run directory to the summary.
class DriverRun {
 public:
  DriverRun(const DriverPlan& plan, const RunWatcher& watcher, RunDirWriter& directory,
            Preflight& preflight)
      : plan_(plan),
        watcher_(watcher),
        directory_(directory),
        preflight_(preflight),
        environment_(environmentFigures(preflight.host)),
        recorder_(plan.engine.threads, [this](const Interval& i) { onInterval(i); }),
        chaos_(plan.chaos, faultContext()) {
    environment_.redisVersion = preflight.targets.front().info.recordedVersion();
  }

  Result<DriverOutcome> run() {
    // redline's other threads run on the generator's cores, where their cost shows as lateness: on
    // a server's core it would look like the server's latency.
    const AffinityScope beside(plan_.engine.cpus);
    if (auto ready = chaos_.prepare(); !ready) return fail(ready.error());
    if (plan_.engine.mitigation.isUsed()) {
      auto prepared =
          MitigationRun::prepare(plan_.engine, preflight_.targets.front().admin.endpoint(),
                                 preflight_.map ? &*preflight_.map : nullptr);
      if (!prepared) return fail(prepared.error());
      mitigation_ = std::move(*prepared);
    }
    if (preflight_.map) followCluster();
    auto store = openStore(plan_.engine, plan_.own, preflight_.targets.front().admin.endpoint(),
                           plan_.force);
    if (!store) return fail(store.error());
    auto engine = Engine::connect(plan_.engine, recorder_, slotMap_.get(),
                                  mitigation_ ? &mitigation_->shared() : nullptr, store->get());
    if (!engine) return fail(engine.error());
    const StoreEnd beforeTheEngine{*store};
    if (!plan_.sends.empty()) {
      auto file = SendFile::create(plan_.sends, (*engine)->sendLogs());
      if (!file) return fail(std::move(file.error()));
      sends_.emplace(std::move(*file));
    }
    start_ = clock_.now() + 50 * kMillisecond;
    if (auto written = writePlan(); !written) return fail(written.error());
    tellBeginning();
    {
      Sampler sampler(
          samplerOptions(), clock_, [this](const ServerSample& s) { onSample(s); },
          [this](const Event& e) { onEvent(e); });
      sampler.awaitFirst();
      // The sampler's first reading may have taken a while: the run begins when all is ready.
      const Window window = (*engine)->go(std::max(start_, clock_.now() + Engine::kLead));
      chaos_.start(window.measureStart);
      if (mitigation_) mitigation_->watch();
      std::optional<PingProbe> probe;
      if (!plan_.chaos.empty())
        probe.emplace(probeOptions(), clock_, [this](const Event& e) { onEvent(e); });
      watch(**engine, window);
      const Status ended = (*engine)->join();
      clusterWatch_.reset();
      probe.reset();
      chaos_.finish();  // before the last samples: they show the healed server
      recorder_.finish();
      sampler.stop();
      failures_.note(ended);
    }
    if (*store) noteStore(**store);
    return finish(**engine);
  }

 private:
  SamplerOptions samplerOptions() const {
    SamplerOptions options;
    options.servers = servers();
    options.credentials = plan_.engine.credentials;
    options.interval = plan_.engine.interval;
    return options;
  }

  std::vector<Endpoint> servers() const {
    std::vector<Endpoint> all;
    for (const Target& target : preflight_.targets) all.push_back(target.admin.endpoint());
    return all;
  }

  void followCluster() {
    slotMap_ = std::make_unique<LiveSlotMap>(*preflight_.map);
    clusterWatch_ = std::make_unique<ClusterWatch>(*slotMap_, plan_.engine.credentials,
                                                   [this](const Event& e) { onEvent(e); });
  }

  PingProbeOptions probeOptions() const {
    PingProbeOptions options;
    options.servers = servers();
    options.credentials = plan_.engine.credentials;
    return options;
  }

  /// As -addr names them, and then a cluster's other nodes: a fault without -target is done to the
  /// first.
  std::vector<Endpoint> faultServers() const {
    std::vector<Endpoint> all = plan_.engine.seeds;
    for (const Endpoint& server : servers())
      if (std::ranges::find(all, server) == all.end()) all.push_back(server);
    return all;
  }

  FaultContext faultContext() {
    FaultContext context;
    context.servers = faultServers();
    context.credentials = plan_.engine.credentials;
    context.own = plan_.own;
    context.force = plan_.force;
    context.clock = &clock_;
    context.sink = [this](const Event& event) {
      onEvent(event);
      if (watcher_.onFault) watcher_.onFault(event, event.at - start_);
    };
    return context;
  }

  Status writePlan() {
    Plan plan;
    plan.redlineVersion = plan_.redlineVersion;
    plan.command = plan_.command;
    plan.config = plan_.config;
    plan.environment = environment_;
    plan.clockZero = start_;
    plan.wallZero = wallZero();
    return directory_.writePlan(plan);
  }

  Nanos wallZero() const { return wallNow() + (start_ - clock_.now()); }

  void tellBeginning() {
    if (!watcher_.onBegin) return;
    RunBeginning beginning{
        plan_.engine, plan_.command, directory_.path(), start_, wallZero(), {}, {}};
    if (slotMap_)
      beginning.clusterNow = [this](const ClusterTally& tally) {
        return clusterFigures(tally, *slotMap_->latest());
      };
    if (!plan_.chaos.empty())
      beginning.faulted = [this](Nanos from, Nanos to) { return chaos_.touches(from, to); };
    watcher_.onBegin(beginning);
  }

  void onInterval(const Interval& interval) {
    failures_.note(directory_.appendInterval(interval));
    if (!plan_.chaos.empty() && !interval.warmup) {
      auto& [clear, faulted] = dispatch_;
      Histogram& to = chaos_.touches(interval.start, interval.end) ? faulted : clear;
      for (const OpKind kind : {OpKind::get, OpKind::set})
        to.add(interval.of(Measure::dispatch, kind));
    }
    storePeaks_.follow(interval.counts);
    watcher_.onInterval(interval, interval.end - start_);
  }

  void onSample(const ServerSample& sample) {
    readings_.add(sample);
    if (mitigation_) mitigation_->onSample(sample);
    failures_.note(directory_.appendServerSample(sample));
    if (watcher_.onSample) watcher_.onSample(sample);
  }

  void onEvent(const Event& event) {
    if (event.kind == "fault" && event.phase == "begin") ++faults_;
    failures_.note(directory_.appendEvent(event));
  }

  void phase(std::string_view name, std::string_view bracket, Nanos at) {
    Event event;
    event.at = at;
    event.kind = "phase";
    event.name = name;
    event.phase = bracket;
    onEvent(event);
  }

  // Runs in parallel with the workers: records, reads INFO at the edges of the window, and checks
  // for an interrupt.
  void watch(Engine& engine, const Window& planned) {
    phase("warmup", "begin", planned.start);
    bool stopped = false;
    while (engine.running()) {
      const Nanos now = clock_.now();
      const Window window = engine.window();
      if (!before_ && now >= window.measureStart) {
        before_ = readEdge(preflight_.targets);
        phase("measure", "begin", window.measureStart);
      }
      if (before_ && !after_ && now >= window.measureEnd) after_ = readEdge(preflight_.targets);
      recorder_.poll();
      if (sends_) failures_.note(sends_->poll());
      if (!stopped && watcher_.interrupted()) {
        engine.stop();
        stopped = true;
      }
      sleepUntil(nextEdge(window, clock_.now()));
    }
    if (!before_) before_ = readEdge(preflight_.targets);
    if (!after_) after_ = readEdge(preflight_.targets);
    phase("measure", "end", engine.window().measureEnd);
  }

  Nanos nextEdge(const Window& window, Nanos now) const {
    Nanos next = now + kPollSpan;
    if (!before_ && window.measureStart > now) next = std::min(next, window.measureStart);
    if (!after_ && window.measureEnd > now) next = std::min(next, window.measureEnd);
    return next;
  }

  void sleepUntil(Nanos at) const {
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<Nanos>(at - clock_.now(), 0)));
  }

  /// What the store said of its failures, which the counts do not.
  void noteStore(const PgStore& store) {
    for (const StoreProblem& problem : store.problems())
      storeNotes_.push_back(
          fmt::format("the store behind the cache: {} {}, the last one: {}", problem.count,
                      kStoreFailureNames[static_cast<std::size_t>(problem.failure)], problem.last));
    if (const std::uint64_t again = store.reconnects(); again != 0)
      storeNotes_.push_back(
          fmt::format("{} opened again to the store behind the cache after a loss",
                      plural(again, "connection was", "connections were")));
  }

  RunFacts facts(const Engine& engine) {
    const Window window = engine.window();
    RunFacts facts;
    facts.windowS = toSeconds(window.measureEnd - window.measureStart);
    const Interval& total = recorder_.total();
    facts.busyS = toSeconds(total.end - total.start) * plan_.engine.threads;
    facts.steal = stealShare(before_->cpu.all, after_->cpu.all);
    facts.io = engine.io();
    facts.serverLost = whatIsLost();
    facts.faults = faults_;
    facts.storePeaks = storePeaks_;
    if (!plan_.chaos.empty()) facts.dispatch = dispatch_;
    facts.servers =
        readings_.figuresOf(preflight_.targets, before_->servers, after_->servers, facts.steal);
    if (mapAtEnd_) facts.cluster = {&engine.clusterTally(), mapAtEnd_.get()};
    const bool evicted = std::ranges::any_of(
        facts.servers, [](const ServerFigures& server) { return server.evicted != 0; });
    if (mitigation_) facts.mitigation = mitigation_->finish(evicted, engine.localCaches());
    return facts;
  }

  /// The server, or a master of the cluster as it is now, that does not serve; empty: all do.
  std::string whatIsLost() const {
    if (!mapAtEnd_) return whyNotServing(plan_.engine.target, plan_.engine.credentials);
    const SlotMap& map = *mapAtEnd_;
    for (std::uint16_t i = 0; i < map.nodes().size(); ++i) {
      if (map.rangesOf(i).empty()) continue;
      auto why = whyNotServing(endpointOf(map.nodes()[i].address), plan_.engine.credentials);
      if (!why.empty()) return why;
    }
    return {};
  }

  DriverOutcome finish(const Engine& engine) {
    if (slotMap_) mapAtEnd_ = slotMap_->latest();
    DriverOutcome outcome;
    outcome.directory = directory_.path();
    Summary& summary = outcome.summary;
    summary = summarize(plan_.engine, recorder_, facts(engine));
    summary.command = plan_.command;
    summary.config = plan_.config;
    summary.environment = environment_;
    const auto note = [&summary](std::vector<std::string> more) {
      std::ranges::move(more, std::back_inserter(summary.notes));
    };
    summary.faults = chaos_.figures(start_);
    note(chaos_.problems());
    note(storeNotes_);
    note(errorNotes(summary.rate, plan_.engine.cluster()));
    note(preflight_.notes);
    if (const std::string& why = engine.realtimeRefused(); !why.empty())
      note(
          {fmt::format("-wait=realtime without priority ({}): the workers ran as with -wait=block; "
                       "it needs CAP_SYS_NICE or ulimit -r 1",
                       why)});
    outcome.hostWarnings = hostWarnings(preflight_.host);
    for (const Warning& warning : outcome.hostWarnings) note({warningText(warning)});
    if (mapAtEnd_)
      failures_.note(directory_.writeSlots(slotFigures(engine.clusterTally(), *mapAtEnd_)));
    failures_.note(directory_.writeSummary(summary));
    if (!plan_.json.empty()) failures_.note(writeResult(plan_.json, summaryToJson(summary)));
    if (sends_) failures_.note(sends_->finish(start_));
    for (const std::string& problem : chaos_.problems())
      failures_.note(fail(ErrorCode::refused, "{}", problem));
    outcome.status = failures_.get();
    if (watcher_.onEnd) watcher_.onEnd(summary);
    return outcome;
  }

  const DriverPlan& plan_;
  const RunWatcher& watcher_;
  RunDirWriter& directory_;
  Preflight& preflight_;
  SteadyClock clock_;
  Nanos start_ = 0;
  EnvironmentFigures environment_;
  FirstFailure failures_;
  Recorder recorder_;
  ServerReadings readings_;
  std::unique_ptr<MitigationRun> mitigation_;  ///< null: no mitigation and no ledger
  std::unique_ptr<LiveSlotMap> slotMap_;       ///< of a cluster
  LiveSlotMap::Map mapAtEnd_;                  ///< the same, when the run is over
  std::unique_ptr<ClusterWatch> clusterWatch_;
  std::atomic<unsigned> faults_ = 0;
  std::optional<SendFile> sends_;
  StorePeaks storePeaks_;
  std::vector<std::string> storeNotes_;
  std::optional<Edge> before_, after_;
  DispatchByFaults dispatch_;
  ChaosRun chaos_;  ///< last: its threads use what is above
};

}  // namespace

Result<DriverOutcome> runDriver(const DriverPlan& plan, const RunWatcher& watcher,
                                std::optional<Target> answered) {
  auto checked =
      preflight(plan.engine, plan.anyVersion, plan.force, watcher.onNote, std::move(answered));
  if (!checked) return fail(checked.error());
  for (const std::string& note : checked->notes) watcher.onNote(note);
  auto path = plan.out.empty() ? createRunDirectory("driver", std::time(nullptr)) : plan.out;
  if (!path) return fail(std::move(path.error()));
  auto directory = RunDirWriter::create(*path);
  if (!directory) return fail(directory.error());
  DriverPlan known = plan;
  known.engine.longestValue = checked->longestValue;
  if (!checked->map) known.engine.target = checked->targets.front().admin.peer();
  return DriverRun(known, watcher, *directory, *checked).run();
}

}  // namespace redline
