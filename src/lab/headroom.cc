#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "chaos/big_key.h"
#include "lab/catalog.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "lab/headroom.h"
#include "lab/stall_watch.h"
#include "model/costs.h"
#include "model/queue.h"
#include "run/memory_estimate.h"

namespace redline::lab::headroom {
namespace {

constexpr double kQuantile = 0.99;
constexpr double kFew = 0.01;      ///< of the operations: with more failures there is no p99
constexpr double kSettleS = 0.25;  ///< after a fault, in which its queue is served
constexpr double kAgrees = 0.25;   ///< of p99: closer to the model is no difference
constexpr double kSnapshotKeysPerS = 750e3;
constexpr double kElectionS = 1;  ///< until the dead master's replica serves, beside the timeout
constexpr unsigned kClusterMasters = 3;

constexpr const char* kNode = "node";
constexpr const char* kCluster = "cluster";

// Labels of what happens meanwhile.
constexpr const char* kNothing = "none";
constexpr const char* kNothingInCluster = "cluster-none";
constexpr const char* kBgsave = "bgsave";
constexpr const char* kRewrite = "aof-rewrite";
constexpr const char* kBigKey = "big-key";
constexpr const char* kExpiry = "expiry";
constexpr const char* kReshard = "reshard";
constexpr const char* kLoss = "node-loss";

// A run's figures.
constexpr const char* kExpiryUnix = "expiry_unix_s";
constexpr const char* kStall = "longest_stall_us";

/// "40%".
std::string shareText(double share) {
  return fmt::format("{:.3g}%", 100 * share);
}

/// What happens to the servers while the rate is held.
struct Disturbance {
  std::string label;
  std::string title;  ///< "BGSAVE"
  std::string topology = kNode;
  std::string_view remedy = {}, price = {};  ///< where no rate helps
};

std::vector<Disturbance> disturbancesOf(const Parameters& p) {
  return {
      {kNothing, "no fault"},
      {kBgsave, "BGSAVE", kNode, "take snapshots on a replica", "a replica and its memory"},
      {kRewrite, "AOF rewrite", kNode, "let a replica have the append-only file",
       "a replica, and what it lags behind when the master dies"},
      {kBigKey, fmt::format("HGETALL of {} fields", p.text("fields")), kNode,
       "read it in pages or keep it in buckets", "what is read is no snapshot"},
      {kExpiry, fmt::format("expiry of {} keys", p.text("expiring")), kNode, "spread times to live",
       "keys live longer or shorter than was asked"},
      {kNothingInCluster, "no fault, cluster", kCluster},
      {kReshard, fmt::format("a move of {} slots", p.text("slots")), kCluster,
       "move slots off the peak", "the cluster grows when there is time, not when it is full"},
      {kLoss, "a killed master", kCluster,
       "let clients serve what they have until the replica serves", "stale values meanwhile"},
  };
}

/// The ladder of rates, and what happens at each of them.
struct Design {
  Factor<Disturbance> fault;
  Factor<std::string> share;     ///< of the ceiling
  Factor<std::string> topology;  ///< of the ceilings
  Grid load;                     ///< by fault and share
  Grid ceilings;                 ///< by topology and share

