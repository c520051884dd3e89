#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "base/units.h"
#include "lab/cold_cache.h"
#include "lab/fault_study.h"
#include "lab/node_loss.h"
#include "lab/slow_store.h"
#include "pg/cache_table.h"

namespace redline::lab::node_loss {
namespace {

constexpr double kBackWithin = 0.01;  ///< of the hit rate before: back
constexpr double kFewFail = 0.01;     ///< of the operations
/// Intervals on each side that an interval is judged with: one alone scatters.
constexpr std::size_t kNeighbours = 1;

std::string limitTitle(const Parameters& p) {
  return fmt::format("a limit of {}/s", p.text("limit"));
}

std::vector<Defence> defencesOf(const Parameters& p) {
  const std::string limit = "-backing-max-rate=" + p.text("limit");
  return {{kNone, "no defence"},
          {kCoalesce, "coalescing", {"-coalesce"}},
          {kLimit, limitTitle(p), {limit}},
          {kBoth, "coalescing and " + limitTitle(p), {"-coalesce", limit}}};
}

// What runs.

Flags dataSet(const Parameters& p) {
  return {"-keys=" + p.text("keys"), "-value-size=" + p.text("value-size"), "-ttl-frac=0"};
}

Status timeLookups(Bench& bench) {
  constexpr int kLookups = 20;
  const auto store = bench.store();
  if (!store) return fail(store.error());
  const Nanos begin = SteadyClock::read();
  for (int id = 0; id < kLookups && !bench.interrupted(); ++id) {
    const auto row =
        (*store)->value(fmt::format("SELECT version FROM {} WHERE id = {}", kCacheTable, id));
    if (!row) return fail(row.error());
  }
  bench.figure(kLookupUs, toMicros(SteadyClock::read() - begin) / kLookups);
  return {};
}

std::string stackOf(Study& s, const std::string& disaster) {
  const Parameters& p = s.parameters();
  LabStack stack{.name = disaster, .load = dataSet(p), .prepare = [&p](Bench& bench) -> Status {
                   // PostgreSQL answers in tens of microseconds what is in its memory. Here each
                   // statement takes as long as one that waits for a disk.
                   if (auto slow = slowStore(bench, p.seconds("store-time")); !slow) return slow;
                   return timeLookups(bench);
                 }};
  stack.up = {"cluster", fmt::format("-masters={}", kMasters),
              fmt::format("-replicas={}", disaster == kReplica ? 1 : 0), "-full-coverage=false",
              fmt::format("-redis-config=cluster-node-timeout {}",
                          p.duration("node-timeout") / kMillisecond)};
  stack.load.emplace_back(disaster == kStart ? "-store=only" : "-topology=cluster");
  if (disaster == kStart) stack.up = {"node"};
  for (const std::string& flag :
       {"-maxmemory=" + p.text("maxmemory"), std::string("-backing=postgres"),
        // Beside Redis, which has time: the generator runs before every ordinary thread.
        std::string("-postgres-buffers=64MB"), std::string("-postgres-cpus={server-cpu}")})
    stack.up.push_back(flag);
  return s.stack(std::move(stack));
}

Flags loadFlags(const Parameters& p, const std::string& reads, const std::string& duration) {
  return joinFlags(
      {dataSet(p),
       {"-dist=zipfian", "-zipf-s=" + p.text("zipf-s"), "-rate=" + p.text("rate"),
        "-arrivals=poisson", "-wait=realtime", "-conns=" + p.text("conns"), "-rw-ratio=" + reads,
        "-op-timeout=" + p.text("op-timeout"), "-on-miss=postgres",
        "-backing-conns=" + p.text("store-conns"), "-backing-timeout=" + p.text("store-timeout"),
        "-duration=" + duration, "-interval=" + p.text("interval")}});
}

std::string lossAsChaos(const Parameters& p, const std::string& disaster) {
  if (disaster == kReplica) return fmt::format("-chaos={}:kill-master", p.text("at"));
  return fmt::format("-chaos={}:kill-node -for={}", p.text("at"), p.text("down"));
}

LabRun lossRun(Study& s, const std::string& disaster, const Defence& defence, unsigned repeat) {
  const Parameters& p = s.parameters();
  return {.stack = stackOf(s, disaster),
          .fresh = true,
          .drives = {{.flags = joinFlags(
                          {loadFlags(p, p.text("rw-ratio"), p.text("duration")),
                           {"-topology=cluster", "-on-write=through", "-warmup=" + p.text("warmup"),
                            fmt::format("-run-seed={}", repeat), lossAsChaos(p, disaster)},
                           defence.flags})}}};
}

LabRun writesRun(Study& s, const Design& design, const Cell& cell, unsigned repeat) {
  const Parameters& p = s.parameters();
  const std::string& disaster = cell[design.disaster].label;
  const Defence& both = design.defence.payload(3);
  return {.stack = stackOf(s, disaster),
          .fresh = true,
          .drives = {{.flags = joinFlags(
                          {loadFlags(p, p.text("writes-rw-ratio"), p.text("writes-duration")),
                           {"-topology=cluster", "-on-write=none", "-ledger=" + p.text("ledger"),
                            "-warmup=" + p.text("warmup"), fmt::format("-run-seed={}", repeat),
                            lossAsChaos(p, disaster)},
                           both.flags})}}};
}

LabRun coldRun(Study& s, const Defence& defence, unsigned repeat) {
  const Parameters& p = s.parameters();
  return {.stack = stackOf(s, kStart),
          .before = emptyCache,
          .drives = {{.flags = joinFlags(
                          {loadFlags(p, p.text("rw-ratio"), p.text("cold-duration")),
                           {"-on-write=through", "-warmup=0s", fmt::format("-run-seed={}", repeat)},
                           defence.flags})}}};
}

// What one run did.

std::vector<const IntervalRow*> measuredRows(const Reading& reading) {
  std::vector<const IntervalRow*> rows;
  if (const RunDir* const run = reading.dir())
    for (const IntervalRow& row : run->intervals)
      if (row.isMeasured() && row.end > row.start) rows.push_back(&row);
  return rows;
}

double failuresOf(const Counters& counts, std::initializer_list<Failure> kinds) {
  double sum = 0;
  for (const Failure kind : kinds) sum += static_cast<double>(counts.failures[index(kind)]);
  return sum;
}
double tooLateIn(const Counters& counts) {
  return failuresOf(counts, {Failure::storeTimeout, Failure::storeFailed});
}
double shedIn(const Counters& counts) {
  return failuresOf(counts, {Failure::storeShed});
}
/// A read that the store did not answer has missed too; Counters::misses has those with an answer.
double missedIn(const Counters& counts) {
  return static_cast<double>(counts.misses) + tooLateIn(counts) + shedIn(counts);
}
double failedIn(const Counters& counts) {
  double sum = 0;
  for (const std::uint64_t one : counts.failures) sum += static_cast<double>(one);
  return sum;
}
double completedIn(const Counters& counts) {
  double sum = 0;
  for (const std::uint64_t one : counts.completed) sum += static_cast<double>(one);
  return sum;
}
double hitRateIn(const Counters& counts) {
  const auto hits = static_cast<double>(counts.hits);
  const double reads = hits + missedIn(counts);
  return reads > 0 ? hits / reads : kNaN;
}
double failedShareIn(const Counters& counts) {
  const double failed = failedIn(counts), all = failed + completedIn(counts);
  return all > 0 ? failed / all : 0;
}

double lengthS(const IntervalRow& row) {
  return toSeconds(row.end - row.start);
}

std::vector<SeriesPoint> seriesOf(const Reading& reading,
                                  const std::function<double(const IntervalRow&)>& value) {
  std::vector<SeriesPoint> series;
  for (const IntervalRow* const row : measuredRows(reading))
    if (const double one = value(*row); std::isfinite(one))
      series.push_back({toSeconds(row->start), toSeconds(row->end), one});
  return series;
}

/// Of an interval with its neighbours.
Counters around(const std::vector<const IntervalRow*>& rows, std::size_t at) {
  Counters sum;
  const std::size_t from = at - std::min(at, kNeighbours);
  for (std::size_t i = from; i < std::min(rows.size(), at + kNeighbours + 1); ++i)
    sum.follow(rows[i]->counts);
  return sum;
}

/// From `fromS` to the end of the last interval for which it holds; infinite where that is the last
/// of all, 0 where it never does.
double lastsFor(const std::vector<const IntervalRow*>& rows, double fromS,
                const std::function<bool(const Counters&)>& holds) {
  double untilS = fromS;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (toSeconds(rows[i]->end) <= fromS || !holds(around(rows, i))) continue;
    untilS =
        i + 1 == rows.size() ? std::numeric_limits<double>::infinity() : toSeconds(rows[i]->end);
  }
  return untilS - fromS;
}

double most(const std::vector<SeriesPoint>& series, double fromS) {
  double peak = kNaN;
  for (const SeriesPoint& point : series)
    if (point.endS > fromS && !(point.value <= peak)) peak = point.value;
  return peak;
}

double medianBefore(const std::vector<SeriesPoint>& series, double fromS) {
  return medianWhere(series, [&](const SeriesPoint& point) { return point.endS <= fromS; });
}

void countAfter(const std::vector<const IntervalRow*>& rows, double rate, Outcome& outcome) {
  constexpr double kLastS = 1;
  Counters sum, last;
  const double fromS = outcome.when->fromS, endS = toSeconds(rows.back()->end);
  for (const IntervalRow* const row : rows) {
    if (toSeconds(row->end) > fromS) sum.follow(row->counts);
    if (toSeconds(row->start) >= endS - kLastS) last.follow(row->counts);
  }
  outcome.windowS = endS - fromS;
  outcome.goodput = completedIn(sum) / (rate * outcome.windowS);
  outcome.failed = failedIn(sum);
  outcome.tooLate = tooLateIn(sum);
  outcome.shed = shedIn(sum);
  outcome.noNode = outcome.failed - outcome.tooLate - outcome.shed;
  outcome.asked = static_cast<double>(sum.of(BackingCount::reads));
  outcome.inTime = static_cast<double>(sum.of(BackingCount::found));
  outcome.hitAtEnd = hitRateIn(last);
}

double windowBegin(const Reading& reading) {
  const auto rows = measuredRows(reading);
  return rows.empty() ? kNaN : toSeconds(rows.front()->start);
}

}  // namespace

