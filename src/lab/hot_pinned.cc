// A celebrity: one key that takes most of the load, and the master that cannot be helped by others.
#include <fmt/format.h>

#include <cmath>

#include "base/units.h"
#include "lab/compare.h"
#include "lab/hot_key_parts.h"
#include "lab/words.h"

namespace redline::hot_key {
namespace {

constexpr double kPinned = 0.9;  ///< busy share of a main thread that has no more to give

/// As fast as replies allow; then at a share of that, without anything done and with a local cache.
enum : std::size_t { kMost, kPlain, kCached };
constexpr const char* kCases[] = {"max", "none", "local-cache"};

Labels labelsOf(std::size_t i) {
  return {{"part", "pinned"}, {"case", kCases[i]}};
}

LabRun runOf(const Parameters& p, std::size_t i, unsigned repeat) {
  const std::string& size = p.texts("value-sizes").front();
  LabRun run{.name = fmt::format("pinned-{}-r{}", kCases[i], repeat),
             .labels = labelsOf(i),
             .stack = stackName(size),
             .before = nameHotMaster(p)};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  // One worker: two would take the one core that is left from each other.
  Flags flags = joinFlags(
      {dataSet(p, size),
       {"-dist=zipfian", "-zipf-s=" + p.text("pinned-s"), "-rw-ratio=" + p.text("pinned-rw-ratio"),
        "-pipeline=" + p.text("pinned-pipeline"), "-conns=" + p.text("conns"), "-threads=1",
        "-wait=block", "-warmup=" + p.text("warmup"), "-duration=" + p.text("duration"),
        fmt::format("-run-seed={}", repeat)}});
  if (i == kMost) {
    flags.emplace_back("-rate=max");
    run.drives = {{.flags = std::move(flags)}};
    return run;
  }
  if (i == kCached) flags = joinFlags({flags, treatmentFlags(p, "local-cache")});
  run.expectedS = p.seconds("warmup") + p.seconds("duration") + 0.4;
  run.drives = {
      {.flags = flags, .decide = [p, flags](const Readings& soFar) -> std::optional<Flags> {
         const auto most = figuresOf(believedOf(soFar.with(labelsOf(kMost))), rateOf);
         if (most.empty()) return std::nullopt;
         const double rate = p.number("pinned-share") * meanOf(most);
         // What the pinned master does not get through is to queue, and not to hold up the others.
         return joinFlags(
             {flags, {fmt::format("-rate={:.0f}", rate), "-arrivals=poisson", "-max-backlog=4M"}});
       }}};
  return run;
}

class Pinned {
 public:
  Pinned(const Parameters& p, const Readings& readings, ExperimentDocument& document)
      : p_(p),
        document_(document),
        runs_(readings, {labelsOf(kMost), labelsOf(kPlain), labelsOf(kCached)}),
        rate_(runs_.column(rateOf)),
        share_(runs_.column(ofSummary(hotShare))),
        requests_(runs_.column(ofSummary(hotRequests))),
        busy_(runs_.column(ofSummary(hotBusy))),
        p50_(runs_.column(latency("p50"))),
        p99_(runs_.column(latency("p99"))) {}

  void all() {
    table();
    if (busy_.has(kMost)) pinned();
    if (p99_.has(kPlain) && p99_.has(kCached)) relieved();
  }

 private:
  std::string others(std::size_t i) const {
    return formatShare(runs_.mean(i, ofSummary(othersBusy)));
  }

  void table() {
    const std::string share = formatShare(p_.number("pinned-share"));
    const std::string names[] = {"as fast as replies allow", share + " of that rate",
                                 share + " of that rate, local-cache"};
    LabTable table{.title = "One key for most of the load: its master pinned",
                   .head = {"", "ops/s", "hot master's share of requests", "hot master busy",
                            "other masters busy", "p50", "p99", "valid runs"},
                   .rows = {},
                   .note = fmt::format(
                       "Zipf {}, {} reads, batches of up to {}, so that the generator on the other "
                       "core can saturate a master; Poisson arrivals but for the first row.",
                       p_.text("pinned-s"), formatShare(p_.number("pinned-rw-ratio")),
                       p_.text("pinned-pipeline"))};
    for (const std::size_t i : {kMost, kPlain, kCached})
      table.rows.push_back(
          {{names[i], words(rate_.of(i), "ops/s"), words(share_.of(i), "share"),
            words(busy_.of(i), "share"), others(i), words(p50_.of(i), "us"),
            words(p99_.of(i), "us"), fmt::format("{} of {}", runs_.valid(i), runs_.runs(i).size())},
           runs_.names({i})});
    document_.tables.push_back(std::move(table));
  }

  void pinned() {
    const double busy = busy_.of(kMost).value;
    const bool isPinned = busy >= kPinned;
    addFinding(
        document_, isPinned ? Standing::expected : Standing::inconclusive,
        fmt::format(
            "One key with most of the load (Zipf {}) as fast as replies allow: one of {} masters "
            "gets {} of {} and is {} busy, the other masters {}. {}",
            p_.text("pinned-s"), kMasters, words(share_.of(kMost), "share"),
            words(rate_.of(kMost), "ops/s"), formatShare(busy), others(kMost),
            isPinned ? fmt::format(
                           "It is pinned and they are idle: the cluster gives {} of what one "
                           "master does, and more shards would not change it",
                           formatQuantity(rate_.of(kMost).value / requests_.of(kMost).value, "x"))
                     : fmt::format("That is not pinned: the generator, {} busy, or its core is "
                                   "the limit",
                                   formatShare(runs_.mean(kMost, generatorBusy)))),
        "operations by node; main-thread CPU by INFO, in the closed model", runs_.names({kMost}),
        true);
    addFigure(document_, "hot master busy, pinned", "share", busy_.of(kMost));
  }

  void relieved() {
    const Estimate p99 = p99_.ratio(kPlain, kCached);
    const Estimate cut = requests_.ratio(kCached, kPlain);
    addFinding(
        document_, standingOf(cut, true),
        fmt::format(
            "At {} of that rate, {}, local-cache cuts the hot master's requests {}: it is "
            "{} busy in place of {}. Half of the operations take {} or less in place of {}; "
            "p99 is {} in place of {}, {}",
            formatShare(p_.number("pinned-share")), words(rate_.of(kPlain), "ops/s"), multiple(cut),
            words(busy_.of(kCached), "share"), words(busy_.of(kPlain), "share"),
            words(p50_.of(kCached), "us"), words(p50_.of(kPlain), "us"),
            words(p99_.of(kCached), "us"), words(p99_.of(kPlain), "us"),
            p99.hasInterval() && !p99.contains(1) ? multiple(p99) : "which is not decided"),
        "operations by node, INFO, and response times with Poisson arrivals at one rate",
        runs_.names({kPlain, kCached}), true);
    addFigure(document_, "hot master's requests cut by local-cache, pinned", "x", cut);
    addFigure(document_, "p99 with local-cache ÷ without, pinned", "x", p99);
  }

  const Parameters& p_;
  ExperimentDocument& document_;
  Conditions runs_;
  Column rate_, share_, requests_, busy_, p50_, p99_;
};

}  // namespace

std::vector<LabRun> pinnedRuns(const Parameters& p) {
  return interleaved(std::size(kCases), p.repeats(),
                     [&](std::size_t i, unsigned repeat) { return runOf(p, i, repeat); });
}

void analysePinned(const Parameters& p, const Readings& readings, ExperimentDocument& document) {
  Pinned(p, readings, document).all();
}

}  // namespace redline::hot_key
