#include "calibrate/proving_ground.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/numbers.h"
#include "lab/availability.h"
#include "lab/commands.h"
#include "lab/interval_series.h"
#include "run/driver_run.h"
#include "rundir/run_dir_reader.h"
#include "server/own_servers.h"

namespace redline {
namespace {

LabOptions labOptionsOf(const CalibrationOptions& options) {
  LabOptions lab;
  lab.out = options.runs;
  lab.stacks = options.stacks;
  lab.cpus = options.cpus;
  lab.priority = options.priority;
  lab.redlineVersion = options.redlineVersion;
  return lab;
}

LabWatcher labWatcherOf(const CalibrationWatcher& watcher) {
  LabWatcher lab;
  lab.line = [](const std::string&) {};
  lab.step = [](const LabStep&) {};
  lab.status = [](const std::string&) {};
  lab.interrupted = watcher.interrupted;
  return lab;
}

}  // namespace

ProvingGround::ProvingGround(std::vector<LabStack> stacks, const CalibrationOptions& options,
                             const LabTools& tools, const CalibrationWatcher& watcher,
                             std::size_t steps)
    : stacks_(std::move(stacks)),
      labOptions_(labOptionsOf(options)),
      options_(options),
      tools_(tools),
      priority_(labOptions_.priority),
      watcher_(watcher),
      labWatcher_(labWatcherOf(watcher)),
      servers_(stacks_, labOptions_, tools_, labWatcher_, options.runs),
      steps_(steps) {}

Status ProvingGround::goOn() const {
  if (!watcher_.interrupted()) return {};
  return fail(ErrorCode::interrupted, "interrupted: nothing was written");
}

Status ProvingGround::step(const std::string& what) {
  if (auto on = goOn(); !on) return fail(std::move(on.error()));
  watcher_.progress(what, static_cast<double>(done_++) / static_cast<double>(steps_));
  return {};
}

Result<DrivenFigures> ProvingGround::drive(const std::string& stack, const Flags& flags) {
  RunRecord record;
  const auto up = servers_.need(stack, false, record);
  if (!up) return fail(up.error());
  auto plan =
      tools_.drive(filled(clientFlags(joinFlags({flags, {"-interval=100ms"}})), up->places));
  if (!plan) return fail(plan.error());
  plan->out = options_.runs / fmt::format("drive-{}", ++drives_);
  for (std::size_t i = 0; i < up->stack->size(); ++i)
    plan->own.push_back(ownServer(up->stack->node(i)));
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};
  watcher.onInterval = [](const Interval&, Nanos) {};
  watcher.interrupted = watcher_.interrupted;
  if (!tolerableForeign_) tolerableForeign_ = tolerableForeignShare(options_.cpus);
  Witness witness(options_.cpus);
  const auto outcome = runDriver(*plan, watcher);
  const Witnessed witnessed = witness.stop();
  if (!outcome) return fail(outcome.error());
  if (!outcome->status) return fail(outcome->status.error());
  auto dir = readRunDir(outcome->directory);
  if (!dir) return fail(dir.error());
  noteAvailability(*dir, witnessed, *tolerableForeign_, record);
  Reading reading;
  reading.dirs.push_back(std::move(*dir));
  const Summary& summary = outcome->summary;
  DrivenFigures figures;
  figures.rate = summary.rate.achieved;
  figures.p99Us = record.figure(std::string(kAvailablePrefix) + "p99_us");
  if (!std::isfinite(figures.p99Us)) figures.p99Us = lab::typicalUs(reading, 0.99);
  figures.faults = summary.faults;
  if (auto on = goOn(); !on) return fail(std::move(on.error()));
  if (summary.servers.empty() || figures.rate <= 0)
    return fail(ErrorCode::io, "a calibrating run has no figures of its server: see {}",
                outcome->directory.string());
  figures.cpuUs = summary.servers.front().mainThreadUtilisation * 1e6 / figures.rate;
  return figures;
}

Result<Admin> ProvingGround::adminOf(const std::string& stack) {
  RunRecord record;
  const auto up = servers_.need(stack, false, record);
  if (!up) return fail(up.error());
  return up->stack->node().admin();
}

Result<ServerInfo> ProvingGround::info(const std::string& stack) {
  auto admin = adminOf(stack);
  if (!admin) return fail(admin.error());
  return admin->info({"memory", "persistence", "stats", "server"});
}

Result<ForkFigures> ProvingGround::fork(const std::string& stack) {
  constexpr Nanos kPoll = 10 * kMillisecond;
  auto admin = adminOf(stack);
  if (!admin) return fail(admin.error());
  const auto before = admin->info({"memory"});
  if (!before) return fail(before.error());
  const Nanos began = SteadyClock::read();
  if (const auto reply = admin->command({"BGSAVE"}); !reply) return fail(reply.error());
  for (;;) {
    const auto now = admin->info({"persistence", "stats"});
    if (!now) return fail(now.error());
    if (now->count("rdb_bgsave_in_progress") == 0)
      return ForkFigures{now->number("latest_fork_usec") / 1e6,
                         toSeconds(SteadyClock::read() - began), before->number("used_memory_rss"),
                         before->number("used_memory")};
    if (auto on = goOn(); !on) return fail(std::move(on.error()));
    std::this_thread::sleep_for(std::chrono::nanoseconds(kPoll));
  }
}

double kneeRate(const std::vector<double>& rates, const std::vector<double>& p99Us,
                double limitUs) {
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (!(p99Us[i] > limitUs)) continue;
    if (i == 0) return kNaN;
    const double along = std::log(limitUs / p99Us[i - 1]) / std::log(p99Us[i] / p99Us[i - 1]);
    return rates[i - 1] + std::clamp(along, 0.0, 1.0) * (rates[i] - rates[i - 1]);
  }
  return rates.empty() ? kNaN : rates.back();
}

}  // namespace redline