Cell Design::lost(std::string_view which, std::string_view how) const {
  return loss.only(disaster, which).at(defence, how);
}
Cell Design::started(std::string_view how) const {
  return cold.at(defence, how);
}
Cell Design::written(std::string_view which) const {
  return writes.at(disaster, which);
}

Design designOf(const Parameters& p) {
  const std::vector<Disaster> disasters{
      {kLone, "no replica"}, {kReplica, "a replica"}, {kStart, "cold start"}};
  Design design{
      .disaster = Study::factor<Disaster>(
          "disaster", disasters,
          [](const Disaster& each) { return Level{.label = each.label, .title = each.title}; }),
      .defence = Study::factor<Defence>(
          "defence", defencesOf(p),
          [](const Defence& each) { return Level{.label = each.label, .title = each.title}; }),
      .loss = {},
      .cold = {},
      .writes = {}};
  const auto losses = design.disaster.pick({kLone, kReplica});
  design.loss = gridOf("loss", {losses, design.defence.pick({kNone, kBoth})});
  design.cold = gridOf(
      "cold", {design.disaster.pick({kStart}), design.defence.pick({kNone, kCoalesce, kLimit})});
  design.writes = gridOf("writes", {losses});
  return design;
}

void planRuns(Study& s, const Design& design) {
  const unsigned repeats = s.parameters().repeats();
  for (const char* const disaster : {kLone, kReplica}) {
    Cells cells = design.loss.where(design.disaster, disaster);
    cells.push_back(design.written(disaster));
    Study::inTurn(cells, repeats, [&](const Cell& cell, unsigned repeat) {
      s.run(cell, repeat,
            cell == design.written(disaster) ? writesRun(s, design, cell, repeat)
                                             : lossRun(s, disaster, cell[design.defence], repeat));
    });
  }
  Study::inTurn(design.cold.cells, repeats, [&](const Cell& cell, unsigned repeat) {
    s.run(cell, repeat, coldRun(s, cell[design.defence], repeat));
  });
}

