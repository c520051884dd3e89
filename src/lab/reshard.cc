#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/fault_series.h"
#include "lab/words.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr double kPercentile = 0.99;
constexpr double kMatters = 0.25;  ///< of p99: less is no difference
constexpr unsigned kMasters = 3;
constexpr unsigned kSlotsOfCluster = 16384;
/// How often a worker's map may be renewed (ClusterWatch::kGap): half of it is a move's mean age.
constexpr double kRefreshS = 0.2;
/// Slots that a reshard has open at a time, by default.
constexpr double kOpenSlots = 8;
/// Keys that MIGRATE moves in a second beside load, on two cores, by size of value (estimates).
constexpr double kSmallKeysPerS = 25e3, kLargeKeysPerS = 8e3;
/// What a slot takes that has no keys: its states at two nodes and its new owner at all (estimate).
constexpr double kSlotS = 1.6e-3;

/// What is moved, with values of which size.
struct Condition {
  std::string size;  ///< "small" or "large"
  std::string what;  ///< "range" or "hot"

  std::string name() const { return size + "-" + what; }
  Labels labels() const { return {{"size", size}, {"what", what}}; }
};

// Places in conditions().
enum : std::size_t { kSmallRange, kSmallHot, kLargeRange, kLargeHot };

const std::vector<Condition>& conditions() {
  static const std::vector<Condition> kAll{
      {"small", "range"}, {"small", "hot"}, {"large", "range"}, {"large", "hot"}};
  return kAll;
}

bool isLarge(std::size_t condition) {
  return condition >= kLargeRange;
}

std::vector<Labels> allLabels() {
  std::vector<Labels> all;
  for (const Condition& condition : conditions()) all.push_back(condition.labels());
  return all;
}

std::uint64_t keysOf(const Parameters& p, std::size_t condition) {
  return p.count(isLarge(condition) ? "large-keys" : "keys");
}

std::string sizeOf(const Parameters& p, std::size_t condition) {
  return formatSize(p.size(isLarge(condition) ? "large-value-size" : "value-size"));
}

std::string fullName(const Parameters& p, std::size_t condition) {
  const bool hot = conditions()[condition].what == "hot";
  return fmt::format("{}, values of {}",
                     hot ? "the hot slot" : fmt::format("{} slots", p.text("slots")),
                     sizeOf(p, condition));
}

Flags dataSet(const Parameters& p, const std::string& size) {
  const std::string prefix = size == "large" ? "large-" : "";
  return {"-topology=cluster", "-keys=" + p.text(prefix + "keys"),
          "-value-size=" + p.text(prefix + "value-size"), "-ttl-frac=0"};
}

/// The master that `stack up cluster` has dealt the slot to.
unsigned dealtTo(unsigned slot) {
  unsigned owner = 0;
  while (owner + 1 < kMasters && (owner + 1) * kSlotsOfCluster / kMasters <= slot) ++owner;
  return owner;
}

/// Slots there and back, as -chaos has it.
Flags drive(const Parameters& p, const std::string& size, const std::string& slots,
            unsigned owner) {
  const auto move = [&](std::string_view at, unsigned to) {
    return fmt::format("{}:reshard -slots={} -target={{node-{}}}", p.text(at), slots, to);
  };
  return joinFlags(
      {dataSet(p, size),
       {"-rate=" + p.text("rate"), "-arrivals=poisson", "-conns=" + p.text("conns"),
        "-rw-ratio=" + p.text("rw-ratio"), "-dist=zipfian", "-zipf-s=" + p.text("zipf-s"),
        "-ledger=" + p.text("ledger"), "-warmup=" + p.text("warmup"),
        "-duration=" + p.text("duration"), "-interval=" + p.text("interval"),
        fmt::format("-chaos={}; {}", move("at", (owner + 1) % kMasters), move("back-at", owner))}});
}

LabStack stackOf(const Parameters& p, const std::string& size) {
  return {.name = size,
          .up = {"cluster", "-maxmemory=" + p.text("maxmemory")},
          .load = dataSet(p, size),
          .prepare = {}};
}

