// p99 at a share of the ceiling, and what makes it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/units.h"
#include "lab/availability.h"
#include "lab/ceiling.h"
#include "lab/core_gaps.h"
#include "lab/format.h"
#include "lab/interval_series.h"
#include "model/blocks.h"
#include "model/queue.h"

namespace redline::lab::ceiling {
namespace {

constexpr double kLimitUs = 1000;  ///< the service level of p99 at this load
/// The machine's speed changes by the minute, and not by the second.
constexpr unsigned kBlocksAReference = 3;
constexpr unsigned kLeastBlocks = 12;

/// The rate of the latest reference run; the mean of all closed runs where there is none.
std::optional<double> ceilingNow(const Readings& soFar, const Cell& reference, const Cell& closed) {
  const auto rates = figuresOf(validOrAll(soFar.with(reference.labels())), rateOf);
  if (!rates.empty()) return rates.back();
  return meanSoFar(soFar, closed, rateOf);
}

LabRun loadRun(const Parameters& p, const Case& one, const Cell& reference, const Cell& closed) {
  // Short intervals, to tell what made a slow moment slow.
  LabRun run = runOf(p, one, "p99-duration", {"-interval=100ms"});
  Drive& drive = run.drives.front();
  drive.decide = [&p, reference, closed,
                  flags = drive.flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = ceilingNow(soFar, reference, closed);
    if (!ceiling) return std::nullopt;
    const double rate = p.number("load-share") * *ceiling;
    return joinFlags({flags, {fmt::format("-rate={:.0f}", rate), "-arrivals=poisson"}});
  };
  run.expectedS = p.seconds("warmup") + p.seconds("p99-duration") + 0.4;
  return run;
}

/// p99 with the core available of the blocks so far, as far as it is known.
Estimate levelSoFar(const std::vector<const Reading*>& runs) {
  return medianEstimate(figuresOf(runs, recorded(fmt::format("{}p99_us", kAvailablePrefix))));
}

/// A block beyond the first so many is made only while the level is not known well enough.
LabRun onlyWhileNeeded(LabRun run, const Cell& small) {
  Drive& drive = run.drives.front();
  drive.decide = [small, flags = drive.flags,
                  decide = drive.decide](const Readings& soFar) -> std::optional<Flags> {
    if (isPrecise(levelSoFar(soFar.with(small.labels())), kLevelPrecision)) return std::nullopt;
    return decide ? decide(soFar) : std::optional(flags);
  };
  return run;
}

/// What ended the blocks.
void describeStop(Study& s, const Cell& small) {
  const Estimate level = levelSoFar(s.runs(small));
  if (!level.hasInterval()) return;
  const bool isEnough = isPrecise(level, kLevelPrecision);
  s.method(
      fmt::format("p99 of {} under load with the core available: {} after {} blocks, known to "
                  "± {:.0f}% (wanted: {:.0f}%)",
                  small.title(), stopName(isEnough ? Stop::precision : Stop::budget), level.count,
                  100 * factorHalfWidth(level), 100 * kLevelPrecision.halfWidth));
}

/// What is known of all cases under load.
struct LoadNumbers {
  const UnderLoad& under;
  std::string share;  ///< "80.0%"
  Cell small, smallReference;
  Quantity rate, p99;
  Quantity busy, mainUs, keptUp, batch;
  /// p99 of the small reads by their own spread: batches scatter differently, and this is compared
  /// with a limit.
  Measured smallP99;
};

LoadNumbers numbersOf(Study& s, const UnderLoad& under) {
  const Cells& all = under.load.cells;
  const std::string label = readOf(s.parameters(), false, 0).label;
  const Cell small = under.load.at(under.of, label);
  return {.under = under,
          .share = formatShare(s.parameters().number("load-share")),
          .small = small,
          .smallReference = under.reference.at(under.of, label),
          .rate = s.quantity("ops/s", rateOf, all),
          .p99 = s.quantity("us", latency("p99"), all),
          .busy = s.mean("share", mainThreadBusy, all),
          .mainUs = s.mean("", mainThreadUsPerCommand, together({all, under.reference.cells})),
          .keptUp = s.mean("share", keptUp, all),
          .batch = s.mean("", meanBatch, all),
          .smallP99 = s.quantity("us", latency("p99"), {small})[small]};
}

void tabulateLoad(Study& s, const LoadNumbers& n) {
  const Grid& load = n.under.load;
  const Grid& reference = n.under.reference;
  const Quantity ceilings = s.quantity("ops/s", rateOf, reference.cells);
  const auto rightBefore = [&](const Cell& cell) {
    return format(ceilings[reference.at(n.under.of, cell[n.under.of].label)]);
  };
  s.table(fmt::format("At {} of the ceiling, Poisson arrivals", n.share))
      .column("what", &Cell::title)
      .column("ceiling right before", rightBefore)
      .column("ops/s", n.rate)
      .column("of what was offered", n.keptUp)
      .column("p50", s.quantity("us", latency("p50"), load.cells))
      .column("p99", n.p99)
      .column("p99.9", s.quantity("us", latency("p999"), load.cells))
      .column("service p99", s.quantity("us", latency("p99", "service"), load.cells))
      .column("main thread busy", n.busy)
      .column("mean batch", n.batch)
      .validRuns()
      .note(
          "Response time from the moment that the schedule fixed. The load is a share of the "
          "ceiling found right before it. In the open model a batch is what is due, up to its "
          "size.")
      .rows(load.cells);
  s.figures(fmt::format("p99 of {{}} at {} of the ceiling", n.share), n.p99, load.cells);
}

Standing standingOf(SloVerdict verdict) {
  switch (verdict) {
    case SloVerdict::met:
      return Standing::expected;
    case SloVerdict::missed:
      return Standing::contradicts;
    case SloVerdict::inconclusive:
      return Standing::inconclusive;
    default:
      return Standing::problem;
  }
}

/// What a command costs under load and right before; empty where INFO was not kept.
std::string costOf(const LoadNumbers& n) {
  if (!n.mainUs.hasAll({n.small, n.smallReference})) return {};
  return fmt::format(". A command costs it {} µs, and {} µs at the ceiling right before",
                     n.mainUs[n.small], n.mainUs[n.smallReference]);
}

/// The service level, and the parts that p99 is made of.
void judgeP99(Study& s, const LoadNumbers& n) {
  const Parameters& p = s.parameters();
  const Cell& small = n.small;
  const Cell large = n.under.load.at(n.under.of, readOf(p, true, 0).label);
  const Quantity typical =
      s.quantity("us", [](const Reading& r) { return typicalUs(r, 0.99); }, n.under.load.cells);
  const bool isValid = n.smallP99.valid > 0;
  const Judged found = Judged::of(s.quantity("us", latency("p99"), {small}), small);
  const Judged available = Judged::of(s.available("p99", {small}), small);
  const SloVerdict verdict = isValid ? found.below(kLimitUs) : SloVerdict::invalid;
  const auto part = [&](std::string_view percentile, std::string_view measure) {
    return format(s.mean("us", latency(percentile, measure), {small})[small]);
  };
  s.sloBelow("read-p99-at-80", found, available, kLimitUs,
             fmt::format("{} at {}", n.smallP99, n.rate[small]),
             fmt::format("{}, Poisson arrivals; in the median interval of 100 ms {}; {}: {}",
                         small.title(), typical[small], large.title(), n.p99[large]));
  s.claim("p99-under-load", standingOf(verdict))
      .from("response times with Poisson arrivals, and the main thread's CPU")
      .headline()
      .text(
          "At {} of the ceiling, p99 of {} is {}. From send to reply it is {}. Waiting for one of "
          "{} connections it is {}, and the generator's own delay is {}. The slowest reply took "
          "{}, and operations that were due meanwhile queued behind it. The main thread is {} "
          "busy{}{}",
          n.share, small.title(), n.smallP99, part("p99", "service"), p.text("conns"),
          part("p99", "lateness"), part("p99", "dispatch"), part("max", "service"),
          format(n.busy[small]), costOf(n),
          isValid ? "" : ". None of these runs is valid, so this decides nothing");
}

/// M/D/1 with the service time of this very load: a lower bound, and how far above it we are.
void comparePrediction(const LoadNumbers& n, const Prediction& predicted) {
  const Measured mainUs = n.mainUs[n.small];
  const double serviceS = mainUs.value() / 1e6;
  const double rate = n.rate[n.small].value();
  if (!std::isfinite(serviceS) || rate * serviceS >= 1) return;
  const double bound = Md1(rate, serviceS).responseQuantile(0.99) * 1e6;
  predicted.measured(
      n.smallP99,
      fmt::format("with the {} µs of main thread that a command took at this load, M/D/1 gives {}; "
                  "the measured value is {} that. A real server wakes up late, answers together "
                  "what one epoll call returned, and its client needs the wire",
                  mainUs, formatQuantity(bound, "us"),
                  formatQuantity(n.smallP99.value() / bound, "x")));
}

/// One interval of a run at that load.
struct Interval {
  double busy = 0;    ///< share of the main thread
  double costUs = 0;  ///< of it, for a command
  double p99Us = 0;
  double waitedUs = 0;  ///< the main thread, for its core; not a number where that is not known
};

std::vector<Interval> intervalsOf(const std::vector<const Reading*>& runs) {
  std::vector<Interval> all;
  for (const Reading* const run : runs) {
    if (run->dir() == nullptr) continue;
    const auto series = responseSeries(*run->dir(), 0.99);
    const auto kernel = ratesOf(*run->dir(), "used_cpu_sys_main_thread", series);
    const auto user = ratesOf(*run->dir(), "used_cpu_user_main_thread", series);
    const auto commands = ratesOf(*run->dir(), "total_commands_processed", series);
    const auto waited = withoutCoreUs(*run->dir(), series);
    for (std::size_t i = 0; i < series.size(); ++i) {
      const double busy = kernel[i] + user[i];
      constexpr double kUnderLoad = 0.5;  // else the load began or ended in it
      if (std::isfinite(busy) && commands[i] > kUnderLoad * rateOf(*run))
        all.push_back({busy, 1e6 * busy / commands[i], series[i].value, waited[i]});
    }
  }
  return all;
}

/// A core that a host shares is slower at times: what does not saturate it on average may do so
/// then.
void claimSlowSpells(Study& s, const LoadNumbers& n, const std::vector<Interval>& intervals) {
  if (intervals.empty()) return;
  std::vector<double> costs, p99;
  std::size_t saturated = 0;
  for (const Interval& each : intervals) {
    costs.push_back(each.costUs);
    p99.push_back(each.p99Us);
    if (each.busy >= kSaturated) ++saturated;
  }
  s.claim("slow-spells", Standing::plain)
      .from("the main thread's CPU and commands by INFO, and p99, by interval")
      .restsOn({n.rate[n.small]})
      .text(
          "In {} of the intervals the main thread was {:.0f}% busy or more and could not catch up "
          "with its queue. A command costs it {:.2f} µs in the fastest tenth of the intervals and "
          "{:.2f} µs in the slowest. At this rate {:.2f} µs saturate it. Half of the intervals "
          "have a p99 of {} or less, a tenth of {} or more",
          formatShare(static_cast<double>(saturated) / static_cast<double>(intervals.size())),
          100 * kSaturated, quantileOf(costs, 0.1), quantileOf(costs, 0.9),
          1e6 / n.rate[n.small].value(), formatQuantity(medianOf(p99), "us"),
          formatQuantity(quantileOf(p99, 0.9), "us"));
}

/// p99 of intervals in which the main thread waited for its core, beside that of the others.
std::string waitedOrNot(const std::vector<double>& waited, const std::vector<double>& ran) {
  if (waited.empty() || ran.empty())
    return fmt::format("Half of the intervals have a p99 of {} or less",
                       formatQuantity(medianOf(ran.empty() ? waited : ran), "us"));
  const double undisturbed = medianOf(ran);
  return fmt::format("Half of those have a p99 of {} or less, half of the others of {} or less: {}",
                     formatQuantity(medianOf(waited), "us"), formatQuantity(undisturbed, "us"),
                     undisturbed >= kLimitUs
                         ? "with a core of its own it would miss the limit as well"
                         : fmt::format("with a core of its own it would mostly stay within {}",
                                       formatQuantity(kLimitUs, "us")));
}

/// What other threads on the server's core made of p99.
void claimWithoutCore(Study& s, const LoadNumbers& n, const std::vector<Interval>& intervals) {
  constexpr double kWaitedUs = 500;  // about what fills 50 connections
  std::vector<double> waited, ran;
  double waitedUs = 0;
  for (const Interval& each : intervals) {
    if (!std::isfinite(each.waitedUs)) continue;
    (each.waitedUs < kWaitedUs ? ran : waited).push_back(each.p99Us);
    waitedUs += each.waitedUs;
  }
  const std::size_t all = waited.size() + ran.size();
  if (all == 0) return;
  s.claim("without-core", Standing::plain)
      .from("the main thread's run delay by Linux (schedstat), and p99, by interval")
      .restsOn({n.smallP99})
      .text(
          "Redis's main thread was ready to run but other threads had its core, for {} of an "
          "interval of 100 ms on average. In {} of {} intervals it was {} or more. {}",
          formatQuantity(waitedUs / static_cast<double>(all), "us"), waited.size(), all,
          formatQuantity(kWaitedUs, "us"), waitedOrNot(waited, ran));
}

/// What the machine does to a thread that wants the server's core, and what p99 that alone makes.
void claimIdleCore(Study& s, const LoadNumbers& n) {
  const CoreGaps gaps = coreGapsOf(s.validRuns(n.small));
  const double busy = n.busy[n.small].value();
  if (gaps.windowS == 0 || !std::isfinite(busy) || busy >= 1) return;
  std::vector<double> stallsS;
  std::ranges::transform(gaps.gapsUs, std::back_inserter(stallsS),
                         [](double us) { return us / 1e6; });
  const double bound = stalledQuantile(std::move(stallsS), gaps.windowS, busy, 0.99) * 1e6;
  const double share = bound / n.smallP99.value();
  constexpr double kMost = 0.5, kNone = 0.1;
  s.claim("idle-core", Standing::plain)
      .from(
          "gaps of 50 µs or more between a spinning thread's readings of the clock; an operation "
          "that is due in one, or before its backlog is gone, waits (StalledQuantile in "
          "docs/terminology.md)")
      .restsOn({n.smallP99})
      .text(
          "With Redis idle, right before these runs, its core was taken away for {} of every "
          "second, {} at the longest. At this load those pauses alone make a p99 of {} or more, {} "
          "of the measured one: the machine's pauses {}",
          formatQuantity(gaps.sumUs() / gaps.windowS, "us"),
          formatQuantity(gaps.gapsUs.empty() ? 0 : gaps.gapsUs.front(), "us"),
          formatQuantity(bound, "us"), formatShare(share),
          share >= kMost   ? "make most of it, and on a quieter core it would be lower"
          : share <= kNone ? "do not explain it"
                           : "make a part of it");
}

/// A closed model's ceiling is of full batches. In the open model a batch is what is due, and
/// smaller ones cost more for each command.
void claimOverload(Study& s, const LoadNumbers& n, const Cell& cell) {
  const auto isOverloaded = [](const Reading* run) {
    return run->summary() != nullptr && run->summary()->rate.overloaded;
  };
  if (!std::ranges::any_of(s.validRuns(cell), isOverloaded)) return;
  s.claim("overload-" + cell[n.under.of].label, Standing::problem)
      .from("achieved and offered rates with Poisson arrivals")
      .restsOn({n.rate[cell]})
      .text(
          "{}: the open model cannot reach {} of the closed model's ceiling. It completed {}, {} "
          "of what was offered. The main thread was {} busy, with {} operations in a batch. Its "
          "percentiles are of a queue that grows with the length of the run",
          cell.title(), n.share, n.rate[cell], n.keptUp[cell], n.busy[cell], format(n.batch[cell]));
}

}  // namespace

UnderLoad runUnderLoad(Study& s, const Ceilings& ceilings) {
  const Parameters& p = s.parameters();
  const auto of =
      ceilings.of.only([](const Case& one) { return !one.isWrite && one.changed.empty(); });
  UnderLoad under{.of = of, .load = gridOf("p99", {of}), .reference = gridOf("reference", {of})};
  const Cell small = under.load.at(of, readOf(p, false, 0).label);
  const auto runPair = [&](const Cell& cell, unsigned repeat) {
    const Case& one = cell[of];
    const Cell reference = under.reference.at(of, one.label);
    LabRun load = loadRun(p, one, reference, ceilings.grid.at(ceilings.of, one.label));
    if (cell == small) {  // a service level hangs on these
      load.before = noteCoreGaps;
      load.expectedS += kCoreGapsS;
    }
    s.run(reference, repeat, closedRun(p, one));
    s.run(cell, repeat, std::move(load));
  };
  Study::inTurn(under.load.cells, p.repeats(), runPair);
  // What a service level hangs on is measured more often.
  const Case& one = small[of];
  const Cell reference = under.reference.at(of, one.label);
  for (unsigned repeat = p.repeats() + 1; repeat <= p.count("p99-repeat"); ++repeat) {
    const auto add = [&](const Cell& cell, LabRun run) {
      s.run(cell, repeat, repeat <= kLeastBlocks ? run : onlyWhileNeeded(std::move(run), small));
    };
    if (repeat % kBlocksAReference == 0) add(reference, closedRun(p, one));
    add(small, loadRun(p, one, reference, ceilings.grid.at(ceilings.of, one.label)));
  }
  return under;
}

void judgeLoad(Study& s, const UnderLoad& under, const Prediction& predicted) {
  const LoadNumbers n = numbersOf(s, under);
  tabulateLoad(s, n);
  if (n.smallP99.isKnown()) {
    const auto intervals = intervalsOf(s.validRuns(n.small));
    judgeP99(s, n);
    describeStop(s, n.small);
    comparePrediction(n, predicted);
    claimSlowSpells(s, n, intervals);
    claimWithoutCore(s, n, intervals);
    claimIdleCore(s, n);
  }
  for (const Cell& cell : under.load.cells) claimOverload(s, n, cell);
}

}  // namespace redline::lab::ceiling
