// Below the ceiling: p99 at a share of it, and the highest rate under the service level.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/units.h"
#include "lab/ceiling_parts.h"
#include "lab/core_gaps.h"
#include "lab/fault_series.h"
#include "lab/words.h"
#include "model/queue.h"
#include "model/statistics.h"

namespace redline::ceiling {
namespace {

constexpr double kLimitUs = 1000;  ///< the service level of p99 at this load

class Load {
 public:
  Load(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        readings_(readings),
        document_(document),
        at80_(readings, labelsOf("p99", loaded(p))),
        references_(readings, labelsOf(kReference, loaded(p))) {}

  void underLoad() {
    const auto all = loaded(p_);
    const Column rate = at80_.column(rateOf);
    const Column p50 = at80_.column(latency("p50"));
    const Column p99 = at80_.column(latency("p99"));
    const Column p999 = at80_.column(latency("p999"));
    LabTable table{
        .title = fmt::format("At {} of the ceiling, Poisson arrivals",
                             formatShare(p_.number("load-share"))),
        .head = {"what", "ceiling right before", "ops/s", "of what was offered", "p50", "p99",
                 "p99.9", "service p99", "main thread busy", "mean batch", "valid runs"},
        .rows = {},
        .note =
            "Response time from the moment that the schedule fixed. The load is a share of "
            "the ceiling found right before it. In the open model a batch is what is due, up to "
            "its size."};
    const Column ceilings = references_.column(rateOf);
    const Column service = at80_.column(latency("p99", "service"));
    for (std::size_t i = 0; i < all.size(); ++i)
      table.rows.push_back(
          {{all[i].words, words(ceilings.of(i), "ops/s"), words(rate.of(i), "ops/s"),
            formatShare(at80_.mean(i, keptUp)), words(p50.of(i), "us"), words(p99.of(i), "us"),
            words(p999.of(i), "us"), words(service.of(i), "us"),
            formatShare(at80_.mean(i, mainThreadBusy)), decimals(at80_.mean(i, meanBatch)),
            fmt::format("{} of {}", at80_.valid(i), at80_.runs(i).size())},
           at80_.names({i})});
    document_.tables.push_back(std::move(table));
    for (std::size_t i = 0; i < all.size(); ++i)
      addFigure(document_,
                fmt::format("p99 of {} at {} of the ceiling", all[i].words,
                            formatShare(p_.number("load-share"))),
                "us", p99.of(i));
    if (p99.has(kSmall)) judgeP99(all, rate, p99);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (rate.has(i)) sayOverload(all[i], i, rate.of(i));
  }

  void search() {
    const auto sizes = searched(p_);
    std::vector<Searches> found;
    std::vector<std::vector<double>> metRates, missedRates;
    for (const Case& one : sizes) {
      found.push_back(searchesOf(one));
      metRates.push_back(found.back().met);
      missedRates.push_back(found.back().missed);
    }
    const Column met(std::move(metRates));
    const Column missed(std::move(missedRates));
    LabTable table{
        .title = fmt::format("Highest rate under {}, open model", p_.text("slo")),
        .head = {"what", "met at", "missed at", "of the closed ceiling", "searches", "probes"},
        .rows = {},
        .note =
            "Bisections with Poisson arrivals, each on its own; each probe is one run. "
            "Intervals are of the searches' ends."};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const Case& one = sizes[i];
      if (found[i].runs.empty()) continue;
      const auto rateOr = [](const Column& rates, std::size_t at) {
        return rates.has(at) ? words(rates.of(at), "ops/s") : std::string("no rate tried");
      };
      const std::string share = met.has(i) ? formatShare(met.of(i).value / found[i].ceiling) : "–";
      table.rows.push_back({{one.words, rateOr(met, i), rateOr(missed, i), share,
                             p_.text("searches"), std::to_string(found[i].runs.size())},
                            namesOf(found[i].runs)});
      if (!met.has(i)) {
        sayNeverMet(one, found[i]);
        continue;
      }
      addFinding(document_, Standing::plain,
                 fmt::format("{}: {} holds up to {}, {} of the closed model's ceiling, and no "
                             "longer at {}{}",
                             one.words, p_.text("slo"), rateOr(met, i), share, rateOr(missed, i),
                             inHowMany(found[i])),
                 fmt::format("{} bisections in the open model", p_.text("searches")),
                 namesOf(found[i].runs));
      addFigure(document_, fmt::format("highest rate of {} under {}", one.words, p_.text("slo")),
                "ops/s", met.of(i));
      if (!one.large)
        document_.recommendations.push_back(fmt::format(
            "Plan a shard for {} of GET {} per command and not for its ceiling: above it {} is "
            "not kept",
            rateOr(met, i), sizeWords(p_, false), p_.text("slo")));
    }
    if (table.rows.empty()) return;
    document_.tables.push_back(std::move(table));
    searchPlot(sizes, found);
  }

