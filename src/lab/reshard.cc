#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "lab/catalog.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "model/statistics.h"

namespace redline::lab::reshard {
namespace {

constexpr double kMatters = 0.25;     ///< of p99: less is not a difference
constexpr double kCpuMatters = 0.05;  ///< of a master's CPU
constexpr unsigned kMasters = 3;
constexpr unsigned kSlotsOfCluster = 16384;

/// A data set, by the size of its values.
struct Values {
  std::string word;    ///< "small" or "large"
  std::string prefix;  ///< of its parameters
  double keysPerS;     ///< that MIGRATE moves beside load, on two cores (an estimate)
};
const Values kSmall{"small", "", 25e3}, kLarge{"large", "large-", 8e3};

// What is moved.
constexpr const char* kRange = "range";
constexpr const char* kHot = "hot";

Flags dataSet(const Parameters& p, const Values& values) {
  return {"-topology=cluster", "-keys=" + p.text(values.prefix + "keys"),
          "-value-size=" + p.text(values.prefix + "value-size"), "-ttl-frac=0"};
}

/// The master that `stack up cluster` has dealt the slot to.
unsigned dealtTo(unsigned slot) {
  unsigned owner = 0;
  while (owner + 1 < kMasters && (owner + 1) * kSlotsOfCluster / kMasters <= slot) ++owner;
  return owner;
}

/// Slots there and back, as -chaos has it.
Flags drive(const Parameters& p, const Values& values, const std::string& slots, unsigned owner) {
  const auto move = [&](std::string_view at, unsigned to) {
    return fmt::format("{}:reshard -slots={} -target={{node-{}}}", p.text(at), slots, to);
  };
  return joinFlags(
      {dataSet(p, values),
       {"-rate=" + p.text("rate"), "-arrivals=poisson", "-wait=realtime",
        "-conns=" + p.text("conns"), "-rw-ratio=" + p.text("rw-ratio"), "-dist=zipfian",
        "-zipf-s=" + p.text("zipf-s"), "-ledger=" + p.text("ledger"), "-warmup=" + p.text("warmup"),
        "-duration=" + p.text("duration"), "-interval=" + p.text("interval"),
        fmt::format("-chaos={}; {}", move("at", (owner + 1) % kMasters), move("back-at", owner))}});
}

/// The busiest slot of an earlier run with these values.
std::optional<unsigned> hotSlot(const Readings& soFar, const Values& values) {
  for (const Reading* reading : soFar.with({{"size", values.word}}))
    if (const Summary* summary = reading->summary();
        summary != nullptr && !summary->cluster.hotSlots.empty())
      return summary->cluster.hotSlots.front().slot;
  return std::nullopt;
}

LabRun moveUnderLoad(Study& s, const Values& values, const std::string& what) {
  const Parameters& p = s.parameters();
  LabRun run{.stack = s.stack({.name = values.word,
                               .up = {"cluster", "-maxmemory=" + p.text("maxmemory")},
                               .load = dataSet(p, values)})};
  if (what == kRange) {
    run.drives = {{.flags = drive(p, values, fmt::format("0-{}", p.count("slots") - 1), 0)}};
    return run;
  }
  run.expectedS = p.seconds("warmup") + p.seconds("duration");
  run.drives = {{.decide = [p, values](const Readings& soFar) -> std::optional<Flags> {
    const auto slot = hotSlot(soFar, values);
    if (!slot) return std::nullopt;
    return drive(p, values, std::to_string(*slot), dealtTo(*slot));
  }}};
  return run;
}

// Figures of one run. Its faults are two moves: slots there, and back.

bool bothMoved(const Reading& run) {
  return faultsOf(run).size() == 2;
}
std::optional<Stretch> moveOf(const Reading& run, std::size_t which) {
  if (!bothMoved(run)) return std::nullopt;
  const FaultFigures& move = *faultsOf(run)[which];
  return Stretch{move.beginS, move.endS};
}
std::optional<Stretch> moveThere(const Reading& run) {
  return moveOf(run, 0);
}
std::optional<Stretch> moveBack(const Reading& run) {
  return moveOf(run, 1);
}

/// The mean of both moves.
Measurement ofMoves(const std::function<double(const FaultFigures&)>& figure) {
  return [figure](const Reading& run) {
    if (!bothMoved(run)) return kNaN;
    const auto moves = faultsOf(run);
    return (figure(*moves[0]) + figure(*moves[1])) / 2;
  };
}
Measurement ofMoves(std::string_view name) {
  return ofMoves(
      [name = std::string(name)](const FaultFigures& move) { return figureOf(move, name); });
}

/// Whether slots move in a part of this time.
bool isMoving(const Reading& run, double fromS, double toS) {
  return std::ranges::any_of(faultsOf(run), [&](const FaultFigures* move) {
    return fromS < move->endS && toS > move->beginS;
  });
}

double p99During(const Reading& run, const FaultFacts& at) {
  return medianWhere(
      at.p99, [&](const SeriesPoint& point) { return isMoving(run, point.startS, point.endS); });
}
double worstP99During(const Reading& run, const FaultFacts& at) {
  double worst = kNaN;
  for (const SeriesPoint& point : at.p99)
    if (isMoving(run, point.startS, point.endS) && !(point.value <= worst)) worst = point.value;
  return worst;
}
/// Between the moves: the slots are at the other master.
double p99Elsewhere(const Reading& run, const FaultFacts& at) {
  const Stretch between{at.when->toS, moveBack(run)->fromS};
  return medianWhere(at.p99, [&](const SeriesPoint& point) {
    return point.startS >= between.fromS && point.endS <= between.toS;
  });
}
double p99After(const Reading& run, const FaultFacts& at) {
  const double endS = moveBack(run)->toS;
  return medianWhere(at.p99, [&](const SeriesPoint& point) { return point.startS >= endS; });
}
/// From the first move's end until p99 is as before; 0 where it always was.
double recoveryS(const Reading&, const FaultFacts& at) {
  if (!at.spike->judged || at.spike->cutOff) return kNaN;
  return at.spike->found ? std::max(0.0, at.spike->endS - at.when->toS) : 0;
}

/// CPU of the generator's workers for an operation, over the intervals that are wanted; idle polls
/// left out.
double cpuWhere(const RunDir& run, const std::function<bool(double from, double to)>& wanted) {
  Nanos cpu = 0;
  std::uint64_t operations = 0;
  for (const IntervalRow& row : run.intervals) {
    if (!row.isMeasured()) continue;
    if (!wanted(toSeconds(row.start), toSeconds(row.end))) continue;
    cpu += row.counts.cpuUser + row.counts.cpuSystem - row.counts.idleTime;
    for (const std::uint64_t completed : row.counts.completed) operations += completed;
  }
  return operations == 0 ? kNaN : static_cast<double>(cpu) / 1e3 / static_cast<double>(operations);
}

double cpuBefore(const Reading& run, const FaultFacts& at) {
  return cpuWhere(*run.dir(), [&](double, double toS) { return toS <= at.when->fromS; });
}
double cpuDuring(const Reading& run, const FaultFacts&) {
  return cpuWhere(*run.dir(), [&](double fromS, double toS) { return isMoving(run, fromS, toS); });
}

/// What each master's main thread took of a core, by address: before the first move, and while the
/// slots are elsewhere.
struct MasterCpu {
  double before = kNaN, elsewhere = kNaN;
};
std::map<std::string, MasterCpu> cpuOfMasters(const RunDir& run, Stretch before,
                                              Stretch elsewhere) {
  std::map<std::string, RunDir> samples;  // of one server each
  for (const ServerSample& sample : run.servers)
    if (sample.role == "master") samples[sample.addr].servers.push_back(sample);
  std::map<std::string, MasterCpu> masters;
  for (const auto& [addr, own] : samples) {
    const auto busy = [&](Stretch when) {
      const std::vector<SeriesPoint> stretch{{when.fromS, when.toS, 0}};
      return ratesOf(own, "used_cpu_user_main_thread", stretch).front() +
             ratesOf(own, "used_cpu_sys_main_thread", stretch).front();
    };
    masters[addr] = {busy(before), busy(elsewhere)};
  }
  return masters;
}

/// How the CPU of the masters changes when the slots are elsewhere.
struct CpuShift {
  double ownerBefore = kNaN, ownerElsewhere = kNaN;      ///< of the master that gave slots away
  double busiestBefore = kNaN, busiestElsewhere = kNaN;  ///< of whichever is the busiest then
};
CpuShift cpuShift(const Reading& reading) {
  CpuShift shift;
  const auto there = moveThere(reading), back = moveBack(reading);
  const RunDir* const run = reading.dir();
  if (run == nullptr || !there || !back || run->intervals.empty()) return shift;
  double startS = there->fromS;
  for (const IntervalRow& row : run->intervals)
    if (!row.warmup) startS = std::min(startS, toSeconds(row.start));
  double most = -std::numeric_limits<double>::infinity();
  for (const auto& [addr, cpu] :
       cpuOfMasters(*run, {startS, there->fromS}, {there->toS, back->fromS})) {
    if (!std::isfinite(cpu.before) || !std::isfinite(cpu.elsewhere)) continue;
    shift.busiestBefore = std::fmax(shift.busiestBefore, cpu.before);
    shift.busiestElsewhere = std::fmax(shift.busiestElsewhere, cpu.elsewhere);
    // The owner is the one that has less to do afterwards.
    if (const double lost = cpu.before - cpu.elsewhere; lost > most) {
      most = lost;
      shift.ownerBefore = cpu.before;
      shift.ownerElsewhere = cpu.elsewhere;
    }
  }
  return shift;
}

/// A count of the whole run.
Measurement countOf(const std::function<std::uint64_t(const Summary&)>& count) {
  return [count](const Reading& run) {
    return run.summary() == nullptr ? kNaN : static_cast<double>(count(*run.summary()));
  };
}
const Measurement kMoved = countOf([](const Summary& of) { return of.cluster.moved; });
const Measurement kAsk = countOf([](const Summary& of) { return of.cluster.ask; });
const Measurement kTryAgain = countOf([](const Summary& of) { return of.cluster.tryagain; });
const Measurement kFailed = countOf([](const Summary& of) { return of.rate.failed; });

/// Of the busiest slot, of all operations.
double hotShare(const Reading& run) {
  const Summary* const of = run.summary();
  if (of == nullptr || of->cluster.hotSlots.empty() || of->rate.completed == 0) return kNaN;
  return static_cast<double>(of->cluster.hotSlots.front().ops) /
         static_cast<double>(of->rate.completed);
}

/// What is measured of each condition.
struct Figures {
  Study& s;
  Cells cells;
  Factor<Values> size;
  Factor<std::string> what;
  FaultStudy fault{
      s, cells, {.what = "first move", .when = moveThere, .until = [](const Reading& run) {
                   return moveBack(run)->fromS;
                 }}};

