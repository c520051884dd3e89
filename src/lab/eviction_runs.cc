#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/units.h"
#include "lab/eviction_cliff.h"
#include "lab/format.h"

namespace redline::lab::eviction_cliff {
namespace {

// What is varied.

Factor<Policy> policiesOf(const Parameters& p) {
  using enum EvictionPolicy;
  return Study::factor<Policy>(
      "policy",
      {{"allkeys-lru", "allkeys-lru", lru, false, 0},
       {"allkeys-lfu", "allkeys-lfu", lfu, false, 0},
       {"volatile-lru", "volatile-lru", lru, true, p.number("ttl-frac")},
       {"volatile-lru-all", "volatile-lru", lru, true, 1}},
      [](const Policy& each) -> Level { return {.label = each.word, .title = each.title()}; });
}

/// Working set ÷ maxmemory: all that any runs have.
Factor<double> ratiosOf(const Parameters& p) {
  std::vector<double> ratios = p.numbers("ratios");
  for (const std::string_view list : {"big-ratios", "shift-ratio"})
    std::ranges::copy(p.numbers(list), std::back_inserter(ratios));
  std::ranges::sort(ratios);
  ratios.erase(std::ranges::unique(ratios).begin(), ratios.end());
  return Study::factor<double>("ratio", ratios, [](const double& ratio) -> Level {
    return {fmt::format("{}", ratio), fmt::format("{} ×", ratio), ratio, fmt::format("{}x", ratio)};
  });
}

// What runs.

Flags dataSet(const Axes& axes, const Cell& c, const CacheModel& model) {
  const double ttlShare = c[axes.policy].ttlShare;
  Flags flags{fmt::format("-keys={}", model.keys()), "-value-size=" + c[axes.value],
              fmt::format("-ttl-frac={}", ttlShare)};
  // Long enough that eviction alone takes keys away.
  if (ttlShare > 0) flags.insert(flags.end(), {"-ttl-min=7200s", "-ttl-max=14400s"});
  return flags;
}

Result<double> keysIn(Admin& admin) {
  const auto reply = admin.command({"DBSIZE"});
  if (!reply) return fail(reply.error());
  return static_cast<double>(reply->integer);
}

/// Redis evicts down to a new limit beside its other work; until it is there, or can evict no more.
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

}  // namespace

Axes::Axes(const Parameters& p)
    : dist(Study::factor("dist", {"zipfian", "uniform"},
                         [&](const std::string& each) {
                           return each == "zipfian" ? "Zipf " + p.text("zipf-s")
                                                    : std::string("uniform popularity");
                         })),
      policy(policiesOf(p)),
      ratio(ratiosOf(p)),
      value(Study::factor("value", {p.text("value-size"), p.text("big-value-size")},
                          [](const std::string& text) { return formatSize(*parseSize(text)); })) {}

Cells Axes::points(const std::string& under, const std::string& evicting,
                   const std::vector<double>& ratios, const std::string& size) const {
  const auto isOne = [&](double each) { return std::ranges::find(ratios, each) != ratios.end(); };
  return gridOf("", {dist.pick({under}), policy.pick({evicting}), ratio.only(isOne),
                     value.pick({size})})
      .cells;
}

CacheModel modelOf(const Parameters& p, const Axes& axes, const Cell& c) {
  const Policy& policy = c[axes.policy];
  const auto room = static_cast<double>(p.count("room"));
  return CacheModel({.keys = static_cast<std::uint64_t>(std::llround(room * c[axes.ratio])),
                     .ratio = c[axes.ratio],
                     .zipfS = axes.isZipf(c) ? std::optional(p.number("zipf-s")) : std::nullopt,
                     .policy = policy.kind,
                     .evictableShare = policy.isVolatile ? policy.ttlShare : 1,
                     .requestsPerS = static_cast<double>(p.count("rate")),
                     .leastTcS = p.seconds("least-tc"),
                     .durationS = p.seconds("duration"),
                     .leastWarmupS = p.seconds("least-warmup"),
                     .warmupTc = p.number("warmup-tc"),
                     .lfuWarmupS = p.seconds("lfu-warmup")});
}

Flags reads(const Parameters& p, const Axes& axes, const Cell& c, const CacheModel& model) {
  Flags flags = joinFlags({dataSet(axes, c, model),
                           {"-dist=" + c[axes.dist], "-rw-ratio=1", "-on-miss=refill",
                            fmt::format("-rate={:.0f}", model.requestsPerS()),
                            "-conns=" + p.text("conns"), "-pipeline=" + p.text("pipeline")}});
  if (axes.isZipf(c)) flags.push_back("-zipf-s=" + p.text("zipf-s"));
  return flags;
}

LabRun runOf(Study& s, const Axes& axes, const Cell& c, const CacheModel& model,
             std::string stack) {
  const Parameters& p = s.parameters();
  return {.stack = s.stack({.name = std::move(stack),
                            .up = {"node", "-maxmemory-policy=" + c[axes.policy].redis},
                            .load = dataSet(axes, c, model)}),
          .fresh = true,
          .before = [ratio = c[axes.ratio]](Bench& bench) { return limitMemory(ratio, bench); },
          .drives = {{.flags = joinFlags({reads(p, axes, c, model),
                                          {fmt::format("-warmup={:.0f}ms", model.warmupS() * 1e3),
                                           "-duration=" + p.text("duration")}})}},
          .after = noteWhatIsHeld,
          .expectedS = 0.3};
}

double hitRate(const Reading& reading) {
  const Summary* const summary = reading.summary();
  return summary == nullptr || summary->cache.hits + summary->cache.misses == 0
             ? kNaN
             : summary->cache.hitRate;
}

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.2f}%", 100 * share) : "–";
}

std::string points(double difference) {
  return fmt::format("{:.2f} percentage points", 100 * difference);
}

}  // namespace redline::lab::eviction_cliff