 private:
  /// What the bisections of one case found.
  struct Searches {
    std::vector<const Reading*> runs;
    double ceiling = kNaN;            ///< of the closed model; without it nothing was searched
    std::vector<double> met, missed;  ///< rates, of the searches that tried one
  };

  Searches searchesOf(const Case& one) const {
    Searches all;
    const auto ceiling = ceilingOf(readings_, one);
    if (!ceiling) return all;
    all.runs = readings_.with(labelsOf("probe", one.name));
    all.ceiling = *ceiling;
    for (unsigned search = 1; search <= p_.count("searches"); ++search) {
      const auto bracket = searchOf(p_, *ceiling).bracket(probesOf(p_, readings_, one, search));
      if (bracket.metTried) all.met.push_back(bracket.met);
      if (bracket.missedTried) all.missed.push_back(bracket.missed);
    }
    return all;
  }

  /// Where some searches found no rate at all.
  std::string inHowMany(const Searches& found) const {
    const std::uint64_t all = p_.count("searches");
    if (found.met.size() >= all) return {};
    return fmt::format(": in {} of {} searches; in the others it was missed at every rate",
                       found.met.size(), all);
  }

  void sayNeverMet(const Case& one, const Searches& found) {
    if (found.missed.empty()) return;
    const double lowest = std::ranges::min(found.missed);
    addFinding(document_, Standing::problem,
               fmt::format("{}: {} was missed at every rate that was tried, down to {}, {} of the "
                           "closed model's ceiling: on this machine at this hour no rate worth "
                           "planning for keeps it",
                           one.words, p_.text("slo"), formatQuantity(lowest, "ops/s"),
                           formatShare(lowest / found.ceiling)),
               fmt::format("{} bisections in the open model", p_.text("searches")),
               namesOf(found.runs));
  }

  void searchPlot(const std::vector<Case>& sizes, const std::vector<Searches>& found) {
    const ServiceLevel level = *parseLevel(p_.text("slo"));
    LabPlot plot{
        .id = "search",
        .title = fmt::format("{} by offered rate", level.percentile),
        .description = fmt::format("Every probe of every search; the line is {}.", p_.text("slo")),
        .x = {"operations/s offered", AxisKind::count, {}},
        .y = {level.percentile, AxisKind::latency, {}},
        .series = {},
        .spans = {},
        .marks = {}};
    double most = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      LabSeries series{sizes[i].words, {}, false, false};
      for (const Reading* const run : found[i].runs) {
        if (run->summary() == nullptr) continue;
        series.points.push_back({run->summary()->rate.target, latencyUs(*run, level.percentile)});
        most = std::max(most, run->summary()->rate.target);
      }
      plot.series.push_back(std::move(series));
    }
    plot.series.push_back(
        {p_.text("slo"), {{0, level.limitUs}, {most, level.limitUs}}, true, true, false});
    document_.plots.push_back(std::move(plot));
  }

  /// Completed ÷ offered.
  static double keptUp(const Reading& reading) {
    const Summary* const summary = reading.summary();
    return summary == nullptr ? kNaN : rateOf(reading) / summary->rate.target;
  }

  /// A closed model's ceiling is of full batches. In the open model a batch is what is due, and
  /// smaller ones cost more for each command.
  void sayOverload(const Case& one, std::size_t i, const Estimate& rate) {
    const auto& runs = at80_.believed(i);
    const bool overloaded = std::ranges::any_of(runs, [](const Reading* run) {
      return run->summary() != nullptr && run->summary()->rate.overloaded;
    });
    if (!overloaded) return;
    addFinding(
        document_, Standing::problem,
        fmt::format("{}: {} of its ceiling in the closed model is more than the open model "
                    "gets through: {} were completed, {} of what was offered, with the main "
                    "thread {} busy and {} operations in a batch; its percentiles are of a "
                    "queue that grows with the length of the run",
                    one.words, formatShare(p_.number("load-share")), words(rate, "ops/s"),
                    formatShare(at80_.mean(i, keptUp)), formatShare(at80_.mean(i, mainThreadBusy)),
                    decimals(at80_.mean(i, meanBatch))),
        "achieved and offered rates with Poisson arrivals", at80_.names({i}));
  }