  double shareOf(const Cell& cell) const { return cell.level(share).number; }
  Cells rungsOf(std::string_view label) const { return ascending(load.where(fault, label), share); }
  bool isInCluster(const Cell& cell) const { return cell[fault].topology == kCluster; }
  /// Measured right before the runs of that share.
  Cell ceilingOf(const Cell& cell) const {
    return ceilings.only(topology, cell[fault].topology).at(share, cell.level(share).label);
  }
  bool isBaseline(const Cell& cell) const {
    return cell.is(fault, kNothing) || cell.is(fault, kNothingInCluster);
  }
};

Design designOf(const Parameters& p) {
  Design design{
      .fault = Study::factor<Disturbance>(
          "fault", disturbancesOf(p),
          [](const Disturbance& each) { return Level{.label = each.label, .title = each.title}; }),
      .share = Study::factor("share", p.texts("shares"),
                             [](const std::string& text) {
                               return shareText(std::strtod(text.c_str(), nullptr)) +
                                      " of the ceiling";
                             }),
      .topology = Study::factor("topology", {kNode, kCluster}),
      .load = {},
      .ceilings = {}};
  design.load = gridOf("load", {design.fault, design.share});
  design.ceilings = gridOf("ceiling", {design.topology, design.share});
  return design;
}

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

/// What clients saw while it lasted, and for the rest of `window`.
struct Meanwhile {
  double p99Us = kNaN;
  double failedShare = kNaN;
  double lengthS = kNaN;  ///< of the fault
  double stallUs = kNaN;
};

/// Of a killed master how long its slots had no owner: the probe sees the process, which comes back
/// later.
double stallUs(const RunDir& run, const Reading& reading, Stretch fault) {
  if (reading.label("fault") == kLoss) return 1e6 * (fault.toS - fault.fromS);
  const double watched = reading.figure(kStall);
  return std::isfinite(watched) ? watched : 1e6 * longestStallS(run, fault);
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

/// Whether a rate keeps p99 below a limit.
enum class Kept {
  yes,
  no,
  notKnown,  ///< it is above, and the generator or others on the machine may be why
};

/// Reasons that lie with the generator and its core, not with the server or the fault.
bool isGeneratorsOwn(const Reasons& reasons) {
  return std::ranges::any_of(reasons, [](const Reason& reason) {
    return isPassing(reason.code) || reason.code == ReasonCode::generatorBound ||
           reason.code == ReasonCode::behindSchedule;
  });
}

Kept keptBy(const Reading& reading, const Meanwhile& seen, double limitUs) {
  if (!std::isfinite(seen.p99Us)) return Kept::notKnown;
  // What disturbs makes it worse, so below the limit is below the limit.
  if (seen.p99Us <= limitUs && !(seen.failedShare > kFew)) return Kept::yes;
  return isGeneratorsOwn(reading.record.invalid) ? Kept::notKnown : Kept::no;
}

/// Of a rung's runs: what all say that can tell.
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

/// Share by share from the lowest on: what breaks p99 there is not tried above. The servers of one
/// topology after those of the other, since they share a core.
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

// What it means.

/// The highest share of the ceiling at which p99 stays below a limit.
struct Bracket {
  double met = kNaN, missed = kNaN;  ///< shares
  double metRate = kNaN;             ///< operations/s
  bool isNone = false;               ///< the lowest rate missed it
  /// Of a rate above `met`, and below `missed`, it is not known: its runs failed, contradict each
  /// other, or were disturbed.
  bool isOpen = false;

  bool isKept() const { return std::isfinite(met); }
  bool isKnown() const { return isKept() || isNone; }
  /// The rates above `met` are not known, up to the highest.
  bool isOpenAbove() const { return isOpen && !std::isfinite(missed); }
  /// What may be planned for: 0 where no rate was kept.
  double plannable() const { return isKept() ? met : 0; }
  /// Keeps fewer rates than another does for certain.
  bool isLowerThan(const Bracket& other) const { return missed <= other.met; }

  std::string text() const {
    if (isNone) return fmt::format("no rate (missed at {})", shareText(missed));
    std::string text = isKept() ? shareText(met) : "not known";
    if (isKept() && isOpen) text += ", not known above";
    if (std::isfinite(missed)) return fmt::format("{}, missed at {}", text, shareText(missed));
    return isKept() && !isOpen ? text + ", nothing missed above" : text;
  }
};

struct Figures {
  Study& s;
  Design design;
  FactsOf<Meanwhile> seen{
      [&p = s.parameters()](const Reading& run) { return meanwhileOf(p, run); }};
  Quantity p99 = s.quantity("us", seen.of(&Meanwhile::p99Us), design.load.cells);
  Quantity stall = s.mean("us", seen.of(&Meanwhile::stallUs), design.load.cells);
  Quantity length = s.mean("s", seen.of(&Meanwhile::lengthS), design.load.cells);
  Quantity rate = s.mean(
      "ops/s",
      [](const Reading& run) {
        return run.summary() == nullptr ? kNaN : run.summary()->rate.target;
      },
      design.load.cells);
  /// What the rates are shares of.
  Measured ceiling(const char* baseline) const {
    Measured used;
    for (const Cell& rung : design.rungsOf(baseline)) {
      if (!rate.has(rung)) continue;
      Measured one = rate[rung];
      one.estimate.value /= design.shareOf(rung);
      if (!(one.value() <= used.value())) used = one;
    }
    return used;
  }

  Kept keptAt(const Cell& cell, double limitUs) const {
    std::vector<Kept> each;
    for (const Reading* const run : s.runs(cell)) each.push_back(keptBy(*run, seen(*run), limitUs));
    return keptByAll(each);
  }
  Bracket bracket(std::string_view label, double limitUs) const {
    Bracket found;
    for (const Cell& rung : design.rungsOf(label)) {
      const Kept kept = keptAt(rung, limitUs);
      if (kept == Kept::no) {
        found.missed = design.shareOf(rung);
        found.isNone = rung == design.rungsOf(label).front();
        break;
      }
      // A rate that all runs kept says the same of one below it.
      found.isOpen = kept == Kept::notKnown;
      if (found.isOpen) continue;
      found.met = design.shareOf(rung);
      found.metRate = rate[rung].value();
    }
    return found;
  }
  /// Without a fault, on the servers of this one.
  Bracket baseOf(const Cell& rung, double limitUs) const {
    return bracket(design.isInCluster(rung) ? kNothingInCluster : kNothing, limitUs);
  }
  Cell lowest(std::string_view label) const { return design.rungsOf(label).front(); }
  /// Of the rungs that ran, for coefficients that do not depend on the rate.
  Measured longestStall(std::string_view label) const {
    Measured longest;
    for (const Cell& rung : design.rungsOf(label))
      if (const Measured one = stall[rung]; one.isKnown() && !(one.value() <= longest.value()))
        longest = one;
    return longest;
  }
};

struct Limit {
  std::string text;  ///< "1ms"
  double us = 0;
  std::string level() const { return "p99 < " + formatMicros(us); }
};

std::vector<Limit> limitsOf(const Parameters& p) {
  std::vector<Limit> limits;
  for (const std::string& text : p.texts("limits"))
    limits.push_back({text, toMicros(*parseDuration(text))});
  return limits;
}

std::string stallText(const Measured& stall) {
  if (!stall.isKnown()) return "–";
  return stall.value() == 0 ? "none seen" : stall.plain();
}

/// The planner's input.
void tabulateHeadroom(Study& s, const Figures& f, const std::vector<Limit>& limits) {
  const Parameters& p = s.parameters();
  Table table = s.table("Highest rate, as a share of the ceiling without a fault");
  std::vector<std::string> heads{"meanwhile"};
  for (const Limit& limit : limits) heads.push_back(limit.level());
  heads.insert(heads.end(), {"operations/s at " + limits.front().level(), "p99 at the lowest rate",
                             "longest stall", "fault lasts", "runs"});
  table.heads(heads).note(fmt::format(
      "Rates are {} of the highest rate in the closed model, measured right before. A rate is kept "
      "where p99 of all its runs is below the limit, over the fault and {} at the least, and "
      "missed "
      "where that of none is. The children of Redis share its core, and the servers of the cluster "
      "share one core.",
      fmt::join(p.texts("shares"), ", "), p.text("window")));
  for (const Level& level : f.design.fault.levels()) {
    const Cells rungs = f.design.rungsOf(level.label);
    const Cell low = rungs.front();
    std::vector<LabCell> row{level.title};
    for (const Limit& limit : limits) row.emplace_back(f.bracket(level.label, limit.us).text());
    const double rate = f.bracket(level.label, limits.front().us).metRate;
    row.emplace_back(std::isfinite(rate) ? formatQuantity(rate, "ops/s") : std::string("–"));
    row.push_back(redline::lab::cellOf(f.p99[low]));
    row.emplace_back(stallText(f.longestStall(level.label)));
    row.emplace_back(f.length[low].value() > 0 ? f.length[low].plain() : std::string("–"));
    std::size_t runs = 0;
    for (const Cell& rung : rungs) runs += s.runs(rung).size();
    if (runs == 0) continue;
    row.emplace_back(std::to_string(runs));
    table.row(row, {f.p99[low]});
  }
  table.add();
}

void tabulateRungs(Study& s, const Figures& f) {
  Table table = s.table("p99 meanwhile, by share of the ceiling");
  std::vector<std::string> heads{"meanwhile"};
  for (const Level& rung : f.design.share.levels()) heads.push_back(shareText(rung.number));
  table.heads(heads).note(
      "Empty: not tried, since the rate below misses even the loosest limit; or not measured: its "
      "runs failed, or those at the rate below did.");
  for (const Level& level : f.design.fault.levels()) {
    std::vector<LabCell> row{level.title};
    std::vector<Measured> from;
    for (const Cell& rung : f.design.rungsOf(level.label)) {
      row.push_back(f.p99.has(rung) ? redline::lab::cellOf(f.p99[rung]) : LabCell(""));
      if (f.p99.has(rung)) from.push_back(f.p99[rung]);
    }
    if (!from.empty()) table.row(row, from);
  }
  table.add();
}

void plotLadder(Study& s, const Figures& f, const std::vector<Limit>& limits) {
  Plot plot = s.plot("ladder", "p99 during each fault, by offered rate");
  plot.describe(
          "Share of the highest rate without a fault, measured right before. Dashed: the limits. A "
          "line ends where the next rate was not tried. Bars: 95% confidence.")
      .x("share of the ceiling", AxisKind::share)
      .y("p99", AxisKind::latency);
  const auto place = [&](const Cell& cell) { return f.design.shareOf(cell); };
  for (const Level& level : f.design.fault.levels())
    plot.line(level.title, f.p99, f.design.rungsOf(level.label), place);
  for (const Limit& limit : limits)
    plot.series({.title = limit.level(),
                 .points = {{0, limit.us}, {1, limit.us}},
                 .dashed = true,
                 .line = true,
                 .markers = false});
  plot.main().add();
}

/// The planner reads these, by the faults' labels, which are the same in every profile: 0 where no
/// rate is kept, none where it is not known which is the highest.
void noteCoefficients(Study& s, const Figures& f, const std::vector<Limit>& limits) {
  for (const Level& level : f.design.fault.levels()) {
    for (const Limit& limit : limits) {
      const Bracket bracket = f.bracket(level.label, limit.us);
      if (!bracket.isKnown() || bracket.isOpenAbove()) continue;
      s.document().figures.push_back({.what = keptFigure(limit.us, level.label),
                                      .unit = "share",
                                      .value = bracket.plannable(),
                                      .low = bracket.plannable(),
                                      .high = bracket.missed});
    }
    s.figure("p99 at the lowest rate, " + level.label, f.p99[f.lowest(level.label)]);
    const Measured longest = f.longestStall(level.label);
    if (longest.value() > 0) s.figure("longest stall, " + level.label, longest);
    if (const Measured length = f.length[f.lowest(level.label)]; length.value() > 0)
      s.figure("fault lasts, " + level.label, length);
  }
  s.figure("highest ceiling, one server", f.ceiling(kNothing));
  s.figure("highest ceiling, cluster on one core", f.ceiling(kNothingInCluster));
}

std::string listOf(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), std::prev(names.end()), ", "),
                     names.back());
}

