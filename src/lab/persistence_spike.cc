#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/disk.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "lab/interval_series.h"
#include "lab/measures.h"
#include "lab/persistence_spike_runs.h"
#include "lab/study.h"
#include "model/costs.h"
#include "model/statistics.h"
#include "run/memory_estimate.h"

namespace redline::lab::persistence_spike {
namespace {

constexpr double kSloUs = 1000;      ///< the brief's read p99, for the time that is spent above it
constexpr double kResembles = 0.25;  ///< AOF rewrite against BGSAVE: less is not a difference
constexpr double kWhereMatters = 0.1;  ///< the child's core: less is not a difference
constexpr double kForecastBytes = 20 * 1024.0 * 1024 * 1024;
constexpr double kPageTax = 0.02;  ///< of the main thread, for copying pages: less makes no p99

/// What is measured of each fork, beside what FaultStudy knows.
struct Figures {
  Figures(Study& s, const Cells& cells)
      : fault(s, cells, {.p99 = FaultP99::withoutLateGenerator, .limitUs = kSloUs}),
        child([study = fault](const Reading& run) { return readChild(run, study.facts(run)); }),
        fork(fault.figure("us", "fork_us")),
        copied(fault.mean("bytes", "cow_peak_bytes")),
        p99(s.quantity("us", child.of(&ChildFacts::p99Us), cells)),
        late(s.mean("us", child.of(&ChildFacts::lateUs), cells)),
        waiting(s.mean("share", child.of(&ChildFacts::waiting), cells)),
        faultsBefore(s.mean("count", child.of(&ChildFacts::faultsBefore), cells)),
        faultsDuring(s.mean("count", child.of(&ChildFacts::faultsDuring), cells)),
        copyUs(s.mean("us", child.of([](const ChildFacts& c) { return c.copyUs(); }), cells)),
        copyShare(
            s.mean("share", child.of([](const ChildFacts& c) { return c.copyShare(); }), cells)),
        resident(s.mean("bytes", child.of(&ChildFacts::resident), cells)),
        sync(s.mean("us", recorded(kSyncP99), cells)) {}

  bool isMeasured(const Cell& cell) const { return fault.isMeasured(cell) && fork.has(cell); }