  void judgeP99(const std::vector<Case>& all, const Column& rate, const Column& p99) {
    // Its own spread: batches scatter otherwise, and this is held against a limit.
    const Estimate estimate = Pooled({p99.values[kSmall]}).of(0);
    const Estimate typical =
        at80_.column([](const Reading& r) { return typicalUs(r, 0.99); }).of(kSmall);
    const bool believed = at80_.valid(kSmall) > 0;
    const SloVerdict verdict = !believed                  ? SloVerdict::invalid
                               : estimate.high < kLimitUs ? SloVerdict::met
                               : estimate.low > kLimitUs  ? SloVerdict::missed
                                                          : SloVerdict::inconclusive;
    document_.slo.push_back(
        {"read-p99-at-80",
         fmt::format("{} at {}", words(estimate, "us"), words(rate.of(kSmall), "ops/s")), verdict,
         fmt::format("{}, Poisson arrivals; in the median interval of 100 ms {}; {}: {}",
                     all[kSmall].words, words(typical, "us"), all[kLarge].words,
                     words(p99.of(kLarge), "us")),
         at80_.names({kSmall})});
    const Standing standing = verdict == SloVerdict::met            ? Standing::expected
                              : verdict == SloVerdict::missed       ? Standing::contradicts
                              : verdict == SloVerdict::inconclusive ? Standing::inconclusive
                                                                    : Standing::problem;
    addFinding(
        document_, standing,
        fmt::format(
            "At {} of the ceiling p99 of {} is {}: from send to reply {}, waiting for one of "
            "{} connections {}, the generator's own lateness {} (p99 of each); the slowest "
            "reply took {}, and what was due meanwhile queued behind it. The main thread is {} "
            "busy there, since a command costs it {:.2f} µs where it cost {:.2f} at the ceiling "
            "right "
            "before{}",
            formatShare(p_.number("load-share")), all[kSmall].words, words(estimate, "us"),
            part("p99", "service"), p_.text("conns"), part("p99", "lateness"),
            part("p99", "dispatch"), part("max", "service"),
            formatShare(at80_.mean(kSmall, mainThreadBusy)), mainUs(at80_), mainUs(references_),
            believed ? std::string{}
                     : "; none of these runs may be believed, so it settles nothing"),
        "response times with Poisson arrivals, and the main thread's CPU", at80_.names({kSmall}),
        true);
    againstModel(rate.of(kSmall).value, estimate);
    slowSpells(rate.of(kSmall).value);
    withoutCore();
    againstIdleCore(estimate);
  }

  /// One interval of a run at that load.
  struct Interval {
    double busy = 0;    ///< share of the main thread
    double costUs = 0;  ///< of it, for a command
    double p99Us = 0;
    double waitedUs = 0;  ///< the main thread, for its core; not a number where that is not known
  };