/// Faults by what they leave, under one limit.
struct Sorted {
  std::vector<std::string> none, less, same, notKnown;
  std::vector<std::string> missedWithout;  ///< their servers keep no rate without a fault either
  std::vector<Cell> noneAtAll;  ///< of none, those that miss the loosest limit too: lowest rungs
  std::vector<Measured> from;   ///< p99 of those that leave no rate
  std::size_t faults = 0;
  bool stallsAreNone = true;  ///< big key and node loss, as far as they are known
};

Sorted sortFaults(const Figures& f, double limitUs) {
  const double loosest = loosestUs(f.s.parameters());
  Sorted sorted;
  for (const Level& level : f.design.fault.levels()) {
    const Cell low = f.lowest(level.label);
    if (f.design.isBaseline(low)) continue;
    ++sorted.faults;
    const Bracket base = f.baseOf(low, limitUs), own = f.bracket(level.label, limitUs);
    if (!own.isKnown()) {
      sorted.notKnown.push_back(level.title);
      continue;
    }
    if (own.isNone && !base.isKept()) {
      (base.isNone ? sorted.missedWithout : sorted.notKnown).push_back(level.title);
      continue;
    }
    if (own.isNone) {
      sorted.none.push_back(level.title);
      sorted.from.push_back(f.p99[low]);
      if (f.bracket(level.label, loosest).isNone) sorted.noneAtAll.push_back(low);
    } else if (own.isLowerThan(base)) {
      sorted.less.push_back(fmt::format("{} (up to {})", level.title, shareText(own.met)));
    } else if (base.isKept() && !base.isOpen && own.met >= base.met) {
      sorted.same.push_back(level.title);
    } else if (own.isOpen) {
      sorted.notKnown.push_back(fmt::format("{} above {}", level.title, shareText(own.met)));
    }
    if ((level.label == kBigKey || level.label == kLoss) && !own.isNone)
      sorted.stallsAreNone = false;
  }
  return sorted;
}

