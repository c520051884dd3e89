#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/compare.h"
#include "lab/eviction_points.h"
#include "lab/words.h"
#include "model/curve.h"

namespace redline::eviction {
namespace {

constexpr double kFitsTarget = 0.99;    ///< the brief's hit rate while the working set fits
constexpr double kOnPlateau = 0.01;     ///< a point of hit rate: less is no fall
constexpr double kLeastTcS = 10;        ///< LRU's clock ticks once a second
constexpr double kMissesMatter = 0.05;  ///< relative
constexpr double kModelHolds = 0.01;    ///< a point between simulation and Redis
constexpr double kBoundsHold = 0.005;   ///< half a point outside of the formulas
constexpr double kSettles = 0.01;       ///< after a shift: back to within a point

std::vector<Labels> labelsOf(const std::vector<Condition>& conditions) {
  std::vector<Labels> all;
  all.reserve(conditions.size());
  for (const Condition& each : conditions) all.push_back(each.labels());
  return all;
}

/// A count of the summary, by second of its window.
double perSecond(const Reading& reading, double (*count)(const Summary&)) {
  const Summary* const summary = reading.summary();
  return summary == nullptr ? kNaN : count(*summary) / summary->windowS;
}

double hitRate(const Reading& reading) {
  const Summary* const summary = reading.summary();
  return summary == nullptr || summary->cache.hits + summary->cache.misses == 0
             ? kNaN
             : summary->cache.hitRate;
}

double missShare(const Reading& reading) {
  return 1 - hitRate(reading);
}

/// A figure of the runs in which the working set fits into maxmemory, or of the others: where it
/// fits nearly nothing misses, and what does, by chance. Repeats scatter otherwise there, so the
/// two do not share a spread.
Measurement where(bool overfull, double (*figure)(const Reading&)) {
  return [=](const Reading& reading) {
    const auto ratio = parseNumber(reading.label("ratio"));
    return ratio && (*ratio > 1) == overfull ? figure(reading) : kNaN;
  };
}

double missesPerS(const Reading& reading) {
  return perSecond(reading, [](const Summary& s) { return static_cast<double>(s.cache.misses); });
}

double refusedPerS(const Reading& reading) {
  return perSecond(reading,
                   [](const Summary& s) { return static_cast<double>(s.cache.refillsFailed); });
}

double evictedPerS(const Reading& reading) {
  return perSecond(reading, [](const Summary& s) {
    return s.servers.empty() ? kNaN : static_cast<double>(s.servers.front().evicted);
  });
}

Measurement figure(std::string_view name) {
  return [name = std::string(name)](const Reading& reading) { return reading.figure(name); };
}

/// Two digits: a hundredth of a point is 20 misses a second of 200k.
std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.2f}%", 100 * share) : "–";
}

std::string points(double difference) {
  return fmt::format("{:.2f} points", 100 * difference);
}

std::string count(double value) {
  return formatQuantity(value, "count");
}