/// The busiest slot of an earlier run with this size of values.
std::optional<unsigned> hotSlot(const Readings& soFar, const std::string& size) {
  for (const Reading* reading : soFar.with({{"size", size}}))
    if (const Summary* summary = reading->summary();
        summary != nullptr && !summary->cluster.hotSlots.empty())
      return summary->cluster.hotSlots.front().slot;
  return std::nullopt;
}

LabRun runOf(const Parameters& p, std::size_t index, unsigned repeat) {
  const Condition& condition = conditions()[index];
  LabRun run{.name = fmt::format("{}-r{}", condition.name(), repeat),
             .labels = condition.labels(),
             .stack = condition.size};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  Drive one;
  if (condition.what == "range") {
    one.flags = drive(p, condition.size, fmt::format("0-{}", p.count("slots") - 1), 0);
  } else {
    run.expectedS = p.seconds("warmup") + p.seconds("duration");
    one.decide = [p, size = condition.size](const Readings& soFar) -> std::optional<Flags> {
      const auto slot = hotSlot(soFar, size);
      if (!slot) return std::nullopt;
      return drive(p, size, std::to_string(*slot), dealtTo(*slot));
    };
  }
  run.drives.push_back(std::move(one));
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  plan.stacks = {stackOf(p, "small"), stackOf(p, "large")};
  // One size after the other: six more servers would share the cores, and sizes are not compared.
  for (const std::size_t first : {kSmallRange, kLargeRange})
    std::ranges::move(
        interleaved(2, p.repeats(),
                    [&](std::size_t i, unsigned repeat) { return runOf(p, first + i, repeat); }),
        std::back_inserter(plan.runs));
  return plan;
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

double rangeKeys(const Parameters& p, std::size_t condition) {
  return static_cast<double>(keysOf(p, condition)) * static_cast<double>(p.count("slots")) /
         kSlotsOfCluster;
}

double expectedMoved(const Parameters& p) {
  const double slots = static_cast<double>(p.count("slots"));
  const double bySlot = static_cast<double>(p.count("rate")) / kSlotsOfCluster;
  return 2 * slots * (1 - std::exp(-bySlot * kRefreshS / 2));
}

double expectedAsk(const Parameters& p, double seconds) {
  constexpr double kMovedAlready = 0.5;
  return static_cast<double>(p.count("rate")) * 2 * seconds * kOpenSlots / kSlotsOfCluster *
         kMovedAlready;
}

double moveTime(const Parameters& p, std::size_t condition, double keysPerS) {
  return static_cast<double>(p.count("slots")) * kSlotS + rangeKeys(p, condition) / keysPerS;
}

std::string moveModel(double keysPerS) {
  return fmt::format("slots × {} + keys to move ÷ {:.0f}k keys/s: estimates",
                     formatQuantity(kSlotS, "s"), keysPerS / 1e3);
}

std::vector<LabPrediction> predict(const Parameters& p) {
  const double small = moveTime(p, kSmallRange, kSmallKeysPerS);
  const double large = moveTime(p, kLargeRange, kLargeKeysPerS);
  return {
      {.what = "keys that the slots hold",
       .model = "keys × slots ÷ 16384",
       .unit = "count",
       .predicted = rangeKeys(p, kSmallRange),
       .verdict = {}},
      {.what = fmt::format("time to move them, values of {}", sizeOf(p, kSmallRange)),
       .model = moveModel(kSmallKeysPerS),
       .unit = "s",
       .predicted = small,
       .verdict = {}},
      {.what = fmt::format("time to move them, values of {}", sizeOf(p, kLargeRange)),
       .model = moveModel(kLargeKeysPerS),
       .unit = "s",
       .predicted = large,
       .verdict = {}},
      {.what = "MOVED, slots there and back",
       .model = "a worker learns each moved slot by one MOVED, unless the map that it renews every "
                "200 ms is first: 2 × slots × (1 − exp(−rate ÷ 16384 × 0.1 s))",
       .unit = "count",
       .predicted = expectedMoved(p),
       .verdict = {}},
      {.what = "ASK, slots there and back",
       .model =
           "8 slots are open at a time, and half of an open slot's keys have gone: rate × time "
           "× 8 ÷ 16384 × ½, over the predicted time",
       .unit = "count",
       .predicted = expectedAsk(p, small),
       .verdict = {}},
      {.what = "TRYAGAIN",
       .model = "it answers commands with several keys alone",
       .unit = "count",
       .predicted = 0,
       .verdict = {}},
  };
}

/// One of the two moves.
struct Move {
  double beginS = kNaN, endS = kNaN;
  double slots = kNaN, keys = kNaN, bytes = kNaN, longestUs = kNaN, blocked = kNaN;
  double seconds() const { return endS - beginS; }
  bool overlaps(double from, double to) const { return from < endS && to > beginS; }
};

double figureOf(const FaultFigures& fault, std::string_view name) {
  const auto found = std::ranges::find(fault.figures, name, &std::pair<std::string, double>::first);
  return found == fault.figures.end() ? kNaN : found->second;
}

/// One run, read once.
struct Facts {
  std::optional<Move> there, back;
  double before = kNaN, during = kNaN, peak = kNaN;  ///< p99, microseconds
  double elsewhere = kNaN;  ///< between the moves: the slots are at the other master
  double after = kNaN;      ///< when they are back
  double recoveryS = kNaN;  ///< from the first move's end until p99 is as before; 0: it always was
  double moved = kNaN, ask = kNaN, tryagain = kNaN, clusterdown = kNaN;
  double operations = kNaN, failed = kNaN, corrupt = kNaN, misses = kNaN, lost = kNaN;
  double cpuBefore = kNaN, cpuDuring = kNaN;  ///< of the generator, µs an operation
  double hotShare = kNaN;                     ///< of the busiest slot, of all operations
  std::vector<SeriesPoint> p99;
};

double medianWhere(const std::vector<SeriesPoint>& series,
                   const std::function<bool(const SeriesPoint&)>& wanted) {
  std::vector<double> values;
  for (const SeriesPoint& point : series)
    if (wanted(point)) values.push_back(point.value);
  return values.empty() ? kNaN : medianOf(values);
}

/// CPU of the generator's workers for an operation, over the intervals that are wanted; idle polls
/// left out.
double cpuWhere(const RunDir& run, const std::function<bool(double from, double to)>& wanted) {
  Nanos cpu = 0;
  std::uint64_t operations = 0;
  for (const IntervalRow& row : run.intervals) {
    if (row.warmup || row.drain) continue;
    if (!wanted(static_cast<double>(row.start) / 1e9, static_cast<double>(row.end) / 1e9)) continue;
    cpu += row.counts.cpuUser + row.counts.cpuSystem - row.counts.idleTime;
    for (const std::uint64_t completed : row.counts.completed) operations += completed;
  }
  return operations == 0 ? kNaN : static_cast<double>(cpu) / 1e3 / static_cast<double>(operations);
}

std::vector<Move> movesOf(const Summary& summary) {
  std::vector<Move> moves;
  for (const FaultFigures& fault : summary.faults) {
    if (fault.name != "reshard" || !fault.problem.empty() || fault.endS <= 0) continue;
    Move move;
    move.beginS = fault.beginS;
    move.endS = fault.endS;
    move.slots = figureOf(fault, "slots");
    move.keys = figureOf(fault, "keys");
    move.bytes = figureOf(fault, "bytes");
    move.longestUs = figureOf(fault, "longest_migrate_us");
    move.blocked = figureOf(fault, "source_blocked_share");
    moves.push_back(move);
  }
  return moves;
}

void readCounts(const Summary& summary, Facts& facts) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  facts.moved = number(summary.cluster.moved);
  facts.ask = number(summary.cluster.ask);
  facts.tryagain = number(summary.cluster.tryagain);
  facts.clusterdown = number(summary.cluster.clusterdown);
  facts.operations = number(summary.rate.completed);
  facts.failed = number(summary.rate.failed);
  facts.corrupt = number(summary.verify.corrupt);
  facts.misses = number(summary.cache.misses);
  facts.lost = number(summary.verify.lostAcknowledged);
  if (!summary.cluster.hotSlots.empty() && summary.rate.completed != 0)
    facts.hotShare = number(summary.cluster.hotSlots.front().ops) / facts.operations;
}