void claimBaseline(Study& s, const Figures& f, const Limit& limit) {
  const Bracket base = f.bracket(kNothing, limit.us);
  const Measured low = f.p99[f.lowest(kNothing)];
  if (!base.isKnown()) return;
  s.claim("no-fault", base.isNone ? Standing::problem : Standing::plain)
      .from("p99 over the same seconds in which the others have their fault")
      .headline()
      .restsOn({low})
      .text("{}",
            base.isNone
                ? fmt::format("Without a fault no rate that was tried keeps {}: on this "
                              "machine, in these minutes, faults cannot be told from it",
                              limit.level())
                : fmt::format(
                      "Without a fault one server keeps {} up to {} of its ceiling "
                      "({}){}",
                      limit.level(), shareText(base.met), formatQuantity(base.metRate, "ops/s"),
                      std::isfinite(base.missed) ? " and misses it at " + shareText(base.missed)
                      : base.isOpen              ? std::string("; higher rates are not known")
                                    : std::string(", the highest rate that was tried")));
}

std::vector<std::string> titlesOf(const Figures& f, const Cells& cells) {
  std::vector<std::string> titles;
  for (const Cell& cell : cells) titles.push_back(cell.level(f.design.fault).title);
  return titles;
}

std::string noneAtAllText(const Figures& f, const Sorted& sorted) {
  if (sorted.noneAtAll.empty()) return {};
  return fmt::format(
      ". Even p99 < {} is missed there during {}: a stall is as long at any rate, so more shards "
      "do "
      "not help",
      formatMicros(loosestUs(f.s.parameters())), listOf(titlesOf(f, sorted.noneAtAll)));
}