double storeCeiling(const Parameters& p) {
  return static_cast<double>(p.count("store-conns")) / p.seconds("store-time");
}

std::optional<Stretch> disasterOf(const Reading& reading) {
  if (reading.label("disaster") == kStart) {
    const double from = windowBegin(reading);
    return std::isfinite(from) ? std::optional(Stretch{from, from}) : std::nullopt;
  }
  const FaultFigures* const fault = faultOf(reading);
  if (fault == nullptr) return std::nullopt;
  // What heals the cluster comes after its slots are served again.
  for (const char* const served : {"serves_s", "recovered_s"})
    if (const double after = figureOf(*fault, served); std::isfinite(after))
      return Stretch{fault->beginS, fault->beginS + after};
  return std::nullopt;
}

std::vector<SeriesPoint> hitRateSeries(const Reading& reading) {
  return seriesOf(reading, [](const IntervalRow& row) { return hitRateIn(row.counts); });
}
std::vector<SeriesPoint> missedSeries(const Reading& reading) {
  return seriesOf(reading,
                  [](const IntervalRow& row) { return missedIn(row.counts) / lengthS(row); });
}
std::vector<SeriesPoint> queueSeries(const Reading& reading) {
  return seriesOf(
      reading, [](const IntervalRow& row) { return static_cast<double>(row.counts.storeQueue); });
}
std::vector<SeriesPoint> storeP99Series(const Reading& reading) {
  return seriesOf(reading, [](const IntervalRow& row) {
    return row.storeRead.count == 0 ? kNaN : row.storeRead.p99;
  });
}

