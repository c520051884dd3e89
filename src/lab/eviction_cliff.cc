#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/eviction_cliff.h"
#include "lab/format.h"
#include "lab/study.h"
#include "model/curve.h"

namespace redline::lab::eviction_cliff {
namespace {

constexpr double kFitsTarget = 0.99;    ///< the brief's hit rate while the working set fits
constexpr double kOnPlateau = 0.01;     ///< a point of hit rate: less is not a fall
constexpr double kMissesMatter = 0.05;  ///< relative
constexpr double kModelHolds = 0.01;    ///< a point between simulation and Redis
constexpr double kBoundsHold = 0.005;   ///< half a point outside the formulas

std::string count(double value) {
  return formatQuantity(value, "count");
}

std::map<std::string, CacheModel> modelsOf(const Parameters& p, const Axes& axes,
                                           const Cells& cells) {
  std::map<std::string, CacheModel> models;
  for (const Cell& c : cells) models.emplace(c.name(), modelOf(p, axes, c));
  return models;
}

// What is measured.

/// A count of the summary, by second of its window.
template <typename Count>
Measurement perSecond(Count count) {
  return [count](const Reading& reading) {
    const Summary* const summary = reading.summary();
    return summary == nullptr ? kNaN : static_cast<double>(count(*summary)) / summary->windowS;
  };
}

double evicted(const Summary& summary) {
  return summary.servers.empty() ? kNaN : static_cast<double>(summary.servers.front().evicted);
}

/// A curve of each of these policies: its points, by ratio. LFU takes minutes to settle, and has
/// ratios of its own.
std::vector<Cells> curvesOf(const Parameters& p, const Axes& axes, const std::string& dist,
                            std::string_view policies, std::string_view ratios) {
  std::vector<Cells> curves;
  for (const std::string& policy : p.texts(policies))
    curves.push_back(axes.points(dist, policy,
                                 p.numbers(policy == "allkeys-lfu" ? "lfu-ratios" : ratios),
                                 p.text("value-size")));
  return curves;
}

/// All points, what the models expect of them, and what was measured at them.
struct Sweep {
  Study& s;
  const Axes& axes;
  const Parameters& p = s.parameters();

  const std::string& first = p.texts("policies").front();
  std::vector<Cells> zipf = curvesOf(p, axes, "zipfian", "policies", "ratios");
  std::vector<Cells> uniform = curvesOf(p, axes, "uniform", "uniform-policies", "uniform-ratios");
  /// The curve that the others under Zipf are compared with.
  Cells base = axes.points("zipfian", first, p.numbers("ratios"), p.text("value-size"));
  Cells large = axes.points("zipfian", first, p.numbers("big-ratios"), p.text("big-value-size"));
  Grid all = {together({together(zipf), together(uniform), large})};
  Cells fits = all.where([this](const Cell& c) { return !axes.isOverfull(c); });
  Cells overfull = all.where([this](const Cell& c) { return axes.isOverfull(c); });

  /// While the working set fits nearly nothing misses, and what does, by chance: those points
  /// scatter differently.
  Quantity hit = s.quantityByGroup("share", hitRate, {fits, overfull});
  Quantity miss = s.quantity("share", [](const Reading& r) { return 1 - hitRate(r); }, overfull);
  Quantity keysHeld = s.mean("count", recorded("keys_held"), all.cells);
  Quantity keysLoaded = s.mean("count", recorded("keys_loaded"), all.cells);
  Quantity keysWithTtl = s.mean("count", recorded("keys_with_ttl"), all.cells);
  Quantity dataBytes = s.mean("bytes", recorded("data_bytes"), all.cells);
  Quantity missesPerS =
      s.mean("count", perSecond([](const Summary& run) { return run.cache.misses; }), all.cells);
  Quantity evictedPerS = s.mean("count", perSecond(evicted), all.cells);
  Quantity refusedPerS = s.mean(
      "count", perSecond([](const Summary& run) { return run.cache.refillsFailed; }), all.cells);
  double lookups = static_cast<double>(p.count("lookups"));  ///< a second, of the product
  double backing = static_cast<double>(p.count("backing"));  ///< that the store behind sustains

  std::map<std::string, CacheModel> models = modelsOf(p, axes, all.cells);
  std::map<std::string, ExpectedHitRates> rates = {};  ///< with as many keys as were held

  const CacheModel& model(const Cell& c) const { return models.at(c.name()); }
  /// Not a number where nothing was measured.
  ExpectedHitRates expected(const Cell& c) const {
    const auto found = rates.find(c.name());
    return found == rates.end() ? ExpectedHitRates{kNaN, kNaN, kNaN, kNaN} : found->second;
  }
  bool refused(const Cell& c) const { return refusedPerS[c].value() > 0; }
  double projectedMisses(const Cell& c) const { return (1 - hit[c].value()) * lookups; }
  std::string percentHit(const Cell& c) const { return percent(hit[c].value()); }
  /// Those hit rates that are known.
  std::vector<Measured> hits(const Cells& some) const {
    std::vector<Measured> known;
    for (const Cell& c : some)
      if (hit.has(c)) known.push_back(hit[c]);
    return known;
  }