void readSeries(const RunDir& run, Facts& facts) {
  const Move &there = *facts.there, &back = *facts.back;
  facts.p99 = responseSeries(run, kPercentile);
  if (facts.p99.empty()) return;
  const auto moving = [&](double from, double to) {
    return there.overlaps(from, to) || back.overlaps(from, to);
  };
  facts.before =
      medianWhere(facts.p99, [&](const SeriesPoint& at) { return at.endS <= there.beginS; });
  facts.during =
      medianWhere(facts.p99, [&](const SeriesPoint& at) { return moving(at.startS, at.endS); });
  facts.elsewhere = medianWhere(facts.p99, [&](const SeriesPoint& at) {
    return at.startS >= there.endS && at.endS <= back.beginS;
  });
  facts.after =
      medianWhere(facts.p99, [&](const SeriesPoint& at) { return at.startS >= back.endS; });
  for (const SeriesPoint& at : facts.p99)
    if (moving(at.startS, at.endS))
      facts.peak = std::max(at.value, std::isfinite(facts.peak) ? facts.peak : 0.0);
  const Spike spike = findSpike(facts.p99, {facts.p99.front().startS, there.beginS},
                                {there.beginS, back.beginS}, faultSpikeRule());
  if (spike.judged && !spike.cutOff)
    facts.recoveryS = spike.found ? std::max(0.0, spike.endS - there.endS) : 0;
  facts.cpuBefore = cpuWhere(run, [&](double, double to) { return to <= there.beginS; });
  facts.cpuDuring = cpuWhere(run, moving);
}

