#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/hot_key_parts.h"
#include "lab/hot_share.h"
#include "lab/words.h"

namespace redline {
namespace {

using namespace hot_key;

constexpr double kAimedCut = 5;  ///< of the hot master's reads, by the local cache

// What is predicted; found again by these words when it has been measured.
constexpr std::string_view kHottestKey = "share of operations on the hottest key";
constexpr std::string_view kHotShare = "share of operations on the hottest key's master";
constexpr std::string_view kCacheCut = "the hot master's reads, cut by local-cache";
constexpr std::string_view kSplitCut = "the hot master's operations, cut by key-split";
constexpr std::string_view kReplicaCut = "the hot master's reads, cut by replica-random";

/// One thing that is measured: repeated, and held against the others of its value size.
struct Condition {
  std::string size, dist, treatment;
  Labels labels() const {
    return {{"part", "rate"}, {"size", size}, {"dist", dist}, {"treatment", treatment}};
  }
  std::string name() const {
    return dist == "uniform" ? "uniform" : treatment == "none" ? "Zipf" : treatment;
  }
};

/// The first two are without a mitigation: uniform, for contrast, and Zipf, against which all that
/// follow are held.
constexpr std::size_t kUniform = 0, kNone = 1;
std::vector<Condition> conditionsOf(const Parameters& p, const std::string& size) {
  std::vector<Condition> all{{size, "uniform", "none"}, {size, "zipfian", "none"}};
  for (const std::string& treatment : p.texts("treatments"))
    all.push_back({size, "zipfian", treatment});
  return all;
}

/// The hot master has a core of its own, so that its limit is seen; all others share the
/// generator's.
LabStack stackOf(const Parameters& p, const std::string& size) {
  const std::size_t hot = forecastHotKeys(workloadOf(p)).hotMaster;
  std::string cpus = "-master-cpus=";
  for (std::size_t i = 0; i < kMasters; ++i)
    cpus += fmt::format("{}{}", i == 0 ? "" : ";", i == hot ? "{server-cpu}" : "{generator-cpu}");
  return {.name = stackName(size),
          .up = {"cluster", fmt::format("-masters={}", kMasters), "-replicas=1", cpus,
                 "-replica-cpus={generator-cpu}", "-maxmemory=" + p.text("maxmemory")},
          .load = dataSet(p, size),
          .prepare = {}};
}

Flags loadFlags(const Parameters& p, const std::string& size, const std::string& dist,
                unsigned repeat) {
  Flags flags = dataSet(p, size);
  flags.push_back("-dist=" + dist);
  if (dist == "zipfian") flags.push_back("-zipf-s=" + p.text("zipf-s"));
  for (const std::string_view each : {"rw-ratio", "conns", "threads", "ledger", "warmup"})
    flags.push_back(fmt::format("-{}={}", each, p.text(each)));
  // Servers share the generator's core: one that spins would take it from them.
  flags.emplace_back("-wait=block");
  flags.push_back(fmt::format("-run-seed={}", repeat));
  return flags;
}

LabRun rateRun(const Parameters& p, const Condition& condition, unsigned repeat) {
  LabRun run{.name = fmt::format("{}-{}-{}-r{}", condition.size, condition.dist,
                                 condition.treatment, repeat),
             .labels = condition.labels(),
             .stack = "cluster-" + condition.size,
             .before = nameHotMaster(p),
             .drives = {{.flags = joinFlags({loadFlags(p, condition.size, condition.dist, repeat),
                                             {"-rate=" + p.text("rate"), "-arrivals=poisson",
                                              "-duration=" + p.text("duration")},
                                             treatmentFlags(p, condition.treatment)})}}};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  return run;
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  const auto& sizes = p.texts("value-sizes");
  for (const std::string& size : sizes) {
    plan.stacks.push_back(stackOf(p, size));
    const auto conditions = conditionsOf(p, size);
    const bool first = size == sizes.front();
    const auto repeats = first ? p.repeats() : static_cast<unsigned>(p.count("other-sizes-repeat"));
    std::ranges::move(interleaved(conditions.size(), repeats,
                                  [&](std::size_t i, unsigned repeat) {
                                    return rateRun(p, conditions[i], repeat);
                                  }),
                      std::back_inserter(plan.runs));
    // On the same servers, of the first size alone: with larger values the generator is the limit.
    if (first) std::ranges::move(pinnedRuns(p), std::back_inserter(plan.runs));
  }
  return plan;
}

Status check(const Parameters& p) {
  const double reads = p.number("rw-ratio");
  if (reads <= 0 || reads >= 1)
    return p.refuse("rw-ratio",
                    "reads show what a mitigation buys and writes what it costs: "
                    "neither 0 nor 1");
  if (p.count("ledger") == 0 || p.count("ledger") > p.count("keys"))
    return p.refuse("ledger", "staleness is found by the ledger: 1 or more, and no more than keys");
  if (p.count("split-keys") > p.count("keys"))
    return p.refuse("split-keys", "there are not so many keys");
  return {};
}

std::vector<LabPrediction> predict(const Parameters& p) {
  const HotForecast forecast = forecastHotKeys(workloadOf(p));
  std::vector<LabPrediction> all;
  const auto add = [&](std::string_view what, std::string model, const char* unit, double value) {
    all.push_back({.what = std::string(what),
                   .model = std::move(model),
                   .unit = unit,
                   .predicted = value,
                   .verdict = {}});
  };
  const auto treated = [&](std::string_view name) {
    return std::ranges::find(p.texts("treatments"), name) != p.texts("treatments").end();
  };
  add(kHottestKey, fmt::format("1 ÷ Σ k^−{} over {} keys", p.text("zipf-s"), p.text("keys")),
      "share", forecast.hottestKey);
  add(kHotShare, "the Zipf weights of all keys in its slots", "share",
      forecast.shares[forecast.hotMaster]);
  if (treated("local-cache"))
    add(kCacheCut,
        fmt::format("one miss for each write that is read again, {} caches that begin empty; room "
                    "for all keys",
                    p.text("threads")),
        "x", 1 / forecast.hotMasterLocalMiss);
  if (treated("key-split"))
    add(kSplitCut,
        fmt::format("its keys but the {} hottest, and a third of those with {} writes for one",
                    p.text("split-keys"), p.text("split-ways")),
        "x", 1 / forecast.hotMasterSplit);
  if (treated("replica-random")) add(kReplicaCut, "1 + replicas of each master", "x", 2);
  return all;
}

std::uint64_t countIn(const Summary& summary, std::string_view name) {
  const auto found = summary.mitigation.counts.find(std::string(name));
  return found == summary.mitigation.counts.end() ? 0 : found->second;
}

/// What a mitigation has cost, over all repeats.
struct Price {
  std::uint64_t stale = 0, judged = 0;  ///< reads of ledger keys
  double ageP99Us = 0, ageMaxUs = 0;    ///< the worst repeat's
  double lagP99Us = 0;                  ///< of invalidations
  double behindBytes = 0;               ///< replicas, at most
  std::uint64_t partial = 0, divergent = 0, corrupt = 0, lost = 0;
  double fanOut = 0;
  MitigationFigures last;