  const std::string& dist(const Cell& c) const { return c.level(axes.dist).title; }
  const std::string& policy(const Cell& c) const { return c.level(axes.policy).title; }
  const std::string& ratio(const Cell& c) const { return c.level(axes.ratio).title; }
  const std::string& value(const Cell& c) const { return c.level(axes.value).title; }
  /// "Zipf 1.1, allkeys-lru".
  std::string title(const Cells& curve) const {
    return fmt::format("{}, {}", dist(curve.front()), policy(curve.front()));
  }
  std::vector<double> ratios(const Cells& curve) const {
    std::vector<double> x;
    for (const Cell& c : curve) x.push_back(c[axes.ratio]);
    return x;
  }
  /// The same point under the policy that the others are compared with.
  Cell underBase(const Cell& c) const { return c.with(axes.policy, first); }
};

Sweep sweepOf(Study& s, const Axes& axes) {
  Sweep w{s, axes};
  Study::inTurn(w.all.cells, s.parameters().repeats(), [&](const Cell& c, unsigned repeat) {
    s.run(c, repeat, runOf(s, axes, c, w.model(c), c.name()));
  });
  for (const Cell& c : w.all.cells)
    if (w.hit.has(c)) w.rates.emplace(c.name(), w.model(c).hitRates(w.keysHeld[c].value()));
  return w;
}

// Tables, plots and predictions.

void predictHitRates(Study& s, const Sweep& w) {
  for (const Cell& c : w.overfull) {
    const bool isLarge = std::ranges::find(w.large, c) != w.large.end();
    const CacheModel::Forecast forecast = w.model(c).forecast();
    const double off = w.hit[c].value() - forecast.hitRate;
    s.predict(fmt::format("hit rate, {}, {}, {}{}", w.axes.isZipf(c) ? "Zipf" : "uniform",
                          w.policy(c), w.ratio(c), isLarge ? ", " + w.value(c) : ""),
              std::string(forecast.model), "share", forecast.hitRate)
        .measured(w.hit[c],
                  fmt::format("{} {}", points(std::abs(off)), off < 0 ? "below" : "above"));
  }
}

std::string fewerText(const Parameters& p) {
  return p.seconds("least-tc") > 0
             ? fmt::format(" at most (fewer where T_C would be below {})", p.text("least-tc"))
             : std::string();
}

void tabulate(Study& s, const Sweep& w, const std::vector<Cells>& curves) {
  const Parameters& p = s.parameters();
  const Cells rows = together(curves);
  const auto expected = [&w](double ExpectedHitRates::* rate) {
    return [&w, rate](const Cell& c) { return percent(w.expected(c).*rate); };
  };
  s.table(fmt::format("{}: hit rate against working set ÷ maxmemory", w.dist(rows.front())))
      .column("policy", [&](const Cell& c) { return w.policy(c); })
      .column("ratio", [&](const Cell& c) { return c.level(w.axes.ratio).label; })
      .column("keys", [&](const Cell& c) { return count(static_cast<double>(w.model(c).keys())); })
      .column("keys held", w.keysHeld)
      .column("hit rate", [&](const Cell& c) { return w.percentHit(c); })
      .column(fmt::format("misses/s at {}/s", p.text("lookups")),
              [&](const Cell& c) { return count(w.projectedMisses(c)); })
      .column("misses/s", w.missesPerS)
      .column("evictions/s", w.evictedPerS)
      .column("refused/s", w.refusedPerS)
      .column("Redis simulated", expected(&ExpectedHitRates::simulated))
      .column("LRU formula", expected(&ExpectedHitRates::lru))
      .column("RANDOM formula", expected(&ExpectedHitRates::random))
      .column("best possible", expected(&ExpectedHitRates::best))
      .column("T_C",
              [&](const Cell& c) { return formatQuantity(w.model(c).characteristicS(), "s"); })
      .validRuns()
      .note(fmt::format(
          "{} B values, {} lookups/s{}, reads only, each miss refilled. Misses at {}/s are the "
          "measured share of that rate; the store behind sustains {}/s. T_C, the characteristic "
          "time of LRU: how long a key that is not read stays.",
          p.text("value-size"), p.text("rate"), fewerText(p), p.text("lookups"), p.text("backing")))
      .rows(rows);
}

void plotHitRates(Study& s, const Sweep& w, const std::vector<Cells>& curves) {
  const Cell& any = curves.front().front();
  const auto ratio = [&](const Cell& c) { return c[w.axes.ratio]; };
  Plot plot =
      s.plot("hit-rate-" + any[w.axes.dist],
             fmt::format("Hit rate as the working set outgrows maxmemory, {}", w.dist(any)));
  plot.describe(
          "Measured; dashed, of the first policy: LRU with exact recency and RANDOM "
          "eviction by formula, the best possible, and Redis's sampling simulated. Of a policy "
          "that "
          "refuses writes the keys that cannot be evicted are what is left.")
      .x("working set ÷ maxmemory", AxisKind::linear)
      .y("hit rate", AxisKind::share)
      .mark(1, "maxmemory");
  Cells first;
  for (const Cells& curve : curves) {
    if (first.empty()) first = curve;
    plot.line(w.policy(curve.front()), w.hit, curve, ratio);
  }
  const auto model = [&](std::string title, double ExpectedHitRates::* rate) {
    LabSeries line{.title = std::move(title), .points = {}, .dashed = true, .markers = false};
    for (const Cell& c : first)
      if (w.hit.has(c)) line.points.push_back({ratio(c), w.expected(c).*rate});
    plot.series(std::move(line));
  };
  model("LRU formula", &ExpectedHitRates::lru);
  model("RANDOM formula", &ExpectedHitRates::random);
  model("best possible", &ExpectedHitRates::best);
  model("simulated", &ExpectedHitRates::simulated);
  plot.add();
}

/// Misses a second by ratio, of LRU by Che's formula, with room for so many keys.
std::vector<LabPoint> missesByFormula(const Sweep& w, std::uint64_t room) {
  constexpr double kStep = 0.25;
  std::vector<LabPoint> points;
  for (double ratio = 1; ratio <= w.p.numbers("ratios").back() + kStep / 2; ratio += kStep) {
    const double keys = static_cast<double>(room) * ratio;
    const auto popularity =
        Popularity::zipf(static_cast<std::uint64_t>(keys), w.p.number("zipf-s"));
    const double hit = lruForecast(popularity, {static_cast<double>(room), 1}).hitRate;
    points.push_back({ratio, (1 - hit) * w.lookups});
  }
  return points;
}

/// The room that was measured, and that of the product.
struct MissModels {
  std::vector<LabPoint> measured, product;
};
/// Nothing where nothing was measured: each point is a fixed point, and takes milliseconds.
MissModels missModels(const Sweep& w) {
  if (std::ranges::none_of(w.base, [&](const Cell& c) { return w.hit.has(c); })) return {};
  return {missesByFormula(w, w.p.count("room")), missesByFormula(w, w.p.count("scale-room"))};
}

void plotMisses(Study& s, const Sweep& w, const MissModels& models) {
  const Parameters& p = s.parameters();
  Plot plot = s.plot(
      "misses", fmt::format("What reaches the store behind at {} lookups/s", p.text("lookups")));
  plot.describe(fmt::format("{}: the measured share of misses, times {}. The store sustains {}/s. "
                            "Dashed: LRU by formula (a model), with the room that was measured and "
                            "with room for {} keys.",
                            w.dist(w.base.front()), p.text("lookups"), p.text("backing"),
                            p.text("scale-room")))
      .x("working set ÷ maxmemory", AxisKind::linear)
      .y("misses a second", AxisKind::count);
  for (const Cells& curve : w.zipf) {
    LabSeries line{.title = w.policy(curve.front()), .points = {}};
    for (const Cell& c : curve) line.points.push_back({c[w.axes.ratio], w.projectedMisses(c)});
    plot.series(std::move(line));
  }
  const auto model = [&](std::string_view room, const std::vector<LabPoint>& points) {
    plot.series({.title = fmt::format("LRU formula, room for {} keys", p.text(room)),
                 .points = points,
                 .dashed = true,
                 .markers = false});
  };
  model("room", models.measured);
  model("scale-room", models.product);
  const auto ratios = p.numbers("ratios");
  plot.series({.title = "the store's limit",
               .points = {{ratios.front(), w.backing}, {ratios.back(), w.backing}},
               .dashed = true,
               .markers = false})
      .main()
      .add();
}

// What it means.

/// The brief's service level: the working set is within maxmemory.
void claimFits(Study& s, const Sweep& w) {
  const Cells fitting =
      Grid{w.base}.where([&](const Cell& c) { return !w.axes.isOverfull(c) && w.hit.has(c); });
  if (fitting.empty()) {
    s.claim("hit-rate-fits", Standing::problem)
        .from("the runs that failed")
        .text(
            "No point at which the working set fits was measured, so the hit rate there is not "
            "judged");
    return;
  }
  const Cell& worst =
      *std::ranges::min_element(fitting, {}, [&](const Cell& c) { return w.hit[c].value(); });
  const Measured hit = w.hit[worst];
  const double held = w.keysHeld[worst].value();
  const double evictedKeys = static_cast<double>(w.model(worst).keys()) - held;
  s.slo("hit-rate-fits", above(hit, kFitsTarget), w.percentHit(worst),
        fmt::format("{}, the lowest of the ratios up to 1: at {}", w.title(fitting),
                    worst[w.axes.ratio]),
        {hit});
  s.claim("hit-rate-fits",
          hit.estimate.low > kFitsTarget ? Standing::expected : Standing::contradicts)
      .from("hits and misses of the reads, DBSIZE")
      .restsOn({hit})
      .text("While the working set fits, {} answers at least {} of the reads (ratio {}){}",
            w.policy(worst), w.percentHit(worst), worst[w.axes.ratio],
            evictedKeys >= 1
                ? fmt::format(". Even there {} of {} keys were evicted, since the clients' buffers "
                              "count towards maxmemory as well",
                              count(evictedKeys), count(evictedKeys + held))
                : "");
}

/// Where projected misses pass what the store sustains; none: they do not.
std::optional<double> storeLimit(const Sweep& w, const Cells& curve) {
  std::vector<double> misses;
  for (const Cell& c : curve) misses.push_back(w.projectedMisses(c));
  if (misses.front() > w.backing) return curve.front()[w.axes.ratio];
  return findCrossing(w.ratios(curve), misses, w.backing);
}

std::string storeLimitText(const Parameters& p, const Sweep& w, const Cells& curve) {
  const auto limit = storeLimit(w, curve);
  if (!limit)
    return fmt::format("misses at {} lookups/s stay below the store's {}/s up to {} ({}/s)",
                       p.text("lookups"), p.text("backing"), w.ratio(curve.back()),
                       count(w.projectedMisses(curve.back())));
  return fmt::format("misses at {} lookups/s pass the store's {}/s at {} ×", p.text("lookups"),
                     p.text("backing"), formatDecimals(*limit));
}

/// The repeats put the cliff's edge at the same step of the sweep.
bool isStable(const Sweep& w, const Cells& curve) {
  const auto edge = [x = w.ratios(curve)](std::span<const double> y) {
    const auto found = findCliff(x, y, kOnPlateau);
    return found ? std::optional(found->firstBelow) : std::nullopt;
  };
  const auto located = locate(w.ratios(curve), w.hit.repeats(curve), edge);
  return located && located->stable();
}

/// What makes a curve a cliff, or a slope.
std::string shapeText(const Cliff& cliff, const std::vector<double>& x) {
  if (cliff.sharp())
    return fmt::format("a cliff, {:.1f} times as steep at {} × as on average", cliff.sharpness,
                       formatDecimals(x[cliff.steepest]));
  return fmt::format(
      "a slope, not a cliff: its steepest part is {:.1f} times as steep as the "
      "average",
      cliff.sharpness);
}

void claimCliff(Study& s, const Sweep& w, const Cells& curve) {
  const std::string title = w.title(curve);
  const Cell& last = curve.back();
  const auto hits = w.hits(curve);
  const auto claim = [&](Standing standing) {
    Claim one =
        s.claim(fmt::format("cliff-{}-{}", last[w.axes.dist], last[w.axes.policy].word), standing);
    one.from("the cliff rule on hit rate by ratio; misses ÷ lookups × the rate asked for")
        .restsOn(hits);
    return one;
  };
  if (!w.hit.hasAll(curve)) {
    claim(Standing::problem)
        .from("the runs that failed")
        .text("{}: some ratios were not measured, so its cliff is not located", title);
    return;
  }
  const std::string limit = storeLimitText(s.parameters(), w, curve);
  s.figure(fmt::format("hit rate at {}, {}", w.ratio(last), title), w.hit[last]);
  const std::vector<double> x = w.ratios(curve);
  const auto found = findCliff(x, w.hit.curve(curve), kOnPlateau);
  if (!found) {
    claim(Standing::contradicts)
        .headline(curve == w.base)
        .text("{}: the hit rate falls by less than a percentage point up to {} maxmemory, and {}",
              title, w.ratio(last), limit);
    return;
  }
  claim(!isStable(w, curve) ? Standing::inconclusive
        : found->sharp()    ? Standing::expected
                            : Standing::contradicts)
      .headline(curve == w.base)
      .text(
          "{}: the hit rate is {} up to {} × maxmemory. It is a percentage point lower at {} ×, "
          "and {} at {}. This is {}. Behind it {}",
          title, percent(found->level), formatDecimals(x[found->lastFlat]),
          formatDecimals(found->edge), w.percentHit(last), w.ratio(last), shapeText(*found, x),
          limit);
  if (curve == w.base)
    s.answer(hits, fmt::format("The hit rate loses its first percentage point once the data is {} "
                               "times maxmemory",
                               formatDecimals(found->edge)));
  if (curve == w.base)
    s.slo("hit-rate-cliff",
          std::ranges::all_of(hits, &Measured::valid) ? SloVerdict::reported : SloVerdict::invalid,
          fmt::format("edge at {} × maxmemory; {} at {}; {}", formatDecimals(found->edge),
                      w.percentHit(last), w.ratio(last), limit),
          title, hits);
}

bool isComparable(const Sweep& w, const Cell& c) {
  return w.axes.isOverfull(c) && w.miss.has(c) && w.miss.has(w.underBase(c)) && !w.refused(c);
}

/// Neither of the two remembers its warm-up.
bool areSettled(const Sweep& w, const Cell& c) {
  return w.model(w.underBase(c)).isSettled() && w.model(c).isSettled();
}

/// The highest ratio at which a policy and the first have both settled.
std::optional<Cell> rankedAt(const Sweep& w, const Cells& curve) {
  std::optional<Cell> highest;
  for (const Cell& c : curve)
    if (isComparable(w, c) && areSettled(w, c)) highest = c;
  return highest;
}

/// A policy against the first, at each ratio where keys are evicted.
void claimRank(Study& s, const Sweep& w, const Cells& curve) {
  if (curve == w.base) return;
  for (const Cell& c : curve) {
    if (!isComparable(w, c)) continue;
    const Cell base = w.underBase(c);
    const CacheModel& unsettled = w.model(base).isSettled() ? w.model(c) : w.model(base);
    const Measured ratio = w.miss.ratio(base, c);
    const Difference difference = judgeRatio(ratio.estimate, kMissesMatter);
    // With fewer keys to choose from volatile-lru can only be worse; LFU should be better.
    const Standing expected = c[w.axes.policy].isVolatile ? expectAbove(ratio) : expectBelow(ratio);
    const bool isShown = areSettled(w, c) && difference == Difference::differs;
    s.claim(fmt::format("misses-{}-at-{}", c[w.axes.policy].word, c.level(w.axes.ratio).slug()),
            isShown ? expected : Standing::inconclusive)
        .from("misses ÷ reads, popularity constant")
        .headline(c == rankedAt(w, curve))
        .text("{} at {}: {} misses {} as often as {} ({}). Their hit rates are {} and {}{}",
              w.dist(c), w.ratio(c), w.policy(c), ratio, w.policy(base), differenceName(difference),
              w.percentHit(c), w.percentHit(base),
              areSettled(w, c) ? "" : ". " + unsettled.whyUnsettled());
  }
}

void claimRefusal(Study& s, const Sweep& w, const Cells& curve) {
  for (const Cell& c : curve) {
    if (!w.model(c).refuses() || !w.hit.has(c)) continue;
    const double permanent = w.keysLoaded[c].value() - w.keysWithTtl[c].value();
    Claim claim = s.claim(fmt::format("refusal-{}-{}-at-{}", c[w.axes.dist], c[w.axes.policy].word,
                                      c.level(w.axes.ratio).slug()),
                          w.refused(c) ? Standing::expected : Standing::plain);
    claim.from("cache.refills_failed; DBSIZE, keys with a time to live").restsOn({w.hit[c]});
    if (w.refused(c))
      claim.headline(w.axes.isZipf(c) && c == curve.back())
          .text(
              "{} at {}, {}: the keys without a time to live alone exceed maxmemory, so {} refills "
              "a second are refused with -OOM. The hit rate is {}, that of the {} keys that cannot "
              "be evicted",
              w.policy(c), w.ratio(c), w.dist(c), w.refusedPerS[c], w.percentHit(c),
              count(permanent));
    else
      claim.text(
          "{} at {}, {}: nothing is refused yet, since a time to live takes bytes of its "
          "own, but there is room for only {} of the {} keys that can be evicted. The hit "
          "rate is {}",
          w.policy(c), w.ratio(c), w.dist(c),
          count(std::max(0.0, w.keysHeld[c].value() - permanent)), w.keysWithTtl[c],
          w.percentHit(c));
  }
}

/// Redis against its own simulation, at all points where keys are evicted.
void claimSimulation(Study& s, const Sweep& w) {
  // At the edge of refusal a handful of keys decides.
  const Cells seen =
      Grid{w.overfull}.where([&](const Cell& c) { return !w.model(c).refuses() && w.hit.has(c); });
  if (seen.empty()) return;
  const auto off = [&](const Cell& c) {
    return std::abs(w.hit[c].value() - w.expected(c).simulated);
  };
  const Cell& furthest = *std::ranges::max_element(seen, {}, off);
  std::size_t lru = 0, inside = 0;
  for (const Cell& c : seen) {
    if (c[w.axes.policy].kind != EvictionPolicy::lru || !w.axes.isZipf(c)) continue;
    const double hit = w.hit[c].value();
    const ExpectedHitRates expected = w.expected(c);
    ++lru;
    if (hit <= expected.lru + kBoundsHold && hit >= expected.random - kBoundsHold) ++inside;
  }
  s.claim("simulation", off(furthest) <= kModelHolds ? Standing::expected : Standing::contradicts)
      .from("simulated with the keys that were held and as many requests as were sent")
      .restsOn(w.hits(seen))
      .text(
          "The hit rate is within {} of the simulation of Redis's sampling at {} points. The "
          "furthest is {}, {}, {}. Of LRU under Zipf {} of {} points lie between the RANDOM and "
          "the "
          "LRU formula, to within half a percentage point",
          points(off(furthest)), seen.size(), w.dist(furthest), w.policy(furthest),
          w.ratio(furthest), inside, lru);
}

/// The product's number of keys, by the formula that was held against the small one.
void claimScale(Study& s, const Sweep& w, const MissModels& models) {
  const Parameters& p = s.parameters();
  double furthest = 0;
  Cells seen;
  for (const Cell& c : w.base) {
    if (!w.axes.isOverfull(c) || !w.hit.has(c)) continue;
    seen.push_back(c);
    furthest = std::max(furthest, w.expected(c).lru - w.hit[c].value());
  }
  if (seen.empty()) return;
  std::vector<double> x, misses;
  for (const LabPoint& point : models.product) {
    x.push_back(point.x);
    misses.push_back(point.y);
  }
  const auto limit = findCrossing(x, misses, w.backing);
  s.claim("at-scale", Standing::plain)
      .from("Che's formula for LRU, and how far it is from the points that were measured")
      .headline()
      .restsOn(w.hits(seen))
      .text(
          "A model, not a measurement: with room for {} keys LRU sends {}/s to the store at {} × "
          "maxmemory. With the room for {} keys that was measured it is {}/s. At {} lookups/s {}. "
          "The same formula promises up to {} too much here",
          p.text("scale-room"), count(misses.back()), formatDecimals(x.back()), p.text("room"),
          count(w.projectedMisses(seen.back())), p.text("lookups"),
          limit ? fmt::format("the large one passes the store's {}/s at {} ×", p.text("backing"),
                              formatDecimals(*limit))
                : fmt::format("the large one does not reach the store's {}/s", p.text("backing")),
          points(std::max(0.0, furthest)));
}

/// Each refill of a full server evicts another key.
void claimEvictions(Study& s, const Sweep& w) {
  const Cells full =
      Grid{w.overfull}.where([&](const Cell& c) { return !w.refused(c) && w.hit.has(c); });
  double evictions = 0, misses = 0;
  for (const Cell& c : full) {
    evictions += w.evictedPerS[c].value();
    misses += w.missesPerS[c].value();
  }
  if (!(misses > 0) || !std::isfinite(evictions)) return;
  const bool isOne = std::abs(evictions / misses - 1) < 0.1;
  s.claim("evictions-per-miss", isOne ? Standing::expected : Standing::contradicts)
      .from("evicted_keys and misses in the windows, over all points above 1 ×")
      .restsOn(w.hits(full))
      .text("A full server evicts {} keys for each miss that is refilled{}",
            formatDecimals(evictions / misses),
            isOne ? ": evictions/s equal misses/s, and either shows the load on the store behind"
                  : "");
}

/// The same ratio with values of another size.
void claimValueSize(Study& s, const Sweep& w) {
  for (const Cell& large : w.large) {
    const Cell small = large.with(w.axes.value, s.parameters().text("value-size"));
    if (!w.hit.hasAll({large, small})) continue;
    const bool isSame = std::abs(w.hit[large].value() - w.hit[small].value()) <= kModelHolds;
    const auto bytes = [&](const Cell& c) {
      return w.dataBytes[c].value() / w.keysLoaded[c].value();
    };
    const auto inGiB = [&](const Cell& c) { return count(1024.0 * 1024 * 1024 / bytes(c)); };
    const auto heldShare = [&](const Cell& c) {
      return formatShare(w.keysHeld[c].value() / static_cast<double>(w.model(c).keys()));
    };
    s.claim("value-size-at-" + large.level(w.axes.ratio).slug(),
            isSame ? Standing::expected : Standing::inconclusive)
        .from("used_memory of servers that held all keys")
        .restsOn({w.hit[large], w.hit[small]})
        .text(
            "At {} the hit rate is {} with values of {} and {} with values of {}{}. A key takes "
            "{:.0f} bytes instead of {:.0f}. So a GiB holds {} keys instead of {}",
            w.ratio(large), w.percentHit(large), w.value(large), w.percentHit(small),
            w.value(small),
            isSame ? ": the ratio decides, not the size"
                   : fmt::format(". The servers held {} and {} of the keys, since the clients' "
                                 "buffers take room as well",
                                 heldShare(large), heldShare(small)),
            bytes(large), bytes(small), inGiB(large), inGiB(small));
  }
}

void claimClock(Study& s, const Sweep& w) {
  std::vector<std::string> coarse;
  for (const Cell& c : w.base)
    if (w.model(c).characteristicS() < kLeastTcS) coarse.push_back(w.ratio(c));
  if (coarse.empty()) return;
  s.claim("clock-too-coarse", Standing::problem)
      .from("Che's fixed point")
      .text(
          "The characteristic time is below {:.0f} s at {}. LRU's clock ticks once a second, so "
          "LRU is not compared with other policies there. More keys or a lower rate make the "
          "time longer",
          kLeastTcS, fmt::join(coarse, ", "));
}

/// What becomes of a policy where popularity is not constant.
std::string shiftText(const std::vector<Shift>& shifts, const std::string& policy,
                      const std::string& lru) {
  const auto found = std::ranges::find(shifts, policy, &Shift::policy);
  if (found == shifts.end()) return "What it does when other keys become popular was not measured";
  if (found->recoveredS)
    return fmt::format(
        "When other keys became popular its hit rate was back within a percentage point after {}",
        formatQuantity(*found->recoveredS, "s"));
  return fmt::format(
      "Where other keys become popular by the minute take {}: its hit rate was not back within a "
      "percentage point after {}",
      lru, formatQuantity(found->watchedS, "s"));
}

/// Of the policies that have settled, the one that is shown to miss least.
void recommendPolicy(Study& s, const Sweep& w, const std::vector<Cells>& measured,
                     const std::vector<Shift>& shifts) {
  const std::string& lru = w.policy(w.base.front());
  std::optional<Cell> best, ranked;
  const auto misses = [&](const Cell& c) { return w.miss.ratio(w.underBase(c), c); };
  for (const Cells& curve : measured) {
    const auto at = curve == w.base ? std::nullopt : rankedAt(w, curve);
    if (!at) continue;
    ranked = at;
    if (expectBelow(misses(*at)) == Standing::expected &&
        (!best || misses(*at).value() < misses(*best).value()))
      best = at;
  }
  if (best)
    s.recommend(
        "Take {} where popularity is constant: it has {} of the misses of {} at {}, {}/s "
        "fewer at {} lookups/s. {}",
        w.policy(*best), misses(*best), lru, w.ratio(*best),
        count(w.projectedMisses(w.underBase(*best)) - w.projectedMisses(*best)),
        s.parameters().text("lookups"), shiftText(shifts, (*best)[w.axes.policy].word, lru));
  else if (ranked)
    s.recommend(
        "Take {}: no other policy that was measured is shown to miss less above maxmemory ({} at "
        "{}: {} of its misses), and it forgets what is no longer popular within T_C",
        lru, w.policy(*ranked), w.ratio(*ranked), misses(*ranked));
  else
    s.recommend(
        "Take {} until a longer profile ranks the policies: here none was measured after it had "
        "settled. It forgets what is no longer popular within T_C",
        lru);
}

void recommend(Study& s, const Sweep& w, const std::vector<Shift>& shifts) {
  const Parameters& p = s.parameters();
  std::vector<Cells> measured;
  for (const Cells& curve : w.zipf) {
    if (!w.hit.hasAll(curve)) continue;
    measured.push_back(curve);
    if (const auto limit = storeLimit(w, curve)) {
      s.cost(
          "{}: maxmemory of at least {:.0f}% of the working set keeps {} lookups/s within the "
          "store's {}/s",
          w.title(curve), 100 / *limit, p.text("lookups"), p.text("backing"));
      if (curve == w.base)
        s.decide(w.hits(curve),
                 {.risk = fmt::format("data beyond {} times maxmemory", formatDecimals(*limit)),
                  .measured = fmt::format("misses pass the store's {}/s", p.text("backing")),
                  .action = fmt::format("Keep maxmemory at {:.0f}% of the working set or more",
                                        100 / *limit),
                  .price = "that memory",
                  .gain = w.projectedMisses(curve.back()) / w.backing,
                  .runs = {}});
    }
  }
  if (measured.empty()) return;
  recommendPolicy(s, w, measured, shifts);
  for (const Cells& curve : w.zipf)
    if (std::ranges::any_of(curve, [&](const Cell& c) { return w.refused(c); }))
      s.recommend(
          "Do not take {} for a cache that may outgrow maxmemory by {} ×: it refuses writes",
          w.policy(curve.front()),
          formatDecimals(ratioOfRefusal(curve.front()[w.axes.policy].ttlShare)));
}

void describeMethod(Study& s, const Sweep& w) {
  const Parameters& p = s.parameters();
  if (const auto hits = w.hits(w.all.cells); !hits.empty())
    s.method(intervalNote(hits.front().estimate));
  s.method(fmt::format(
      "Each point has a server of its own, loaded without a limit; then maxmemory is set to empty "
      "+ data ÷ ratio, by the used_memory of that server. The working set grows with the ratio "
      "({} keys at 1 ×), so maxmemory stays about the same. Warm-up: {} T_C, {} at the least, and "
      "{} for LFU "
      "where keys are evicted. "
      "The edge is where a percentage point of hit rate is lost, on a straight line between "
      "ratios; a cliff is at least twice as steep somewhere as on average from the edge on",
      p.text("room"), p.text("warmup-tc"), p.text("least-warmup"), p.text("lfu-warmup")));
}

void declare(Study& s) {
  const Axes axes(s.parameters());
  const Sweep sweep = sweepOf(s, axes);
  predictHitRates(s, sweep);
  for (const auto& curves : {sweep.zipf, sweep.uniform}) {
    tabulate(s, sweep, curves);
    plotHitRates(s, sweep, curves);
  }
  const MissModels models = missModels(sweep);
  plotMisses(s, sweep, models);
  claimFits(s, sweep);
  const auto forEachCurve = [&](void (*claim)(Study&, const Sweep&, const Cells& curve)) {
    for (const auto& curves : {sweep.zipf, sweep.uniform})
      for (const Cells& curve : curves) claim(s, sweep, curve);
  };
  forEachCurve(claimCliff);
  for (const Cells& curve : sweep.zipf) claimRank(s, sweep, curve);
  forEachCurve(claimRefusal);
  claimSimulation(s, sweep);
  claimScale(s, sweep, models);
  claimEvictions(s, sweep);
  claimValueSize(s, sweep);
  claimClock(s, sweep);
  const std::vector<Shift> shifts = shiftPopularity(s, axes);
  recommend(s, sweep, shifts);
  describeMethod(s, sweep);
}

Status check(const Parameters& p) {
  const auto ratios = p.numbers("ratios");
  if (!std::ranges::is_sorted(ratios) || ratios.front() <= 0)
    return p.refuse("ratios", "above 0, in ascending order");
  if (ratios.front() > 1 || ratios.back() <= 1)
    return p.refuse("ratios", "at least one up to 1, where all keys fit, and one above");
  for (const std::string_view list : {"lfu-ratios", "uniform-ratios"})
    for (const double ratio : p.numbers(list))
      if (std::ranges::find(ratios, ratio) == ratios.end())
        return p.refuse(list, fmt::format("{} is not one of `ratios`", ratio));
  if (p.count("room") < 1000)
    return p.refuse("room", "at least 1000 keys: below that the server's own memory decides");
  if (p.on("shift") && p.number("shift-ratio") <= 1)
    return p.refuse("shift-ratio", "above 1: where all keys fit nothing is forgotten");
  return {};
}

}  // namespace
}  // namespace redline::lab::eviction_cliff