class Analysis {
 public:
  Analysis(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        readings_(readings),
        document_(document),
        all_(conditions(p)),
        curves_(curvesOf(p, all_)),
        runs_(readings, labelsOf(all_)),
        hit_(runs_.column(hitRate)),
        hitFits_(runs_.column(where(false, hitRate))),
        hitOverfull_(runs_.column(where(true, hitRate))),
        missOverfull_(runs_.column(where(true, missShare))),
        lookups_(static_cast<double>(p.count("lookups"))),
        backing_(static_cast<double>(p.count("backing"))) {
    for (std::size_t i = 0; i < all_.size(); ++i)
      theory_.push_back(hit_.has(i) ? theoryOf(p_, all_[i], held(i)) : Theory{});
  }

  void all() {
    for (const std::string_view dist : {"zipfian", "uniform"}) {
      table(dist);
      hitPlot(dist);
    }
    missesPlot();
    whileItFits();
    for (const Curve& curve : curves_) cliff(curve);
    for (const Curve& curve : curves_)
      if (curve.dist == "zipfian") rank(curve);
    for (const Curve& curve : curves_) refusal(curve);
    theory();
    evictions();
    valueSizes();
    characteristicTimes();
    shift();
    recommend();
    predictions();
    method();
  }

 private:
  double held(std::size_t i) const { return runs_.mean(i, figure("keys_held")); }
  Estimate hitOf(std::size_t i) const {
    return (all_[i].times() > 1 ? hitOverfull_ : hitFits_).of(i);
  }
  bool measured(const Curve& curve) const {
    return std::ranges::all_of(curve.at, [&](std::size_t i) { return hit_.has(i); });
  }
  double projected(std::size_t i) const { return (1 - hitOf(i).value) * lookups_; }
  std::vector<std::string> names(const Curve& curve) const {
    std::vector<std::string> all;
    for (const std::size_t i : curve.at)
      std::ranges::move(runs_.names({i}), std::back_inserter(all));
    return all;
  }
  std::string name(std::string_view policy) const { return fullName(p_, policy); }
  const Curve* curve(std::string_view dist, std::string_view policy) const {
    const auto found = std::ranges::find_if(
        curves_, [&](const Curve& c) { return c.dist == dist && c.policy == policy; });
    return found == curves_.end() ? nullptr : &*found;
  }
  std::string distWords(std::string_view dist) const {
    return dist == "zipfian" ? "Zipf " + p_.text("zipf-s") : std::string("uniform popularity");
  }

  void table(std::string_view dist) {
    LabTable table{
        .title = fmt::format("{}: hit rate against working set ÷ maxmemory", distWords(dist)),
        .head = {"policy", "ratio", "keys", "keys held", "hit rate",
                 fmt::format("misses/s at {}/s", p_.text("lookups")), "misses/s", "evictions/s",
                 "refused/s", "Redis simulated", "LRU formula", "RANDOM formula", "best possible",
                 "T_C", "valid runs"},
        .rows = {},
        .note = fmt::format(
            "{} B values, {} lookups/s, reads alone, each miss refilled. Misses at {}/s are the "
            "measured share of that rate; the store behind sustains {}/s. T_C: how long a key that "
            "nobody asks for stays.",
            p_.text("value-size"), p_.text("rate"), p_.text("lookups"), p_.text("backing"))};
    for (const Curve& curve : curves_) {
      if (curve.dist != dist) continue;
      for (const std::size_t i : curve.at) table.rows.push_back(row(i));
    }
    if (!table.rows.empty()) document_.tables.push_back(std::move(table));
  }

  LabTable::Row row(std::size_t i) const {
    const Condition& c = all_[i];
    const double tc = characteristicS(p_, c);
    return {{name(c.policy), c.ratio, count(static_cast<double>(keysAt(p_, c))), count(held(i)),
             hit_.has(i) ? percent(hitOf(i).value) : "–", hit_.has(i) ? count(projected(i)) : "–",
             count(runs_.mean(i, missesPerS)), count(runs_.mean(i, evictedPerS)),
             count(runs_.mean(i, refusedPerS)), percent(theory_[i].simulated),
             percent(theory_[i].lru), percent(theory_[i].random), percent(theory_[i].best),
             std::isfinite(tc) ? formatQuantity(tc, "s") : "–",
             fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
            runs_.names({i})};
  }

  void hitPlot(std::string_view dist) {
    LabPlot plot{
        .id = "hit-rate-" + std::string(dist),
        .title = fmt::format("Hit rate as the working set outgrows maxmemory, {}", distWords(dist)),
        .description =
            "Measured; dashed, of the first policy: LRU with exact recency and RANDOM "
            "eviction by formula, the best possible, and Redis's sampling simulated. "
            "Policies that can refuse writes are in the plot of misses.",
        .x = {"working set ÷ maxmemory", AxisKind::linear, {}},
        .y = {"hit rate", AxisKind::share, {}},
        .series = {},
        .spans = {},
        .marks = {{1, "maxmemory"}}};
    const Curve* first = nullptr;
    for (const Curve& curve : curves_) {
      if (curve.dist != dist || policyOf(curve.policy).isVolatile) continue;
      if (first == nullptr) first = &curve;
      LabSeries line{.title = name(curve.policy), .points = {}};
      for (const std::size_t i : curve.at)
        line.points.push_back(pointOf(all_[i].times(), hitOf(i)));
      plot.series.push_back(std::move(line));
    }
    if (first == nullptr) return;
    const auto model = [&](std::string title, double Theory::* rate) {
      LabSeries line{.title = std::move(title), .points = {}, .dashed = true, .markers = false};
      for (const std::size_t i : first->at)
        if (hit_.has(i)) line.points.push_back({all_[i].times(), theory_[i].*rate});
      plot.series.push_back(std::move(line));
    };
    model("LRU formula", &Theory::lru);
    model("RANDOM formula", &Theory::random);
    model("best possible", &Theory::best);
    model("simulated", &Theory::simulated);
    document_.plots.push_back(std::move(plot));
  }

  void missesPlot() {
    LabPlot plot{
        .id = "misses",
        .title = fmt::format("What reaches the store behind at {} lookups/s", p_.text("lookups")),
        .description =
            fmt::format("{}: the measured share of misses, times {}. The store sustains {}/s.",
                        distWords("zipfian"), p_.text("lookups"), p_.text("backing")),
        .x = {"working set ÷ maxmemory", AxisKind::linear, {}},
        .y = {"misses a second", AxisKind::count, {}},
        .series = {},
        .spans = {},
        .marks = {}};
    for (const Curve& curve : curves_) {
      if (curve.dist != "zipfian") continue;
      LabSeries line{.title = name(curve.policy), .points = {}};
      for (const std::size_t i : curve.at)
        line.points.push_back({all_[i].times(), hit_.has(i) ? projected(i) : kNaN});
      plot.series.push_back(std::move(line));
    }
    const auto ratios = p_.numbers("ratios");
    plot.series.push_back({.title = "the store's limit",
                           .points = {{ratios.front(), backing_}, {ratios.back(), backing_}},
                           .dashed = true,
                           .markers = false});
    document_.plots.push_back(std::move(plot));
  }

  /// The brief's service level: the working set is within maxmemory.
  void whileItFits() {
    const Curve* const lru = curve("zipfian", p_.texts("policies").front());
    std::optional<std::size_t> worst;
    for (const std::size_t i : lru->at)
      if (all_[i].times() <= 1 && hit_.has(i) && (!worst || hitOf(i).value < hitOf(*worst).value))
        worst = i;
    if (!worst) {
      addFinding(document_, Standing::problem,
                 "No point at which the working set fits was measured, so nothing is said of the "
                 "hit rate there",
                 "the runs that failed");
      return;
    }
    const Estimate hit = hitOf(*worst);
    const double gone = static_cast<double>(keysAt(p_, all_[*worst])) - held(*worst);
    const SloVerdict verdict = runs_.valid(*worst) == 0 ? SloVerdict::invalid
                               : hit.low > kFitsTarget  ? SloVerdict::met
                               : hit.high < kFitsTarget ? SloVerdict::missed
                                                        : SloVerdict::inconclusive;
    document_.slo.push_back(
        {"hit-rate-fits", percent(hit.value), verdict,
         fmt::format("{}, {}, the lowest of the ratios up to 1: at {}", distWords("zipfian"),
                     name(lru->policy), all_[*worst].ratio),
         runs_.names({*worst})});
    addFinding(
        document_, hit.low > kFitsTarget ? Standing::expected : Standing::contradicts,
        fmt::format(
            "While the working set fits, {} answers {} of the reads at the least (ratio {}){}",
            name(lru->policy), percent(hit.value), all_[*worst].ratio,
            gone >= 1 ? fmt::format("; {} of {} keys had to go even there, since the clients' "
                                    "buffers count towards maxmemory as well",
                                    count(gone), count(gone + held(*worst)))
                      : ""),
        "hits and misses of the reads, DBSIZE", runs_.names({*worst}));
  }

  std::vector<double> hits(const Curve& curve) const {
    std::vector<double> y;
    y.reserve(curve.at.size());
    for (const std::size_t i : curve.at) y.push_back(hitOf(i).value);
    return y;
  }
  std::vector<std::vector<double>> repeats(const Curve& curve) const {
    std::size_t whole = hit_.values[curve.at.front()].size();
    for (const std::size_t i : curve.at) whole = std::min(whole, hit_.values[i].size());
    std::vector<std::vector<double>> all;
    for (std::size_t repeat = 0; repeat < whole; ++repeat) {
      all.emplace_back();
      for (const std::size_t i : curve.at) all.back().push_back(hit_.values[i][repeat]);
    }
    return all;
  }

  /// Where projected misses pass what the store sustains; none: they do not.
  std::optional<double> limitOf(const Curve& curve) const {
    std::vector<double> misses;
    misses.reserve(curve.at.size());
    for (const std::size_t i : curve.at) misses.push_back(projected(i));
    if (misses.front() > backing_) return curve.ratios.front();
    return findCrossing(curve.ratios, misses, backing_);
  }

  std::string limitWords(const Curve& curve) const {
    const auto limit = limitOf(curve);
    const std::size_t last = curve.at.back();
    if (!limit)
      return fmt::format("misses at {} lookups/s stay below the store's {}/s up to {} × ({}/s)",
                         p_.text("lookups"), p_.text("backing"), all_[last].ratio,
                         count(projected(last)));
    return fmt::format("misses at {} lookups/s pass the store's {}/s at {} ×", p_.text("lookups"),
                       p_.text("backing"), decimals(*limit));
  }

  void cliff(const Curve& curve) {
    const bool isFirst = curve.dist == "zipfian" && curve.policy == p_.texts("policies").front();
    const std::string who = fmt::format("{}, {}", distWords(curve.dist), name(curve.policy));
    if (!measured(curve)) {
      addFinding(document_, Standing::problem,
                 fmt::format("{}: some ratios were not measured, so no cliff is looked for", who),
                 "the runs that failed", names(curve));
      return;
    }
    const auto y = hits(curve);
    addFigure(document_, fmt::format("hit rate at {} ×, {}", all_[curve.at.back()].ratio, who),
              "share", hitOf(curve.at.back()));
    const auto found = findCliff(curve.ratios, y, kOnPlateau);
    const std::size_t last = curve.at.back();
    if (!found) {
      addFinding(document_, Standing::contradicts,
                 fmt::format("{}: the hit rate falls by less than a point up to {} × maxmemory; {}",
                             who, all_[last].ratio, limitWords(curve)),
                 "the cliff rule", names(curve), isFirst);
      return;
    }
    const auto located = locate(curve.ratios, repeats(curve), [&](std::span<const double> values) {
      const auto own = findCliff(curve.ratios, values, kOnPlateau);
      return own ? std::optional(own->firstBelow) : std::nullopt;
    });
    const bool stable = located && located->stable();
    addFinding(
        document_,
        !stable          ? Standing::inconclusive
        : found->sharp() ? Standing::expected
                         : Standing::contradicts,
        fmt::format(
            "{}: the hit rate leaves its plateau of {} between {} and {} × maxmemory (a point is "
            "lost at {}) and is {} at {} ×: {}; {}",
            who, percent(found->level), decimals(curve.ratios[found->lastFlat]),
            decimals(curve.ratios[found->firstBelow]), decimals(found->edge), percent(y.back()),
            all_[last].ratio,
            found->sharp()
                ? fmt::format("a cliff, {:.1f} times as steep at {} × as on the whole",
                              found->sharpness, decimals(curve.ratios[found->steepest]))
                : fmt::format("a slope and no cliff, at its steepest {:.1f} times the mean",
                              found->sharpness),
            limitWords(curve)),
        "the cliff rule on hit rate by ratio; misses ÷ lookups × the rate asked for", names(curve),
        isFirst);
    if (isFirst)
      document_.slo.push_back(
          {"hit-rate-cliff",
           fmt::format("edge at {} × maxmemory; {} at {} ×; {}", decimals(found->edge),
                       percent(y.back()), all_[last].ratio, limitWords(curve)),
           allValid(curve) ? SloVerdict::reported : SloVerdict::invalid, who, names(curve)});
  }

  bool allValid(const Curve& curve) const {
    return std::ranges::all_of(curve.at, [&](std::size_t i) { return runs_.valid(i) > 0; });
  }

  /// LRU may be judged where its clock is fine enough, and where it has had the time to settle.
  bool settled(std::size_t i) const {
    const double tc = characteristicS(p_, all_[i]);
    return tc >= kLeastTcS && warmupS(p_, all_[i]) >= tc;
  }
  std::string whyUnsettled(std::size_t i) const {
    const double tc = characteristicS(p_, all_[i]);
    return fmt::format("T_C is {} and the warm-up {}: {}", formatQuantity(tc, "s"),
                       formatQuantity(warmupS(p_, all_[i]), "s"),
                       tc < kLeastTcS ? "LRU's clock of one second is too coarse to judge it"
                                      : "too short for LRU to have settled");
  }

  /// The highest ratio at which the two may be held against each other.
  std::optional<std::size_t> judgedAt(const Curve& lru, const Curve& other) const {
    std::optional<std::size_t> highest;
    for (std::size_t k = 0; k < lru.at.size(); ++k)
      if (lru.ratios[k] > 1 && missOverfull_.has(lru.at[k]) && missOverfull_.has(other.at[k]) &&
          settled(lru.at[k]) && !refused(other.at[k]))
        highest = k;
    return highest;
  }

  /// A policy against the first, at each ratio where keys go.
  void rank(const Curve& other) {
    const Curve& lru = *curve("zipfian", p_.texts("policies").front());
    if (&other == &lru) return;
    for (std::size_t k = 0; k < lru.at.size(); ++k) {
      const std::size_t a = lru.at[k];
      const std::size_t b = other.at[k];
      if (lru.ratios[k] <= 1 || refused(b) || !missOverfull_.has(a) || !missOverfull_.has(b))
        continue;
      const Estimate ratio = missOverfull_.ratio(a, b);
      const Difference difference = judgeRatio(ratio, kMissesMatter);
      const bool judged = settled(a);
      // With fewer keys to choose from volatile-lru can only be worse; LFU should be better.
      const bool expectedAbove = policyOf(other.policy).isVolatile;
      addFinding(
          document_,
          judged && difference == Difference::differs ? standingOf(ratio, expectedAbove)
                                                      : Standing::inconclusive,
          fmt::format("{} at {} ×: {} misses {} as often as {} ({} against {}; {}{})",
                      distWords("zipfian"), all_[a].ratio, name(other.policy), multiple(ratio),
                      name(lru.policy), percent(hitOf(b).value), percent(hitOf(a).value),
                      differenceName(difference), judged ? "" : "; " + whyUnsettled(a)),
          "misses ÷ reads, popularity standing still", runs_.names({a, b}),
          k == judgedAt(lru, other));
    }
  }

  /// Writes were refused, measured.
  bool refused(std::size_t i) const { return runs_.mean(i, refusedPerS) > 0; }

  void refusal(const Curve& curve) {
    for (const std::size_t i : curve.at) {
      if (!refuses(p_, all_[i]) || !hit_.has(i)) continue;
      const std::string who =
          fmt::format("{} at {} ×, {}", name(curve.policy), all_[i].ratio, distWords(curve.dist));
      const double permanent =
          runs_.mean(i, figure("keys_loaded")) - runs_.mean(i, figure("keys_with_ttl"));
      if (!refused(i)) {
        addFinding(
            document_, Standing::plain,
            fmt::format("{}: nothing is refused yet, since a time to live takes bytes of its "
                        "own, but only {} of {} keys that may go have room; hit rate {}",
                        who, count(std::max(0.0, held(i) - permanent)),
                        count(runs_.mean(i, figure("keys_with_ttl"))), percent(hitOf(i).value)),
            "DBSIZE, keys with a time to live", runs_.names({i}));
        continue;
      }
      addFinding(
          document_, Standing::expected,
          fmt::format(
              "{}: the {} keys without a time to live alone exceed maxmemory, so {} refills "
              "a second are refused with -OOM; the hit rate is {}, that of the keys that "
              "cannot go",
              who, count(permanent), count(runs_.mean(i, refusedPerS)), percent(hitOf(i).value)),
          "cache.refills_failed", runs_.names({i}),
          curve.dist == "zipfian" && i == curve.at.back());
    }
  }

  /// Redis against its own simulation, over all points where keys go.
  void theory() {
    double worst = 0;
    std::size_t at = 0, seen = 0, inside = 0, lrus = 0;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const Condition& c = all_[i];
      // At the edge of refusal a handful of keys decides.
      if (c.times() <= 1 || refuses(p_, c) || !hit_.has(i)) continue;
      ++seen;
      std::ranges::move(runs_.names({i}), std::back_inserter(names));
      const double hit = hitOf(i).value;
      if (const double off = std::abs(hit - theory_[i].simulated); seen == 1 || off > worst) {
        worst = off;
        at = i;
      }
      if (policyOf(c.policy).kind != EvictionPolicy::lru || !c.isZipf()) continue;
      ++lrus;
      if (hit <= theory_[i].lru + kBoundsHold && hit >= theory_[i].random - kBoundsHold) ++inside;
    }
    if (seen == 0) return;
    addFinding(document_, worst <= kModelHolds ? Standing::expected : Standing::contradicts,
               fmt::format("Redis is within {} of its simulated sampling at {} points (furthest: "
                           "{}, {}, {} ×), and {} of {} points of LRU under Zipf lie between the "
                           "RANDOM and the LRU formula, give or take half a point",
                           points(worst), seen, all_[at].dist, name(all_[at].policy),
                           all_[at].ratio, inside, lrus),
               "simulated with the keys that were held and as many requests as were sent", names);
  }

  /// Each refill of a full server costs another key its place.
  void evictions() {
    double evicted = 0, missed = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].times() <= 1 || refused(i) || !hit_.has(i)) continue;
      evicted += runs_.mean(i, evictedPerS);
      missed += runs_.mean(i, missesPerS);
    }
    if (!(missed > 0) || !std::isfinite(evicted)) return;
    const double each = evicted / missed;
    addFinding(
        document_, std::abs(each - 1) < 0.1 ? Standing::expected : Standing::contradicts,
        fmt::format("A full server evicts {} keys for each miss that is refilled: evictions/s "
                    "are misses/s, and either tells the load on the store behind",
                    decimals(each)),
        "evicted_keys and misses in the windows, over all points above 1 ×");
  }

  double heldShare(std::size_t i) const {
    return held(i) / static_cast<double>(keysAt(p_, all_[i]));
  }

  /// The same number of keys in proportion, at another size.
  void valueSizes() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].value == p_.text("value-size")) continue;
      const auto small = std::ranges::find_if(all_, [&](const Condition& c) {
        return c.dist == all_[i].dist && c.policy == all_[i].policy && c.ratio == all_[i].ratio &&
               c.value == p_.text("value-size");
      });
      const auto j = static_cast<std::size_t>(small - all_.begin());
      if (small == all_.end() || !hit_.has(i) || !hit_.has(j)) continue;
      const double off = hitOf(i).value - hitOf(j).value;
      const auto perKey = [&](std::size_t at) {
        return runs_.mean(at, figure("data_bytes")) / runs_.mean(at, figure("keys_loaded"));
      };
      const auto inGiB = [&](std::size_t at) { return count(1073741824.0 / perKey(at)); };
      const bool same = std::abs(off) <= kModelHolds;
      addFinding(document_, same ? Standing::expected : Standing::inconclusive,
                 fmt::format(
                     "Values of {} instead of {} at the same {} ×: hit rate {} against {} ({}){}. "
                     "A key takes {:.0f} instead of {:.0f} bytes, so 1 GiB holds {} keys instead "
                     "of {}",
                     formatSize(*parseSize(all_[i].value)), formatSize(*parseSize(all_[j].value)),
                     all_[i].ratio, percent(hitOf(i).value), percent(hitOf(j).value), points(off),
                     same ? ": the ratio decides and not the size"
                          : fmt::format(": {} and {} of the keys were held, since clients' buffers "
                                        "take room as well",
                                        formatShare(heldShare(i)), formatShare(heldShare(j))),
                     perKey(i), perKey(j), inGiB(i), inGiB(j)),
                 "used_memory of servers that held all keys", runs_.names({i, j}));
    }
  }

  void characteristicTimes() {
    std::vector<std::string> coarse;
    for (const std::size_t i : curve("zipfian", p_.texts("policies").front())->at)
      if (const double tc = characteristicS(p_, all_[i]); tc < kLeastTcS)
        coarse.push_back(fmt::format("{} × ({})", all_[i].ratio, formatQuantity(tc, "s")));
    if (coarse.empty()) return;
    addFinding(
        document_, Standing::problem,
        fmt::format("The characteristic time is below {:.0f} s at {}: LRU's clock ticks once a "
                    "second, so nothing is concluded there of LRU against other policies. "
                    "More keys or a lower rate make it longer",
                    kLeastTcS, fmt::format("{}", fmt::join(coarse, ", "))),
        "Che's fixed point");
  }

  // Other keys become popular.

  struct Shift {
    std::string policy;
    double before = kNaN;  ///< hit rate
    std::vector<SeriesPoint> after;
    std::vector<std::string> runs;
    double lowest() const { return std::ranges::min(after, {}, &SeriesPoint::value).value; }
    /// Seconds until it stays within a point of what it was; none: it does not come back.
    std::optional<double> back() const {
      std::optional<double> since;
      for (const SeriesPoint& point : after) {
        if (point.value < before - kSettles)
          since.reset();
        else if (!since)
          since = point.startS;
      }
      return since;
    }
  };

  std::vector<Shift> shifts() const {
    std::vector<Shift> all;
    for (const std::string& policy : p_.texts("shift-policies")) {
      const auto before = readings_.with(shiftLabels(policy, "before"));
      const auto after = readings_.with(shiftLabels(policy, "after"));
      if (before.empty() || after.empty() || after.front()->dir() == nullptr) continue;
      Shift shift{policy,
                  hitRate(*before.front()),
                  {},
                  {before.front()->record.name, after.front()->record.name}};
      for (const IntervalRow& row : after.front()->dir()->intervals) {
        const auto reads = static_cast<double>(row.counts.hits + row.counts.misses);
        if (row.warmup || row.drain || reads == 0) continue;
        shift.after.push_back({static_cast<double>(row.start) / 1e9,
                               static_cast<double>(row.end) / 1e9,
                               static_cast<double>(row.counts.hits) / reads});
      }
      if (std::isfinite(shift.before) && !shift.after.empty()) all.push_back(std::move(shift));
    }
    return all;
  }

  /// The policy that all are compared with, at the shift's ratio.
  Condition firstAtShift() const {
    return {"zipfian", p_.texts("policies").front(), p_.text("shift-ratio"), p_.text("value-size")};
  }

  std::string fallWords(const Shift& one) const {
    if (one.lowest() >= one.before - kSettles)
      return fmt::format("stays within a point of the {} before ({} at the lowest)",
                         percent(one.before), percent(one.lowest()));
    const std::string fall =
        fmt::format("falls from {} to {}", percent(one.before), percent(one.lowest()));
    if (const auto back = one.back())
      return fmt::format("{} and is back within a point after {}", fall,
                         formatQuantity(*back, "s"));
    return fmt::format("{} and is still {} below after {}{}", fall,
                       points(one.before - one.after.back().value),
                       formatQuantity(one.after.back().endS, "s"),
                       policyOf(one.policy).kind == EvictionPolicy::lfu
                           ? fmt::format(": its counters of old favourites decay by one a minute, "
                                         "where LRU forgets within T_C, {}",
                                         formatQuantity(characteristicS(p_, firstAtShift()), "s"))
                           : "");
  }

  void shift() {
    const auto all = p_.on("shift") ? shifts() : std::vector<Shift>{};
    if (all.empty()) return;
    LabPlot plot{.id = "shift",
                 .title = "Other keys become popular at 0 s",
                 .description = fmt::format("Hit rate by second at {} × maxmemory; dashed: what it "
                                            "was before.",
                                            p_.text("shift-ratio")),
                 .x = {"seconds since the shift", AxisKind::linear, {}},
                 .y = {"hit rate", AxisKind::share, {}},
                 .series = {},
                 .spans = {},
                 .marks = {}};
    for (const Shift& one : all) {
      LabSeries line{.title = name(one.policy), .points = {}, .markers = false};
      for (const SeriesPoint& point : one.after) line.points.push_back({point.startS, point.value});
      LabSeries before{.title = name(one.policy) + " before",
                       .points = {{0, one.before}, {one.after.back().endS, one.before}},
                       .dashed = true,
                       .markers = false};
      plot.series.push_back(std::move(line));
      plot.series.push_back(std::move(before));
      addFinding(document_, Standing::plain,
                 fmt::format("When other keys become popular at {} ×, {} {}",
                             p_.text("shift-ratio"), name(one.policy), fallWords(one)),
                 "hit rate by interval, one run each: no interval can be given", one.runs);
    }
    document_.plots.push_back(std::move(plot));
  }

  // What to do.

  /// Misses ÷ reads over the ratios above 1; not a number where one is missing.
  double overfull(const Curve& curve) const {
    double sum = 0;
    for (const std::size_t i : curve.at)
      if (all_[i].times() > 1) sum += hit_.has(i) ? 1 - hitOf(i).value : kNaN;
    return sum;
  }

  void recommend() {
    const Curve* best = nullptr;
    for (const Curve& each : curves_) {
      if (each.dist != "zipfian" || !measured(each)) continue;
      if (const auto limit = limitOf(each))
        document_.costs.push_back(fmt::format(
            "{}, {}: maxmemory of at least {:.0f}% of the working set keeps {} lookups/s within "
            "the store's {}/s",
            distWords(each.dist), name(each.policy), 100 / *limit, p_.text("lookups"),
            p_.text("backing")));
      if (best == nullptr || overfull(each) < overfull(*best)) best = &each;
    }
    if (best == nullptr) return;
    const Curve& lru = *curve("zipfian", p_.texts("policies").front());
    const auto at = judgedAt(lru, *best);
    const Estimate fewer = at ? missOverfull_.ratio(lru.at[*at], best->at[*at]) : Estimate{};
    const bool isShown = best != &lru && judgeRatio(fewer, kMissesMatter) == Difference::differs;
    if (best == &lru)
      document_.recommendations.push_back(fmt::format(
          "Take {}: no other policy that was measured misses less above maxmemory, and it forgets "
          "what is no longer popular within T_C{}",
          name(lru.policy), at ? "" : " (indicative: these runs are too short to rank policies)"));
    else if (isShown)
      document_.recommendations.push_back(fmt::format(
          "Take {} where popularity stands still: {} of the misses of {} at {} ×, {}/s fewer at {} "
          "lookups/s. Where popular keys change by the minute take {}",
          name(best->policy), multiple(fewer), name(lru.policy), all_[lru.at[*at]].ratio,
          count(projected(lru.at[*at]) - projected(best->at[*at])), p_.text("lookups"),
          name(lru.policy)));
    else
      document_.recommendations.push_back(
          fmt::format("{} had the fewest misses above maxmemory, but these runs do not prove it "
                      "better than {}: "
                      "take {} unless a longer profile does, since it forgets within T_C",
                      name(best->policy), name(lru.policy), name(lru.policy)));
    for (const Curve& each : curves_)
      if (each.dist == "zipfian" &&
          std::ranges::any_of(each.at, [&](std::size_t i) { return refused(i); }))
        document_.recommendations.push_back(fmt::format(
            "Do not take {} for a cache that may outgrow maxmemory by {} ×: it refuses writes",
            name(each.policy), decimals(ratioOfRefusal(ttlShare(p_, each.policy)))));
  }

  void predictions() {
    const auto places = predicted(all_);
    for (std::size_t k = 0; k < places.size() && k < document_.predictions.size(); ++k) {
      const std::size_t i = places[k];
      if (!hit_.has(i)) continue;
      LabPrediction& one = document_.predictions[k];
      setMeasured(one, hitOf(i));
      const double off = one.measured - one.predicted;
      one.verdict = fmt::format("{} {}", points(std::abs(off)), off < 0 ? "below" : "above");
    }
  }

  void method() {
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (hit_.has(i)) {
        document_.method.push_back(intervalNote(hitOf(i)));
        break;
      }
    document_.method.push_back(fmt::format(
        "Each point has a server of its own, loaded with no limit; then maxmemory is set to empty "
        "+ "
        "data ÷ ratio, by the used_memory of that server. The working set grows with the ratio "
        "({} keys at 1 ×), so maxmemory stays about the same. Warm-up: {} T_C, {} at the least. "
        "The edge is where a point of hit rate is lost, on a straight line between ratios; a cliff "
        "is at least twice as steep somewhere as from the edge on in the mean",
        p_.text("room"), p_.text("warmup-tc"), p_.text("least-warmup")));
  }

  const Parameters& p_;
  const Readings& readings_;
  ExperimentDocument& document_;
  const std::vector<Condition> all_;
  const std::vector<Curve> curves_;
  Conditions runs_;
  Column hit_;  ///< values; estimates by hitOf()
  Column hitFits_, hitOverfull_, missOverfull_;
  double lookups_, backing_;
  std::vector<Theory> theory_;
};

}  // namespace

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Analysis(p, readings, document).all();
}

}  // namespace redline::eviction