  Quantity during = fault.quantity("us", p99During);
  Quantity worst = fault.quantity("us", worstP99During);
  Quantity elsewhere = fault.quantity("us", p99Elsewhere);
  Quantity after = fault.mean("us", p99After);
  Quantity recovery = fault.mean("s", recoveryS);
  Quantity cpuBefore = fault.mean("us", reshard::cpuBefore);
  Quantity cpuDuring = fault.mean("us", reshard::cpuDuring);
  FactsOf<CpuShift> shift{cpuShift};
  Quantity ownerBefore = s.quantity("share", shift.of(&CpuShift::ownerBefore), cells);
  Quantity ownerElsewhere = s.quantity("share", shift.of(&CpuShift::ownerElsewhere), cells);
  Quantity busiestBefore = s.quantity("share", shift.of(&CpuShift::busiestBefore), cells);
  Quantity busiestElsewhere = s.quantity("share", shift.of(&CpuShift::busiestElsewhere), cells);
  // Of one move.
  Quantity took = s.quantity(
      "s", ofMoves([](const FaultFigures& move) { return move.endS - move.beginS; }), cells);
  Quantity slots = s.mean("count", ofMoves("slots"), cells);
  Quantity keys = s.mean("count", ofMoves("keys"), cells);
  Quantity bytes = s.mean("bytes", ofMoves("bytes"), cells);
  Quantity longestMigrate = s.mean("us", ofMoves("longest_migrate_us"), cells);
  Quantity blocked = s.mean("share", ofMoves("source_blocked_share"), cells);
  // Of a whole run.
  Quantity moved = s.mean("count", kMoved, cells);
  Quantity ask = s.mean("count", kAsk, cells);
  Quantity tryAgain = s.mean("count", kTryAgain, cells);
  Quantity failed = s.mean("count", kFailed, cells);