void claimNoRate(Study& s, const Figures& f, const Limit& limit, const Sorted& sorted) {
  const double lowest = f.design.share.levels().front().number;
  if (!sorted.none.empty())
    s.claim("no-rate", sorted.stallsAreNone ? Standing::expected : Standing::contradicts)
        .from("p99 over each fault, at the lowest rate")
        .headline()
        .restsOn(sorted.from)
        .text(
            "{} is missed at {} of the ceiling already, the lowest rate that was tried, during "
            "{}{}",
            limit.level(), shareText(lowest), listOf(sorted.none), noneAtAllText(f, sorted));
  if (!sorted.less.empty() || !sorted.same.empty()) {
    std::string text;
    if (!sorted.less.empty())
      text = fmt::format("A lower rate keeps {} during {}", limit.level(), listOf(sorted.less));
    if (!sorted.same.empty())
      text += fmt::format("{}For {} the ladder shows no other rate than without a fault",
                          text.empty() ? "" : ". ", listOf(sorted.same));
    s.claim("lower-rate", Standing::plain)
        .from("the highest share that is kept, beside that without a fault")
        .text("{}", text);
  }
  if (!sorted.notKnown.empty())
    s.claim("not-known", Standing::problem)
        .from("runs that failed, contradict each other, or were disturbed")
        .text("For {} it is not known which rate keeps {}", listOf(sorted.notKnown), limit.level());
  if (!sorted.missedWithout.empty())
    s.claim("missed-without", Standing::problem)
        .from("p99 at the lowest rate, with each fault and without one")
        .text("During {} no rate keeps {}, and on the same servers without a fault none does",
              listOf(sorted.missedWithout), limit.level());
}

