#include "run/load_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "base/units.h"
#include "engine/loading.h"
#include "run/memory_estimate.h"
#include "run/target.h"
#include "rundir/files.h"
#include "rundir/run_dir.h"
#include "rundir/summary_json.h"
#include "server/host.h"
#include "server/sampler.h"
#include "server/server_figures.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

/// How often progress is told and an interrupt is looked for.
constexpr Nanos kLookEvery = 50 * kMillisecond;
constexpr std::uint64_t kProbes = 256;

double seconds(Nanos span) {
  return static_cast<double>(span) / static_cast<double>(kSecond);
}

Status checkPlan(const LoadPlan& load) {
  if (load.from >= load.keys)
    return fail(ErrorCode::usage, "-from={} leaves nothing to write: -keys={} are the ids 0 to {}",
                load.from, load.keys, load.keys - 1);
  if (load.ttlMin > load.ttlMax)
    return fail(ErrorCode::usage, "-ttl-min={} is longer than -ttl-max={}",
                formatDuration(load.ttlMin), formatDuration(load.ttlMax));
  return {};
}

// About how many of the ids are not there yet: writing the others again takes no more memory.
Result<std::uint64_t> countNew(Admin& admin, const LoadPlan& load) {
  const std::uint64_t total = load.keys - load.from;
  const std::uint64_t probes = std::min(kProbes, total);
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t i = 0; i < probes; ++i) {
    std::array<char, kMaxKeyLength> key;
    const auto id = load.from + static_cast<std::uint64_t>(static_cast<double>(i) /
                                                           static_cast<double>(probes) *
                                                           static_cast<double>(total));
    commands.push_back({"EXISTS", std::string(key.data(), writeKey(key.data(), id))});
  }
  const auto replies = admin.pipeline(commands);
  if (!replies) return fail(replies.error());
  std::uint64_t missing = 0;
  for (const Value& reply : *replies) missing += reply.integer == 0 ? 1 : 0;
  return static_cast<std::uint64_t>(static_cast<double>(total) * static_cast<double>(missing) /
                                    static_cast<double>(probes));
}

Status checkMemory(Target& target, const LoadPlan& load, const HostFacts& host) {
  std::uint64_t added = load.keys - load.from;
  if (target.info.keys() != 0) {
    const auto counted = countNew(target.admin, load);
    if (!counted) return fail(counted.error());
    added = *counted;
  }
  MemoryLimits limits;
  limits.used = target.info.count("used_memory");
  limits.maxmemory = target.info.count("maxmemory");
  limits.policy = target.info.text("maxmemory_policy");
  limits.available = host.memoryAvailable;
  return checkFits(
      estimateMemory(added, load.keys - 1, target.info.keys(), load.valueSize, load.ttlFraction),
      limits);
}

// The server's own state that would spoil the load or surprise its user.
Status checkServer(const Target& target) {
  const std::string where = target.admin.endpoint().text();
  if (target.info.count("cluster_enabled") != 0)
    return fail(ErrorCode::refused, "{} is a node of a cluster: the loader fills single servers",
                where);
  if (target.info.role() != "master")
    return fail(ErrorCode::refused, "{} is a replica: name its master with -addr", where);
  return {};
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

  void watch(const LoadRunPlan& plan) {
    if (!writer_) return;
    SamplerOptions options;
    options.servers = {plan.load.target};
    options.credentials = {plan.load.login.user, plan.load.login.password};
    options.interval = plan.interval;
    sampler_ = std::make_unique<Sampler>(
        options, clock_, [this](const ServerSample& s) { keep(writer_->appendServerSample(s)); },
        [this](const Event& e) { keep(writer_->appendEvent(e)); });
    sampler_->awaitFirst();
  }

  void event(const Event& event) {
    if (writer_) keep(writer_->appendEvent(event));
  }

  Status close(const Summary& summary) {
    if (!writer_) return {};
    if (sampler_) sampler_->stop();
    keep(writer_->writeSummary(summary));
    return status_;
  }

 private:
  void keep(Status status) {
    if (!status && status_) status_ = std::move(status);
  }

  SteadyClock clock_;
  std::unique_ptr<RunDirWriter> writer_;
  Status status_;  // the first write that failed
  std::unique_ptr<Sampler> sampler_;
};

