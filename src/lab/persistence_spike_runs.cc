#include "lab/persistence_spike_runs.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "lab/disk.h"
#include "lab/interval_series.h"
#include "lab/measures.h"
#include "model/curve.h"
#include "model/statistics.h"
#include "os/files.h"

namespace redline::lab::persistence_spike {
namespace {

constexpr const char* kSystemTime = "used_cpu_sys_main_thread";

// What runs.

/// Children that a server forks run only when nobody else wants their core (SCHED_IDLE).
Status idleChildren(Bench& bench, const std::function<bool()>& isOver) {
  constexpr auto kLook = std::chrono::milliseconds(2);
  const pid_t server = bench.stack().node().process().pid;
  const std::string file = fmt::format("/proc/{0}/task/{0}/children", server);
  std::set<pid_t> done;
  std::string refused;
  while (!isOver()) {
    const auto children = readWholeFile(file);
    if (!children) return fail(children.error());
    for (const std::string_view word : splitWords(*children)) {
      const auto child = toNumber<pid_t>(word);
      if (!child || !done.insert(*child).second) continue;
      const sched_param none{};
      if (::sched_setscheduler(*child, SCHED_IDLE, &none) != 0) refused = errnoText(errno);
    }
    std::this_thread::sleep_for(kLook);
  }
  if (!refused.empty()) bench.note("sched_idle_refused", refused);
  bench.figure("children_idled", static_cast<double>(done.size()));
  bench.command("chrt --idle -p 0 $(pgrep -P <server>)  # as soon as it has forked");
  return {};
}

/// What this machine's server gets through in these minutes, as fast as replies allow.
Cell ceilingCell() {
  return {"ceiling", {}};
}

/// A share of that, so that the load means the same on a machine, or in an hour, that is slower; at
/// most `rate`.
std::optional<double> rateNow(const Parameters& p, const Readings& soFar) {
  const auto most = static_cast<double>(p.count("rate"));
  const auto ceiling = meanSoFar(soFar, ceilingCell(), rateOf);
  return ceiling ? std::min(most, p.number("rate-share") * *ceiling) : most;
}

/// Waits until the child has ended.
Status awaitSave(Bench& bench, Admin& admin) {
  constexpr auto kPause = std::chrono::milliseconds(20);
  while (!bench.interrupted()) {
    const auto info = admin.info({"persistence"});
    if (!info) return fail(info.error());
    if (info->number("rdb_bgsave_in_progress") == 0) return {};
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

/// Lets an idle server fork, and writes down how long that blocked it and how large it was.
Status noteIdleFork(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto before = (*admin)->info({"memory"});
  if (!before) return fail(before.error());
  if (const auto begun = (*admin)->command({"BGSAVE"}); !begun) return fail(begun.error());
  bench.command("redis-cli -u redis://$ADDR bgsave");
  if (auto ended = awaitSave(bench, **admin); !ended) return ended;
  const auto after = (*admin)->info({"stats"});
  if (!after) return fail(after.error());
  bench.figure(kForkUs, after->number("latest_fork_usec"));
  bench.figure(kForkResident, before->number("used_memory_rss"));
  return {};
}

// What one run shows.

void readCopies(const RunDir& run, const FaultFacts& fault, ChildFacts& facts) {
  const auto medians = [&](std::string_view field, double& before, double& during) {
    const auto all = rateSeries(run, field, fault.response);
    const auto known = [](const SeriesPoint& at) { return std::isfinite(at.value); };
    before =
        medianWhere(all, [&](const SeriesPoint& at) { return known(at) && fault.isBefore(at); });
    during =
        medianWhere(all, [&](const SeriesPoint& at) { return known(at) && fault.isDuring(at); });
  };
  medians(kMinorFaults, facts.faultsBefore, facts.faultsDuring);
  medians(kSystemTime, facts.systemBefore, facts.systemDuring);
  facts.p99Us = medianWhere(fault.p99, [&](const SeriesPoint& at) { return fault.isDuring(at); });
}

void readCores(const RunDir& run, const FaultFacts& fault, ChildFacts& facts) {
  const auto& dispatch = fault.dispatch;
  facts.lateUs = medianWhere(dispatch, [&](const SeriesPoint& at) { return fault.isDuring(at); });
  const auto waiting = ratesOf(run, "waiting_for_core_main_thread", dispatch);
  std::vector<double> shares;
  for (std::size_t i = 0; i < dispatch.size(); ++i)
    if (fault.isDuring(dispatch[i]) && std::isfinite(waiting[i])) shares.push_back(waiting[i]);
  if (!shares.empty()) facts.waiting = meanOf(shares);
}

}  // namespace

void findCeiling(Study& s) {
  LabRun ceiling = forkUnderLoad(s, kBgsave, kServer);
  ceiling.name = "ceiling";
  ceiling.before = {};
  ceiling.drives = {{.flags = joinFlags({faultDataSet(s.parameters()),
                                         {"-rate=max", "-warmup=200ms", "-duration=800ms",
                                          "-conns=" + s.parameters().text("conns"),
                                          "-rw-ratio=" + s.parameters().text("rw-ratio")}})}};
  s.runOnce(ceilingCell(), std::move(ceiling));
}

std::string rateText(const Study& s) {
  const auto ceiling = figuresOf(s.validRuns(ceilingCell()), rateOf);
  if (ceiling.empty()) return s.parameters().text("rate");
  return formatCount(std::round(*rateNow(s.parameters(), s.readings())));
}

LabRun forkUnderLoad(Study& s, const Fork& fork, const std::string& childsCore) {
  const Parameters& p = s.parameters();
  const std::string cpu =
      fmt::format("{{{}-cpu}}", childsCore == kIdle ? std::string(kServer) : childsCore);
  LabRun run{
      .stack = s.stack({.name = "child-" + childsCore,
                        .up = {"node", "-maxmemory=" + p.text("maxmemory"), "-bgsave-cpus=" + cpu,
                               "-aof-rewrite-cpus=" + cpu},
                        .load = faultDataSet(p)}),
      .before = noteDisk,
      .drives = {{.decide = [&p, word = fork.word](const Readings& soFar) -> std::optional<Flags> {
        return driveWithFault(p, word, fmt::format("{:.0f}", *rateNow(p, soFar)));
      }}},
      .expectedS = p.seconds("warmup") + p.seconds("duration") + 0.4};
  if (childsCore == kIdle) run.beside = idleChildren;
  // Turning the append-only file on takes a first rewrite, before the load.
  constexpr double kKeysPerS = 500e3;
  if (fork.word == kAofRewrite.word)
    run.expectedS += static_cast<double>(p.count("keys")) / kKeysPerS;
  return run;
}

Grid forkSizes(Study& s) {
  const Parameters& p = s.parameters();
  const auto keys = Study::factor("keys", p.texts("fork-keys"),
                                  [](const std::string& text) { return text + " keys"; });
  const Grid grid = gridOf("sizes", {keys});
  constexpr double kKeysPerS = 750e3;
  for (const Cell& cell : grid.cells)  // one server at a time
    for (unsigned repeat = 1; repeat <= p.count("fork-repeat"); ++repeat)
      s.run(cell, repeat,
            {.stack = s.stack({.name = "size-" + cell.level(keys).slug(),
                               .up = {"node", "-maxmemory=" + p.text("maxmemory")},
                               .load = {"-keys=" + cell[keys],
                                        "-value-size=" + p.text("value-size"), "-ttl-frac=0"}}),
             .before = noteIdleFork,
             .expectedS = cell.level(keys).number / kKeysPerS});
  return grid;
}

ChildFacts readChild(const Reading& reading, const FaultFacts& fault) {
  ChildFacts facts;
  if (!fault.when) return facts;
  const RunDir& run = *reading.dir();
  for (const ServerSample& sample : run.servers)
    if (toSeconds(sample.at) < fault.when->fromS)
      facts.resident = sample.number("used_memory_rss", kNaN);
  readCopies(run, fault, facts);
  readCores(run, fault, facts);
  return facts;
}

}  // namespace redline::lab::persistence_spike