/// Whether the stall alone makes p99.
void claimStall(Study& s, const Figures& f) {
  const Cell low = f.lowest(kBigKey);
  const Measured stall = f.stall[low], p99 = f.p99[low];
  if (!stall.isKnown() || !p99.isKnown()) return;
  const double windowS =
      std::max(s.parameters().seconds("window"), f.length[low].value() + kSettleS);
  const Stall model{.frozenS = stall.value() / 1e6,
                    .windowS = windowS,
                    .rate = f.design.shareOf(low),
                    .drainRate = 1};
  const auto predicted = model.responseQuantile(kQuantile);
  if (!predicted) return;
  const double ratio = p99.value() / (1e6 * *predicted);
  s.claim("stall-makes-p99", std::abs(std::log(ratio)) < std::log(1 + kAgrees)
                                 ? Standing::expected
                                 : Standing::contradicts)
      .from("the PING probe, and the arithmetic of a server that stands still (model/queue.h)")
      .restsOn({stall})
      .text(
          "HGETALL stalls the server for {}, which makes a p99 of {} by arithmetic. Measured is {}",
          stall, formatMicros(1e6 * *predicted), p99);
}

std::string answerText(const Bracket& base, const Sorted& sorted, const Limit& limit) {
  if (base.isNone) return fmt::format("No rate keeps {} here even without a fault", limit.level());
  const std::string alone = fmt::format("Without a fault a shard keeps {} up to {} of its ceiling",
                                        limit.level(), shareText(base.met));
  if (sorted.none.empty()) return alone;
  if (sorted.none.size() == sorted.faults)
    return alone + ", and during each fault at no rate that was tried";
  return fmt::format("{}, and at no rate that was tried during {}", alone, listOf(sorted.none));
}

/// The rate that leaves room for every fault that takes some of it for certain, and leaves any.
struct Plannable {
  double share = 0;
  std::string because;  ///< the fault that decides it; empty: none
};
Plannable plannableOf(const Figures& f, const Bracket& base, const Limit& limit) {
  Plannable least{.share = base.plannable(), .because = {}};
  for (const Level& level : f.design.fault.levels()) {
    const Cell low = f.lowest(level.label);
    if (f.design.isBaseline(low)) continue;
    const Bracket own = f.bracket(level.label, limit.us);
    if (own.isKept() && own.met < least.share && own.isLowerThan(f.baseOf(low, limit.us)))
      least = {own.met, level.title};
  }
  return least;
}

void adviseShare(Study& s, const Figures& f, const Bracket& base, const Limit& limit) {
  const Plannable least = plannableOf(f, base, limit);
  if (least.share <= 0) return;
  const std::string share = shareText(least.share);
  const std::string room =
      least.because.empty() ? std::string() : ", which leaves room for " + least.because;
  s.recommend("Plan a shard for at most {} of its ceiling{}", share, room);
  s.cost("Headroom is shards that idle without a fault: at {} of the ceiling {} as many", share,
         formatQuantity(1 / least.share, "x"));
  if (!std::isfinite(base.missed)) return;
  const Cells rungs = f.design.rungsOf(kNothing);
  const auto missed = std::ranges::find(rungs, base.missed,
                                        [&](const Cell& rung) { return f.design.shareOf(rung); });
  const Measured there = f.p99[*missed];
  s.decide({there}, {.risk = "a shard that is planned for its ceiling",
                     .measured = fmt::format("{} is missed at {} of it", limit.level(),
                                             shareText(base.missed)),
                     .action = fmt::format("Plan a shard for {} of its ceiling", share),
                     .price = formatQuantity(1 / least.share, "x") + " the shards",
                     .gain = there.value() / limit.us,
                     .runs = {}});
}

/// What no rate helps against.
void adviseRemedies(Study& s, const Figures& f, const Sorted& sorted, const Limit& limit) {
  std::vector<std::string> remedies;
  for (const Cell& low : sorted.noneAtAll) {
    const Disturbance& fault = low[f.design.fault];
    const Measured p99 = f.p99[low];
    std::string action(fault.remedy);
    action.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(action.front())));
    remedies.push_back(fmt::format("{} ({})", fault.remedy, fault.title));
    s.decide({p99}, {.risk = fault.title,
                     .measured = fmt::format("p99 {} at {} of the ceiling", rounded(p99),
                                             shareText(f.design.shareOf(low))),
                     .action = std::move(action),
                     .price = std::string(fault.price),
                     .gain = p99.value() / limit.us,
                     .isStall = true,
                     .runs = {}});
  }
  if (!remedies.empty())
    s.recommend("Do not buy shards against what stalls at any rate, but {}", listOf(remedies));
}