LoadOutcome drive(const LoadPlan& load, const LoadWatcher& watcher, bool& interrupted) {
  const auto tell = [&watcher](Nanos now, std::uint64_t done, bool over) {
    if (watcher.onProgress) watcher.onProgress({now, done, over});
  };
  tell(SteadyClock::read(), 0, false);
  const auto loading = Loading::start(load);
  while (!loading->waitFor(kLookEvery)) {
    tell(SteadyClock::read(), loading->done(), false);
    if (interrupted || !watcher.interrupted || !watcher.interrupted()) continue;
    interrupted = true;
    loading->stop();
  }
  LoadOutcome outcome = loading->join();
  tell(outcome.end, outcome.done, true);
  return outcome;
}

// "1.2M of 3M keys are written; …resume with -from=1200000 -ttl-epoch=1767225600".
std::string resumeHint(const LoadRunPlan& plan, const LoadOutcome& outcome) {
  const LoadPlan& load = plan.load;
  const std::string epoch =
      load.ttlFraction > 0 ? fmt::format(" -ttl-epoch={}", load.ttlEpochMillis / 1000) : "";
  return fmt::format("{} of {} keys are written: resume with -from={}{}", outcome.done,
                     load.keys - load.from, outcome.resumeFrom, epoch);
}

bool restarted(const ServerSample& before, const ServerSample& after) {
  const auto id = [](const ServerSample& s) {
    const auto found = s.info.find("run_id");
    return found == s.info.end() ? std::string() : found->second;
  };
  return id(before) != id(after);
}

Status endOf(const LoadRunPlan& plan, const LoadOutcome& outcome, bool interrupted,
             const ServerSample& before, const std::optional<ServerSample>& after) {
  if (after && restarted(before, *after))
    return fail(
        ErrorCode::unreachable,
        "{} restarted during the load and may have lost what it was given before: load again "
        "with -from={}",
        plan.load.target.text(), plan.load.from);
  if (!after && outcome.status)
    return fail(ErrorCode::unreachable, "{} no longer answers after the load: see its log",
                plan.load.target.text());
  const std::string hint = resumeHint(plan, outcome);
  if (!outcome.status && outcome.status.error().code == ErrorCode::unreachable && !after)
    return fail(ErrorCode::unreachable,
                "{}; {}, if it comes back with its data (without persistence: -from={})",
                outcome.status.error().message, hint, plan.load.from);
  if (!outcome.status) {
    Error error = outcome.status.error();
    if (error.code != ErrorCode::usage) error.message += "; " + hint;
    return fail(std::move(error));
  }
  if (outcome.resumeFrom == plan.load.keys) return {};  // a signal came when all was done
  if (interrupted) return fail(ErrorCode::interrupted, "interrupted; {}", hint);
  return fail(ErrorCode::io, "ended early; {}", hint);
}

RateFigures rateOf(const LoadPlan& load, const LoadOutcome& outcome) {
  RateFigures rate;
  rate.scheduled = load.keys - load.from;
  rate.completed = outcome.done;
  rate.sent = outcome.counters.keysSent - outcome.counters.resentKeys;
  rate.outstanding = rate.scheduled - rate.completed;
  const double span = seconds(outcome.end - outcome.begin);
  rate.achieved = span > 0 ? static_cast<double>(outcome.done) / span : 0;
  return rate;
}

std::string_view waitName(WaitMode wait) {
  switch (wait) {
    case WaitMode::spin:
      return "spin";
    case WaitMode::block:
      return "block";
    case WaitMode::automatic:
      break;
  }
  return "auto";
}

GeneratorFigures generatorOf(const LoadPlan& load, const LoadOutcome& outcome, double steal) {
  GeneratorFigures figures;
  figures.threads = load.threads;
  figures.io = outcome.io;
  figures.wait = waitName(load.wait);
  figures.cpuUserS = seconds(outcome.cpuUser);
  figures.cpuSystemS = seconds(outcome.cpuSystem);
  const double cpu = figures.cpuUserS + figures.cpuSystemS;
  const double wall = seconds(outcome.end - outcome.begin) * load.threads;
  figures.utilisation = wall > 0 ? cpu / wall : 0;
  const LoadCounters& counters = outcome.counters;
  if (outcome.done != 0) figures.cpuUsPerOp = cpu * 1e6 / static_cast<double>(outcome.done);
  if (counters.batches != 0)
    figures.meanBatch =
        static_cast<double>(counters.keysSent) / static_cast<double>(counters.batches);
  figures.steal = steal;
  figures.reconnects = counters.reconnects;
  figures.retried = counters.resentKeys;
  return figures;
}

