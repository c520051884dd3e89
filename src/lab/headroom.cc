#include "lab/headroom.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/units.h"
#include "chaos/big_key.h"
#include "lab/catalog.h"
#include "lab/format.h"
#include "lab/headroom_runs.h"
#include "lab/study.h"
#include "model/costs.h"
#include "model/queue.h"
#include "run/memory_estimate.h"

namespace redline::lab::headroom {
namespace {

constexpr double kAgrees = 0.25;  ///< of p99: closer to the model is no difference
constexpr double kSnapshotKeysPerS = 750e3;
constexpr double kElectionS = 1;  ///< until the dead master's replica serves, beside the timeout
constexpr unsigned kClusterMasters = 3;

/// "40%".
std::string shareText(double share) {
  return fmt::format("{:.3g}%", 100 * share);
}

std::vector<Disturbance> disturbancesOf(const Parameters& p) {
  return {
      {kNothing, "no fault"},
      {kBgsave, "BGSAVE", kNode, "take snapshots on a replica", "a replica and its memory",
       "a BGSAVE whose child shares Redis's core"},
      {kRewrite, "AOF rewrite", kNode, "let a replica have the append-only file",
       "a replica, and what it lags behind when the master dies",
       "an AOF rewrite whose child shares Redis's core"},
      {kBigKey, fmt::format("HGETALL of {} fields", p.text("fields")), kNode,
       "read large hashes in pages or keep them in buckets", "what is read is no snapshot",
       fmt::format("one HGETALL of {} elements", p.text("fields"))},
      {kExpiry, fmt::format("expiry of {} keys", p.text("expiring")), kNode, "spread times to live",
       "keys live longer or shorter than was asked", "keys that expire together"},
      {kNothingInCluster, "no fault, cluster", kCluster},
      {kReshard, fmt::format("a move of {} slots", p.text("slots")), kCluster,
       "move slots off the peak", "the cluster grows when there is time, not when it is full"},
      {kLoss, "a killed master", kCluster,
       "let clients serve what they have until the replica serves", "stale values meanwhile"},
  };
}

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
  Bracket bracket;
  std::string fault;  ///< that decides it

  bool isOfAFault() const { return fault != kNothing; }
  /// Far below the lowest rate that is known to be too much: what to plan for lies in between.
  bool isCoarse() const {
    constexpr double kFar = 2.05;
    return bracket.missed > kFar * bracket.met;
  }
};
Plannable plannableOf(const Figures& f, const Bracket& base, const Limit& limit) {
  Plannable least{.bracket = base, .fault = kNothing};
  for (const Level& level : f.design.fault.levels()) {
    const Cell low = f.lowest(level.label);
    if (f.design.isBaseline(low)) continue;
    const Bracket own = f.bracket(level.label, limit.us);
    if (own.isKept() && own.met < least.bracket.plannable() &&
        own.isLowerThan(f.baseOf(low, limit.us)))
      least = {own, level.label};
  }
  return least;
}

void adviseShare(Study& s, const Figures& f, const Bracket& base, const Limit& limit) {
  const Plannable least = plannableOf(f, base, limit);
  if (least.bracket.plannable() <= 0) return;
  const std::string share = shareText(least.bracket.met);
  const std::string fault = f.lowest(least.fault).level(f.design.fault).title;
  const std::string during = least.isOfAFault() ? " during " + fault : "";
  if (least.isCoarse())
    return s.recommend(
        "Before you plan a shard, find the rate between {} and {} of its ceiling up to which it "
        "keeps {}{}: a longer profile tries more rates",
        share, shareText(least.bracket.missed), limit.level(), during);
  s.recommend("Plan a shard for at most {} of its ceiling{}", share,
              least.isOfAFault() ? ", which leaves room for " + fault : "");
  s.cost("Headroom is shards that idle without a fault: at {} of the ceiling {} as many", share,
         formatQuantity(1 / least.bracket.met, "x"));
  if (!std::isfinite(least.bracket.missed)) return;
  const Cells rungs = f.design.rungsOf(least.fault);
  const auto missed = std::ranges::find(rungs, least.bracket.missed,
                                        [&](const Cell& rung) { return f.design.shareOf(rung); });
  const Measured there = f.p99[*missed];
  s.decide({there}, {.risk = least.isOfAFault() ? fault : "a shard that is planned for its ceiling",
                     .measured = fmt::format("{} is missed at {} of the ceiling", limit.level(),
                                             shareText(least.bracket.missed)),
                     .action = fmt::format("Plan a shard for {} of its ceiling", share),
                     .price = formatQuantity(1 / least.bracket.met, "x") + " the shards",
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
    s.decide({p99}, {.risk = fault.risk.empty() ? fault.title : fault.risk,
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