void advise(Study& s, const Figures& f, const std::vector<Limit>& limits) {
  const Limit& limit = limits.front();
  const Bracket base = f.bracket(kNothing, limit.us);
  const Measured low = f.p99[f.lowest(kNothing)];
  if (!base.isKnown()) return;
  const Sorted sorted = sortFaults(f, limit.us);
  s.answer({low}, answerText(base, sorted, limit));
  adviseShare(s, f, base, limit);
  adviseRemedies(s, f, sorted, limit);
  s.alternative({low}, fmt::format("The ladder: it has {} rates, so what it calls the same may "
                                   "differ by a step",
                                   f.design.share.levels().size()));
  s.alternative({low},
                "The machine: with two cores the children of Redis share its core, and all servers "
                "of the cluster share one. With a core to spare, BGSAVE and a rewrite leave more");
}

// Predictions, of p99 at the lowest rate.

void predict(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const double service = p.seconds("assumed-service");
  const double share = f.design.share.levels().front().number;
  const double windowS = p.seconds("window");
  const auto tell = [&](const char* label, std::string model, double seconds) {
    s.predict("p99 at the lowest rate, " + f.lowest(label).level(f.design.fault).title,
              std::move(model), "us", 1e6 * seconds)
        .measured(f.p99[f.lowest(label)]);
  };
  const auto stalled = [&](double frozenS, double lengthS, double quantile) {
    const Stall stall{.frozenS = frozenS,
                      .windowS = std::max(windowS, lengthS + kSettleS),
                      .rate = share,
                      .drainRate = 1};
    return stall.responseQuantile(quantile).value_or(service);
  };
  tell(kNothing,
       fmt::format("M/D/1 with {} a command, assumed: a lower bound", p.text("assumed-service")),
       Md1(share / service, service).responseQuantile(kQuantile));
  const std::uint64_t keys = p.count("keys");
  const auto memory =
      static_cast<double>(estimateMemory(keys, keys - 1, 0, p.size("value-size"), 0).total() +
                          bigKeyMemory(p.count("fields"), p.size("field-size")));
  const double forkS =
      stalled(forkSeconds(memory), static_cast<double>(keys) / kSnapshotKeysPerS, kQuantile);
  tell(kBgsave,
       fmt::format("the child's turns on Redis's core, {} each, assumed, or the fork's stall where "
                   "that is longer",
                   p.text("assumed-turn")),
       std::max(forkS, p.seconds("assumed-turn")));
  const auto cost = elementCost("HGETALL");
  const double readS = cost ? stallSeconds(*cost, static_cast<double>(p.count("fields"))) : 0;
  tell(kBigKey, "a stall of 361 ns a field, and the queue that it leaves",
       stalled(readS, readS, kQuantile));
  const ActiveExpiry cycle;
  const double expiryS = static_cast<double>(p.count("expiring")) * p.seconds("assumed-per-key");
  const auto cycles = static_cast<std::size_t>(
      std::clamp(expiryS / cycle.longestCycleS(), 1.0, windowS * cycle.hz));
  tell(kExpiry,
       fmt::format("cycles of at most {}, ten a second, {} a key, assumed",
                   formatQuantity(cycle.longestCycleS(), "s"), p.text("assumed-per-key")),
       std::max(service, stalledQuantile(
                             std::vector<double>(cycles, std::min(expiryS, cycle.longestCycleS())),
                             windowS, share, kQuantile)));
  const double lostS = p.seconds("node-timeout") + kElectionS;
  tell(kLoss,
       fmt::format("a third of the operations wait for cluster-node-timeout and {:.0f} s of "
                   "election",
                   kElectionS),
       stalled(lostS, lostS, 1 - (1 - kQuantile) * kClusterMasters));
}