void judge(Summary& summary, const LoadRunPlan& plan, const Status& status) {
  const auto invalid = [&](std::string reason) {
    summary.valid = false;
    summary.invalidReasons.push_back(std::move(reason));
  };
  if (!status) invalid(status.error().message);
  for (const ServerFigures& server : summary.servers) {
    const std::string evicted =
        fmt::format("{} evicted {} keys: the data set is not whole", server.addr, server.evicted);
    if (server.evicted != 0 && plan.force) summary.notes.push_back(evicted);
    if (server.evicted != 0 && !plan.force) invalid(evicted);
    if (server.expired != 0)
      summary.notes.push_back(fmt::format("{} keys expired during the load", server.expired));
  }
  if (summary.generator.reconnects != 0)
    summary.notes.push_back(
        fmt::format("connections were lost and opened again {} times; {} keys "
                    "were sent again",
                    summary.generator.reconnects, summary.generator.retried));
}

}  // namespace

Result<LoadRunOutcome> runLoad(const LoadRunPlan& plan, const LoadWatcher& watcher) {
  const LoadPlan& load = plan.load;
  if (auto good = checkPlan(load); !good) return fail(good.error());
  auto target = connectTarget(load.target, load.login, plan.anyVersion);
  if (!target) return fail(std::move(target.error()));
  if (auto good = checkServer(*target); !good) return fail(good.error());
  const HostFacts host = readHost(0);
  if (auto fits = checkMemory(*target, load, host); !fits) {
    if (!plan.force) return fail(fits.error());
    if (watcher.onNote) watcher.onNote(fits.error().message);
  }

  LoadRunOutcome result;
  Summary& summary = result.summary;
  summary.command = plan.command;
  summary.config = plan.config;
  summary.environment = environmentFigures(host);
  summary.environment.redisVersion = target->info.version();

  LoadRecord record;
  if (auto opened = record.open(plan, summary.environment); !opened) return fail(opened.error());
  record.watch(plan);
  const CpuReading cpuBefore = readCpuTimes();
  const auto before = readSample(target->admin);
  if (!before) return fail(before.error());
  bool interrupted = false;
  record.event({SteadyClock::read(), "phase", "load", "begin", {}, {}, 0});
  const LoadOutcome outcome = drive(load, watcher, interrupted);
  record.event({outcome.end, "phase", "load", "end", {}, {}, outcome.end - outcome.begin});
  const CpuReading cpuAfter = readCpuTimes();

  std::optional<ServerSample> after;
  auto sampled = readSample(target->admin);
  if (!sampled) {
    // Its connection may have been lost with the others, and the server be there again.
    auto again = connectTarget(load.target, load.login, plan.anyVersion);
    if (again) {
      target = std::move(again);
      sampled = readSample(target->admin);
    }
  }
  if (sampled) after = std::move(*sampled);

  result.done = outcome.done;
  result.resumeFrom = outcome.resumeFrom;
  result.status = endOf(plan, outcome, interrupted, *before, after);
  summary.windowS = seconds(outcome.end - outcome.begin);
  summary.rate = rateOf(load, outcome);
  summary.generator = generatorOf(load, outcome, stealShare(cpuBefore.all, cpuAfter.all));
  if (after) {
    summary.servers = {figures(*before, *after)};
    // A core that was taken away counts as neither busy nor idle.
    double& busy = summary.servers.front().mainThreadUtilisation;
    busy = std::min(1.0, busy / std::max(1e-9, 1 - summary.generator.steal));
    if (auto size = target->admin.command({"DBSIZE"}))
      result.databaseKeys = static_cast<std::uint64_t>(size->integer);
  }
  judge(summary, plan, result.status);
  Status written = record.close(summary);
  if (!plan.json.empty() && written) written = writeWholeFile(plan.json, summaryToJson(summary));
  if (result.status && !written) result.status = std::move(written);
  return result;
}

}  // namespace redline
