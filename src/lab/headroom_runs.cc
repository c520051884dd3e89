#include "lab/headroom_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "chaos/big_key.h"
#include "lab/fault_study.h"
#include "lab/interval_series.h"
#include "lab/measures.h"
#include "lab/stall_watch.h"
#include "model/curve.h"
#include "record/reason.h"

namespace redline::lab::headroom {
namespace {

// A run's figures.
constexpr const char* kExpiryUnix = "expiry_unix_s";
constexpr const char* kStall = "longest_stall_us";

// What runs.

Flags dataSet(const Parameters& p, bool inCluster) {
  if (!inCluster) return faultDataSet(p);
  return {"-topology=cluster", "-keys=" + p.text("cluster-keys"),
          "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

Flags loadFlags(const Parameters& p, bool inCluster) {
  return joinFlags({dataSet(p, inCluster),
                    {"-conns=" + p.text(inCluster ? "cluster-conns" : "conns"),
                     "-rw-ratio=" + p.text("rw-ratio"), "-warmup=" + p.text("warmup")}});
}

std::string serverOf(Study& s, bool inCluster) {
  const Parameters& p = s.parameters();
  if (inCluster)
    return s.stack({.name = kCluster,
                    .up = {"cluster", "-maxmemory=" + p.text("maxmemory"),
                           fmt::format("-redis-config=cluster-node-timeout {}",
                                       p.duration("node-timeout") / kMillisecond)},
                    .load = dataSet(p, true)});
  return s.stack({.name = kNode,
                  .up = {"node", "-maxmemory=" + p.text("maxmemory"), "-bgsave-cpus={server-cpu}",
                         "-aof-rewrite-cpus={server-cpu}"},
                  .load = dataSet(p, false),
                  .prepare = [&p](Bench& bench) -> Status {
                    const auto admin = bench.admin();
                    if (!admin) return fail(admin.error());
                    return makeBigKey(**admin, BigRead::What::hash, p.count("fields"),
                                      p.size("field-size"),
                                      [&](std::uint64_t) { return !bench.interrupted(); });
                  }});
}

/// How long it takes to make the keys that expire, and the driver to begin.
double leadS(const Parameters& p) {
  constexpr double kKeysPerS = 150e3, kStartS = 0.5;
  return static_cast<double>(p.count("expiring")) / kKeysPerS + kStartS;
}

/// Keys beside those of the load, which expire at one moment of its window.
Status makeExpiring(const Parameters& p, Bench& bench) {
  constexpr std::uint64_t kAtATime = 2000;
  constexpr double kLeastS = 0.3;  // of the driver, to begin
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const std::uint64_t keys = p.count("expiring");
  const double awayS = leadS(p) + p.seconds("warmup") + p.seconds("at");
  const Nanos at = wallNow() + static_cast<Nanos>(awayS * kSecond);
  const std::string moment = std::to_string(at / kMillisecond);
  const std::string value(p.size("value-size"), 'x');
  for (std::uint64_t from = 0; from < keys && !bench.interrupted(); from += kAtATime) {
    std::vector<std::vector<std::string>> sets;
    for (std::uint64_t i = from; i < std::min(keys, from + kAtATime); ++i)
      sets.push_back({"SET", fmt::format("expiring:{}", i), value, "PXAT", moment});
    const auto replies = (*admin)->pipeline(sets);
    if (!replies) return fail(replies.error());
    if (std::ranges::any_of(*replies, &Value::isError))
      return fail(ErrorCode::refused, "SET: {}", replies->front().text);
  }
  if (toSeconds(at - wallNow()) < kLeastS + p.seconds("warmup"))
    return fail(ErrorCode::invalidInput,
                "making the keys that expire took so long that they expire before the window");
  bench.figure(kExpiryUnix, toSeconds(at));
  bench.command(
      fmt::format("for i in $(seq {}); do echo SET expiring:$i $VALUE PX 5000; done | redis-cli -u "
                  "redis://$ADDR --pipe",
                  keys));
  return {};
}

/// Where no fault of the driver brings its own probe.
Status watchStalls(Bench& bench, const std::function<bool()>& isOver) {
  constexpr auto kStep = std::chrono::milliseconds(5);
  StallWatch stalls(bench);
  while (!isOver() && !bench.interrupted()) std::this_thread::sleep_for(kStep);
  bench.figure(kStall, stalls.longestUs());
  return {};
}

/// As -chaos has it; empty: nothing of the driver's.
std::string chaosOf(const Parameters& p, std::string_view label) {
  const auto at = [&](std::string_view what) { return fmt::format("{}:{}", p.text("at"), what); };
  if (label == kBgsave || label == kRewrite) return at(label);
  if (label == kBigKey) return at("bigkey-on -command=hgetall");
  if (label == kLoss) return at("kill-master");
  // The first master of fresh servers has them.
  if (label == kReshard)
    return at(fmt::format("reshard -slots=0-{} -target={{node-1}}", p.count("slots") - 1));
  return {};
}

double durationS(const Parameters& p, std::string_view label) {
  if (label == kExpiry) return p.seconds("duration") + leadS(p);
  return p.seconds(label == kLoss ? "loss-duration" : "duration");
}

// What one run's fault did.

double windowStart(const RunDir& run) {
  for (const IntervalRow& row : run.intervals)
    if (row.isMeasured()) return toSeconds(row.start);
  return kNaN;
}

/// When the fault was; of a run without one when it would have been.
std::optional<Stretch> faultIn(const Parameters& p, const Reading& reading) {
  const RunDir* const run = reading.dir();
  if (run == nullptr) return std::nullopt;
  const std::string_view label = reading.label("fault");
  double from = kNaN;
  if (label == kExpiry) {
    if (run->plan) from = reading.figure(kExpiryUnix) - toSeconds(run->plan->wallZero);
  } else if (label == kNothing || label == kNothingInCluster) {
    from = windowStart(*run) + p.seconds("at");
  } else {
    const FaultFigures* const fault = faultOf(reading);
    if (fault == nullptr) return std::nullopt;
    // What heals it comes after it.
    const double recovered = figureOf(*fault, "recovered_s");
    return Stretch{fault->beginS,
                   std::isfinite(recovered) ? fault->beginS + recovered : fault->endS};
  }
  if (!std::isfinite(from)) return std::nullopt;
  return Stretch{from, from};
}

/// Of a killed master how long its slots had no owner: the probe sees the process, which comes back
/// later.
double stallUs(const RunDir& run, const Reading& reading, Stretch fault) {
  if (reading.label("fault") == kLoss) return 1e6 * (fault.toS - fault.fromS);
  const double watched = reading.figure(kStall);
  return std::isfinite(watched) ? watched : 1e6 * longestStallS(run, fault);
}

/// Reasons that lie with the generator and its core, not with the server or the fault.
bool isGeneratorsOwn(const Reasons& reasons) {
  return std::ranges::any_of(reasons, [](const Reason& reason) {
    return isPassing(reason.code) || reason.code == ReasonCode::generatorBound ||
           reason.code == ReasonCode::behindSchedule;
  });
}

/// The rate for a rung: its share of the ceiling of these minutes. None where the rung below missed
/// even the loosest limit.
std::optional<double> rateFor(const Parameters& p, const Design& design, const Cell& cell,
                              const Readings& soFar) {
  const Cells rungs = design.rungsOf(cell.level(design.fault).label);
  const auto at = std::ranges::find(rungs, cell);
  if (at != rungs.begin() && at != rungs.end()) {
    const auto below = soFar.with(std::prev(at)->labels());
    std::vector<Kept> each;
    for (const Reading* const run : below)
      each.push_back(keptBy(*run, meanwhileOf(p, *run), loosestUs(p)));
    if (below.empty() || keptByAll(each) == Kept::no) return std::nullopt;
  }
  const auto ceiling = meanSoFar(soFar, design.ceilingOf(cell), rateOf);
  if (!ceiling) return std::nullopt;
  return design.shareOf(cell) * *ceiling;
}

LabRun ceilingRun(Study& s, bool inCluster) {
  const Parameters& p = s.parameters();
  // A second try would be a ceiling of other minutes than its rungs are of.
  return {
      .stack = serverOf(s, inCluster),
      .sharesCore = true,
      .drives = {{.flags = joinFlags({loadFlags(p, inCluster),
                                      {"-rate=max", "-duration=" + p.text("ceiling-duration")}})}}};
}

LabRun rungRun(Study& s, const Design& design, const Cell& cell) {
  const Parameters& p = s.parameters();
  const bool inCluster = design.isInCluster(cell);
  const std::string label = cell.level(design.fault).label;
  Flags flags =
      joinFlags({loadFlags(p, inCluster),
                 {"-arrivals=poisson", "-wait=realtime", "-interval=" + p.text("interval"),
                  fmt::format("-duration={:.0f}ms", 1e3 * durationS(p, label))}});
  const std::string chaos = chaosOf(p, label);
  if (!chaos.empty()) flags.push_back("-chaos=" + chaos);
  // What has moved once cannot move again, whichever runs there were before.
  LabRun run{.stack = serverOf(s, inCluster), .fresh = label == kReshard};
  run.drives = {
      {.decide = [&p, design, cell, flags](const Readings& soFar) -> std::optional<Flags> {
        const auto rate = rateFor(p, design, cell, soFar);
        if (!rate) return std::nullopt;
        return joinFlags({flags, {fmt::format("-rate={:.0f}", *rate)}});
      }}};
  if (label == kExpiry) run.before = [&p](Bench& bench) { return makeExpiring(p, bench); };
  if (chaos.empty()) run.beside = watchStalls;
  run.expectedS = p.seconds("warmup") + durationS(p, label) + 0.4 +
                  (label == kRewrite || label == kExpiry ? 1 : 0);
  return run;
}

}  // namespace

void planRuns(Study& s, const Design& design) {
  const auto climb = [&](bool inCluster, const std::function<bool(const Cell&)>& wanted,
                         bool withCeilings) {
    for (const Level& rung : design.share.levels()) {
      const Cells cells = design.load.where([&](const Cell& cell) {
        return cell.is(design.share, rung.label) && design.isInCluster(cell) == inCluster &&
               wanted(cell);
      });
      unsigned begun = 0;
      Study::inTurn(cells, s.parameters().repeats(), [&](const Cell& cell, unsigned repeat) {
        if (withCeilings && repeat != std::exchange(begun, repeat))
          s.run(design.ceilingOf(cell), repeat, ceilingRun(s, inCluster));
        s.run(cell, repeat, rungRun(s, design, cell));
      });
    }
  };
  const auto isLoss = [&](const Cell& cell) { return cell.is(design.fault, kLoss); };
  climb(false, [](const Cell&) { return true; }, true);
  climb(true, [&](const Cell& cell) { return !isLoss(cell); }, true);
  climb(true, isLoss, false);  // it changes the masters, to which slots move by number
}

Meanwhile meanwhileOf(const Parameters& p, const Reading& reading) {
  Meanwhile seen;
  const auto fault = faultIn(p, reading);
  if (!fault) return seen;
  const RunDir& run = *reading.dir();
  const Stretch when{fault->fromS,
                     std::max(fault->toS + kSettleS, fault->fromS + p.seconds("window"))};
  seen.lengthS = fault->toS - fault->fromS;
  seen.stallUs = stallUs(run, reading, *fault);
  seen.p99Us = quantileWithin(run, when, kQuantile);
  double failed = 0, completed = 0;
  for (const IntervalRow& row : run.intervals) {
    if (row.warmup || toSeconds(row.end) <= when.fromS || toSeconds(row.start) >= when.toS)
      continue;
    for (const auto count : row.counts.failed) failed += static_cast<double>(count);
    for (const auto count : row.counts.completed) completed += static_cast<double>(count);
  }
  if (failed + completed > 0) seen.failedShare = failed / (failed + completed);
  return seen;
}

Kept keptBy(const Reading& reading, const Meanwhile& seen, double limitUs) {
  if (!std::isfinite(seen.p99Us)) return Kept::notKnown;
  // What disturbs makes it worse, so below the limit is below the limit.
  if (seen.p99Us <= limitUs && !(seen.failedShare > kFew)) return Kept::yes;
  return isGeneratorsOwn(reading.record.invalid) ? Kept::notKnown : Kept::no;
}

Kept keptByAll(const std::vector<Kept>& each) {
  bool yes = false, no = false;
  for (const Kept one : each) {
    yes |= one == Kept::yes;
    no |= one == Kept::no;
  }
  return yes == no ? Kept::notKnown : yes ? Kept::yes : Kept::no;
}

double loosestUs(const Parameters& p) {
  double most = 0;
  for (const std::string& text : p.texts("limits"))
    most = std::max(most, toMicros(*parseDuration(text)));
  return most;
}

}  // namespace redline::lab::headroom