void declare(Study& s) {
  const Parameters& p = s.parameters();
  const Design design = designOf(p);
  planRuns(s, design);
  const Figures f{.s = s, .design = design};
  const std::vector<Limit> limits = limitsOf(p);
  predict(s, f);
  plotLadder(s, f, limits);
  tabulateHeadroom(s, f, limits);
  tabulateRungs(s, f);
  noteCoefficients(s, f, limits);
  claimBaseline(s, f, limits.front());
  claimNoRate(s, f, limits.front(), sortFaults(f, limits.front().us));
  claimStall(s, f);
  advise(s, f, limits);
  s.method(intervalNote(f.p99[f.lowest(kNothing)].estimate));
  s.method(fmt::format(
      "p99 is of all operations answered from the fault's begin to {} after its end, and over {} "
      "at "
      "the least. For a killed master the end is when every node agrees on its successor. Without "
      "a "
      "fault it is of the same seconds. More than {} of failed operations count as missed",
      formatQuantity(kSettleS, "s"), p.text("window"), formatShare(kFew)));
  s.method(
      "A ladder of rates, from the lowest on: where all runs at one miss the loosest limit, higher "
      "ones are not tried. A miss in a run whose generator was late or had no core is not known. "
      "The figures for the planner have the highest share kept as value, and the lowest missed as "
      "the interval's end");
}

Status check(const Parameters& p) {
  if (p.seconds("at") + p.seconds("window") > p.seconds("duration"))
    return p.refuse("duration", "the window after the fault does not fit");
  const auto shares = p.numbers("shares");
  if (shares.empty() || !std::ranges::is_sorted(shares) || shares.front() <= 0)
    return p.refuse("shares", "from the lowest to the highest, above 0");
  if (p.texts("limits").empty()) return p.refuse("limits", "one at the least");
  if (p.count("slots") == 0) return p.refuse("slots", "one or more");
  return {};
}

}  // namespace

std::vector<Fault> faults() {
  return {{kNothing, "nothing"},
          {kBgsave, "BGSAVE"},
          {kRewrite, "AOF rewrite"},
          {kBigKey, "HGETALL of a big key"},
          {kExpiry, "expiry of many keys at once"},
          {kReshard, "a move of slots"},
          {kLoss, "a killed master"}};
}

std::string keptFigure(double limitUs, std::string_view fault) {
  return fmt::format("headroom under p99 < {}, {}", formatMicros(limitUs), fault);
}

}  // namespace redline::lab::headroom

namespace redline {

Experiment headroomExperiment() {
  using enum ParameterKind;
  return {
      .name = "headroom",
      .title = "Which rate survives which fault",
      .question =
          "Up to which share of its ceiling does a server keep p99 below a limit while nothing "
          "happens, and while it forks, reads something large, lets keys expire, moves slots or "
          "loses a master? Which faults does headroom help against, and which break p99 at every "
          "rate?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set on one server"},
           {.name = "cluster-keys", .kind = count, .help = "keys of the cluster's data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "maxmemory", .kind = size, .help = "of each server; all keys must fit"},
           {.name = "conns", .kind = count, .help = "connections to the one server"},
           {.name = "cluster-conns", .kind = count, .help = "connections to each master"},
           {.name = "rw-ratio", .kind = share, .help = "share of reads"},
           {.name = "shares",
            .kind = share,
            .list = true,
            .help = "rates that are tried, of the ceiling right before"},
           {.name = "limits",
            .kind = duration,
            .list = true,
            .help = "of p99; the first is the service level"},
           {.name = "fields", .kind = count, .help = "of the hash that HGETALL reads"},
           {.name = "field-size", .kind = size, .help = "bytes of each of them"},
           {.name = "expiring", .kind = count, .help = "keys that expire at one moment"},
           {.name = "slots", .kind = count, .help = "slots that move to another master"},
           {.name = "node-timeout",
            .kind = duration,
            .help = "cluster-node-timeout: when a dead master is noticed"},
           {.name = "assumed-service",
            .kind = duration,
            .help = "CPU time of a command, for the prediction"},
           {.name = "assumed-per-key",
            .kind = duration,
            .help = "CPU time of an expiry, for the prediction"},
           {.name = "assumed-turn",
            .kind = duration,
            .help = "that a child has a shared core for, for the prediction"},
           {.name = "ceiling-duration", .kind = duration, .help = "of each run for the ceiling"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "at", .kind = duration, .help = "when the fault comes, in the measured window"},
           {.name = "window",
            .kind = duration,
            .help = "from the fault's begin on, that p99 is of at the least"},
           {.name = "duration", .kind = duration, .help = "measured time of a run"},
           {.name = "loss-duration",
            .kind = duration,
            .help = "measured time of a run that loses a master"},
           {.name = "interval", .kind = duration, .help = "of the series of p99"}},
      .check = lab::headroom::check,
      .declare = lab::headroom::declare,
  };
}

}  // namespace redline