Facts read(const Reading& reading) {
  Facts facts;
  const Summary* const summary = reading.summary();
  const RunDir* const run = reading.dir();
  if (summary == nullptr || run == nullptr) return facts;
  readCounts(*summary, facts);
  const auto moves = movesOf(*summary);
  if (moves.size() != 2) return facts;
  facts.there = moves[0];
  facts.back = moves[1];
  readSeries(*run, facts);
  return facts;
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        document_(document),
        runs_(readings, allLabels(), read),
        before_(runs_.column([](const Facts& f) { return f.before; })),
        during_(runs_.column([](const Facts& f) { return f.during; })),
        elsewhere_(runs_.column([](const Facts& f) { return f.elsewhere; })),
        peak_(runs_.column([](const Facts& f) { return f.peak; })),
        seconds_(runs_.column([](const Facts& f) {
          return f.there ? (f.there->seconds() + f.back->seconds()) / 2 : kNaN;
        })) {}

  void all() {
    latencyTable();
    moveTable();
    for (const std::size_t range : {kSmallRange, kLargeRange}) plotLatency(range);
    plotRedirects();
    for (const std::size_t range : {kSmallRange, kLargeRange}) impact(range);
    correctness();
    hotSlotMoves();
    valueSizes();
    generator();
    judge();
    predictions();
    document_.method.push_back(intervalNote(during_.of(kSmallRange)));
    document_.method.push_back(fmt::format(
        "Each run moves the slots to the next master at {} and back at {}, so that every run "
        "begins "
        "with the same cluster. p99 is of intervals of {}: before is the median of those before "
        "the "
        "first move, during of those that a move touches, elsewhere of those between the moves. "
        "Recovery: from the first move's end until p99 is no longer {}. All servers share a core: "
        "latencies are this machine's, shares and counts are the cluster's",
        p_.text("at"), p_.text("back-at"), p_.text("interval"), faultSpikeRule().text()));
  }

 private:
  using Figure = ConditionsWith<Facts>::Figure;

  /// Over every run of these conditions.
  double sum(std::initializer_list<std::size_t> conditions, const Figure& figure) {
    double total = 0;
    for (const std::size_t each : conditions)
      for (const Reading* reading : runs_.runs(each))
        if (const double value = figure(runs_.facts(*reading)); std::isfinite(value))
          total += value;
    return total;
  }
  /// Of both moves.
  double moveMean(std::size_t condition, double Move::* figure) {
    return runs_.mean(condition, [figure](const Facts& f) {
      return f.there ? (*f.there.*figure + *f.back.*figure) / 2 : kNaN;
    });
  }
  static std::string us(double value) { return formatQuantity(value, "us"); }
  static std::string s(double value) { return formatQuantity(value, "s"); }
  static std::string count(double value) { return formatQuantity(value, "count"); }
  bool measured(std::size_t condition) const {
    return before_.has(condition) && during_.has(condition) && seconds_.has(condition);
  }
  std::string valid(std::size_t i) const {
    return fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size());
  }

  void latencyTable() {
    LabTable table{
        .title = "What clients saw",
        .head = {"moved", "p99 before", "p99 during", "÷ before", "worst interval", "elsewhere",
                 "back again", "recovery", "MOVED", "ASK", "TRYAGAIN", "failed", "valid runs"},
        .rows = {},
        .note = fmt::format(
            "{}/s, Poisson arrivals, Zipf {}, {} of reads, every value verified. Redirects are the "
            "mean of a run: slots there and back.",
            p_.text("rate"), p_.text("zipf-s"), formatShare(p_.number("rw-ratio")))};
    for (std::size_t i = 0; i < conditions().size(); ++i)
      table.rows.push_back(
          {{fullName(p_, i), words(before_.of(i), "us"), words(during_.of(i), "us"),
            measured(i) ? formatQuantity(during_.of(i).value / before_.of(i).value, "x") : "–",
            words(peak_.of(i), "us"), words(elsewhere_.of(i), "us"),
            us(runs_.mean(i, [](const Facts& f) { return f.after; })),
            s(runs_.mean(i, [](const Facts& f) { return f.recoveryS; })),
            count(runs_.mean(i, [](const Facts& f) { return f.moved; })),
            count(runs_.mean(i, [](const Facts& f) { return f.ask; })),
            count(runs_.mean(i, [](const Facts& f) { return f.tryagain; })),
            count(runs_.mean(i, [](const Facts& f) { return f.failed; })), valid(i)},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
  }

  void moveTable() {
    LabTable table{.title = "What was moved",
                   .head = {"moved", "slots", "keys", "bytes", "one move took", "keys/s",
                            "longest MIGRATE", "source blocked", "generator CPU before", "during"},
                   .rows = {},
                   .note =
                       "Means of the two moves of a run. Blocked: the share of the move in which "
                       "its sources ran MIGRATE and served nobody. Generator CPU: of its "
                       "workers, for an operation, idle polls left out."};
    for (std::size_t i = 0; i < conditions().size(); ++i) {
      const double keys = moveMean(i, &Move::keys);
      table.rows.push_back(
          {{fullName(p_, i), count(moveMean(i, &Move::slots)), count(keys),
            formatQuantity(moveMean(i, &Move::bytes), "bytes"), words(seconds_.of(i), "s"),
            seconds_.has(i) ? count(keys / seconds_.of(i).value) : "–",
            us(moveMean(i, &Move::longestUs)), formatShare(moveMean(i, &Move::blocked)),
            us(runs_.mean(i, [](const Facts& f) { return f.cpuBefore; })),
            us(runs_.mean(i, [](const Facts& f) { return f.cpuDuring; }))},
           runs_.names({i})});
    }
    document_.tables.push_back(std::move(table));
  }

  /// The range and the hot slot of one size of values.
  void plotLatency(std::size_t range) {
    LabPlot plot{
        .id = "p99-" + conditions()[range].size,
        .title = fmt::format("p99 while slots move, values of {}", sizeOf(p_, range)),
        .description = fmt::format("Each interval's p99 ({}), one run of each kind. 0 is the "
                                   "first move's begin; the spans are the range's moves.",
                                   p_.text("interval")),
        .x = {"seconds since the first move began", AxisKind::linear, {}},
        .y = {"p99", AxisKind::latency, {}},
        .series = {},
        .spans = {},
        .marks = {}};
    for (const std::size_t i : {range, range + 1}) {
      if (runs_.runs(i).empty()) continue;
      const Facts& one = runs_.facts(*runs_.runs(i).front());
      if (!one.there || one.p99.empty()) continue;
      LabSeries line{.title = fullName(p_, i), .points = {}, .markers = false};
      for (const SeriesPoint& point : one.p99)
        line.points.push_back({point.startS - one.there->beginS, point.value});
      plot.series.push_back(std::move(line));
      if (i != range) continue;
      for (const auto& [move, title] :
           {std::pair(*one.there, "there"), std::pair(*one.back, "back")})
        plot.spans.push_back(
            {move.beginS - one.there->beginS, move.endS - one.there->beginS, title});
    }
    if (!plot.series.empty()) document_.plots.push_back(std::move(plot));
  }

  void plotRedirects() {
    LabPlot plot{
        .id = "redirects",
        .title = "Redirects while slots move",
        .description = fmt::format("MOVED and ASK in each interval ({}) of one run that moved {}.",
                                   p_.text("interval"), fullName(p_, kSmallRange)),
        .x = {"seconds since the first move began", AxisKind::linear, {}},
        .y = {"redirects a second", AxisKind::count, {}},
        .series = {},
        .spans = {},
        .marks = {}};
    if (runs_.runs(kSmallRange).empty()) return;
    const Reading& reading = *runs_.runs(kSmallRange).front();
    const Facts& one = runs_.facts(reading);
    if (!one.there) return;
    LabSeries moved{.title = "MOVED", .points = {}, .markers = false};
    LabSeries ask{.title = "ASK", .points = {}, .markers = false};
    for (const IntervalRow& row : reading.dir()->intervals) {
      if (row.warmup || row.end <= row.start) continue;
      const double at = static_cast<double>(row.start) / 1e9 - one.there->beginS;
      const double span = static_cast<double>(row.end - row.start) / 1e9;
      moved.points.push_back({at, static_cast<double>(row.counts.moved) / span});
      ask.points.push_back({at, static_cast<double>(row.counts.ask) / span});
    }
    plot.series = {std::move(moved), std::move(ask)};
    plot.spans = {
        {0, one.there->seconds(), "there"},
        {one.back->beginS - one.there->beginS, one.back->endS - one.there->beginS, "back"}};
    document_.plots.push_back(std::move(plot));
  }

  void impact(std::size_t range) {
    if (!measured(range)) {
      addFinding(
          document_, Standing::problem,
          fmt::format("Moving {} was not measured, so nothing is said of it", fullName(p_, range)),
          "no run with both moves", runs_.names({range}));
      return;
    }
    const Column both({before_.values[range], during_.values[range]});
    const Estimate ratio = both.ratio(0, 1);
    const Difference difference = judgeRatio(ratio, kMatters);
    const double recovery = runs_.mean(range, [](const Facts& f) { return f.recoveryS; });
    addFinding(document_,
               difference == Difference::differs ? standingOf(ratio, true) : Standing::inconclusive,
               fmt::format(
                   "Moving {} ({} keys, {}) under {}/s takes {}; p99 goes from {} to {} meanwhile, "
                   "{} ({}), and to {} in the worst interval; {}",
                   fullName(p_, range), count(moveMean(range, &Move::keys)),
                   formatQuantity(moveMean(range, &Move::bytes), "bytes"), p_.text("rate"),
                   words(seconds_.of(range), "s"), words(before_.of(range), "us"),
                   words(during_.of(range), "us"), multiple(ratio), differenceName(difference),
                   words(peak_.of(range), "us"),
                   std::isfinite(recovery)
                       ? fmt::format("it is as before {} after the move", s(recovery))
                       : std::string("whether it came back before the second move is not known")),
               "p99 by interval, and the reshard's own figures", runs_.names({range}),
               range == kSmallRange);
    addFigure(document_, "p99 during ÷ before, " + fullName(p_, range), "x", ratio);
    addFigure(document_, "one move, " + fullName(p_, range), "s", seconds_.of(range));
    document_.costs.push_back(fmt::format(
        "Moving {}: the source serves nobody for {} of the move, {} at a time at the most",
        fullName(p_, range), formatShare(moveMean(range, &Move::blocked)),
        us(moveMean(range, &Move::longestUs))));
  }

  void correctness() {
    const std::initializer_list<std::size_t> all = {kSmallRange, kSmallHot, kLargeRange, kLargeHot};
    const double operations = sum(all, [](const Facts& f) { return f.operations; });
    if (operations == 0) return;
    const double redirects = sum(all, [](const Facts& f) { return f.moved + f.ask; });
    const double wrong =
        sum(all, [](const Facts& f) { return f.failed + f.corrupt + f.misses + f.lost; });
    const double tryagain = sum(all, [](const Facts& f) { return f.tryagain; });
    addFinding(
        document_, wrong == 0 && tryagain == 0 ? Standing::expected : Standing::contradicts,
        fmt::format(
            "Of {} operations {} were redirected ({} MOVED, {} ASK) and {} were told to try "
            "again; {} failed, {} reads found nothing, {} found a wrong value, and {} acknowledged "
            "writes were lost",
            count(operations), count(redirects),
            count(sum(all, [](const Facts& f) { return f.moved; })),
            count(sum(all, [](const Facts& f) { return f.ask; })), count(tryagain),
            count(sum(all, [](const Facts& f) { return f.failed; })),
            count(sum(all, [](const Facts& f) { return f.misses; })),
            count(sum(all, [](const Facts& f) { return f.corrupt; })),
            count(sum(all, [](const Facts& f) { return f.lost; }))),
        "the client's counts of all runs; no key has a time to live, so every read must find its "
        "value",
        runs_.names(all), true);
  }

  void hotSlotMoves() {
    if (!measured(kSmallHot) || !elsewhere_.has(kSmallHot)) return;
    const Column both({before_.values[kSmallHot], elsewhere_.values[kSmallHot]});
    const Estimate ratio = both.ratio(0, 1);
    const Difference difference = judgeRatio(ratio, kMatters);
    const std::string_view verdict =
        difference != Difference::differs
            ? "where the hot slot lives makes no difference to p99 here"
        : ratio.value > 1 ? "moving it hurts"
                          : "moving it helps";
    addFinding(
        document_,
        difference == Difference::inconclusive ? Standing::inconclusive : Standing::plain,
        fmt::format("The hot slot has {} of all operations and moves in {} with {} keys; the worst "
                    "interval has a p99 of {}; at the other master p99 is {} of what it was before "
                    "({}): {}",
                    formatShare(runs_.mean(kSmallHot, [](const Facts& f) { return f.hotShare; })),
                    words(seconds_.of(kSmallHot), "s"), count(moveMean(kSmallHot, &Move::keys)),
                    words(peak_.of(kSmallHot), "us"), multiple(ratio), differenceName(difference),
                    difference == Difference::inconclusive
                        ? "whether moving it helps or hurts is not decided by these runs"
                        : verdict),
        "slots.csv, and p99 by interval; all masters share a core here, so what another master has "
        "to spare does not show",
        runs_.names({kSmallHot}), true);
    document_.recommendations.emplace_back(
        "Move a hot slot to give its master's other slots room; the key itself stays on one "
        "master, "
        "so it needs a local cache, copies or replicas");
  }

  void valueSizes() {
    if (!measured(kSmallRange) || !measured(kLargeRange)) return;
    const double small = moveMean(kSmallRange, &Move::keys) / seconds_.of(kSmallRange).value;
    const double large = moveMean(kLargeRange, &Move::keys) / seconds_.of(kLargeRange).value;
    addFinding(
        document_, Standing::plain,
        fmt::format(
            "Keys with values of {} move at {}/s, with {} at {}/s ({}/s and {}/s): "
            "large values are moved in smaller batches, so that no MIGRATE blocks "
            "longer than -max-block",
            sizeOf(p_, kSmallRange), count(small), sizeOf(p_, kLargeRange), count(large),
            formatQuantity(moveMean(kSmallRange, &Move::bytes) / seconds_.of(kSmallRange).value,
                           "bytes"),
            formatQuantity(moveMean(kLargeRange, &Move::bytes) / seconds_.of(kLargeRange).value,
                           "bytes")),
        "the reshard's own figures", runs_.names({kSmallRange, kLargeRange}));
  }

  void generator() {
    if (!measured(kSmallRange)) return;
    const Column both(
        {runs_.column([](const Facts& f) { return f.cpuBefore; }).values[kSmallRange],
         runs_.column([](const Facts& f) { return f.cpuDuring; }).values[kSmallRange]});
    if (!both.has(0) || !both.has(1)) return;
    addFinding(
        document_, Standing::plain,
        fmt::format("The generator's CPU for an operation is {} before and {} while slots "
                    "move ({})",
                    words(both.of(0), "us"), words(both.of(1), "us"), multiple(both.ratio(0, 1))),
        "CPU time of its workers by interval, idle polls left out", runs_.names({kSmallRange}));
  }

  void judge() {
    if (!measured(kSmallRange)) return;
    const auto one = [&](std::size_t i) {
      return fmt::format("{}: p99 {} during, {} before; {} MOVED, {} ASK; {}", fullName(p_, i),
                         words(during_.of(i), "us"), words(before_.of(i), "us"),
                         count(runs_.mean(i, [](const Facts& f) { return f.moved; })),
                         count(runs_.mean(i, [](const Facts& f) { return f.ask; })),
                         words(seconds_.of(i), "s"));
    };
    std::string text = one(kSmallRange);
    if (measured(kLargeRange)) text += "; " + one(kLargeRange);
    document_.slo.push_back(
        {"reshard-impact", text,
         runs_.valid(kSmallRange) > 0 ? SloVerdict::reported : SloVerdict::invalid,
         fmt::format("{} keys, {}/s; slots there and back, times are of one move", p_.text("keys"),
                     p_.text("rate")),
         runs_.names({kSmallRange, kLargeRange})});
  }

  void predictions() {
    if (document_.predictions.size() < 6) return;
    const auto set = [&](std::size_t which, double value) {
      LabPrediction& prediction = document_.predictions[which];
      prediction.measured = value;
      if (std::isfinite(value))
        prediction.verdict = prediction.predicted == 0
                                 ? (value == 0 ? "as predicted" : "not as predicted")
                                 : ofPredicted(prediction);
    };
    set(0, moveMean(kSmallRange, &Move::keys));
    for (const auto& [which, range] : {std::pair{1U, kSmallRange}, std::pair{2U, kLargeRange}})
      if (seconds_.has(range)) set(which, seconds_.of(range).value);
    set(3, runs_.mean(kSmallRange, [](const Facts& f) { return f.moved; }));
    set(4, runs_.mean(kSmallRange, [](const Facts& f) { return f.ask; }));
    set(5, runs_.mean(kSmallRange, [](const Facts& f) { return f.tryagain; }));
  }

  const Parameters& p_;
  ExperimentDocument& document_;
  ConditionsWith<Facts> runs_;
  Column before_, during_, elsewhere_, peak_, seconds_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace

Experiment reshardExperiment() {
  Experiment experiment;
  experiment.name = "reshard";
  experiment.title = "What moving slots does to the clients of a cluster";
  experiment.question =
      "Under a steady Zipf load a range of slots moves to another master and back, and then the "
      "hot "
      "slot alone. How long does it take, how many operations are redirected, what does p99 do "
      "before, during and after, is every operation answered rightly, and does it help or hurt to "
      "move the hot slot?";
  experiment.parameters = {
      {.name = "keys", .kind = ParameterKind::count, .help = "keys of the data set"},
      {.name = "value-size", .kind = ParameterKind::size, .help = "bytes of a value"},
      {.name = "large-keys",
       .kind = ParameterKind::count,
       .help = "keys of the data set with large values"},
      {.name = "large-value-size", .kind = ParameterKind::size, .help = "bytes of a large value"},
      {.name = "maxmemory",
       .kind = ParameterKind::size,
       .help = "of each node; a master's keys and its replication backlog must fit"},
      {.name = "slots",
       .kind = ParameterKind::count,
       .help = "slots that move, the first of the first master"},
      {.name = "conns", .kind = ParameterKind::count, .help = "connections to each master"},
      {.name = "rate", .kind = ParameterKind::count, .help = "operations a second"},
      {.name = "rw-ratio", .kind = ParameterKind::share, .help = "share of reads"},
      {.name = "zipf-s", .kind = ParameterKind::number, .help = "exponent of Zipf's law"},
      {.name = "ledger",
       .kind = ParameterKind::count,
       .help = "keys whose acknowledged writes are looked for at the end"},
      {.name = "warmup", .kind = ParameterKind::duration, .help = "sent before, not measured"},
      {.name = "at",
       .kind = ParameterKind::duration,
       .help = "when the slots go, in the measured window; what is before is the baseline"},
      {.name = "back-at", .kind = ParameterKind::duration, .help = "when they come back"},
      {.name = "duration", .kind = ParameterKind::duration, .help = "measured time of a run"},
      {.name = "interval", .kind = ParameterKind::duration, .help = "of the series of p99"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