Outcome outcomeOf(const Parameters& p, const Reading& reading) {
  Outcome outcome;
  outcome.when = disasterOf(reading);
  const auto rows = measuredRows(reading);
  if (!outcome.when || rows.empty()) return outcome;
  const double fromS = outcome.when->fromS;
  const bool isCold = reading.label("disaster") == kStart;
  const auto hitRate = hitRateSeries(reading), missed = missedSeries(reading);
  const auto storeP99 = storeP99Series(reading);
  const auto writes = seriesOf(reading, [](const IntervalRow& row) {
    return row.storeWrite.count == 0 ? kNaN : row.storeWrite.p99;
  });
  outcome.hitBefore = isCold ? 1 : medianBefore(hitRate, fromS);
  outcome.missedBefore = medianBefore(missed, fromS);
  outcome.storeP99Before = medianBefore(writes, fromS);
  outcome.missedPeak = most(missed, fromS);
  outcome.queuePeak = most(queueSeries(reading), fromS);
  outcome.storeP99Peak = most(storeP99, fromS);
  outcome.outageS = outcome.when->toS - fromS;
  outcome.backS = lastsFor(rows, fromS, [&](const Counters& counts) {
    return hitRateIn(counts) < outcome.hitBefore - kBackWithin;
  });
  outcome.failingS = lastsFor(
      rows, fromS, [](const Counters& counts) { return failedShareIn(counts) > kFewFail; });
  countAfter(rows, static_cast<double>(p.count("rate")), outcome);
  if (const FaultFigures* const fault = faultOf(reading)) {
    outcome.keysBefore = figureOf(*fault, "keys_before");
    outcome.keysAfter = figureOf(*fault, "keys_after");
  }
  return outcome;
}

}  // namespace redline::lab::node_loss
