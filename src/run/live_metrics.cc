#include "run/live_metrics.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/shell.h"
#include "metrics/exposition.h"
#include "metrics/page_files.h"
#include "server/process.h"
#include "transport/gate.h"

namespace redline {
namespace {

/// Another one for each process, so that a page notices that there is another.
std::string instanceName() {
  return fmt::format("{:x}", wallNow());
}

LiveRunPlan livePlan(const RunBeginning& beginning, std::string title) {
  const EnginePlan& engine = beginning.plan;
  LiveRunPlan plan;
  plan.kind = "driver";
  plan.name = std::filesystem::absolute(beginning.directory / ".").parent_path().filename();
  plan.title = title.empty() ? plan.name : std::move(title);
  plan.command = repeatLine(beginning.command);
  plan.targetRate = engine.closed() ? 0 : engine.rate;
  plan.isClosed = engine.closed();
  plan.isCluster = engine.cluster();
  plan.hasLedger = engine.mitigation.ledgerKeys != 0;
  plan.threads = engine.threads;
  plan.hasStore = engine.backing.used;
  plan.valueSize = engine.valueSize;
  plan.warmup = engine.warmup;
  plan.duration = engine.duration;
  plan.clock = {beginning.zero, beginning.wallZero};
  return plan;
}

}  // namespace

LiveMetrics::LiveMetrics(std::string kind, std::string version)
    : kind_(std::move(kind)),
      version_(std::move(version)),
      store_({version_, "", 0, 0}),
      feed_(instanceName(), clock_) {
  feed_.add("hello", Keep::latest, helloEvent(kind_, version_));
}

LiveMetrics::~LiveMetrics() {
  feed_.add("bye", Keep::latest, "{}");
}

Result<std::unique_ptr<LiveMetrics>> LiveMetrics::start(const Endpoint& where, std::string kind,
                                                        std::string version) {
  const auto local = isLocal(where);
  if (!local) return fail(ErrorCode::usage, "-metrics: {}", local.error().message);
  if (!*local)
    return fail(
        ErrorCode::unsafe,
        "-metrics={} is not an address of this machine: use 127.0.0.1:{} or another local address",
        where.text(), where.port);
  std::unique_ptr<LiveMetrics> live(new LiveMetrics(std::move(kind), std::move(version)));
  Site site;
  site.files = pageFiles();
  site.metrics = [&live = *live] { return exposition(live.store_.snapshot()); };
  site.feed = &live->feed_;
  if (isLoopback(where)) site.host = where.host;
  auto server = MetricsServer::start(where.host, where.port, std::move(site));
  if (server) {
    live->server_ = std::move(*server);
    return live;
  }
  if (const auto user = portUser(where.port))
    return fail(ErrorCode::io, "-metrics={}: the port is in use by {}: choose another",
                where.text(), *user);
  return fail(ErrorCode::io, "-metrics={}: {}", where.text(), server.error().message);
}

void LiveMetrics::join(RunWatcher& watcher, std::string title) {
  watcher.onBegin = [this, title = std::move(title),
                     next = std::move(watcher.onBegin)](const RunBeginning& beginning) {
    begin(livePlan(beginning, title), beginning.clusterNow, beginning.faulted);
    if (next) next(beginning);
  };
  watcher.onInterval = [this, next = std::move(watcher.onInterval)](const Interval& interval,
                                                                    Nanos sinceStart) {
    addInterval(interval);
    if (next) next(interval, sinceStart);
  };
  watcher.onSample = [this, next = std::move(watcher.onSample)](const ServerSample& sample) {
    store_.addSample(sample);
    run_->addSample(sample);
    if (next) next(sample);
  };
  watcher.onFault = [this, next = std::move(watcher.onFault)](const Event& event,
                                                              Nanos sinceStart) {
    addFault(event);
    if (next) next(event, sinceStart);
  };
  watcher.onEnd = [this, next = std::move(watcher.onEnd)](const Summary& summary) {
    endRun(summary);
    if (next) next(summary);
  };
}

void LiveMetrics::begin(LiveRunPlan plan, LiveRun::ClusterNow clusterNow,
                        LiveRun::Faulted faulted) {
  store_.begin({version_, plan.name, plan.targetRate, plan.threads, plan.hasStore});
  cpuAtBegin_ = readCpuTimes().all;
  run_.emplace(std::move(plan), ++runs_, feed_, std::move(clusterNow), std::move(faulted));
}

double LiveMetrics::stealSoFar() const {
  return stealShare(cpuAtBegin_, readCpuTimes().all);
}

void LiveMetrics::addInterval(const Interval& interval) {
  store_.addInterval(interval);
  run_->addInterval(interval, stealSoFar());
}

void LiveMetrics::endRun(const Summary& summary) {
  store_.end();
  run_->end(summary);
}

void LiveMetrics::beginFault(LiveRunPlan plan) {
  lastPoint_ = plan.clock.zero;
  begin(std::move(plan), {}, {});
}

void LiveMetrics::addSample(const ServerSample& sample) {
  store_.addSample(sample);
  run_->addSample(sample);
  if (sample.at - lastPoint_ < LiveRun::kLeastStep) return;
  run_->addServersAlone(std::exchange(lastPoint_, sample.at), sample.at);
}

void LiveMetrics::addFault(const Event& event) {
  store_.addEvent(event);
  run_->addEvent(event);
}

void LiveMetrics::endFault() {
  store_.end();
  run_->endWithoutLoad();
}

}  // namespace redline