namespace redline {

Experiment evictionCliffExperiment() {
  using enum ParameterKind;
  return {
      .name = "eviction-cliff",
      .title = "The hit rate as the working set outgrows maxmemory",
      .question =
          "A cache fills itself on every miss. Its working set grows from half of maxmemory to "
          "three "
          "times as much. Where does the hit rate leave its plateau and how steeply, how many "
          "misses "
          "reach the store behind, which eviction policy holds a Zipf working set best, and do the "
          "models know it in advance?",
      .parameters =
          {
              {.name = "room", .kind = count, .help = "keys that maxmemory has room for"},
              {.name = "ratios",
               .kind = number,
               .list = true,
               .help = "working set ÷ maxmemory, ascending, up to 1 and above"},
              {.name = "lfu-ratios",
               .kind = number,
               .list = true,
               .help =
                   "those of them at which allkeys-lfu is measured: it takes minutes to settle"},
              {.name = "uniform-ratios",
               .kind = number,
               .list = true,
               .help = "those of them that are measured under uniform popularity"},
              {.name = "policies",
               .kind = choice,
               .list = true,
               .help = "under Zipf; the first is what the others are compared with",
               .choices = {"allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lru-all"}},
              {.name = "uniform-policies",
               .kind = choice,
               .list = true,
               .help = "under uniform popularity",
               .choices = {"allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lru-all"}},
              {.name = "ttl-frac",
               .kind = share,
               .help =
                   "share of keys with a time to live under volatile-lru; volatile-lru-all: all"},
              {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf popularity"},
              {.name = "value-size", .kind = size, .help = "bytes of a value"},
              {.name = "big-value-size", .kind = size, .help = "bytes of a value, for comparison"},
              {.name = "big-ratios",
               .kind = number,
               .list = true,
               .help = "ratios at which values of the other size are measured too"},
              {.name = "rate", .kind = count, .help = "lookups a second, at most"},
              {.name = "least-tc",
               .kind = duration,
               .help = "LRU's characteristic time at the least: fewer lookups a second where it "
                       "would be shorter; 0: as many everywhere"},
              {.name = "conns",
               .kind = count,
               .help = "connections; their buffers count as memory"},
              {.name = "pipeline", .kind = count, .help = "lookups in a batch, at most"},
              {.name = "warmup-tc",
               .kind = number,
               .help = "warm-up in characteristic times of LRU"},
              {.name = "least-warmup", .kind = duration, .help = "warm-up at the least"},
              {.name = "lfu-warmup",
               .kind = duration,
               .help = "warm-up of allkeys-lfu at the least, where keys are evicted"},
              {.name = "duration", .kind = duration, .help = "measured time of a run"},
              {.name = "scale-room",
               .kind = count,
               .help = "keys that the product's maxmemory has room for, for the model"},
              {.name = "lookups",
               .kind = count,
               .help = "lookups a second of the product, for which misses are projected"},
              {.name = "backing",
               .kind = count,
               .help = "lookups a second that the store behind sustains"},
              {.name = "shift",
               .kind = boolean,
               .help = "whether popularity shifts in runs of their own"},
              {.name = "shift-policies",
               .kind = choice,
               .list = true,
               .help = "policies that see the shift",
               .choices = {"allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lru-all"}},
              {.name = "shift-ratio",
               .kind = number,
               .help = "working set ÷ maxmemory of those runs"},
              {.name = "shift-duration", .kind = duration, .help = "measured time after the shift"},
          },
      .check = lab::eviction_cliff::check,
      .declare = lab::eviction_cliff::declare,
  };
}

}  // namespace redline