  Cell of(const Values& values, std::string_view which) const {
    return Grid{cells}.only(size, values.word).at(what, which);
  }
  /// "100 slots, values of 100 B".
  std::string title(const Cell& cell) const {
    return fmt::format("{}, {}", cell.level(what).title, cell.level(size).title);
  }
  bool isMeasured(const Cell& cell) const {
    return fault.baseline.has(cell) && during.has(cell) && took.has(cell);
  }
  /// Keys, or bytes, that a move takes each second.
  Measured perSecond(const Quantity& amount, const Cell& cell) const {
    Measured rate = plainRatio(took[cell], amount[cell]);
    rate.unit = amount.unit();
    return rate;
  }
};

void tabulateLatency(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  s.table("What clients saw")
      .column("moved", [&](const Cell& cell) { return f.title(cell); })
      .column("p99 before", f.fault.baseline)
      .column("worst before", f.fault.worstBefore)
      .column("p99 during", f.during)
      .column("÷ before",
              [&](const Cell& cell) {
                return cellOf(plainRatio(f.fault.baseline[cell], f.during[cell]));
              })
      .column("worst interval", f.worst)
      .column("elsewhere", f.elsewhere)
      .column("back again", f.after)
      .column("recovery", f.recovery)
      .column("MOVED", f.moved)
      .column("ASK", f.ask)
      .column("TRYAGAIN", f.tryAgain)
      .column("failed", f.failed)
      .validRuns()
      .note(fmt::format(
          "{}/s, Poisson arrivals, Zipf {}, {} of reads, every value verified. Elsewhere: while "
          "the slots are at the other master. Redirects are the mean of a run: slots there and "
          "back. MOVED is rare because a worker renews its slot map every 200 ms.",
          p.text("rate"), p.text("zipf-s"), formatShare(p.number("rw-ratio"))))
      .rows(f.cells);
}

void tabulateMoves(Study& s, const Figures& f) {
  s.table("What was moved")
      .column("moved", [&](const Cell& cell) { return f.title(cell); })
      .column("slots", f.slots)
      .column("keys", f.keys)
      .column("bytes", f.bytes)
      .column("one move took", f.took)
      .column("keys/s", [&](const Cell& cell) { return cellOf(f.perSecond(f.keys, cell)); })
      .column("longest MIGRATE", f.longestMigrate)
      .column("source blocked", f.blocked)
      .column("generator CPU before", f.cpuBefore)
      .column("during", f.cpuDuring)
      .note(
          "Means of the two moves of a run. Blocked: the share of the move in which its sources "
          "ran MIGRATE and served no client. Generator CPU: of its workers, for an operation, idle "
          "polls left out.")
      .rows(f.cells);
}

void addMoves(Plot& plot, const Figures& f, const Cell& cell) {
  f.fault.addSpan(plot, cell, "there", moveThere);
  f.fault.addSpan(plot, cell, "back", moveBack);
}

void plotLatency(Study& s, const Figures& f, const Values& values) {
  const Cell range = f.of(values, kRange);
  Plot plot = f.fault.plotOverTime("p99-" + values.word,
                                   "p99 while slots move, " + range.level(f.size).title);
  plot.describe(fmt::format("p99 of each interval ({}), of all valid runs that moved {}. Grey: the "
                            "middle 80% of the intervals before the first move.",
                            s.parameters().text("interval"), f.title(range)))
      .y("p99", AxisKind::latency);
  f.fault.addRuns(plot, range);
  addMoves(plot, f, range);
  if (values.word == kSmall.word) plot.main();
  plot.add();
}

void plotRedirects(Study& s, const Figures& f, const Cell& cell) {
  Plot plot = f.fault.plotOverTime("redirects", "Redirects while slots move");
  plot.describe(fmt::format("MOVED and ASK in each interval ({}), means of the valid runs that "
                            "moved {}.",
                            s.parameters().text("interval"), f.title(cell)))
      .y("redirects a second", AxisKind::count);
  std::map<double, std::pair<double, double>> counts;  // MOVED, ASK by seconds since the first move
  const auto runs = s.validRuns(cell);
  const double lengthS = s.parameters().seconds("interval");
  for (const Reading* const run : runs) {
    const auto when = moveThere(*run);
    if (!when) continue;
    const auto moved = countedSeries(*run->dir(), &Counters::moved);
    const auto ask = countedSeries(*run->dir(), &Counters::ask);
    for (std::size_t i = 0; i < moved.size(); ++i) {
      auto& [of, asked] = counts[lengthS * std::round((moved[i].startS - when->fromS) / lengthS)];
      of += moved[i].value / static_cast<double>(runs.size());
      asked += ask[i].value / static_cast<double>(runs.size());
    }
  }
  LabSeries moved{.title = "MOVED", .points = {}, .bars = true, .width = lengthS};
  LabSeries ask{.title = "ASK", .points = {}, .bars = true, .width = lengthS};
  for (const auto& [x, both] : counts) {
    moved.points.push_back({x + lengthS / 2, both.first});
    ask.points.push_back({x + lengthS / 2, both.first + both.second, both.first});
  }
  plot.series(std::move(moved)).series(std::move(ask));
  addMoves(plot, f, cell);
  plot.add();
}

void claimImpact(Study& s, const Figures& f, const Values& values) {
  const Cell cell = f.of(values, kRange);
  const std::string id = "impact-" + values.word;
  if (!f.isMeasured(cell)) return f.fault.claimNotMeasured(id, "a move of " + f.title(cell));
  const Measured ratio = ratioWithin(cell, f.fault.baseline, f.during);
  const Difference difference = judgeRatio(ratio.estimate, kMatters);
  s.claim(id, difference == Difference::differs ? expectAbove(ratio) : Standing::inconclusive)
      .headline(values.word == kSmall.word)
      .from("p99 by interval, and the reshard's own figures")
      .restsOn({f.fault.baseline[cell]})
      .text(
          "Moving {} under {}/s takes {} for {} keys. Meanwhile p99 is {}, {} that of before ({}). "
          "In the worst interval it is {}. {}",
          f.title(cell), s.parameters().text("rate"), f.took[cell], f.keys[cell].plain(),
          f.during[cell], ratio, differenceName(difference), f.worst[cell],
          f.recovery.has(cell)
              ? fmt::format("It is back to normal {} after the move", f.recovery[cell])
              : std::string("Whether it recovers before the second move is not known"));
  if (cell == f.of(kSmall, kRange)) {
    s.answer({f.took[cell], ratio},
             fmt::format("Moving {} under load takes {} and multiplies p99 by {} meanwhile",
                         f.title(cell), rounded(f.took[cell]), rounded(ratio)));
    s.decide(
        {ratio, f.during[cell], f.blocked[cell]},
        {.risk = "slots that move under load",
         .measured = fmt::format("p99 {} for {}", rounded(f.during[cell]), rounded(f.took[cell])),
         .action = "Reshard online, where p99 has room",
         .price = fmt::format("the source serves no client for {} of the move",
                              rounded(f.blocked[cell])),
         .gain = ratio.value(),
         .runs = {}});
  }
  s.figure("p99 during ÷ before, " + f.title(cell), ratio);
  s.figure("one move, " + f.title(cell), f.took[cell]);
  s.cost("Moving {}: the source serves no client for {} of the move, for at most {} at a time",
         f.title(cell), f.blocked[cell].plain(), f.longestMigrate[cell].plain());
}

/// Over every run, the invalid ones included.
void claimCorrectness(Study& s) {
  const auto sum = [&](const Measurement& count) {
    return s.total("count", count, {everyRun()})[everyRun()];
  };
  const Measured operations = sum(countOf([](const Summary& of) { return of.rate.completed; }));
  if (!(operations.value() > 0)) return;
  const Measured moved = sum(kMoved), ask = sum(kAsk), tryAgain = sum(kTryAgain);
  const Measured failed = sum(kFailed);
  const Measured misses = sum(countOf([](const Summary& of) { return of.cache.misses; }));
  const Measured corrupt = sum(countOf([](const Summary& of) { return of.verify.corrupt; }));
  const Measured lost = sum(countOf([](const Summary& of) { return of.verify.lostAcknowledged; }));
  const bool isSound =
      tryAgain.value() + failed.value() + misses.value() + corrupt.value() + lost.value() == 0;
  s.claim("correctness", isSound ? Standing::expected : Standing::contradicts)
      .from(
          "the client's counts of all runs; no key has a time to live, so every read must find "
          "its value")
      .headline()
      .restsOn({tryAgain, failed, misses, corrupt, lost})
      .text("{} of {} operations met MOVED, and {} met ASK. {}", moved, operations, ask,
            isSound ? std::string("None failed or was told to try again, no read found a missing "
                                  "or a wrong value, and no acknowledged write was lost")
                    : fmt::format("{} were told to try again, and {} failed. {} reads found no "
                                  "value, and {} a wrong one. {} acknowledged writes were lost",
                                  tryAgain, failed, misses, corrupt, lost));
}

void tabulateCpu(Study& s, const Figures& f) {
  s.table("CPU of the masters")
      .column("moved", [&](const Cell& cell) { return f.title(cell); })
      .column("old owner, before", f.ownerBefore)
      .column("elsewhere", f.ownerElsewhere)
      .column("busiest master, before", f.busiestBefore)
      .column("elsewhere", f.busiestElsewhere)
      .note(
          "Main thread's CPU time, as a share of a core, by INFO: before the first move, and while "
          "the slots are at the other master.")
      .rows(f.cells, &f.ownerBefore);
}

/// All masters share a core here, so p99 cannot tell what another one has to spare. CPU can.
void claimHotSlot(Study& s, const Figures& f, const Cell& cell) {
  if (!f.isMeasured(cell)) return;
  const Measured ratio = ratioWithin(cell, f.busiestBefore, f.busiestElsewhere);
  if (!ratio.isKnown()) return;
  const Difference difference = judgeRatio(ratio.estimate, kCpuMatters);
  const bool helps = difference == Difference::differs && ratio.value() < 1;
  const std::string_view verdict =
      difference == Difference::inconclusive ? "these runs do not decide whether that helps"
      : helps                                ? "the move relieves the busiest master"
      : difference == Difference::differs
          ? "the new owner is busier than the old one was, so the move hurts"
          : "the load goes where the slot goes, and the busiest master is as busy as before";
  s.claim("hot-slot",
          difference == Difference::inconclusive ? Standing::inconclusive : Standing::plain)
      .from("main-thread CPU of each master by INFO, before and while the slot is elsewhere")
      .headline()
      .restsOn({ratio})
      .text(
          "The hot slot has {} of all operations and moves in {}. Its old owner goes from {} of a "
          "core to {}. The busiest master goes from {} to {}: {}",
          s.mean("share", hotShare, {cell})[cell].plain(), f.took[cell],
          f.ownerBefore[cell].plain(), f.ownerElsewhere[cell].plain(),
          f.busiestBefore[cell].plain(), f.busiestElsewhere[cell].plain(), verdict);
  s.figure("busiest master's CPU, hot slot moved ÷ before", ratio);
  if (helps)
    s.recommend(
        "Move a hot slot to a master with room for it: the busiest master's CPU falls by a factor "
        "of {}. The key itself stays on one master",
        plainRatio(f.busiestElsewhere[cell], f.busiestBefore[cell]));
  else if (difference != Difference::inconclusive)
    s.recommend(
        "Do not move a hot slot for relief: the busiest master then has {} the CPU that it had "
        "before. One key stays on one master, so it needs a local cache, copies or replicas",
        ratio);
}

void claimValueSizes(Study& s, const Figures& f, const Cell& small, const Cell& large) {
  if (!f.isMeasured(small) || !f.isMeasured(large)) return;
  s.claim("value-sizes", Standing::plain)
      .from("the reshard's own figures")
      .restsOn({f.took[small], f.took[large]})
      .text(
          "Keys with {} move at {}/s, and with {} at {}/s. In bytes that is {}/s and {}/s. Large "
          "values are moved in smaller batches, so that no MIGRATE blocks for longer than "
          "-max-block",
          small.level(f.size).title, f.perSecond(f.keys, small).plain(), large.level(f.size).title,
          f.perSecond(f.keys, large).plain(), f.perSecond(f.bytes, small).plain(),
          f.perSecond(f.bytes, large).plain());
}

void claimGenerator(Study& s, const Figures& f, const Cell& cell) {
  if (!f.isMeasured(cell)) return;
  s.claim("generator-cpu", Standing::plain)
      .from("CPU time of its workers by interval, idle polls left out")
      .restsOn({f.cpuDuring[cell]})
      .text("The generator's CPU for an operation is {}, and {} that while slots move",
            f.cpuBefore[cell], ratioWithin(cell, f.cpuBefore, f.cpuDuring));
}

void judge(Study& s, const Figures& f, const Cell& small, const Cell& large) {
  if (!f.isMeasured(small)) return;
  const auto text = [&](const Cell& cell) {
    return fmt::format("{}: p99 {} during, {} before; {} MOVED, {} ASK; {}", f.title(cell),
                       f.during[cell], f.fault.baseline[cell], f.moved[cell], f.ask[cell],
                       f.took[cell]);
  };
  std::string measured = text(small);
  std::vector<Measured> from{f.took[small]};
  if (f.isMeasured(large)) {
    measured += "; " + text(large);
    from.push_back(f.took[large]);
  }
  s.slo("reshard-impact", SloVerdict::reported, std::move(measured),
        fmt::format("{} keys, {}/s; slots there and back, times are of one move",
                    s.parameters().text("keys"), s.parameters().text("rate")),
        from);
}

double rangeKeys(const Parameters& p, const Values& values) {
  return static_cast<double>(p.count(values.prefix + "keys")) *
         static_cast<double>(p.count("slots")) / kSlotsOfCluster;
}

/// What a slot takes without keys: its states at two nodes and its new owner at all (estimate).
constexpr double kSlotS = 1.6e-3;

double moveTimeS(const Parameters& p, const Values& values) {
  return static_cast<double>(p.count("slots")) * kSlotS + rangeKeys(p, values) / values.keysPerS;
}

double expectedMoved(const Parameters& p) {
  constexpr double kRefreshS = 0.2;  // a worker's map (ClusterWatch::kGap): half is a move's age
  const double perSlot = static_cast<double>(p.count("rate")) / kSlotsOfCluster;
  return 2 * static_cast<double>(p.count("slots")) * (1 - std::exp(-perSlot * kRefreshS / 2));
}

double expectedAsk(const Parameters& p) {
  constexpr double kOpenSlots = 8;  // of a reshard at a time, by default
  constexpr double kMovedAlready = 0.5;
  return static_cast<double>(p.count("rate")) * 2 * moveTimeS(p, kSmall) * kOpenSlots /
         kSlotsOfCluster * kMovedAlready;
}

void predict(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const Cell small = f.of(kSmall, kRange);
  s.predict("keys that the slots hold", "keys × slots ÷ 16384", "count", rangeKeys(p, kSmall))
      .measured(f.keys[small]);
  for (const Values& values : {kSmall, kLarge}) {
    const Cell cell = f.of(values, kRange);
    s.predict("time to move them, " + cell.level(f.size).title,
              fmt::format("slots × {} + keys to move ÷ {:.0f}k keys/s: estimates",
                          formatQuantity(kSlotS, "s"), values.keysPerS / 1e3),
              "s", moveTimeS(p, values))
        .measured(f.took[cell]);
  }
  s.predict("MOVED, slots there and back",
            "a worker learns each moved slot by one MOVED, unless the map that it renews every 200 "
            "ms is first: 2 × slots × (1 − exp(−rate ÷ 16384 × 0.1 s))",
            "count", expectedMoved(p))
      .measured(f.moved[small]);
  s.predict(
       "ASK, slots there and back",
       "8 slots are open at a time, and half of an open slot's keys have gone: rate × time × 8 "
       "÷ 16384 × ½, over the predicted time",
       "count", expectedAsk(p))
      .measured(f.ask[small]);
  s.predict("TRYAGAIN", "it answers commands with several keys alone", "count", 0)
      .measured(f.tryAgain[small]);
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const auto size = Study::factor<Values>("size", {kSmall, kLarge}, [&](const Values& values) {
    return Level{values.word, "values of " + formatSize(p.size(values.prefix + "value-size"))};
  });
  const auto what = Study::factor("what", {kRange, kHot}, [&](const std::string& word) {
    return word == kHot ? "the hot slot" : p.text("slots") + " slots";
  });
  // One size after the other: six more servers would share the cores, and sizes are not compared.
  Cells cells;
  for (const Values& values : {kSmall, kLarge}) {
    const auto one = size.only([&](const Values& each) { return each.word == values.word; });
    // The hot slot is the one that the range's run found.
    const Grid grid = s.gridInOrder("", {one, what}, p.repeats(), [&](const Cell& cell, unsigned) {
      return moveUnderLoad(s, cell[size], cell[what]);
    });
    cells = together({cells, grid.cells});
  }
  const Figures f{.s = s, .cells = cells, .size = size, .what = what};
  const Cell small = f.of(kSmall, kRange), large = f.of(kLarge, kRange);

  predict(s, f);
  tabulateLatency(s, f);
  tabulateMoves(s, f);
  tabulateCpu(s, f);
  for (const Values& values : {kSmall, kLarge}) plotLatency(s, f, values);
  plotRedirects(s, f, small);
  for (const Values& values : {kSmall, kLarge}) claimImpact(s, f, values);
  claimCorrectness(s);
  claimHotSlot(s, f, f.of(kSmall, kHot));
  claimValueSizes(s, f, small, large);
  claimGenerator(s, f, small);
  judge(s, f, small, large);
  s.method(intervalNote(f.during[small].estimate));
  s.method(fmt::format(
      "Each run moves the slots to the next master at {} and back at {}, so that every run begins "
      "with the same cluster. p99 is of intervals of {}: before is the median of those before the "
      "first move, during of those that a move touches, elsewhere of those between the moves. "
      "Recovery: from the first move's end until p99 is no longer {}. All servers share a core: "
      "latencies are this machine's, shares and counts are the cluster's",
      p.text("at"), p.text("back-at"), p.text("interval"), faultSpikeRule().text()));
}

Status check(const Parameters& p) {
  if (auto good = checkFaultMoment(p, "reshard"); !good) return good;
  if (p.seconds("back-at") <= p.seconds("at"))
    return p.refuse("back-at", "the slots come back after they went");
  if (p.seconds("back-at") >= p.seconds("duration"))
    return p.refuse("back-at", "the reshard comes after the measured window");
  if (p.count("slots") == 0 || p.count("slots") > kSlotsOfCluster / kMasters)
    return p.refuse("slots", fmt::format("a master has {} of them", kSlotsOfCluster / kMasters));
  return {};
}

}  // namespace
}  // namespace redline::lab::reshard

