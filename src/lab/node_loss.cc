#include "lab/node_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/units.h"
#include "lab/catalog.h"
#include "lab/fault_study.h"
#include "lab/format.h"
#include "model/cache.h"
#include "model/occupancy.h"

namespace redline::lab::node_loss {
namespace {

/// Redis's CLUSTER_WRITABLE_DELAY: a master refuses everything that long after its start.
constexpr double kRefusesS = 2;
constexpr double kElectionS = 1;  ///< until the dead master's replica serves, beside the timeout

struct Figures {
  Study& s;
  Design design;
  FactsOf<Outcome> facts{[&p = s.parameters()](const Reading& run) { return outcomeOf(p, run); }};
  Cells cells = design.behindStore();
  FaultStudy loss{s, design.loss.cells, {.what = "loss", .when = disasterOf}};
  FaultStudy start{s, design.cold.cells, {.what = "cold start", .when = disasterOf}};

  Quantity missedBefore = mean("ops/s", &Outcome::missedBefore);
  Quantity missedPeak = mean("ops/s", &Outcome::missedPeak);  // none, with a replica
  Quantity queuePeak = mean("count", &Outcome::queuePeak);
  Quantity storeBefore = mean("us", &Outcome::storeP99Before);
  Quantity storePeak = s.quantity("us", facts.of(&Outcome::storeP99Peak), cells);
  Quantity back = mean("s", &Outcome::backS);  // of those that come back
  Quantity failing = mean("s", &Outcome::failingS);
  Quantity outage = mean("s", &Outcome::outageS);
  Quantity window = mean("s", &Outcome::windowS);
  Quantity goodput = mean("share", &Outcome::goodput);
  Quantity hitBefore = mean("share", &Outcome::hitBefore);
  Quantity hitAtEnd = mean("share", &Outcome::hitAtEnd);
  Quantity failed = mean("count", &Outcome::failed);
  Quantity noNode = mean("count", &Outcome::noNode);
  Quantity tooLate = mean("count", &Outcome::tooLate);
  Quantity shed = mean("count", &Outcome::shed);
  Quantity asked = mean("count", &Outcome::asked);
  Quantity inTime =
      s.mean("share", facts.of([](const Outcome& of) { return of.inTime / of.asked; }), cells);
  Quantity keysBefore = everywhere("count", facts.of(&Outcome::keysBefore));
  Quantity keysAfter = everywhere("count", facts.of(&Outcome::keysAfter));
  Quantity lookup = everywhere("us", recorded(kLookupUs));

  Quantity mean(std::string unit, double Outcome::* fact) const {
    return s.mean(std::move(unit), facts.of(fact), cells);
  }
  Quantity everywhere(std::string unit, const Measurement& measurement) const {
    return s.mean(std::move(unit), measurement, together({cells, design.writes.cells}));
  }

