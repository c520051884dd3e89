#include "cmd/mitigation_flags.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/units.h"
#include "workload/values.h"

namespace redline {
namespace {

constexpr std::string_view kHotKeys = "Hot keys";
constexpr std::string_view kHotPrefix = "top:";
constexpr std::uint64_t kMostCopies = 10'000'000;

/// "top:10" → 10.
Result<std::uint64_t> parseHot(std::string_view text) {
  if (text.starts_with(kHotPrefix))
    if (auto count = parseCount(text.substr(kHotPrefix.size()))) return count;
  return fail(ErrorCode::usage, "-hot={}: name a number of keys, as in -hot=top:10", text);
}

/// A flag that was given and would have no effect.
Status refuseUnused(const FlagValues& flags, std::initializer_list<std::string_view> names,
                    std::string_view needs) {
  for (const auto name : names)
    if (flags.given(name)) return fail(ErrorCode::usage, "-{} needs {}", name, needs);
  return {};
}

Status checkUnused(const FlagValues& flags) {
  if (!flags.is("mitigation", "local-cache"))
    if (auto used = refuseUnused(flags, {"tracking", "cache-size"}, "-mitigation=local-cache");
        !used)
      return used;
  if (!flags.is("mitigation", "key-split"))
    if (auto used = refuseUnused(flags, {"split", "split-ways", "hot"}, "-mitigation=key-split");
        !used)
      return used;
  if (!flags.is("mitigation", "replica-read"))
    return refuseUnused(flags, {"replica-policy"}, "-mitigation=replica-read");
  return {};
}

Status checkSplit(const FlagValues& flags, const SplitPlan& split) {
  if (split.hot > flags.count("keys"))
    return fail(ErrorCode::usage, "-hot={} exceeds -keys={}", flags.text("hot"),
                flags.text("keys"));
  if (split.hot * split.ways > kMostCopies)
    return fail(ErrorCode::usage, "-hot={} and -split-ways={} make {} copies: at most {}",
                flags.text("hot"), flags.text("split-ways"), split.hot * split.ways, kMostCopies);
  if (split.mode == SplitMode::tag && flags.number("ttl-frac") > 0)
    return fail(ErrorCode::usage,
                "-split=tag writes all copies with one MSET, which cannot carry times to live: use "
                "-ttl-frac=0 or -split=spread");
  return {};
}

Status checkLedger(const FlagValues& flags) {
  const std::uint64_t keys = flags.count("ledger");
  if (keys == 0) return {};
  if (keys > flags.count("keys"))
    return fail(ErrorCode::usage, "-ledger={} exceeds -keys={}", flags.text("ledger"),
                flags.text("keys"));
  if (flags.size("value-size") < Values::kHeader)
    return fail(ErrorCode::usage,
                "-ledger needs the version in each value: -value-size={} is below {} bytes",
                flags.text("value-size"), Values::kHeader);
  if (flags.is("verify", "none"))
    return fail(ErrorCode::usage,
                "-ledger needs the version in each value, which -verify=none ignores");
  return {};
}

Status checkTogether(const FlagValues& flags) {
  if (flags.on("tx") && !flags.is("mitigation", "none"))
    return fail(
        ErrorCode::usage,
        "-tx sends a batch as drawn, and -mitigation={} redirects operations: use one of them",
        flags.text("mitigation"));
  if (flags.is("mitigation", "replica-read") && flags.is("topology", "node"))
    return fail(ErrorCode::usage,
                "-mitigation=replica-read needs a cluster, and -addr names a single server");
  return {};
}

ReplicaPolicy replicaPolicy(const FlagValues& flags) {
  if (flags.is("replica-policy", "nearest")) return ReplicaPolicy::nearest;
  return flags.is("replica-policy", "random") ? ReplicaPolicy::random
                                              : ReplicaPolicy::replicaPreferred;
}

MitigationKind mitigationKind(const FlagValues& flags) {
  if (flags.is("mitigation", "local-cache")) return MitigationKind::localCache;
  if (flags.is("mitigation", "key-split")) return MitigationKind::keySplit;
  return flags.is("mitigation", "replica-read") ? MitigationKind::replicaRead
                                                : MitigationKind::none;
}

}  // namespace

std::vector<FlagSpec> mitigationFlags() {
  return {
      {.name = "mitigation",
       .kind = ValueKind::choice,
       .fallback = "none",
       .help = "mitigation of hot keys; the summary gives its benefit and its cost",
       .example = "local-cache",
       .group = kHotKeys,
       .choices = {"none", "local-cache", "key-split", "replica-read"}},
      {.name = "tracking",
       .kind = ValueKind::choice,
       .fallback = "default",
       .help = "local-cache: invalidations for the keys that a connection has read, or for all "
               "keys through one subscriber for each node and worker",
       .example = "bcast",
       .group = kHotKeys,
       .choices = {"default", "bcast"}},
      {.name = "cache-size",
       .kind = ValueKind::size,
       .fallback = "16MB",
       .help = "local-cache: memory of each worker's cache",
       .example = "64MB",
       .group = kHotKeys,
       .positive = true,
       .most = "1TB"},
      {.name = "split",
       .kind = ValueKind::choice,
       .fallback = "spread",
       .help = "key-split: copies spread over all masters, or in one slot, written by one MSET",
       .example = "tag",
       .group = kHotKeys,
       .choices = {"spread", "tag"}},
      {.name = "split-ways",
       .kind = ValueKind::count,
       .fallback = "6",
       .help = "key-split: copies of each hot key",
       .example = "12",
       .group = kHotKeys,
       .positive = true,
       .most = "250"},
      {.name = "hot",
       .kind = ValueKind::text,
       .fallback = "top:10",
       .help = "key-split: how many of the hottest keys are split",
       .example = "top:100",
       .group = kHotKeys},
      {.name = "replica-policy",
       .kind = ValueKind::choice,
       .fallback = "replica-preferred",
       .help = "replica-read: which node answers a read; nearest: the lowest service time",
       .example = "nearest",
       .group = kHotKeys,
       .choices = {"random", "nearest", "replica-preferred"}},
      {.name = "ledger",
       .kind = ValueKind::count,
       .fallback = "0",
       .help = "record the writes of this many of the hottest keys, to find stale reads and lost "
               "acknowledged writes",
       .example = "1000",
       .group = kHotKeys,
       .most = "1M"},
  };
}

Result<MitigationPlan> mitigationPlan(const FlagValues& flags) {
  MitigationPlan plan;
  plan.kind = mitigationKind(flags);
  plan.tracking = flags.is("tracking", "bcast") ? Tracking::prefix : Tracking::keysRead;
  plan.cacheBytes = flags.size("cache-size");
  plan.replicaPolicy = replicaPolicy(flags);
  plan.split.mode = flags.is("split", "tag") ? SplitMode::tag : SplitMode::spread;
  plan.split.ways = static_cast<unsigned>(flags.count("split-ways"));
  const auto hot = parseHot(flags.text("hot"));
  if (!hot) return fail(hot.error());
  plan.split.hot = *hot;
  for (const Status& sound : {checkUnused(flags), checkTogether(flags), checkLedger(flags)})
    if (!sound) return fail(sound.error());
  if (plan.is(MitigationKind::keySplit))
    if (auto sound = checkSplit(flags, plan.split); !sound) return fail(sound.error());
  plan.ledgerKeys = static_cast<std::uint32_t>(flags.count("ledger"));
  return plan;
}

}  // namespace redline