namespace redline {

Experiment reshardExperiment() {
  using enum ParameterKind;
  return {
      .name = "reshard",
      .title = "What moving slots does to the clients of a cluster",
      .question =
          "Under a steady Zipf load a range of slots moves to another master and back, and then "
          "the hot slot alone. How long does it take, how many operations are redirected, what "
          "does p99 do before, during and after, is every operation answered correctly, and does "
          "it help or hurt to move the hot slot?",
      .parameters =
          {
              {.name = "keys", .kind = count, .help = "keys of the data set"},
              {.name = "value-size", .kind = size, .help = "bytes of a value"},
              {.name = "large-keys",
               .kind = count,
               .help = "keys of the data set with large values"},
              {.name = "large-value-size", .kind = size, .help = "bytes of a large value"},
              {.name = "maxmemory",
               .kind = size,
               .help = "of each node; a master's keys and its replication backlog must fit"},
              {.name = "slots",
               .kind = count,
               .help = "slots that move, the first of the first master"},
              {.name = "conns", .kind = count, .help = "connections to each master"},
              {.name = "rate", .kind = count, .help = "operations a second"},
              {.name = "rw-ratio", .kind = share, .help = "share of reads"},
              {.name = "zipf-s", .kind = number, .help = "exponent of Zipf's law"},
              {.name = "ledger",
               .kind = count,
               .help = "keys whose acknowledged writes are looked for at the end"},
              {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
              {.name = "at",
               .kind = duration,
               .help = "when the slots go, in the measured window; what is before is the baseline"},
              {.name = "back-at", .kind = duration, .help = "when they come back"},
              {.name = "duration", .kind = duration, .help = "measured time of a run"},
              {.name = "interval", .kind = duration, .help = "of the series of p99"},
          },
      .check = lab::reshard::check,
      .declare = lab::reshard::declare,
  };
}

}  // namespace redline