  FaultStudy fault;
  FactsOf<ChildFacts> child;
  Quantity fork, copied;
  Quantity p99;  ///< while the child writes
  Quantity late, waiting, faultsBefore, faultsDuring;
  Quantity copyUs, copyShare;  ///< of the main thread's system time
  Quantity resident;
  Quantity sync;  ///< p99 of fdatasync before the run
};

/// One kind of fork, with its child on either core.
struct Pair {
  Fork fork;
  Cell server, generator;
};

void tabulateSpikes(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const FaultStudy& fault = f.fault;
  s.table("What a fork under load does to everyone's p99")
      .column("fault", [](const Cell& cell) { return cell.title(); })
      .column("fork", f.fork)
      .column("child wrote for", fault.length)
      .column("longest stall", fault.stall)
      .column("p99 before", fault.baseline)
      .column("peak p99", fault.peak)
      .column("peak ÷ before", fault.multiple)
      .column("worst interval before", fault.worstBefore)
      .column("of an equally long stretch after", fault.worstAfter)
      .column("spike lasted", [&](const Cell& cell) { return fault.lasted(cell); })
      .column("p99 while it writes", f.p99)
      .column("time with p99 > 1 ms", [&](const Cell& cell) { return fault.aboveLimitText(cell); })
      .column("of the generator", fault.lateGenerator)
      .validRuns()
      .note(fmt::format(
          "{}/s, Poisson arrivals, {} reads, {} keys of {}. Stall: from the first unanswered PING "
          "to its answer. Of the generator: share of the intervals in the child's life that are "
          "left out because the generator's own lateness makes up half of p99 or more.",
          rateText(s), formatShare(p.number("rw-ratio")), p.text("keys"),
          formatSize(p.size("value-size"))))
      .rows(fault.cells());
  s.figures("peak p99, {}", fault.peak, fault.cells());
  s.figures("fork, {}", f.fork, fault.cells());
}

void tabulateCopies(Study& s, const Figures& f) {
  s.table("Copy on write")
      .column("fault", [](const Cell& cell) { return cell.title(); })
      .column("resident before", f.resident)
      .column("copied", f.copied)
      .column("share of it",
              [&](const Cell& cell) {
                return formatShare(f.copied[cell].value() / f.resident[cell].value());
              })
      .column("minor faults/s before", f.faultsBefore)
      .column("while the child writes", f.faultsDuring)
      .column("system time a copied page", f.copyUs)
      .column("of the main thread", f.copyShare)
      .column("fdatasync p99 before", f.sync)
      .note(
          "Copied: the highest figure of the child's private pages in INFO. System time a copied "
          "page: by how much the main thread's rises while the child lives ÷ by how much minor "
          "faults do, of the median interval. fdatasync: of 200 B "
          "appended in the servers' directory, right before the run.")
      .rows(f.fault.cells());
}

void plotFaults(Study& s, const Figures& f, const Cell& bgsave) {
  const Cells& cells = f.fault.cells();
  const auto draw = [&](Plot plot, const FaultStudy::SeriesOf& seriesOf) {
    f.fault.addLines(plot, cells, seriesOf);
    f.fault.addSpan(plot, cells, [](const Cell& cell) { return "child of " + cell.title(); });
    plot.add();
  };
  Plot heat =
      f.fault.plotOverTime("heat", "Response time while a snapshot shares Redis's core", "fork");
  heat
      .describe(fmt::format(
          "Each operation by when it was due and how long it took, to within an interval ({}): the "
          "darker, the more. One run of {}.",
          s.parameters().text("interval"), bgsave.title()))
      .y("response time", AxisKind::latency)
      .main();
  f.fault.addHeat(heat, bgsave);
  f.fault.addSpan(heat, {bgsave}, [](const Cell&) { return std::string("its child"); });
  heat.add();
  draw(f.fault.plotOverTime("p99", "p99 around the fault", "fork")
           .describe(fmt::format("p99 of each interval ({}), one run of each kind. Intervals in "
                                 "which the generator was late are left out. 0: the fault begins.",
                                 s.parameters().text("interval")))
           .y("p99", AxisKind::latency),
       {});
  draw(
      f.fault.plotOverTime("minor-faults", "Redis's minor faults around the fault", "fork")
          .describe("While a child lives, the first write to each page copies it: one minor fault.")
          .y("minor faults a second", AxisKind::count),
      [&](const Reading& run) {
        return rateSeries(*run.dir(), kMinorFaults, f.fault.facts(run).response);
      });
}

/// "from 167 µs to 21 ms".
std::string rise(const FaultStudy& fault, const Cell& cell) {
  return fmt::format("from {} to {}", fault.baseline[cell], fault.peak[cell]);
}
/// ". That lasts 7.5 s, to the end of the run".
std::string duration(const FaultStudy& fault, const Cell& cell) {
  if (!fault.hasSpike(cell)) return ", which is no spike by the rule";
  return fmt::format(". That lasts {}{}{}", fault.isMostlyLeftOut(cell) ? "at least " : "",
                     fault.spikeS[cell], fault.isCutOff(cell) ? ", to the end of the run" : "");
}

void claimSpike(Study& s, const Figures& f, const Pair& pair) {
  const FaultStudy& fault = f.fault;
  const std::string id = "spike-" + pair.fork.word;
  if (!f.isMeasured(pair.server)) {
    fault.claimNotMeasured(pair.server, id);
    return;
  }
  std::size_t found = 0, all = 0;
  std::vector<Measured> from;
  for (const Cell& cell : {pair.server, pair.generator}) {
    if (!f.isMeasured(cell)) continue;
    found += fault.spikes(cell);
    all += s.runs(cell).size();
    from.push_back(fault.peak[cell]);
  }
  if (found == 0) {
    s.claim(id, Standing::contradicts)
        .from("the spike rule")
        .headline()
        .restsOn(from)
        .text(
            "{} causes no spike: p99 is at most {} in any interval, compared with {} before. With "
            "{} "
            "resident its fork took {}",
            pair.fork.title, fault.peak[pair.server], fault.baseline[pair.server],
            f.resident[pair.server].plain(), f.fork[pair.server]);
    return;
  }
  s.claim(id, 2 * found > all ? Standing::expected : Standing::inconclusive)
      .from("the spike rule on p99 by interval, and latest_fork_usec")
      .headline()
      .restsOn(from)
      .text(
          "{} raises p99 {} when its child shares Redis's core{}. With the child on the "
          "generator's "
          "core p99 {}. The rule finds a spike in {} of {} runs. With {} resident the fork alone "
          "took {}",
          pair.fork.title, rise(fault, pair.server), duration(fault, pair.server),
          f.isMeasured(pair.generator)
              ? "rises " + rise(fault, pair.generator) + duration(fault, pair.generator)
              : "cannot be judged",
          found, all, f.resident[pair.server].plain(), f.fork[pair.server]);
}

void recommendCore(Study& s, const Pair& pair, std::string_view core, std::string_view worth) {
  s.recommend("{}: give its child a core other than {} ({}); {}", pair.fork.title, core,
              pair.fork.cpulist, worth);
}

/// With the child on the generator's core p99 is the generator's: how long the server waited for a
/// core is left.
void claimCoreByWaiting(Study& s, const Figures& f, const Pair& pair) {
  const Measured here = f.waiting[pair.server], there = f.waiting[pair.generator];
  s.claim("child-core-" + pair.fork.word, Standing::plain)
      .from(
          "p99 of response and dispatch of the intervals in the child's life, without the fork's, "
          "and the main thread's run delay by Linux")
      .text(
          "While the child of {} writes on Redis's core, the median interval has a p99 of {}, and "
          "the main thread is ready but without a core for {} of the time. With the child on the "
          "generator's core it is {} of the time. The generator was disturbed there ({} late at "
          "p99, half of p99 or more in {} of the intervals), so its p99 says nothing about Redis: "
          "this needs a third core",
          pair.fork.title, f.p99[pair.server], here, there, f.late[pair.generator].plain(),
          f.fault.lateGenerator[pair.generator].plain());
  constexpr double kWaits = 0.05;
  if (!f.p99.has(pair.server) || !(here.value() >= kWaits) || !(there.value() <= here.value() / 2))
    return;
  recommendCore(s, pair, "Redis's",
                fmt::format("the main thread then waits for its core {} of the time instead of {}",
                            there, here));
}

void claimCoreByP99(Study& s, const Figures& f, const Pair& pair) {
  const Measured ratio = f.p99.ratio(pair.generator, pair.server);
  if (!ratio.isKnown()) return;
  const Difference difference = judgeRatio(ratio.estimate, kWhereMatters);
  const bool differs = difference == Difference::differs;
  s.claim("child-core-" + pair.fork.word, differs ? expectAbove(ratio) : Standing::inconclusive)
      .from("median p99 of the intervals in the child's life, without the fork's")
      .text(
          "While the child of {} writes, the median interval has a p99 of {} when it shares "
          "Redis's "
          "core and of {} when it shares the generator's. That is a ratio of {} ({})",
          pair.fork.title, f.p99[pair.server], f.p99[pair.generator], ratio,
          differenceName(difference));
  if (!differs) return;
  const bool keepOff = ratio.value() > 1;
  recommendCore(s, pair, keepOff ? "Redis's" : "the generator's",
                fmt::format("p99 while it writes is then lower by a factor of {}",
                            formatCount(keepOff ? ratio.value() : 1 / ratio.value())));
}

/// The same core, and the child only when Redis leaves it.
void claimIdle(Study& s, const Figures& f, const Cell& plain, const Cell& idle) {
  const Measured ratio = f.p99.ratio(plain, idle);
  if (!ratio.isKnown()) return;
  const Difference difference = judgeRatio(ratio.estimate, kWhereMatters);
  s.claim("child-idle",
          difference == Difference::differs ? expectBelow(ratio) : Standing::inconclusive)
      .from("median p99 of the intervals in the child's life, without the fork's")
      .text(
          "With the child of BGSAVE under SCHED_IDLE on Redis's core, the median interval has a "
          "p99 "
          "of {} instead of {}. That is a ratio of {} ({}). The child then takes {} instead of {}",
          f.p99[idle], f.p99[plain], ratio, differenceName(difference), f.fault.length[idle],
          f.fault.length[plain]);
  if (difference == Difference::differs && ratio.value() < 1)
    s.recommend(
        "Where the child has no core of its own, run it under SCHED_IDLE (chrt --idle): p99 while "
        "it writes is then {} of what it is otherwise, and the snapshot takes {}",
        ratio, f.fault.length[idle]);
}

void claimForkShare(Study& s, const Figures& f, const Pair& pair) {
  const Measured stall = f.fault.stall[pair.generator], fork = f.fork[pair.generator];
  if (!(stall.value() > 0)) return;
  const double share = fork.value() / stall.value();
  s.claim("fork-share-" + pair.fork.word, Standing::plain)
      .from("the PING probe, and latest_fork_usec")
      .text("{}: the longest stall was {}. The fork took {}: {}", pair.generator.title(), stall,
            fork,
            share >= 0.5 ? fmt::format("{} of that stall", formatShare(std::min(share, 1.0)))
                         : "most of that stall is not the fork");
}

/// On the generator's core, the cleaner case: there the child takes no time of the server's.
void claimCopies(Study& s, const Figures& f, const Pair& pair) {
  const Cell& cell = pair.generator;
  const Measured share = f.copyShare[cell];
  const bool isLittle = share.value() < kPageTax;
  s.claim("copied-pages-" + pair.fork.word, Standing::plain)
      .from("minor faults and system time of the main thread, of the median interval")
      .restsOn({share})
      .text(
          "{}: Redis's minor faults rise from {}/s to {}/s while the child lives. Each goes with "
          "{} "
          "of system time, {} of the main thread together: {}",
          cell.title(), f.faultsBefore[cell], f.faultsDuring[cell], f.copyUs[cell],
          formatShare(std::max(0.0, share.value())),
          isLittle ? "too little to make a p99 of milliseconds"
                   : "enough to lengthen queues, beside what the child itself takes");
  const Measured copied = f.copied[cell], resident = f.resident[cell];
  s.cost("{} copies {} of {} at {}/s with {} reads: memory that it needs on top", pair.fork.title,
         copied, resident, rateText(s), formatShare(s.parameters().number("rw-ratio")));
}

/// How long a fork blocks a server by its size, and what that makes of 20 GB.
void reportSizes(Study& s, const Grid& sizes) {
  const Quantity fork = s.quantity("us", recorded(kForkUs), sizes.cells);
  const Quantity resident = s.mean("bytes", recorded(kForkResident), sizes.cells);
  constexpr double kGb = 1024.0 * 1024 * 1024;
  s.table("How long a fork blocks, by size")
      .column("data set", &Cell::title)
      .column("resident", resident)
      .column("fork", fork)
      .note("BGSAVE of an idle server: latest_fork_usec, and used_memory_rss before it.")
      .rows(sizes.cells, &fork);
  std::vector<double> gb, us;
  for (const Cell& cell : sizes.cells)
    for (const Reading* const run : s.runs(cell))
      if (const double took = run->figure(kForkUs), size = run->figure(kForkResident);
          std::isfinite(took) && std::isfinite(size)) {
        gb.push_back(size / kGb);
        us.push_back(took);
      }
  const auto line = fitLine(gb, us);
  if (!line) return;
  const double atGb = kForecastBytes / kGb;
  const Estimate forecastUs = forecast(gb, us, atGb);
  Plot plot = s.plot("fork-by-size", "How long a fork blocks Redis, by its size");
  plot.describe(
          "BGSAVE of an idle server. The line is least squares of logarithms and goes on to 20 GB; "
          "bars: 95% confidence, of the forecast that of one more fork.")
      .x("resident, GB", AxisKind::linear)
      .y("fork", AxisKind::latency)
      .points("measured", fork, sizes.cells,
              [&](const Cell& cell) { return resident[cell].value() / kGb; });
  LabSeries model{.title = "line", .points = {}, .dashed = true, .markers = false};
  const double least = std::ranges::min(gb), most = std::ranges::max(gb);
  for (const double x : {least, most, 2.0, 5.0, 10.0, atGb})
    if (x >= least) model.points.push_back({x, line->at(x)});
  std::ranges::sort(model.points, {}, &LabPoint::x);
  plot.series(std::move(model))
      .series({.title = "forecast", .points = {pointOf(atGb, forecastUs)}, .line = false})
      .add();
  const Measured foretold{forecastUs, "us", s.runs(sizes.cells.back()), gb.size()};
  s.claim("fork-by-size", Standing::plain)
      .from(fmt::format("latest_fork_usec of {} forks of idle servers from {} to {}; least squares "
                        "of logarithms",
                        gb.size(), formatQuantity(least * kGb, "bytes"),
                        formatQuantity(most * kGb, "bytes")))
      .headline()
      .text(
          "A fork blocks Redis for {} a GB resident and {} besides. If the line goes on, a server "
          "of 20 GB is blocked for {} at each save",
          formatQuantity(line->slope, "us"), formatQuantity(line->atZero, "us"), foretold);
  s.figure("fork of a server of 20 GB, forecast", foretold);
}

void claimResemblance(Study& s, const Figures& f, const Cell& bgsave, const Cell& rewrite) {
  if (!f.isMeasured(bgsave) || !f.isMeasured(rewrite)) return;
  const Measured ratio = f.fault.peak.ratio(bgsave, rewrite);
  const Difference difference = judgeRatio(ratio.estimate, kResembles);
  s.claim("rewrite-like-bgsave", difference == Difference::noEvidence ? Standing::expected
                                 : difference == Difference::differs  ? Standing::contradicts
                                                                      : Standing::inconclusive)
      .from("peak p99 of the two, children on the generator's core")
      .text(
          "The p99 peak of an AOF rewrite ÷ that of BGSAVE is {} ({}). Redis 7 writes the new base "
          "as a snapshot, so the two should cost alike",
          ratio, differenceName(difference));
}

/// What it takes to save at all, and whether p99 below 1 ms survives it.
void advise(Study& s, const Figures& f) {
  const FaultStudy& fault = f.fault;
  std::optional<Cell> gentlest, largest;
  for (const Cell& cell : fault.cells()) {
    if (!fault.aboveLimit.has(cell) || !f.copied.has(cell)) continue;
    if (!fault.isMostlyLeftOut(cell) &&
        (!gentlest || fault.aboveLimit[cell].value() < fault.aboveLimit[*gentlest].value()))
      gentlest = cell;
    if (!largest || f.copied[cell].value() > f.copied[*largest].value()) largest = cell;
  }
  if (!gentlest) return;
  const std::string rate = rateText(s);
  if (fault.aboveLimit[*gentlest].value() > 0)
    s.recommend(
        "Where p99 has to stay below 1 ms, take snapshots on a replica or off the peak: at {}/s "
        "even the gentlest that these runs can judge ({}) spends {} above it",
        rate, gentlest->title(), fault.aboveLimitText(*gentlest));
  else
    s.recommend("{} keeps p99 below 1 ms at {}/s: save that way", gentlest->title(), rate);
  s.recommend("Leave {} free beside the data, and more with more writes: {} copied that much",
              f.copied[*largest], largest->title());
}

void conclude(Study& s, const Figures& f, const Pair& pair) {
  const FaultStudy& fault = f.fault;
  const Cell& cell = pair.server;
  if (!f.isMeasured(cell)) return;
  const Measured peak = fault.peak[cell], before = fault.baseline[cell];
  const Measured over = fault.overBefore(cell);
  s.answer({peak, before, fault.aboveLimit[cell]},
           fmt::format("{} raises p99 to {} when its child shares Redis's core, and keeps it above "
                       "1 ms for {}",
                       pair.fork.title, rounded(peak), fault.aboveLimitText(cell)));
  if (fault.hasSpike(cell))
    s.decide(
        {peak, before, over, f.copied[cell]},
        {.risk = fmt::format("{} {} whose child shares Redis's core",
                             pair.fork.title.starts_with('A') ? "an" : "a", pair.fork.title),
         .measured = fmt::format("p99 {}{}", rounded(peak), fault.forHowLong(cell)),
         .action = fmt::format("Give forked children another core ({})", pair.fork.cpulist),
         .price = fmt::format("a core while it writes, and {} of memory", rounded(f.copied[cell])),
         .gain = over.value(),
         .isStall = true,
         .runs = {}});
  s.alternative({fault.lateGenerator[pair.generator]},
                fmt::format("The generator: with the child on its core it was late in {} of the "
                            "intervals, which p99 leaves out",
                            rounded(fault.lateGenerator[pair.generator])));
}

/// The worse of the two places for the child, by height and duration.
std::string worstSpike(const Figures& f, const Pair& pair) {
  const FaultStudy& fault = f.fault;
  const auto area = [&](const Cell& cell) {
    return fault.peak[cell].value() * fault.spikeS[cell].value();
  };
  const bool onGenerator = f.isMeasured(pair.generator) && area(pair.generator) > area(pair.server);
  const Cell& worse = onGenerator ? pair.generator : pair.server;
  return fmt::format("{}, child on the {}'s core: {}{}; fork {}", pair.fork.title,
                     onGenerator ? "generator" : "server", fault.peak[worse],
                     fault.forHowLong(worse), f.fork[worse]);
}

void judge(Study& s, const Figures& f, const std::vector<Pair>& pairs) {
  const Parameters& p = s.parameters();
  std::vector<std::string> measured;
  std::vector<Measured> from;
  // Valid where each fork has a valid run, wherever its child was.
  std::size_t valid = std::numeric_limits<std::size_t>::max();
  for (const Pair& pair : pairs) {
    if (!f.isMeasured(pair.server)) return;
    measured.push_back(worstSpike(f, pair));
    std::size_t ofFork = 0;
    for (const Cell& cell : {pair.server, pair.generator}) {
      const Measured length = f.fault.length[cell];
      ofFork += length.valid;
      if (length.isKnown()) from.push_back(length);
    }
    valid = std::min(valid, ofFork);
  }
  from.front().valid = valid;
  s.slo("persistence-spike", SloVerdict::reported, fmt::format("{}", fmt::join(measured, "; ")),
        fmt::format(
            "{} keys of {}, {}/s; the worse of two places for the child, by height and duration",
            p.text("keys"), formatSize(p.size("value-size")), rateText(s)),
        from);
}

/// For BGSAVE with its child on the generator's core.
void predictFork(Study& s, const Figures& f, const Cell& cell) {
  const Parameters& p = s.parameters();
  const std::uint64_t keys = p.count("keys");
  const auto memory =
      static_cast<double>(estimateMemory(keys, keys - 1, 0, p.size("value-size"), 0).total());
  s.predict("fork of BGSAVE", "5 ms and 66 ns for each 4 KiB page, of the data set's memory", "us",
            forkSeconds(memory) * 1e6)
      .measured(f.fork[cell]);
  constexpr double kSnapshotKeysPerS = 750e3;
  const double writesPerS = static_cast<double>(p.count("rate")) * (1 - p.number("rw-ratio"));
  const double seconds = static_cast<double>(keys) / kSnapshotKeysPerS;
  s.predict("bytes copied while BGSAVE's child lives",
            "3 pages for each write, each page once, for as long as 0.75M keys/s take: an upper "
            "bound",
            "bytes", copiedBytes(memory, writesPerS * seconds))
      .measured(f.copied[cell]);
}

void declare(Study& s) {
  const auto fork = Study::factor<Fork>("fault", {kBgsave, kAofRewrite}, [](const Fork& each) {
    return Level{each.word, each.title};
  });
  const auto core = Study::factor("child", {"server", "generator"}, [](const std::string& text) {
    return fmt::format("child on the {}'s core", text);
  });
  findCeiling(s);
  const Grid grid = s.grid("", {fork, core}, [&](const Cell& cell, unsigned) {
    return forkUnderLoad(s, cell[fork], cell[core]);
  });
  // Whether the scheduler alone keeps a child out of the way: one kind of fork shows it.
  const auto bgsaveOnly = fork.only([](const Fork& each) { return each.word == kBgsave.word; });
  const auto idle = Study::factor("child", {kIdle}, [](const std::string&) {
    return std::string("child on the server's core, SCHED_IDLE");
  });
  const Grid gentle = s.grid("", {bgsaveOnly, idle}, [&](const Cell& cell, unsigned) {
    return forkUnderLoad(s, cell[bgsaveOnly], kIdle);
  });
  const Grid sizes = forkSizes(s);
  const auto pairOf = [&](const Fork& each) {
    const Grid both = grid.only(fork, each.word);
    return Pair{each, both.at(core, "server"), both.at(core, "generator")};
  };
  const Pair bgsave = pairOf(kBgsave), rewrite = pairOf(kAofRewrite);
  const std::vector<Pair> pairs{bgsave, rewrite};
  const Figures f(s, together({grid.cells, gentle.cells}));
  predictFork(s, f, bgsave.generator);

  tabulateSpikes(s, f);
  tabulateCopies(s, f);
  plotFaults(s, f, bgsave.server);
  for (const Pair& pair : pairs) claimSpike(s, f, pair);
  for (const Pair& pair : pairs)
    if (f.fault.isMostlyLeftOut(pair.generator))
      claimCoreByWaiting(s, f, pair);
    else
      claimCoreByP99(s, f, pair);
  claimIdle(s, f, bgsave.server, gentle.cells.front());
  for (const Pair& pair : pairs) claimForkShare(s, f, pair);
  for (const Pair& pair : pairs) claimCopies(s, f, pair);
  reportSizes(s, sizes);
  claimResemblance(s, f, bgsave.generator, rewrite.generator);
  if (const std::string disk = diskWords(s.readings()); !disk.empty())
    s.claim("disk", Standing::plain).from("fdatasync right before every run").text("{}", disk);
  advise(s, f);
  conclude(s, f, bgsave);
  judge(s, f, pairs);
  s.method(intervalNote(f.fault.peak[bgsave.server].estimate));
  s.method(f.fault.method());
  s.method(
      "Minor faults and system time are counted by Linux, read as often as there are intervals and "
      "put on those by straight lines. What a copied page costs is of the intervals that lie "
      "wholly "
      "in the child's life, without the fork's");
  s.method(
      "The generator sleeps between operations and takes its core back at once (-wait=realtime), "
      "so "
      "a child on its core has what it leaves");
}

Status check(const Parameters& p) {
  return checkFaultMoment(p, "fault");
}

}  // namespace
}  // namespace redline::lab::persistence_spike

