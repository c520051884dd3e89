#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "base/units.h"
#include "lab/catalog.h"
#include "lab/compare.h"
#include "lab/eviction_points.h"

namespace redline {
namespace eviction {
namespace {

constexpr unsigned kOtherHotSeed = 2;

Flags dataSet(const Parameters& p, const Condition& c) {
  Flags flags{fmt::format("-keys={}", keysAt(p, c)), "-value-size=" + c.value,
              fmt::format("-ttl-frac={}", ttlShare(p, c.policy))};
  // Long enough that eviction alone takes keys away.
  if (ttlShare(p, c.policy) > 0) flags.insert(flags.end(), {"-ttl-min=7200s", "-ttl-max=14400s"});
  return flags;
}

Flags reads(const Parameters& p, const Condition& c) {
  Flags flags =
      joinFlags({dataSet(p, c),
                 {"-dist=" + c.dist, "-rw-ratio=1", "-on-miss=refill", "-rate=" + p.text("rate"),
                  "-conns=" + p.text("conns"), "-pipeline=" + p.text("pipeline")}});
  if (c.isZipf()) flags.push_back("-zipf-s=" + p.text("zipf-s"));
  return flags;
}

LabStack stackOf(const Parameters& p, const Condition& c, const std::string& name) {
  return {.name = name,
          .up = {"node", "-maxmemory-policy=" + std::string(policyOf(c.policy).redis)},
          .load = dataSet(p, c),
          .prepare = {}};
}

Result<double> keysIn(Admin& admin) {
  const auto reply = admin.command({"DBSIZE"});
  if (!reply) return fail(reply.error());
  return static_cast<double>(reply->integer);
}

/// Redis evicts down to a new limit beside its other work; until it is there, or cannot go on.
Status awaitEvictions(Admin& admin, const Bench& bench) {
  constexpr int kQuiet = 4;
  constexpr auto kLook = std::chrono::milliseconds(50);
  double before = -1;
  for (int quiet = 0; quiet < kQuiet && !bench.interrupted();) {
    const auto keys = keysIn(admin);
    if (!keys) return fail(keys.error());
    quiet = *keys == before ? quiet + 1 : 0;
    before = *keys;
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

/// Bytes of a hash table with an entry for each of `keys`: Redis doubles it, and leaves it as large
/// as it was when most of the keys go.
double tableBytes(std::uint64_t keys) {
  return keys == 0 ? 0 : static_cast<double>(sizeof(void*) * std::bit_ceil(keys));
}

/// While Redis moves keys from a table to one of twice the size it holds both.
Status awaitRehashing(Admin& admin, const Bench& bench) {
  constexpr auto kLook = std::chrono::milliseconds(50);
  while (!bench.interrupted()) {
    const auto stats = admin.command({"DEBUG", "HTSTATS", "0"});
    if (!stats) return fail(stats.error());
    if (stats->text.find("rehashing target") == std::string::npos) return {};
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

/// All keys are in the server, which had no limit: now it gets the one that makes the ratio. The
/// hash tables stay as they are and so are no part of it, on either side.
Status limitMemory(double ratio, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  if (auto rehashed = awaitRehashing(**admin, bench); !rehashed) return rehashed;
  const auto info = (*admin)->info({"memory", "keyspace"});
  if (!info) return fail(info.error());
  if (!info->keyspace.contains(0)) return fail(ErrorCode::invalidInput, "the load left no keys");
  const auto& held = info->keyspace.at(0);
  const double fixed =
      info->number("used_memory_startup") + tableBytes(held.keys) + tableBytes(held.expires);
  const double data = info->number("used_memory") - fixed;
  const auto limit = static_cast<std::uint64_t>(fixed + data / ratio);
  bench.figure("keys_loaded", static_cast<double>(held.keys));
  bench.figure("keys_with_ttl", static_cast<double>(held.expires));
  bench.figure("data_bytes", info->number("used_memory") - info->number("used_memory_startup"));
  bench.figure("maxmemory_bytes", static_cast<double>(limit));
  bench.command(fmt::format("redis-cli -u redis://$ADDR config set maxmemory {}", limit));
  if (auto set = (*admin)->configSet("maxmemory", std::to_string(limit)); !set) return set;
  return awaitEvictions(**admin, bench);
}

Status noteWhatIsHeld(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto keys = keysIn(**admin);
  if (!keys) return fail(keys.error());
  bench.figure("keys_held", *keys);
  return {};
}

LabRun runOf(const Parameters& p, const Condition& c, unsigned repeat) {
  LabRun run{.name = fmt::format("{}-r{}", c.name(), repeat),
             .labels = c.labels(),
             .stack = c.name(),
             .fresh = true,
             .before = [ratio = c.times()](Bench& bench) { return limitMemory(ratio, bench); },
             .drives = {{"", joinFlags({reads(p, c),
                                        {fmt::format("-warmup={:.0f}ms", warmupS(p, c) * 1e3),
                                         "-duration=" + p.text("duration")}})}},
             .after = noteWhatIsHeld,
             .expectedS = 0.3};
  run.labels.emplace_back("repeat", std::to_string(repeat));
  return run;
}

// Other keys become popular. Two runs on one server: before and after.

Condition shifted(const Parameters& p, const std::string& policy) {
  return {"zipfian", policy, p.text("shift-ratio"), p.text("value-size")};
}

/// The run before it has to have been on this very server.
Status requireHistory(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto info = (*admin)->info({"stats"});
  if (!info) return fail(info.error());
  if (info->number("keyspace_misses") > 0) return {};
  return fail(ErrorCode::invalidInput,
              "its server was started anew and remembers no popular keys: make this experiment "
              "again without -resume");
}

void addShift(const Parameters& p, ExperimentPlan& plan) {
  if (!p.on("shift")) return;
  for (const std::string& policy : p.texts("shift-policies")) {
    const Condition c = shifted(p, policy);
    const std::string stack = "shift-" + policy;
    plan.stacks.push_back(stackOf(p, c, stack));
    LabRun before = runOf(p, c, 1);
    before.name = stack + "-before";
    before.labels = shiftLabels(policy, "before");
    before.stack = stack;
    plan.runs.push_back(std::move(before));
    plan.runs.push_back(
        {.name = stack + "-after",
         .labels = shiftLabels(policy, "after"),
         .stack = stack,
         .before = requireHistory,
         .drives = {{"", joinFlags({reads(p, c),
                                    {fmt::format("-hot-seed={}", kOtherHotSeed), "-warmup=0",
                                     "-duration=" + p.text("shift-duration")}})}}});
  }
}

Result<ExperimentPlan> plan(const Parameters& p) {
  ExperimentPlan plan;
  const auto all = conditions(p);
  for (const Condition& each : all) plan.stacks.push_back(stackOf(p, each, each.name()));
  plan.runs = interleaved(all.size(), p.repeats(),
                          [&](std::size_t i, unsigned repeat) { return runOf(p, all[i], repeat); });
  addShift(p, plan);
  return plan;
}

Status check(const Parameters& p) {
  const auto ratios = p.numbers("ratios");
  if (!std::ranges::is_sorted(ratios) || ratios.front() <= 0)
    return p.refuse("ratios", "above 0, in ascending order");
  if (ratios.front() > 1 || ratios.back() <= 1)
    return p.refuse("ratios", "at least one up to 1, where all keys fit, and one above");
  if (p.count("room") < 1000)
    return p.refuse("room", "at least 1000 keys: below that the server's own memory decides");
  if (p.on("shift") && p.number("shift-ratio") <= 1)
    return p.refuse("shift-ratio", "above 1: where all keys fit nothing is forgotten");
  return {};
}

std::vector<LabPrediction> predict(const Parameters& p) {
  const auto all = conditions(p);
  std::vector<LabPrediction> predictions;
  for (const std::size_t i : predicted(all)) {
    const Condition& c = all[i];
    LabPrediction one{
        .what = fmt::format("hit rate, {}, {}, {} ×{}", c.isZipf() ? "Zipf" : "uniform",
                            fullName(p, c.policy), c.ratio,
                            c.value == p.text("value-size")
                                ? ""
                                : fmt::format(", {}", formatSize(*parseSize(c.value)))),
        .model = {},
        .unit = "share",
        .verdict = {}};
    const CacheShape shape = shapeOf(p, c);
    if (refuses(p, c)) {
      one.model =
          "the keys without a time to live, which stay; chance decides which hot keys they are";
      one.predicted = 1 - ttlShare(p, c.policy);
    } else if (policyOf(c.policy).kind == EvictionPolicy::lfu) {
      one.model = "the most popular keys always there: an upper bound of any policy";
      one.predicted = hottestForecast(popularityOf(p, c), shape).hitRate;
    } else {
      one.model = "LRU by exact recency (Che): an upper bound for five samples";
      one.predicted = lruForecast(popularityOf(p, c), shape).hitRate;
    }
    predictions.push_back(std::move(one));
  }
  return predictions;
}

}  // namespace
}  // namespace eviction

Experiment evictionCliffExperiment() {
  Experiment experiment;
  experiment.name = "eviction-cliff";
  experiment.title = "The hit rate as the working set outgrows maxmemory";
  experiment.question =
      "A cache fills itself on every miss. Its working set grows from half of maxmemory to three "
      "times as much. Where does the hit rate leave its plateau and how steeply, how many misses "
      "reach the store behind, which eviction policy holds a Zipf working set best, and do the "
      "models know it in advance?";
  using enum ParameterKind;
  experiment.parameters = {
      {.name = "room", .kind = count, .help = "keys that maxmemory has room for"},
      {.name = "ratios",
       .kind = number,
       .list = true,
       .help = "working set ÷ maxmemory, ascending, up to 1 and above"},
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
       .help = "share of keys with a time to live under volatile-lru; volatile-lru-all: all"},
      {.name = "zipf-s", .kind = number, .help = "exponent of the Zipf popularity"},
      {.name = "value-size", .kind = size, .help = "bytes of a value"},
      {.name = "big-value-size", .kind = size, .help = "bytes of a value, for comparison"},
      {.name = "big-ratios",
       .kind = number,
       .list = true,
       .help = "ratios at which values of the other size are measured too"},
      {.name = "rate", .kind = count, .help = "lookups a second"},
      {.name = "conns", .kind = count, .help = "connections; their buffers count as memory"},
      {.name = "pipeline", .kind = count, .help = "lookups in a batch, at most"},
      {.name = "warmup-tc", .kind = number, .help = "warm-up in characteristic times of LRU"},
      {.name = "least-warmup", .kind = duration, .help = "warm-up at the least"},
      {.name = "duration", .kind = duration, .help = "measured time of a run"},
      {.name = "lookups",
       .kind = count,
       .help = "lookups a second of the product, for which misses are projected"},
      {.name = "backing", .kind = count, .help = "lookups a second that the store behind sustains"},
      {.name = "shift", .kind = boolean, .help = "whether popularity shifts in runs of their own"},
      {.name = "shift-policies",
       .kind = choice,
       .list = true,
       .help = "policies that see the shift",
       .choices = {"allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lru-all"}},
      {.name = "shift-ratio", .kind = number, .help = "working set ÷ maxmemory of those runs"},
      {.name = "shift-duration", .kind = duration, .help = "measured time after the shift"},
  };
  experiment.check = eviction::check;
  experiment.plan = eviction::plan;
  experiment.predict = eviction::predict;
  experiment.analyse = eviction::analyse;
  return experiment;
}

}  // namespace redline
