#include "cmd/plan_flags.h"

#include <algorithm>

#include "base/units.h"
#include "cmd/common_flags.h"
#include "model/service_level.h"

namespace redline {
namespace {

std::vector<FlagSpec> demandFlags() {
  constexpr std::string_view kGroup = "Data and load";
  return {{.name = "keys",
           .kind = ValueKind::count,
           .help = "number of keys",
           .example = "100M",
           .group = kGroup,
           .positive = true,
           .most = "1000G",
           .whenEmpty = "required"},
          {.name = "rate",
           .kind = ValueKind::rate,
           .help = "operations per second, reads and writes together",
           .example = "200k",
           .group = kGroup,
           .positive = true,
           .least = "0.001",
           .most = "1G",
           .whenEmpty = "required"},
          {.name = "value-size",
           .kind = ValueKind::size,
           .fallback = "100",
           .help = "bytes of each value",
           .example = "4KB",
           .group = kGroup,
           .positive = true,
           .most = "512MB"},
          {.name = "key-size",
           .kind = ValueKind::size,
           .help = "bytes of each key's name",
           .example = "24",
           .group = kGroup,
           .positive = true,
           .most = "64KB",
           .whenEmpty = "as redline's own keys, obj:ID"},
          {.name = "zipf-s",
           .kind = ValueKind::number,
           .fallback = "1.1",
           .help = "exponent of the popularity: the n-th hottest key weighs 1/n^s; 0: all alike",
           .example = "1.2",
           .group = kGroup,
           .most = "20"},
          {.name = "rw-ratio",
           .kind = ValueKind::share,
           .fallback = "0.9",
           .help = "share of reads, 0 to 1",
           .example = "0.95",
           .group = kGroup},
          {.name = "ttl-frac",
           .kind = ValueKind::share,
           .fallback = "0",
           .help = "share of the keys that expire, 0 to 1",
           .example = "0.3",
           .group = kGroup},
          ttlMinFlag(kGroup),
          ttlMaxFlag(kGroup),
          {.name = "pipeline",
           .kind = ValueKind::count,
           .fallback = "0",
           .help = "commands that reach a server together, on average; 0 and 1: one at a time",
           .example = "16",
           .group = kGroup,
           .most = "100k"}};
}

std::vector<FlagSpec> limitFlags() {
  constexpr std::string_view kGroup = "What it must keep to";
  return {
      {.name = "slo",
       .fallback = "p99<1ms",
       .help = "the service level, from p99<250us on",
       .example = "p99<2ms",
       .group = kGroup},
      {.name = "store-max",
       .kind = ValueKind::rate,
       .help = "reads per second that the store behind the cache answers",
       .example = "8k",
       .group = kGroup,
       .positive = true,
       .most = "1G",
       .whenEmpty = "not judged"},
      {.name = "headroom",
       .kind = ValueKind::share,
       .fallback = "20%",
       .help = "of memory and rate that is kept free, beyond what is asked for",
       .example = "50%",
       .group = kGroup},
      {.name = "fork-max",
       .kind = ValueKind::duration,
       .fallback = "1s",
       .help = "how long a fork (snapshot, AOF rewrite, a replica's full copy) may block a node",
       .example = "200ms",
       .group = kGroup,
       .positive = true,
       .most = "1h"},
      {.name = "node-memory",
       .kind = ValueKind::size,
       .fallback = "32GB",
       .help = "memory of the machine that one node may use, a fork's copies included",
       .example = "64GB",
       .group = kGroup,
       .positive = true,
       .most = "1024TB"},
      {.name = "network",
       .kind = ValueKind::size,
       .fallback = "1GB",
       .help = "bytes per second that one node may send",
       .example = "3GB",
       .group = kGroup,
       .positive = true,
       .most = "1TB"}};
}

std::vector<FlagSpec> shapeFlags() {
  constexpr std::string_view kGroup = "Deployment";
  return {{.name = "shards",
           .kind = ValueKind::count,
           .help = "masters",
           .example = "12",
           .group = kGroup,
           .positive = true,
           .most = "16384",
           .whenEmpty = "as few as will do"},
          {.name = "replicas",
           .kind = ValueKind::count,
           .fallback = "1",
           .help = "replicas of each master",
           .example = "2",
           .group = kGroup,
           .most = "1k"},
          {.name = "replica-reads",
           .kind = ValueKind::boolean,
           .fallback = "false",
           .help = "reads are spread over a master and its replicas",
           .group = kGroup},
          {.name = "maxmemory",
           .kind = ValueKind::size,
           .fallback = "auto",
           .help = "maxmemory of each node; auto: what the data needs, and -headroom",
           .example = "8GB",
           .group = kGroup,
           .choices = {"auto"},
           .positive = true,
           .most = "1024TB"},
          {.name = "maxmemory-policy",
           .kind = ValueKind::choice,
           .fallback = "allkeys-lru",
           .help = "eviction policy",
           .example = "allkeys-lfu",
           .group = kGroup,
           .choices = {"allkeys-lru", "allkeys-lfu", "allkeys-random"}},
          {.name = "client-cache",
           .kind = ValueKind::count,
           .fallback = "0",
           .help = "entries of a cache in each client that Redis invalidates (CLIENT TRACKING); "
                   "0: none. Needs -clients",
           .example = "10k",
           .group = kGroup,
           .most = "1000G"},
          {.name = "clients",
           .kind = ValueKind::count,
           .help = "client processes, each with a cache of its own",
           .example = "40",
           .group = kGroup,
           .positive = true,
           .most = "1M",
           .whenEmpty = "needed for -client-cache alone"},
          {.name = "split-ways",
           .kind = ValueKind::count,
           .fallback = "1",
           .help = "copies, under names of their own, of each key that takes a tenth of a shard; "
                   "1: none are split",
           .example = "12",
           .group = kGroup,
           .positive = true,
           .most = "250"},
          {.name = "node-timeout",
           .kind = ValueKind::duration,
           .fallback = "5s",
           .help = "cluster-node-timeout",
           .example = "15s",
           .group = kGroup,
           .positive = true,
           .most = "1h"}};
}

Result<double> levelUs(const FlagValues& flags) {
  const auto level = parseLevel(flags.text("slo"));
  if (!level)
    return fail(ErrorCode::usage, "{}: '{}' is not of the form p99<1ms", flags.at("slo").where,
                flags.text("slo"));
  if (level->percentile != "p99")
    return fail(ErrorCode::usage,
                "{}: there are coefficients for p99 alone, not for {}: -slo='p99<1ms'",
                flags.at("slo").where, level->percentile);
  return level->limitUs;
}

Status checkClients(const FlagValues& flags) {
  const bool hasCache = flags.count("client-cache") > 0;
  if (hasCache && flags.empty("clients"))
    return fail(ErrorCode::usage,
                "-client-cache needs the number of processes that each have one: -clients=40");
  if (!hasCache && !flags.empty("clients"))
    return fail(ErrorCode::usage, "-clients has no effect without -client-cache=ENTRIES");
  return {};
}

double inSeconds(const FlagValues& flags, std::string_view name) {
  return toSeconds(flags.duration(name));
}

CachePolicy policyOf(const FlagValues& flags) {
  if (flags.is("maxmemory-policy", "allkeys-random")) return CachePolicy::random;
  return flags.is("maxmemory-policy", "allkeys-lfu") ? CachePolicy::lfu : CachePolicy::lru;
}

void readLimits(const FlagValues& flags, SizingRequest& request) {
  if (!flags.empty("store-max")) request.storeMax = flags.number("store-max");
  request.headroom = flags.number("headroom");
  request.forkMostS = inSeconds(flags, "fork-max");
  request.nodeMemory = static_cast<double>(flags.size("node-memory"));
  request.network = static_cast<double>(flags.size("network"));
}

void readShape(const FlagValues& flags, SizingRequest& request) {
  if (!flags.empty("shards")) request.shards = flags.count("shards");
  request.replicas = flags.count("replicas");
  request.replicaReads = flags.on("replica-reads");
  if (!flags.is("maxmemory", "auto"))
    request.maxmemory = static_cast<double>(flags.size("maxmemory"));
  request.policy = policyOf(flags);
  request.clientEntries = static_cast<double>(flags.count("client-cache"));
  if (!flags.empty("clients")) request.clients = static_cast<double>(flags.count("clients"));
  request.split = static_cast<double>(flags.count("split-ways"));
  request.nodeTimeoutS = inSeconds(flags, "node-timeout");
}

}  // namespace

std::vector<FlagSpec> planFlags() {
  return joinFlags({demandFlags(), limitFlags(), shapeFlags()});
}

Result<SizingRequest> sizingRequest(const FlagValues& flags) {
  if (flags.empty("keys") || flags.empty("rate"))
    return fail(ErrorCode::usage, "say how much is stored and asked: -keys=100M -rate=200k");
  if (auto sound = checkClients(flags); !sound) return fail(sound.error());
  const auto limit = levelUs(flags);
  if (!limit) return fail(limit.error());
  SizingRequest request;
  request.sloUs = *limit;
  request.keys = flags.count("keys");
  request.rate = flags.number("rate");
  request.valueBytes = static_cast<double>(flags.size("value-size"));
  if (!flags.empty("key-size")) request.keyBytes = static_cast<double>(flags.size("key-size"));
  request.zipfS = flags.number("zipf-s");
  request.readShare = flags.number("rw-ratio");
  request.ttlShare = flags.number("ttl-frac");
  request.ttlLeastS = inSeconds(flags, "ttl-min");
  request.ttlMostS = inSeconds(flags, "ttl-max");
  request.batch = static_cast<double>(std::max<std::uint64_t>(1, flags.count("pipeline")));
  readLimits(flags, request);
  readShape(flags, request);
  if (auto sound = checkRequest(request); !sound) return fail(sound.error());
  return request;
}

}  // namespace redline