namespace redline {

Experiment persistenceSpikeExperiment() {
  using enum ParameterKind;
  return {
      .name = "persistence-spike",
      .title = "What a snapshot and a rewrite of the append-only file do to p99",
      .question =
          "Under a steady load the server forks, once for BGSAVE and once for an AOF rewrite. How "
          "high does p99 rise and for how long? How much of that is the fork itself and how does "
          "it grow with memory, do pages copied on write add to it, and does it matter on which "
          "core the child runs?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "maxmemory", .kind = size, .help = "of the server; all keys must fit"},
           {.name = "conns", .kind = count, .help = "connections"},
           {.name = "rate", .kind = count, .help = "operations a second, at most"},
           {.name = "rate-share",
            .kind = share,
            .help = "of the ceiling that is found first: the rate, where that is less"},
           {.name = "rw-ratio",
            .kind = share,
            .help = "share of reads; each write copies pages while a child lives"},
           {.name = "fork-keys",
            .kind = count,
            .list = true,
            .help = "sizes of idle servers whose fork is timed, in keys; all must fit"},
           {.name = "fork-repeat", .kind = count, .help = "forks of each of these"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "at",
            .kind = duration,
            .help = "when the fault comes, in the measured window; what is before is the baseline"},
           {.name = "duration", .kind = duration, .help = "measured time of a run"},
           {.name = "interval",
            .kind = duration,
            .help = "of the series of p99 and of minor faults"}},
      .check = lab::persistence_spike::check,
      .declare = lab::persistence_spike::declare,
  };
}

}  // namespace redline
