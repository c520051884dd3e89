#include "cmd/backing_flags.h"

#include <string_view>

namespace redline {
namespace {

constexpr std::string_view kOnMissGroup = "Misses and the store behind the cache";
constexpr std::string_view kNeedsStore = "-on-miss=postgres";

/// Of no use without a store.
constexpr std::string_view kStoreFlags[] = {
    "on-write", "backing-addr", "backing-conns", "backing-max-rate",   "backing-timeout",
    "coalesce", "miss-lock",    "early-refresh", "stale-while-refresh"};

Status checkStoreIsUsed(const FlagValues& flags) {
  if (flags.is("on-miss", "postgres")) return {};
  for (const auto name : kStoreFlags)
    if (flags.given(name)) return fail(ErrorCode::usage, "-{} needs {}", name, kNeedsStore);
  return {};
}

/// What excludes writes that are not drawn operations.
Status checkRefills(const FlagValues& flags) {
  if (flags.is("on-miss", "none")) return {};
  const auto refuse = [&](std::string_view with, std::string_view why) {
    return fail(ErrorCode::usage, "-on-miss={} cannot be combined with {}: {}",
                flags.text("on-miss"), with, why);
  };
  if (flags.is("mitigation", "key-split"))
    return refuse("-mitigation=key-split",
                  "a missing copy does not mean that the others are missing");
  if (flags.on("tx")) return refuse("-tx", "a transaction is sent as drawn");
  if (flags.is("on-miss", "refill")) {
    if (flags.count("ledger") != 0)
      return refuse("-ledger", "the ledger would take refills for newer writes");
    return {};
  }
  if (flags.count("wait-replicas") != 0)
    return refuse("-wait-replicas", "a write ends in the store and in the cache");
  return {};
}

Status checkWholeMillis(const FlagValues& flags) {
  for (const std::string_view name : {"miss-lock", "stale-while-refresh"})
    if (flags.duration(name) % kMillisecond != 0)
      return fail(ErrorCode::usage, "-{}={}: whole milliseconds only", name, flags.text(name));
  return {};
}

Status checkExpiries(const FlagValues& flags) {
  if (flags.number("ttl-frac") > 0) return {};
  if (flags.number("early-refresh") > 0)
    return fail(ErrorCode::usage, "-early-refresh needs keys that expire: set -ttl-frac");
  if (flags.duration("stale-while-refresh") > 0)
    return fail(ErrorCode::usage, "-stale-while-refresh needs keys that expire: set -ttl-frac");
  return {};
}

OnWrite onWriteOf(const FlagValues& flags) {
  if (flags.is("on-write", "through")) return OnWrite::through;
  return flags.is("on-write", "invalidate") ? OnWrite::invalidate : OnWrite::none;
}

std::vector<FlagSpec> storeFlags() {
  return {
      {.name = "on-miss",
       .kind = ValueKind::choice,
       .fallback = "none",
       .help =
           "after a read that misses: nothing; write the key as cache-aside does, when the read "
           "has ended; or read the row from PostgreSQL, with which the read ends, and refill",
       .example = "postgres",
       .group = kOnMissGroup,
       .choices = {"none", "refill", "postgres"}},
      {.name = "on-write",
       .kind = ValueKind::choice,
       .fallback = "invalidate",
       .help =
           "postgres: a write updates the row and then the cache (through), updates the row and "
           "then deletes the key, or leaves the row alone (none)",
       .example = "through",
       .group = kOnMissGroup,
       .choices = {"through", "invalidate", "none"}},
      {.name = "backing-addr",
       .kind = ValueKind::text,
       .help = "where PostgreSQL listens: unix:/directory/.s.PGSQL.5432, or that directory; its "
               "password "
               "is REDLINE_PASSWORD",
       .example = "unix:/tmp/pg/.s.PGSQL.5432",
       .group = kOnMissGroup,
       .whenEmpty = "that of the stack at -addr"},
      {.name = "backing-conns",
       .kind = ValueKind::count,
       .fallback = "8",
       .help = "connections to PostgreSQL; requests that find none free wait",
       .example = "32",
       .group = kOnMissGroup,
       .positive = true,
       .most = "1k"},
      {.name = "backing-max-rate",
       .kind = ValueKind::rate,
       .fallback = "0",
       .help = "admission control: requests/s to PostgreSQL; beyond it they are shed, and their "
               "operations fail as store_shed; 0: no limit",
       .example = "8k",
       .group = kOnMissGroup,
       .most = "1G"},
      {.name = "backing-timeout",
       .kind = ValueKind::duration,
       .fallback = "1s",
       .help = "how long an operation waits for PostgreSQL before it fails as store_timeout",
       .example = "250ms",
       .group = kOnMissGroup,
       .positive = true,
       .least = "1ms",
       .most = "1h"},
  };
}

std::vector<FlagSpec> defenceFlags() {
  constexpr std::string_view kGroup = "Defences against stampedes";
  return {
      {.name = "coalesce",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "one read of a key in flight to PostgreSQL, whichever worker began it; the others "
               "wait for its result",
       .group = kGroup},
      {.name = "miss-lock",
       .kind = ValueKind::duration,
       .fallback = "0",
       .help = "a lock in Redis (SET NX PX with a fencing token) with this time to live for each "
               "key that is read from PostgreSQL; who does not get it sends the GET again after a "
               "few milliseconds; 0: no lock",
       .example = "200ms",
       .group = kGroup,
       .most = "1h"},
      {.name = "early-refresh",
       .kind = ValueKind::number,
       .fallback = "0",
       .help =
           "XFetch: a read refreshes its key before the expiry with a chance that grows towards "
           "it; this is beta, 1 as the paper has it, more refreshes earlier; 0: off",
       .example = "1",
       .group = kGroup,
       .most = "100"},
      {.name = "stale-while-refresh",
       .kind = ValueKind::duration,
       .fallback = "0",
       .help = "keys are kept this long beyond their time to live, and then served while one read "
               "for each process refreshes them; 0: off",
       .example = "2s",
       .group = kGroup,
       .most = "8760h"},
  };
}

}  // namespace

std::vector<FlagSpec> backingFlags() {
  std::vector<FlagSpec> all = storeFlags();
  for (FlagSpec& flag : defenceFlags()) all.push_back(std::move(flag));
  return all;
}

OnMiss onMissOf(const FlagValues& flags) {
  if (flags.is("on-miss", "postgres")) return OnMiss::store;
  return flags.is("on-miss", "refill") ? OnMiss::refill : OnMiss::none;
}

Result<BackingPlan> backingPlan(const FlagValues& flags) {
  for (const Status& sound : {checkStoreIsUsed(flags), checkRefills(flags)})
    if (!sound) return fail(sound.error());
  BackingPlan plan;
  plan.used = flags.is("on-miss", "postgres");
  if (!plan.used) return plan;
  for (const Status& sound : {checkWholeMillis(flags), checkExpiries(flags)})
    if (!sound) return fail(sound.error());
  plan.address = flags.text("backing-addr");
  plan.limits.connections = static_cast<unsigned>(flags.count("backing-conns"));
  plan.limits.maxRate = flags.number("backing-max-rate");
  plan.timeout = flags.duration("backing-timeout");
  plan.onWrite = onWriteOf(flags);
  plan.coalesce = flags.on("coalesce");
  plan.missLock = flags.duration("miss-lock");
  plan.freshness = {flags.number("early-refresh"), flags.duration("stale-while-refresh")};
  return plan;
}

}  // namespace redline