  /// Of a cell's valid runs; infinite where it does not come.
  std::vector<double> valuesOf(const Cell& cell, double Outcome::* fact) const {
    std::vector<double> values;
    for (const Reading* const run : s.validRuns(cell))
      if (const double value = facts(*run).*fact; !std::isnan(value)) values.push_back(value);
    return values;
  }
  std::size_t recovered(const Cell& cell) const {
    const auto values = valuesOf(cell, &Outcome::backS);
    return static_cast<std::size_t>(
        std::ranges::count_if(values, [](double value) { return std::isfinite(value); }));
  }
  bool isMeasured(const Cell& cell) const { return window.has(cell); }
  /// In none of its runs.
  bool neverRecovers(const Cell& cell) const { return isMeasured(cell) && recovered(cell) == 0; }
  bool alwaysRecovers(const Cell& cell) const {
    return isMeasured(cell) && recovered(cell) == valuesOf(cell, &Outcome::backS).size();
  }
  /// "3.1 s"; "not within 6.5 s"; "1 of 3 runs, 3.1 s".
  std::string textOf(const Cell& cell, double Outcome::* fact, const Quantity& quantity) const {
    const auto values = valuesOf(cell, fact);
    if (values.empty()) return "–";
    const auto ended = std::ranges::count_if(values, [](double v) { return std::isfinite(v); });
    if (ended == 0) return fmt::format("not within {}", window[cell].plain());
    const std::string text = quantity[cell].plain();
    if (static_cast<std::size_t>(ended) == values.size()) return text;
    return fmt::format("{} of {} runs, {}", ended, values.size(), text);
  }
  std::string backText(const Cell& cell) const { return textOf(cell, &Outcome::backS, back); }
  bool neverFalls(const Cell& cell) const {
    const auto values = valuesOf(cell, &Outcome::backS);
    return !values.empty() && std::ranges::max(values) == 0;
  }
  /// Of the hit rate: "is back after 3.1 s", "is not back within 6.5 s", "does not fall", "is back
  /// in 1 of 3 runs, 3.1 s".
  std::string hitRateText(const Cell& cell) const {
    if (neverFalls(cell)) return "does not fall";
    if (neverRecovers(cell)) return fmt::format("is not back within {}", window[cell].plain());
    return (alwaysRecovers(cell) ? "is back after " : "is back in ") + backText(cell);
  }
  /// The same in a sentence that has other figures.
  std::string hitRateBriefly(const Cell& cell) const {
    return alwaysRecovers(cell) || neverRecovers(cell) ? hitRateText(cell)
                                                       : "is back in some of the runs only";
  }
  /// Nobody asks the store again.
  bool missesNothing(const Cell& cell) const {
    return missedPeak[cell].isKnown() && std::ranges::max(missedPeak.values(cell)) == 0;
  }
};

/// Whether every run of `worse` lies above every run of `better`: effects of this size need no
/// interval, and one of the values may be infinite.
Standing expectWorse(const Figures& f, const Cell& better, const Cell& worse,
                     double Outcome::* fact) {
  const auto low = f.valuesOf(better, fact), high = f.valuesOf(worse, fact);
  if (low.empty() || high.empty()) return Standing::inconclusive;
  if (std::ranges::max(low) < std::ranges::min(high)) return Standing::expected;
  if (std::ranges::max(high) < std::ranges::min(low)) return Standing::contradicts;
  return Standing::inconclusive;
}

std::string storeText(const Parameters& p) {
  return fmt::format(
      "The store takes {} for a statement, in a view that sleeps (pg_sleep), and has {} "
      "connections: {}/s at the most",
      p.text("store-time"), p.text("store-conns"), formatCount(storeCeiling(p)));
}

void tabulateUsers(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const auto p99 = [&](const Quantity& ofLoss, const Quantity& ofStart) {
    return
        [&](const Cell& cell) { return cellOf(ofLoss.has(cell) ? ofLoss[cell] : ofStart[cell]); };
  };
  s.table("What users saw")
      .column("loss", [](const Cell& cell) { return cell.title(); })
      .column("slots served again after", f.outage)
      .column("hit rate back after", [&](const Cell& cell) { return f.backText(cell); })
      .column("over 1% fail for",
              [&](const Cell& cell) { return f.textOf(cell, &Outcome::failingS, f.failing); })
      .column("completed", f.goodput)
      .column("failed: no node", f.noNode)
      .column("store too late", f.tooLate)
      .column("shed", f.shed)
      .column("p99 before", p99(f.loss.baseline, f.start.baseline))
      .column("worst p99", p99(f.loss.peak, f.start.peak))
      .validRuns()
      .note(fmt::format(
          "{}/s, Zipf {}, {} of reads, {} keys that do not expire, from the loss to the run's end. "
          "Back: within a point of the hit rate before, of a cold start within a point of all. "
          "Completed: of what was offered. A replica: the restarted master follows it.",
          p.text("rate"), p.text("zipf-s"), formatShare(p.number("rw-ratio")), p.text("keys")))
      .rows(f.cells, &f.window);
}

void tabulateStore(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  s.table("At the store")
      .column("loss", [](const Cell& cell) { return cell.title(); })
      .column("missed before", f.missedBefore)
      .column("worst interval", f.missedPeak)
      .column("reads asked for", f.asked)
      .column("answered in time", f.inTime)
      .column("longest queue", f.queuePeak)
      .column("p99 of writes before", f.storeBefore)
      .column("worst p99 of reads", f.storePeak)
      .note(fmt::format(
          "{}. Missed: reads that found no key, answered later or not. What is not answered "
          "within {} has failed, and refills nothing.",
          storeText(p), p.text("store-timeout")))
      .rows(f.cells, &f.window);
}

// What is lost.

/// Of all runs in which the cache alone has the writes.
struct Losses {
  Measured lost, acknowledged;
};
Losses lossesOf(const Study& s, const Design& design, const char* disaster) {
  const Cell cell = design.written(disaster);
  const auto total = [&](const Measurement& count) {
    return s.total("count", count, {cell})[cell];
  };
  return {total([](const Reading& run) {
            return run.summary() == nullptr
                       ? kNaN
                       : static_cast<double>(run.summary()->verify.lostAcknowledged);
          }),
          total([](const Reading& run) {
            if (run.summary() == nullptr) return kNaN;
            const auto& counts = run.summary()->mitigation.counts;
            const auto found = counts.find("ledger_writes");
            return found == counts.end() ? kNaN : static_cast<double>(found->second);
          })};
}

void tabulateLost(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  Table table = s.table("What is lost, where writes go to the cache alone");
  table.heads({"loss", "keys of the master", "of them there afterwards", "acknowledged writes",
               "of them lost", "valid runs"});
  for (const char* const disaster : {kLone, kReplica}) {
    const Cell cell = f.design.written(disaster);
    const Losses of = lossesOf(s, f.design, disaster);
    if (!of.acknowledged.isKnown()) continue;
    table.row({cell.title(), cellOf(f.keysBefore[cell]), cellOf(f.keysAfter[cell]),
               cellOf(of.acknowledged), cellOf(of.lost), s.validText(cell)},
              {of.lost, of.acknowledged});
  }
  table
      .note(fmt::format(
          "Writes to the {} hottest keys, {} of reads, -on-write=none. A write is lost where the "
          "end of the run finds an older value, or none.",
          p.text("ledger"), formatShare(p.number("writes-rw-ratio"))))
      .add();
}

void claimLost(Study& s, const Figures& f) {
  const Losses lone = lossesOf(s, f.design, kLone), replica = lossesOf(s, f.design, kReplica);
  const Measured keys = f.keysBefore[f.design.written(kLone)];
  if (!lone.lost.isKnown() || !replica.lost.isKnown()) return;
  s.claim("lost",
          lone.lost.value() > replica.lost.value() ? Standing::expected : Standing::contradicts)
      .from("the ledger of the hottest keys, and DBSIZE before the kill and after")
      .headline()
      .restsOn({lone.lost, replica.lost})
      .text(
          "A master without a replica takes its {} keys along. Of the writes that only the cache "
          "had, {} of {} acknowledged ones are lost with it. With a replica {} of {} are. Writes "
          "that go to the store first are in the store",
          keys.plain(), lone.lost.plain(), lone.acknowledged.plain(), replica.lost.plain(),
          replica.acknowledged.plain());
  s.figure("acknowledged writes lost, no replica", lone.lost);
  s.figure("acknowledged writes lost, a replica", replica.lost);
}

// What happens to the store.

void claimStorm(Study& s, const Figures& f) {
  const Cell cell = f.design.lost(kLone, kNone);
  const Measured before = f.missedBefore[cell], peak = f.missedPeak[cell];
  if (!peak.isKnown()) {
    s.claim("storm", Standing::problem)
        .from("runs that failed, or whose fault did not take")
        .text("Not measured: a master that is lost without a replica");
    return;
  }
  const double times = peak.value() / storeCeiling(s.parameters());
  s.claim("storm", times > 1 ? Standing::expected : Standing::contradicts)
      .from("misses by interval, and the store's settings")
      .headline()
      .text(
          "Where the dead master comes back empty, reads that miss rise from {} to {}. That is {} "
          "what the store answers",
          before.plain(), peak, formatQuantity(times, "x"));
  s.figure("missed reads at the peak, no replica, no defence", peak);
}

std::string neverText(const Figures& f, const Cell& cell) {
  return fmt::format(
      "the cache does not recover: {} of the reads hit in the last second, {} after the loss. Of "
      "what the store is asked, {} is answered in time: what it answers has waited for longer "
      "than its client, and refills nothing",
      f.hitAtEnd[cell].plain(), f.window[cell].plain(), f.inTime[cell].plain());
}

void claimDefence(Study& s, const Figures& f) {
  const Cell none = f.design.lost(kLone, kNone), both = f.design.lost(kLone, kBoth);
  if (!f.isMeasured(none) || !f.isMeasured(both)) return;
  s.claim("defence", expectWorse(f, both, none, &Outcome::backS))
      .from("the hit rate by interval: back where it is within a point of before, and stays there")
      .headline()
      .restsOn({f.window[none], f.window[both]})
      .text("Without a defence {}. With {} the hit rate {}",
            f.neverRecovers(none) ? neverText(f, none) : "the hit rate " + f.hitRateText(none),
            both.level(f.design.defence).title, f.hitRateText(both));
  s.figure("hit rate back, no replica, no defence", f.back[none]);
  s.figure("hit rate back, no replica, coalescing and a limit", f.back[both]);
}

void claimStore(Study& s, const Figures& f) {
  const Cell none = f.design.lost(kLone, kNone), both = f.design.lost(kLone, kBoth);
  if (!f.storePeak.hasAll({none, both})) return;
  s.claim("store-p99", expectWorse(f, both, none, &Outcome::storeP99Peak))
      .from("reads of the store by interval, their queue included")
      .text(
          "The store's p99 is {} before the loss, of writes alone, and {} in the worst interval "
          "after it. "
          "With {} it reaches {}. The queue in front of it is {} long at the most, and {} with "
          "them",
          f.storeBefore[none].plain(), f.storePeak[none], both.level(f.design.defence).title,
          f.storePeak[both], f.queuePeak[none].plain(), f.queuePeak[both].plain());
  s.figure("store p99 at the peak, no replica, no defence", f.storePeak[none]);
  s.figure("store p99 at the peak, no replica, coalescing and a limit", f.storePeak[both]);
}

void claimReplica(Study& s, const Figures& f) {
  const Cell replica = f.design.lost(kReplica, kNone), lone = f.design.lost(kLone, kNone);
  if (!f.isMeasured(replica)) return;
  Standing standing = expectWorse(f, replica, lone, &Outcome::missedPeak);
  if (f.keysAfter[replica].value() < f.keysBefore[replica].value())
    standing = Standing::contradicts;
  s.claim("replica", standing)
      .from("the fault's own figures, and misses by interval")
      .headline()
      .restsOn({f.outage[replica], f.missedPeak[replica]})
      .text(
          "With a replica the slots are served again after {}, and {} of {} keys are there. Reads "
          "that miss reach {}. The hit rate {}. {} operations fail meanwhile",
          f.outage[replica].plain(), f.keysAfter[replica].plain(), f.keysBefore[replica].plain(),
          f.missedPeak[replica], f.hitRateText(replica), f.failed[replica].plain());
  s.figure("slots served again, a replica", f.outage[replica]);
  s.figure("failed operations, a replica, no defence", f.failed[replica]);
}

void claimCold(Study& s, const Figures& f) {
  const Cell none = f.design.started(kNone), limit = f.design.started(kLimit);
  if (!f.isMeasured(none) || !f.isMeasured(limit)) return;
  s.claim("cold-start", expectWorse(f, limit, none, &Outcome::backS))
      .from("the hit rate by interval")
      .headline()
      .restsOn({f.window[none], f.window[limit]})
      .text("In front of an empty cache without a limit {}. With {} the hit rate {}",
            f.neverRecovers(none) ? fmt::format("{} of the reads hit after {}",
                                                f.hitAtEnd[none].plain(), f.window[none].plain())
                                  : "the hit rate " + f.hitRateText(none),
            limit.level(f.design.defence).title, f.hitRateText(limit));
  s.figure("hit rate back, cold start, a limit", f.back[limit]);
  const Cell coalesce = f.design.started(kCoalesce);
  if (!f.isMeasured(coalesce)) return;
  s.claim("coalescing-alone", Standing::plain)
      .from("the hit rate by interval, and the outcomes of the store's reads")
      .restsOn({f.window[coalesce]})
      .text(
          "Coalescing alone asks the store {} times instead of {}. The hit rate {}. "
          "Different keys are a storm too, and only a limit keeps them below what the store "
          "answers",
          f.asked[coalesce].plain(), f.asked[none].plain(), f.hitRateText(coalesce));
}

// What to do.

void advise(Study& s, const Figures& f) {
  const Cell lone = f.design.lost(kLone, kNone), both = f.design.lost(kLone, kBoth);
  const Cell replica = f.design.lost(kReplica, kNone);
  const Cell cold = f.design.started(kNone), limit = f.design.started(kLimit);
  const std::string limitText = limit.level(f.design.defence).title;
  const bool replicaHelps =
      expectWorse(f, replica, lone, &Outcome::missedPeak) == Standing::expected;
  const bool limitHelps = expectWorse(f, both, lone, &Outcome::backS) == Standing::expected;
  const bool limitStarts = expectWorse(f, limit, cold, &Outcome::backS) == Standing::expected;
  if (replicaHelps) {
    s.recommend(
        "Give each master a replica, and let no supervisor restart a master before its replica is "
        "elected: misses then reach {} instead of {}",
        f.missedPeak[replica], f.missedPeak[lone]);
    s.decide({f.failed[lone], f.failed[replica], f.outage[replica]},
             {.risk = "a master of the cache dies",
              .measured = f.neverRecovers(lone)
                              ? std::string("without a replica the hit rate does not come back")
                              : "without a replica the hit rate " + f.hitRateText(lone),
              .action = "Give each master a replica",
              .price = fmt::format("the memory again, and {} until it is elected",
                                   rounded(f.outage[replica])),
              .gain = f.failed[lone].value() / f.failed[replica].value(),
              .runs = {}});
  }
  if (limitHelps)
    s.recommend(
        "Limit the reads of the store below its ceiling in every client (-backing-max-rate), and "
        "coalesce them: where a master comes back empty the hit rate is back after {}",
        f.back[both]);
  if (limitStarts) {
    s.recommend("Start with an empty cache only behind such a limit: it is warm after {}",
                f.back[limit]);
    s.decide({f.failed[cold], f.failed[limit], f.shed[limit]},
             {.risk = "a cache that starts empty",
              .measured = fmt::format("{} of the reads hit after {}", rounded(f.hitAtEnd[cold]),
                                      rounded(f.window[cold])),
              .action = "Limit the reads of the store below its ceiling",
              .price = fmt::format("{} reads are refused until it is warm", rounded(f.shed[limit])),
              .gain = f.failed[cold].value() / f.failed[limit].value(),
              .runs = {}});
  }
  s.cost("{}, no replica: {} reads are refused, {} in all fail", both.level(f.design.defence).title,
         f.shed[both], f.failed[both]);
  s.cost("{}, cold start: {} reads are refused", limitText, f.shed[limit]);
  s.cost("A replica: the memory again, and {} without the slots of the dead master",
         f.outage[replica]);
  if (f.neverRecovers(lone) && f.alwaysRecovers(both))
    s.answer({f.back[both], f.outage[replica], f.window[lone]},
             fmt::format("It takes a replica for each master ({} until it serves{}), or a limit on "
                         "the store's reads (hit rate back after {}): with neither the store stays "
                         "overloaded",
                         rounded(f.outage[replica]),
                         f.missesNothing(replica) ? ", and nothing is read again" : "",
                         f.backText(both)));
  else
    s.answer({f.window[both], f.outage[replica]},
             fmt::format("With a replica the slots are served again after {}{}; with a limit on "
                         "the store's reads the hit rate {}",
                         rounded(f.outage[replica]),
                         f.missesNothing(replica) ? " and nothing is read again" : "",
                         f.hitRateBriefly(both)));
  s.alternative({f.window[lone]},
                "A client that puts late answers into the cache would leave the overload by "
                "itself; redline ignores what comes after -backing-timeout, as a request that has "
                "failed does");
  s.alternative({f.window[lone]},
                "A read whose node does not answer fails here. An application that reads the store "
                "instead makes the storm begin with the kill");
}

void plot(Study& s, const Figures& f) {
  const std::string interval = s.parameters().text("interval");
  const auto pane = [&](const FaultStudy& study, const Cells& cells, std::string id,
                        std::string title, std::string what, std::string y, AxisKind kind,
                        const FaultStudy::SeriesOf& series, bool isMain) {
    Plot picture = study.plotOverTime(std::move(id), std::move(title));
    picture.describe(fmt::format("{} of each interval ({}), of one run of each.", what, interval))
        .y(std::move(y), kind);
    study.addLines(picture, cells, series);
    if (isMain) picture.main();
    picture.add();
  };
  const auto panes = [&](const FaultStudy& study, const Cells& cells, const std::string& id,
                         const std::string& when, bool isMain) {
    pane(study, cells, id + "-hit-rate", "Hit rate " + when, "Share of the reads that hit",
         "hit rate", AxisKind::share, hitRateSeries, isMain);
    pane(study, cells, id + "-missed", "Reads that miss " + when, "Reads that found no key",
         "missed reads/s", AxisKind::count, missedSeries, false);
    pane(study, cells, id + "-queue", "The store's queue " + when,
         "Requests that wait for a connection at the end", "requests", AxisKind::count, queueSeries,
         false);
    pane(study, cells, id + "-store-p99", "The store's p99 " + when,
         "p99 of reads of the store, their queue included,", "p99", AxisKind::latency,
         storeP99Series, false);
  };
  panes(f.loss, f.design.loss.cells, "loss", "around the loss of a master", true);
  panes(f.start, f.design.cold.cells, "cold", "after a cold start", false);
}

// What models say before.

/// A refill of `share` of the keys, until misses are 1% of all lookups; usually there are none.
Refill refillBehind(const Parameters& p, double share, double storeRate) {
  const double reads = static_cast<double>(p.count("rate")) * p.number("rw-ratio");
  std::vector<KeyDemand> demands;
  const auto popularity = Popularity::zipf(p.count("keys"), p.number("zipf-s"));
  for (const Popularity::Class& each : popularity.classes())
    demands.push_back({.keys = each.keys * share, .lookups = each.probability * reads});
  // The model's own threshold is 1% of the lookups of what was lost.
  constexpr double kBack = 0.01;
  return refillOf(demands, kBack * reads * (1 - share), storeRate);
}

void predict(Study& s, const Figures& f) {
  const Parameters& p = s.parameters();
  const auto limit = static_cast<double>(p.count("limit"));
  const double share = 1.0 / kMasters;
  const double restartS = p.seconds("down") + kRefusesS;
  s.predict("missed reads at the peak, no replica",
            "share of the slots lost × rate × share of reads × hit rate; hot keys are back within "
            "milliseconds, so it is an upper bound",
            "ops/s", refillBehind(p, share, limit).peakMisses)
      .measured(f.missedPeak[f.design.lost(kLone, kNone)]);
  s.predict("slots served again, no replica",
            "-for, and the 2 s in which a restarted master refuses everything", "s", restartS)
      .measured(f.outage[f.design.lost(kLone, kNone)]);
  s.predict("slots served again, a replica", "cluster-node-timeout and a second for the election",
            "s", p.seconds("node-timeout") + kElectionS)
      .measured(f.outage[f.design.lost(kReplica, kNone)]);
  s.predict("hit rate back, no replica, coalescing and a limit",
            "until the slots are served again, and a refill by Zipf's law at the limit "
            "(model/occupancy.h)",
            "s", restartS + refillBehind(p, share, limit).backS)
      .measured(f.back[f.design.lost(kLone, kBoth)]);
  s.predict("hit rate back, cold start, a limit", "the same refill, of all keys", "s",
            refillBehind(p, 1, limit).backS)
      .measured(f.back[f.design.started(kLimit)]);
  s.predict("store p99 at the peak, no replica, no defence",
            "the queue grows until requests fail: -backing-timeout", "us",
            1e6 * p.seconds("store-timeout"))
      .measured(f.storePeak[f.design.lost(kLone, kNone)]);
  s.predict("one lookup of the store", "pg_sleep of the view", "us", 1e6 * p.seconds("store-time"))
      .measured(f.lookup[f.design.lost(kLone, kNone)]);
}

void declare(Study& s) {
  const Design design = designOf(s.parameters());
  planRuns(s, design);
  const Figures f{.s = s, .design = design};
  const Parameters& p = s.parameters();
  predict(s, f);
  tabulateUsers(s, f);
  tabulateStore(s, f);
  tabulateLost(s, f);
  plot(s, f);
  claimStorm(s, f);
  claimDefence(s, f);
  claimStore(s, f);
  claimReplica(s, f);
  claimCold(s, f);
  claimLost(s, f);
  advise(s, f);
  s.method(storeText(p) +
           ". The limit is the client's, and lies below that. Rate and store are an eighth of the "
           "brief's (200k lookups/s before 8k/s)");
  s.method(fmt::format(
      "No replica: SIGKILL, and a restart in its place after {}, empty. A replica: SIGKILL, and a "
      "restart once it is elected (cluster-node-timeout {}). Cold start: FLUSHALL before the run, "
      "the store full. An interval ({}) is judged with its two neighbours",
      p.text("down"), p.text("node-timeout"), p.text("interval")));
  s.method(
      "One process drives the load, and its coalescing and its limit are one process's: of N "
      "processes each needs an Nth of the limit");
  s.method(intervalNote(f.storePeak[design.lost(kLone, kNone)].estimate));
}

Status check(const Parameters& p) {
  if (auto good = checkFaultMoment(p, "loss"); !good) return good;
  if (static_cast<double>(p.count("limit")) >= storeCeiling(p))
    return p.refuse("limit", fmt::format("the store answers {:.0f}/s (store-conns ÷ store-time), "
                                         "and a limit that protects it lies below",
                                         storeCeiling(p)));
  const double afterS = p.seconds("at") + std::max(p.seconds("down") + kRefusesS,
                                                   p.seconds("node-timeout") + kElectionS);
  for (const char* const name : {"duration", "writes-duration"})
    if (p.seconds(name) <= afterS) return p.refuse(name, "the slots are not served again by then");
  if (p.count("ledger") == 0 || p.count("ledger") > p.count("keys"))
    return p.refuse("ledger",
                    "lost writes are found by the ledger: 1 or more, and no more than "
                    "keys");
  return {};
}

}  // namespace
}  // namespace redline::lab::node_loss