  double staleShare() const {
    return judged == 0 ? 0 : static_cast<double>(stale) / static_cast<double>(judged);
  }
};

Price priceOf(const std::vector<const Reading*>& runs) {
  Price price;
  for (const Reading* const run : runs) {
    const Summary* const summary = run->summary();
    if (summary == nullptr) continue;
    const MitigationFigures& m = summary->mitigation;
    price.stale += summary->verify.stale;
    price.corrupt += summary->verify.corrupt;
    price.lost += summary->verify.lostAcknowledged;
    price.judged += countIn(*summary, "ledger_reads");
    price.partial += countIn(*summary, "partial_writes");
    price.divergent += m.divergentKeys;
    price.ageP99Us = std::max(price.ageP99Us, m.staleness.p99);
    price.ageMaxUs = std::max(price.ageMaxUs, m.staleness.max);
    price.lagP99Us = std::max(price.lagP99Us, m.invalidationLag.p99);
    for (const ReplicationLagFigures& replica : m.replicas)
      price.behindBytes = std::max(price.behindBytes, replica.max);
    price.fanOut = m.writeFanOut;
    price.last = m;
  }
  return price;
}

// ---------------------------------------------------------------------------------------------------
// What the runs of one value size say

class SizeAnalysis {
 public:
  SizeAnalysis(const Parameters& p, const Readings& readings, const std::string& size,
               ExperimentDocument& document)
      : p_(p),
        document_(document),
        size_(size),
        isFirst_(size == p.texts("value-sizes").front()),
        conditions_(conditionsOf(p, size)),
        runs_(readings, labels(conditions_)),
        share_(runs_.column(ofSummary(hotShare))),
        slot_(runs_.column(ofSummary(hottestSlotShare))),
        requests_(runs_.column(ofSummary(hotRequests))),
        reads_(runs_.column(ofSummary(hotReads))),
        cpu_(runs_.column(ofSummary(hotCpu))),
        busiest_(runs_.column(ofSummary(busiestRequests))),
        p99_(runs_.column(latency("p99", "response", "all"))) {
    for (std::size_t i = 0; i < conditions_.size(); ++i) prices_.push_back(priceOf(runs_.runs(i)));
  }