  std::vector<Interval> intervals() const {
    std::vector<Interval> all;
    for (const Reading* const run : at80_.believed(kSmall)) {
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

  /// A core that a host shares is slower at times: what is no saturation on average may be one
  /// then.
  void slowSpells(double rate) {
    const auto all = intervals();
    if (all.empty()) return;
    std::vector<double> costs, p99;
    std::size_t saturated = 0;
    for (const Interval& each : all) {
      costs.push_back(each.costUs);
      p99.push_back(each.p99Us);
      if (each.busy >= kSaturated) ++saturated;
    }
    addFinding(
        document_, Standing::plain,
        fmt::format(
            "In {} of {} intervals of 100 ms the main thread was {:.0f}% busy or more, and had no "
            "room for what had queued: a command costs it {:.2f} µs in the fastest tenth of the "
            "intervals and {:.2f} in the slowest, where {:.2f} saturate it at this rate. Half of "
            "the intervals have a p99 of {} or less, a tenth of {} or more",
            formatShare(static_cast<double>(saturated) / static_cast<double>(all.size())),
            all.size(), 100 * kSaturated, quantileOf(costs, 0.1), quantileOf(costs, 0.9),
            1e6 / rate, formatQuantity(medianOf(p99), "us"),
            formatQuantity(quantileOf(p99, 0.9), "us")),
        "the main thread's CPU and commands by INFO, and p99, by interval", at80_.names({kSmall}));
  }

  /// What other threads on the server's core made of p99: the intervals in which Redis waited for
  /// it, beside the others.
  void withoutCore() {
    constexpr double kWaitedUs = 500;  // about what fills 50 connections
    std::vector<double> with, without;
    double waitedUs = 0;
    for (const Interval& each : intervals()) {
      if (!std::isfinite(each.waitedUs)) continue;
      (each.waitedUs < kWaitedUs ? with : without).push_back(each.p99Us);
      waitedUs += each.waitedUs;
    }
    const std::size_t all = with.size() + without.size();
    if (all == 0) return;
    std::string text = fmt::format(
        "Redis's main thread was ready to run and had no core, since other threads ran there, for "
        "{} an interval; in {} of {} intervals of 100 ms for {} or more",
        formatQuantity(waitedUs / static_cast<double>(all), "us"), without.size(), all,
        formatQuantity(kWaitedUs, "us"));
    if (with.empty() || without.empty()) {
      text += fmt::format(": half of {} intervals have a p99 of {} or less",
                          with.empty() ? "those" : "the",
                          formatQuantity(medianOf(with.empty() ? without : with), "us"));
    } else {
      const double undisturbed = medianOf(with);
      text += fmt::format(
          ". Half of those have a p99 of {} or less, half of the others of {}: {}",
          formatQuantity(medianOf(without), "us"), formatQuantity(undisturbed, "us"),
          undisturbed >= kLimitUs
              ? "with a core of its own it would be missed as well"
              : fmt::format("with a core of its own most of the time would be within {}",
                            formatQuantity(kLimitUs, "us")));
    }
    addFinding(document_, Standing::plain, std::move(text),
               "the main thread's run delay by Linux (schedstat), and p99, by interval",
               at80_.names({kSmall}));
  }

  /// What the machine does to a thread that wants the server's core, and what p99 that alone makes.
  void againstIdleCore(const Estimate& p99) {
    const CoreGaps gaps = coreGapsOf(at80_.believed(kSmall));
    const double busy = at80_.mean(kSmall, mainThreadBusy);
    if (gaps.windowS == 0 || !std::isfinite(busy) || busy >= 1) return;
    std::vector<double> stallsS;
    std::ranges::transform(gaps.gapsUs, std::back_inserter(stallsS),
                           [](double us) { return us / 1e6; });
    const double bound = stalledQuantile(std::move(stallsS), gaps.windowS, busy, 0.99) * 1e6;
    const double share = bound / p99.value;
    constexpr double kMost = 0.5, kNone = 0.1;
    addFinding(
        document_, Standing::plain,
        fmt::format(
            "Redis's core itself, watched for {} right before these runs while Redis was idle, was "
            "not there for {} a second, {} at the longest. A server without any other fault that "
            "is stopped like that and is {} busy has a p99 of {} or more, {} of what was measured: "
            "the machine's pauses {}",
            formatQuantity(gaps.windowS, "s"), formatQuantity(gaps.sumUs() / gaps.windowS, "us"),
            formatQuantity(gaps.gapsUs.empty() ? 0 : gaps.gapsUs.front(), "us"), formatShare(busy),
            formatQuantity(bound, "us"), formatShare(share),
            share >= kMost   ? "make most of it, and on a quieter core it would be less"
            : share <= kNone ? "do not explain it"
                             : "make a part of it"),
        "gaps of 50 µs or more between a spinning thread's readings of the clock; whoever is due "
        "in one, or before its backlog is gone, waits (StalledQuantile in docs/terminology.md)",
        at80_.names({kSmall}));
  }

  std::string part(std::string_view percentile, std::string_view measure) const {
    return formatQuantity(at80_.mean(kSmall, latency(percentile, measure)), "us");
  }

  /// Main-thread CPU for a command.
  static double mainUs(const Conditions& runs) {
    return runs.mean(kSmall, kernelUsPerCommand) + runs.mean(kSmall, userUsPerCommand);
  }

  /// M/D/1 with the service time of this very load: a lower bound, and how far above it we are.
  void againstModel(double rate, const Estimate& p99) {
    const double serviceS = mainUs(at80_) / 1e6;
    if (!std::isfinite(serviceS) || rate * serviceS >= 1 || document_.predictions.size() < 2)
      return;
    const double bound = Md1(rate, serviceS).responseQuantile(0.99) * 1e6;
    LabPrediction& prediction = document_.predictions[1];
    setMeasured(prediction, p99);
    prediction.verdict = fmt::format(
        "with the {:.2f} µs of main thread that a command took at this load, M/D/1 gives {}; "
        "measured is {} of that. A real server wakes up late, answers what one epoll call returned "
        "together, and its client needs the wire",
        serviceS * 1e6, formatQuantity(bound, "us"), formatQuantity(p99.value / bound, "x"));
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  Conditions at80_;
  Conditions references_;  ///< each right before one of those
};

}  // namespace

void analyseLoad(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Load load(p, readings, document);
  load.underLoad();
  load.search();
}

}  // namespace redline::ceiling
