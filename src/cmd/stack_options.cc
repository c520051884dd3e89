#include "cmd/stack_options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/suggest.h"
#include "base/text.h"
#include "cmd/postgres_flags.h"
#include "cmd/stack_settings.h"

namespace redline {
namespace {

constexpr std::string_view kBlank = " \t";

constexpr std::uint16_t kNodePort = 7600, kClusterPort = 7700;

std::uint16_t portOf(const FlagValues& flags, std::string_view flag, std::uint16_t automatic) {
  if (flags.is(flag, "auto")) return automatic;
  return static_cast<std::uint16_t>(flags.count(flag));
}

constexpr std::uint16_t kNodeObservePort = 7690, kClusterObservePort = 7790;

/// How the stack is to be observed; none where it is not.
Result<std::optional<ObserveOptions>> observeOptions(const FlagValues& flags, bool cluster) {
  if (!flags.on("observe")) {
    for (const auto* const flag : {"observe-port", "observe-driver"})
      if (flags.at(flag).source == FlagSource::commandLine)
        return fail(ErrorCode::usage, "-{} needs -observe", flag);
    return std::nullopt;
  }
  ObserveOptions options;
  options.port = portOf(flags, "observe-port", cluster ? kClusterObservePort : kNodeObservePort);
  const auto driver = parseEndpoint(flags.text("observe-driver"));
  if (!driver) return fail(driver.error());
  options.driver = *driver;
  return options;
}

Result<ClusterShape> shapeOf(const FlagValues& flags) {
  constexpr std::uint64_t kMany = 1000;  // more than checkShape() lets pass
  ClusterShape shape;
  shape.masters = static_cast<unsigned>(std::min(kMany, flags.count("masters")));
  shape.replicas = static_cast<unsigned>(std::min(kMany, flags.count("replicas")));
  for (const auto& [flag, lists] : {std::pair{"master-cpus", &shape.masterCpus},
                                    std::pair{"replica-cpus", &shape.replicaCpus}}) {
    auto parsed = parseCpuLists(flag, flags.text(flag));
    if (!parsed) return fail(parsed.error());
    *lists = std::move(*parsed);
  }
  return shape;
}

/// A single node has none; what was said of one on the command line would be without effect.
Result<ClusterShape> noShape(const FlagValues& flags) {
  for (const auto* const flag :
       {"masters", "replicas", "master-cpus", "replica-cpus", "full-coverage"})
    if (flags.at(flag).source == FlagSource::commandLine)
      return fail(ErrorCode::usage, "-{} needs a cluster: 'redline stack up cluster'", flag);
  return ClusterShape{};
}

/// Containers instead of processes; none: processes.
Result<std::optional<ComposeOptions>> composeOptions(const FlagValues& flags) {
  const bool compose = flags.is("engine", "compose");
  const std::string_view useless = compose ? "redis-server" : "redis-image";
  if (flags.at(useless).source == FlagSource::commandLine)
    return fail(ErrorCode::usage, "-{} is for -engine={}", useless,
                compose ? "process" : "compose");
  if (!compose) return std::nullopt;
  return ComposeOptions{flags.text("redis-image")};
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parseRedisConfig(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> settings;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const auto blank = line.find_first_of(kBlank);
    if (blank == std::string_view::npos)
      return fail(ErrorCode::usage,
                  "-redis-config: '{}' has no value: write a name, a blank and a value, e.g. "
                  "appendonly yes",
                  line);
    settings.emplace_back(line.substr(0, blank), trim(line.substr(blank)));
  }
  return settings;
}

Result<std::vector<std::string>> parseCpuLists(std::string_view flag, std::string_view text) {
  std::vector<std::string> lists;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view list = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (const auto cpus = parseCpuList(list); !cpus)
      return fail(ErrorCode::usage, "-{}: {}", flag, cpus.error().message);
    lists.emplace_back(list);
  }
  return lists;
}

bool stackNamed(const FlagValues& flags) {
  return flags.given("name") || !flags.positional("node").empty();
}

std::string stackName(const FlagValues& flags) {
  if (!flags.empty("name")) return flags.text("name");
  const std::string& word = flags.positional("node");
  return word.empty() ? "node" : word;
}

FlagSpec engineFlag(std::string_view group) {
  return {.name = "engine",
          .kind = ValueKind::choice,
          .fallback = "process",
          .help =
              "how servers are started: as local processes, or as containers by Docker Compose "
              "(docs/compose.md)",
          .example = "compose",
          .group = group,
          .choices = {"process", "compose"}};
}

FlagSpec redisImageFlag(std::string_view group) {
  return {.name = "redis-image",
          .fallback = kRedisImage,
          .help = "with -engine=compose: the image, which must have been fetched",
          .example = "redis:7.2.4-bookworm",
          .group = group};
}

Result<StackOptions> stackOptions(const FlagValues& flags, const std::string& password) {
  const std::string& topology = flags.positional("node");
  const bool cluster = topology == "cluster";
  if (topology != "node" && !cluster) {
    constexpr std::array<std::string_view, 2> kTopologies{"node", "cluster"};
    const std::string hint = didYouMean(topology, kTopologies);
    if (!hint.empty()) return fail(ErrorCode::usage, "there is no topology '{}'{}", topology, hint);
    return fail(ErrorCode::usage,
                "name the topology: 'redline stack up node' or 'redline stack up cluster'{}",
                topology.empty() ? "" : " (-name sets a stack's name)");
  }
  const std::uint16_t port = portOf(flags, "port", cluster ? kClusterPort : kNodePort);
  auto shape = cluster ? shapeOf(flags) : noShape(flags);
  if (!shape) return fail(shape.error());
  auto extra = parseRedisConfig(flags.text("redis-config"));
  if (!extra) return fail(extra.error());

  auto observe = observeOptions(flags, cluster);
  if (!observe) return fail(observe.error());

  auto compose = composeOptions(flags);
  if (!compose) return fail(compose.error());
  auto backing = backingOptions(flags);
  if (!backing) return fail(backing.error());

  StackOptions options;
  options.compose = std::move(*compose);
  options.backing = std::move(*backing);
  options.observe = std::move(*observe);
  options.cluster = std::move(*shape);
  options.topology = topology;
  options.name = stackName(flags);
  options.dir = flags.text("dir");
  options.tls = flags.on("tls");
  options.force = flags.on("force");
  NodeConfig& node = options.node;
  node.binary = flags.text("redis-server");
  node.port = port;
  node.maxmemory = flags.size("maxmemory");  // 0 for "auto", as StackOptions has it
  node.policy = flags.text("maxmemory-policy");
  node.cpus = flags.text("server-cpus");
  node.bioCpus = flags.text("bio-cpus");
  node.bgsaveCpus = flags.text("bgsave-cpus");
  node.aofRewriteCpus = flags.text("aof-rewrite-cpus");
  node.ioThreads = static_cast<unsigned>(flags.count("io-threads"));
  node.password = password;
  node.extra = std::move(*extra);
  node.fullCoverage = flags.on("full-coverage");
  node.anyVersion = flags.on("any-version");
  options.settings = stackSettings(flags, options);
  return options;
}

}  // namespace redline