  void all() {
    whereTheLoadIs();
    whatIsBought();
    whatItCosts();
    if (!share_.has(kNone)) return;
    reproduced();
    for (std::size_t i = kNone + 1; i < conditions_.size(); ++i)
      if (share_.has(i)) treated(i);
    if (!isFirst_) return;
    slotPlot();
    sharePlot();
    predictions();
    recommend();
    document_.method.push_back(intervalNote(share_.of(kNone)));
  }

 private:
  static std::vector<Labels> labels(const std::vector<Condition>& conditions) {
    std::vector<Labels> all;
    all.reserve(conditions.size());
    for (const Condition& each : conditions) all.push_back(each.labels());
    return all;
  }
  std::string sizeWords() const { return fmt::format("{} values", formatSize(*parseSize(size_))); }
  std::string busyWords(std::size_t i) const {
    return formatShare(runs_.mean(i, ofSummary(hotBusy)));
  }
  /// "6.3× [5.9 – 6.8]": how many times less than without a mitigation.
  std::string cut(const Column& column, std::size_t i) const {
    if (i == kNone) return "1×";
    const Estimate ratio = column.ratio(i, kNone);
    constexpr double kNextToAll = 1000;
    return ratio.value > kNextToAll ? "next to all of it" : multiple(ratio);
  }