namespace redline {

Experiment nodeLossExperiment() {
  using enum ParameterKind;
  return {
      .name = "node-loss",
      .title = "What a lost node does to the store behind the cache",
      .question =
          "A master of the cache dies under cache-aside load, and all reads of its keys miss. What "
          "reaches the PostgreSQL behind it, how long until the hit rate is back, what fails "
          "meanwhile and what is lost: with and without a replica, and with and without "
          "coalescing and a limit on the store's reads? What does the same limit do for a cache "
          "that starts empty?",
      .parameters =
          {{.name = "keys", .kind = count, .help = "keys of the data set"},
           {.name = "value-size", .kind = size, .help = "bytes of a value"},
           {.name = "maxmemory", .kind = size, .help = "of each node"},
           {.name = "rate", .kind = count, .help = "operations a second"},
           {.name = "rw-ratio", .kind = share, .help = "share of reads"},
           {.name = "zipf-s", .kind = number, .help = "exponent of Zipf's law"},
           {.name = "conns", .kind = count, .help = "connections to each node"},
           {.name = "op-timeout",
            .kind = duration,
            .help = "after which an operation fails, whatever it waits for"},
           {.name = "node-timeout", .kind = duration, .help = "cluster-node-timeout"},
           {.name = "down",
            .kind = duration,
            .help = "how long a master without a replica stays dead"},
           {.name = "store-conns", .kind = count, .help = "connections to PostgreSQL"},
           {.name = "store-time",
            .kind = duration,
            .help = "that a statement takes in PostgreSQL; whole milliseconds, since pg_sleep "
                    "knows no others"},
           {.name = "store-timeout",
            .kind = duration,
            .help = "after which a read of the store has failed"},
           {.name = "limit",
            .kind = count,
            .help = "requests a second to the store, of the arms that have a limit"},
           {.name = "writes-rw-ratio",
            .kind = share,
            .help = "share of reads where writes go to the cache alone"},
           {.name = "ledger",
            .kind = count,
            .help = "keys whose acknowledged writes are looked for, the hottest"},
           {.name = "warmup", .kind = duration, .help = "sent before, not measured"},
           {.name = "at",
            .kind = duration,
            .help = "when the master dies, in the measured window; what is before is the baseline"},
           {.name = "duration", .kind = duration, .help = "measured time of a run with a loss"},
           {.name = "writes-duration",
            .kind = duration,
            .help = "the same where writes go to the cache alone"},
           {.name = "cold-duration", .kind = duration, .help = "measured time of a cold start"},
           {.name = "interval", .kind = duration, .help = "of the series"}},
      .check = lab::node_loss::check,
      .declare = lab::node_loss::declare,
  };
}

}  // namespace redline