  void whereTheLoadIs() {
    LabTable table{
        .title = fmt::format("Who carries the load, {}", sizeWords()),
        .head = {"", "hot master's share of requests", "hottest slot's share", "hot master busy",
                 "other masters busy", "response p99", "valid runs"},
        .rows = {},
        .note = fmt::format(
            "{}/s, {} reads. The hot master is the one with the hottest key. A request is what a "
            "node carries out: a local hit is none, a write of a key with copies is several. Busy: "
            "main thread, by INFO.",
            p_.text("rate"), formatShare(p_.number("rw-ratio")))};
    for (std::size_t i = 0; i < conditions_.size(); ++i)
      table.rows.push_back(
          {{conditions_[i].name(), words(share_.of(i), "share"), words(slot_.of(i), "share"),
            busyWords(i), formatShare(runs_.mean(i, ofSummary(othersBusy))),
            words(p99_.of(i), "us"), fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
  }

  void whatIsBought() {
    LabTable table{
        .title = fmt::format("What each mitigation takes off the hot master, {}", sizeWords()),
        .head = {"", "its requests cut", "its reads cut", "its CPU cut",
                 "the busiest node's requests cut", "p99 ÷ without"},
        .rows = {},
        .note =
            "Cut: without ÷ with. The busiest node is whichever has the most requests then, "
            "replicas included: where it is cut less than the hot master, load has moved and "
            "not gone."};
    for (std::size_t i = kNone; i < conditions_.size(); ++i)
      table.rows.push_back({{conditions_[i].name(), cut(requests_, i), cut(reads_, i), cut(cpu_, i),
                             cut(busiest_, i), i == kNone ? "1×" : multiple(p99_.ratio(kNone, i))},
                            runs_.names({i})});
    document_.tables.push_back(std::move(table));
  }

  void whatItCosts() {
    LabTable table{
        .title = fmt::format("What each mitigation costs, {}", sizeWords()),
        .head = {"", "stale reads", "their age p99, max", "requests for an operation",
                 "memory, lag and atomicity"},
        .rows = {},
        .note = fmt::format("Stale: of reads of the {} hottest keys, those that brought a version "
                            "although a later write had been acknowledged before they were sent.",
                            p_.text("ledger")),
        .prose = true};
    for (std::size_t i = kNone; i < conditions_.size(); ++i) {
      const Price& price = prices_[i];
      table.rows.push_back(
          {{conditions_[i].name(),
            price.judged == 0 ? "–"
                              : fmt::format("{} of {} ({})", price.stale, price.judged,
                                            formatShare(price.staleShare())),
            price.stale == 0 ? "–"
                             : fmt::format("{}, {}", formatQuantity(price.ageP99Us, "us"),
                                           formatQuantity(price.ageMaxUs, "us")),
            decimals(runs_.mean(i, ofSummary(requestsForEach))), otherCosts(i)},
           runs_.names({i})});
    }
    document_.tables.push_back(std::move(table));
  }

  std::string otherCosts(std::size_t i) const {
    const Price& price = prices_[i];
    const MitigationFigures& m = price.last;
    if (m.caches != 0)
      return fmt::format("{} caches of {} entries: {} set aside, {} used; invalidation lag p99 {}",
                         m.caches, formatCount(static_cast<double>(m.cacheEntries)),
                         formatSize(m.cacheBytes), formatSize(m.cacheBytesUsed),
                         formatQuantity(price.lagP99Us, "us"));
    if (!m.split.empty())
      return fmt::format(
          "{} more keys of {} each; {} copies for a write of the run, {} partial "
          "writes, {} keys whose copies differed at the end",
          m.splitKeys * m.splitWays, formatSize(*parseSize(size_)), decimals(price.fanOut),
          price.partial, price.divergent);
    if (!m.replicaPolicy.empty())
      return fmt::format("replicas behind by at most {}",
                         formatQuantity(price.behindBytes, "bytes"));
    return "–";
  }

  void reproduced() {
    const double hot = runs_.mean(kNone, ofSummary(hotBusy));
    const double others = runs_.mean(kNone, ofSummary(othersBusy));
    const Estimate contrast = share_.ratio(kUniform, kNone);
    addFinding(
        document_, share_.has(kUniform) ? standingOf(contrast, true) : Standing::plain,
        fmt::format("With Zipf {} ({}) one of {} masters gets {} of the requests, where "
                    "uniform keys give it {}; one slot alone makes {}. Its main thread is "
                    "busy for {} of the time and the other masters' for {}: when it is pinned "
                    "(at {}/s, were the cost of a request to stay the same), they will be at "
                    "{}, and more shards would not help",
                    p_.text("zipf-s"), sizeWords(), kMasters, words(share_.of(kNone), "share"),
                    words(share_.of(kUniform), "share"), words(slot_.of(kNone), "share"),
                    formatShare(hot), formatShare(others),
                    formatCount(static_cast<double>(p_.count("rate")) / hot),
                    formatShare(others / hot)),
        "operations by node and slot; main-thread CPU by INFO", runs_.names({kUniform, kNone}),
        isFirst_);
    addFigure(document_, fmt::format("hot master's share of requests, Zipf, {}", sizeWords()),
              "share", share_.of(kNone));
  }

  void treated(std::size_t i) {
    const Condition& condition = conditions_[i];
    const Price& price = prices_[i];
    const Estimate p99 = p99_.ratio(kNone, i);
    std::string text = fmt::format(
        "{} ({}): the hot master's requests are cut {}, its reads {}, its CPU {}; {}. {}",
        condition.treatment, sizeWords(), cut(requests_, i), cut(reads_, i), cut(cpu_, i),
        p99.hasInterval() && !p99.contains(1)
            ? fmt::format("p99 is {} of what it was", multiple(p99))
            : std::string("what it does to p99 is not decided"),
        priceWords(i));
    Standing standing = standingOf(requests_.ratio(i, kNone), true);
    const Treatment& treatment = treatmentOf(condition.treatment);
    // Copies in one slot are on one master, if not on this one: the load moves, and stays whole.
    if (condition.treatment == "key-split-tag")
      standing = busiest_.ratio(i, kNone).contains(1) ? Standing::expected : Standing::plain;
    if (price.corrupt + price.lost != 0) {
      standing = Standing::problem;
      text += fmt::format(". {} values were corrupt and {} acknowledged writes lost", price.corrupt,
                          price.lost);
    }
    addFinding(document_, standing, std::move(text),
               "operations by node, INFO of the hot master, the ledger", runs_.names({kNone, i}),
               isFirst_ && condition.treatment == "local-cache");
    document_.costs.push_back(
        fmt::format("{} ({}): {}", condition.treatment, sizeWords(), priceWords(i)));
    addFigure(document_,
              fmt::format("hot master's requests cut by {}, {}", condition.treatment, sizeWords()),
              "x", requests_.ratio(i, kNone));
    if (treatment.mitigation == "local-cache") aimOfTheCache(i);
  }

  std::string priceWords(std::size_t i) const {
    const Price& price = prices_[i];
    const std::string stale =
        price.stale == 0
            ? fmt::format("none of {} reads was stale",
                          formatCount(static_cast<double>(price.judged)))
            : fmt::format("{} of the reads were stale, by {} at p99 and {} at most",
                          formatShare(price.staleShare()), formatQuantity(price.ageP99Us, "us"),
                          formatQuantity(price.ageMaxUs, "us"));
    return fmt::format("The price: {}; {}", stale, otherCosts(i));
  }

  /// The brief's aim, with the cache's size.
  void aimOfTheCache(std::size_t i) {
    if (!reads_.has(i)) return;
    const Estimate ratio = reads_.ratio(i, kNone);
    const MitigationFigures& m = prices_[i].last;
    const bool met = ratio.low >= kAimedCut, missed = ratio.high < kAimedCut;
    addFinding(document_,
               met      ? Standing::expected
               : missed ? Standing::contradicts
                        : Standing::inconclusive,
               fmt::format("The aim, the hot master's reads cut {:.0f}× at {} reads, is {} by {} "
                           "({}): {} with {} caches of {} entries ({} each) for {} keys",
                           kAimedCut, formatShare(p_.number("rw-ratio")),
                           met      ? "met"
                           : missed ? "missed"
                                    : "not decided",
                           conditions_[i].treatment, sizeWords(), multiple(ratio), m.caches,
                           formatCount(static_cast<double>(m.cacheEntries)), p_.text("cache-size"),
                           p_.text("keys")),
               "keyspace hits and misses of the hot master, by INFO", runs_.names({kNone, i}));
  }

  void slotPlot() {
    LabPlot plot{.id = "slots",
                 .title = "The ten busiest slots",
                 .description =
                     "Share of requests on each of the ten busiest of 16384 slots, by "
                     "rank, mean of repeats. slots.csv of each run has them all.",
                 .x = {"rank of the slot", AxisKind::linear, {}},
                 .y = {"share of requests", AxisKind::share, {}},
                 .series = {},
                 .spans = {},
                 .marks = {}};
    for (std::size_t i = 0; i < conditions_.size(); ++i) {
      LabSeries series{conditions_[i].name(), {}};
      for (std::size_t rank = 0; rank < 10; ++rank) {
        const double share = runs_.mean(i, [rank](const Reading& reading) {
          const Summary* const s = reading.summary();
          if (s == nullptr || s->cluster.hotSlots.size() <= rank) return kNaN;
          return static_cast<double>(s->cluster.hotSlots[rank].ops) / requestsOf(*s);
        });
        series.points.push_back({static_cast<double>(rank + 1), share});
      }
      plot.series.push_back(std::move(series));
    }
    document_.plots.push_back(std::move(plot));
  }

  void sharePlot() {
    LabPlot plot{.id = "shares",
                 .title = "Share of requests by node",
                 .description =
                     "The hot master, the other masters on average, and the busiest "
                     "replica; bars are intervals.",
                 .x = {"", AxisKind::names, {}},
                 .y = {"share of requests", AxisKind::share, {}},
                 .series = {{"hot master", {}}, {"other masters", {}}, {"busiest replica", {}}},
                 .spans = {},
                 .marks = {}};
    const Column others = runs_.column(ofSummary(othersShare));
    const Column replica = runs_.column(ofSummary(busiestReplicaShare));
    for (std::size_t i = 0; i < conditions_.size(); ++i) {
      plot.x.names.push_back(conditions_[i].name());
      const auto x = static_cast<double>(i);
      plot.series[0].points.push_back(pointOf(x, share_.of(i)));
      plot.series[1].points.push_back(pointOf(x, others.of(i)));
      plot.series[2].points.push_back(pointOf(x, replica.of(i)));
    }
    for (LabSeries& series : plot.series) series.line = false;
    document_.plots.push_back(std::move(plot));
  }

  void predictions() {
    const auto set = [&](std::string_view what, const Estimate& estimate) {
      const auto found = std::ranges::find(document_.predictions, what, &LabPrediction::what);
      if (found == document_.predictions.end() || estimate.count == 0) return;
      setMeasured(*found, estimate);
      found->verdict = ofPredicted(*found);
    };
    set(kHottestKey, slot_.of(kNone));
    set(kHotShare, share_.of(kNone));
    const auto cutOf = [&](std::string_view treatment, const Column& column) {
      for (std::size_t i = kNone + 1; i < conditions_.size(); ++i)
        if (conditions_[i].treatment == treatment && column.has(i)) return column.ratio(i, kNone);
      return Estimate{};
    };
    set(kCacheCut, cutOf("local-cache", reads_));
    set(kSplitCut, cutOf("key-split", requests_));
    set(kReplicaCut, cutOf("replica-random", reads_));
  }

  /// The one that relieves the busiest node most, and the one that does so without a stale read.
  void recommend() {
    std::optional<std::size_t> best, strict;
    const auto better = [&](std::size_t i, const std::optional<std::size_t>& than) {
      return !than || busiest_.ratio(i, kNone).value > busiest_.ratio(*than, kNone).value;
    };
    for (std::size_t i = kNone + 1; i < conditions_.size(); ++i) {
      if (!busiest_.has(i) || busiest_.ratio(i, kNone).low <= 1) continue;
      if (better(i, best)) best = i;
      if (prices_[i].stale == 0 && better(i, strict)) strict = i;
    }
    if (!best) return;
    const auto advise = [&](std::size_t i, std::string_view when) {
      document_.recommendations.push_back(
          fmt::format("{} take {}: the busiest node has {} fewer requests. {}", when,
                      conditions_[i].treatment, cut(busiest_, i), priceWords(i)));
    };
    if (strict == best) {
      advise(*best, "Against a hot key");
      return;
    }
    advise(*best, fmt::format("Where a read may be stale by {}",
                              formatQuantity(prices_[*best].ageMaxUs, "us")));
    if (strict) advise(*strict, "Where it may not");
  }

  const Parameters& p_;
  ExperimentDocument& document_;
  std::string size_;
  bool isFirst_;
  std::vector<Condition> conditions_;
  Conditions runs_;
  Column share_, slot_, requests_, reads_, cpu_, busiest_, p99_;
  std::vector<Price> prices_;
};

void analyse(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  for (const std::string& size : p.texts("value-sizes"))
    SizeAnalysis(p, readings, size, document).all();
  analysePinned(p, readings, document);
  document.method.emplace_back(
      "Mitigations are compared at the same rate with Poisson arrivals, in turn, each repeat with "
      "draws of its own; there shares of operations and CPU are compared, not throughput: but for "
      "the hot master, which has a core of its own, all servers share the generator's");
}

}  // namespace

Experiment hotKeyExperiment() {
  Experiment experiment;
  experiment.name = "hot-key";
  experiment.title = "One hot key in a cluster, and what can be done about it";
  experiment.question =
      "Zipf keys go to a cluster of three masters and three replicas, and uniform ones for "
      "contrast. "
      "How much of the load falls on the hottest key's slot and master? What do a local cache, "
      "split "
      "keys and reads from replicas take off it, and what does each cost in stale reads, writes, "
      "memory and atomicity?";
  using enum ParameterKind;
  experiment.parameters = {
      {.name = "keys", .kind = count, .help = "keys of the data set"},
      {.name = "value-sizes",
       .kind = size,
       .list = true,
       .help = "bytes of a value; the first is measured in full"},
      {.name = "other-sizes-repeat", .kind = count, .help = "repeats of the other value sizes"},
      {.name = "maxmemory", .kind = size, .help = "of each node"},
      {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf distribution"},
      {.name = "rw-ratio", .kind = share, .help = "share of reads"},
      {.name = "rate", .kind = count, .help = "operations a second, the same for every condition"},
      {.name = "conns", .kind = count, .help = "connections to each node"},
      {.name = "threads", .kind = count, .help = "workers, each with a local cache of its own"},
      {.name = "ledger", .kind = count, .help = "keys whose reads are judged, the hottest"},
      {.name = "treatments",
       .kind = choice,
       .list = true,
       .help = "what is done against the hot key",
       .choices = {"local-cache", "local-cache-bcast", "key-split", "key-split-tag",
                   "replica-random", "replica-nearest", "replica-preferred"}},
      {.name = "cache-size", .kind = size, .help = "memory of each worker's local cache"},
      {.name = "split-keys", .kind = count, .help = "keys that are split, the hottest"},
      {.name = "split-ways", .kind = count, .help = "copies of each of them"},
      {.name = "pinned-s", .kind = number, .help = "exponent where one key pins its master"},
      {.name = "pinned-rw-ratio", .kind = share, .help = "share of reads there"},
      {.name = "pinned-pipeline", .kind = count, .help = "operations in a batch there"},
      {.name = "pinned-share",
       .kind = share,
       .help = "share of the rate that pins it at which the cache is tried"},
      {.name = "warmup", .kind = duration, .help = "sent before, not measured: caches fill"},
      {.name = "duration", .kind = duration, .help = "measured time of each condition"},
  };
  experiment.check = check;
  experiment.plan = plan;
  experiment.predict = predict;
  experiment.analyse = analyse;
  return experiment;
}

}  // namespace redline
