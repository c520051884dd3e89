#include "server/node_config.h"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.h"
#include "transport/certificates.h"

namespace redline {
namespace {

/// What stack.json, `stack down` and -addr rely on, and what has a flag of its own.
constexpr std::array<std::string_view, 19> kOurs{"port",
                                                 "dir",
                                                 "bind",
                                                 "unixsocket",
                                                 "unixsocketperm",
                                                 "logfile",
                                                 "pidfile",
                                                 "daemonize",
                                                 "supervised",
                                                 "tls-port",
                                                 "tls-cert-file",
                                                 "tls-key-file",
                                                 "tls-ca-cert-file",
                                                 "tls-auth-clients",
                                                 "tls-cluster",
                                                 "tls-replication",
                                                 "cluster-port",
                                                 "cluster-enabled",
                                                 "cluster-config-file"};
constexpr std::array<std::string_view, 4> kSecrets{"requirepass", "masterauth", "aclfile",
                                                   "tls-key-file-pass"};
constexpr std::array<std::string_view, 7> kPolicies{
    "allkeys-lru",  "allkeys-lfu",     "allkeys-random", "volatile-lru",
    "volatile-lfu", "volatile-random", "volatile-ttl"};
constexpr std::size_t kLongestPassword = 512;
constexpr std::uint64_t kBacklog = 256ULL << 20;

template <std::size_t N>
bool isIn(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool isCpuList(std::string_view list) {
  return list.find_first_not_of("0123456789,-:") == std::string_view::npos;
}

Status checkPolicy(std::string_view policy) {
  if (isIn(kPolicies, policy)) return {};
  if (policy == "noeviction")
    return fail(ErrorCode::usage,
                "maxmemory-policy noeviction is refused: it turns memory pressure into write "
                "errors; use one of {}",
                fmt::join(kPolicies, ", "));
  return fail(ErrorCode::usage, "no such maxmemory-policy \"{}\": use one of {}", policy,
              fmt::join(kPolicies, ", "));
}

/// Whether a rule of ACL SETUSER adds or removes a password as it is, and not its SHA-256.
bool isPlainPassword(std::string_view rule) {
  return rule.starts_with('>') || rule.starts_with('<');
}

/// As redis.conf has sizes: "100mb", "1G", "4096"; 0 where it is none.
std::uint64_t parseRedisMemory(std::string_view text) {
  text = trim(text);
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kUnits{{{"", 1},
                                                                              {"b", 1},
                                                                              {"k", 1000},
                                                                              {"kb", 1ULL << 10},
                                                                              {"m", 1'000'000},
                                                                              {"mb", 1ULL << 20},
                                                                              {"g", 1'000'000'000},
                                                                              {"gb", 1ULL << 30}}};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = toNumber<std::uint64_t>(text.substr(0, digits));
  const std::string name = toLower(text.substr(digits));
  const auto* const unit =
      std::ranges::find(kUnits, name, &std::pair<std::string_view, std::uint64_t>::first);
  if (!count || unit == kUnits.end()) return 0;
  if (*count > std::numeric_limits<std::uint64_t>::max() / unit->second) return 0;
  return *count * unit->second;
}

Status checkExtra(const std::string& name, const std::string& value) {
  const std::string lower = toLower(name);
  if (isIn(kSecrets, lower))
    return fail(ErrorCode::usage,
                "{} is refused: a password is never in a file; set "
                "REDLINE_PASSWORD",
                lower);
  if (lower == "user" && std::ranges::any_of(splitWords(value), isPlainPassword))
    return fail(ErrorCode::usage,
                "user: a password is never in a file; write its SHA-256 behind a # instead");
  if (isIn(kOurs, lower))
    return fail(ErrorCode::usage, "{} cannot be overridden: the stack relies on it", lower);
  if (lower.empty() ||
      lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos)
    return fail(ErrorCode::usage, "\"{}\" is not the name of a parameter of redis.conf", name);
  if (value.find_first_of("\r\n") != std::string::npos || value.find('\0') != std::string::npos)
    return fail(ErrorCode::usage, "the value of {} contains a line break", name);
  if (lower == "maxmemory-policy") return checkPolicy(value);
  if (lower == "maxmemory" && parseRedisMemory(value) == 0)
    return fail(ErrorCode::usage,
                "maxmemory \"{}\" is refused: a cache needs a limit; write it as 4gb, or use "
                "-maxmemory",
                value);
  return {};
}

/// The backlog counts towards maxmemory: on a small node a full one would push the data out.
std::uint64_t backlogOf(const NodeConfig& config) {
  return std::min(kBacklog, effectiveMaxmemory(config) / 4);
}

void addLine(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(" ").append(value).append("\n");
}

/// Its port for clients, and how bytes go over it.
void addPort(std::string& text, const NodeConfig& config) {
  const bool tls = !config.certificates.empty();
  addLine(text, "port", tls ? "0" : std::to_string(config.port));
  if (!tls) return;
  const Certificates files = Certificates::in(config.certificates);
  addLine(text, "tls-port", std::to_string(config.port));
  addLine(text, "tls-cert-file", configWord(files.cert.string()));
  addLine(text, "tls-key-file", configWord(files.key.string()));
  addLine(text, "tls-ca-cert-file", configWord(files.ca.string()));
  addLine(text, "tls-auth-clients", "no");  // a password says who somebody is
  addLine(text, "tls-replication", "yes");
  if (config.cluster) addLine(text, "tls-cluster", "yes");
}

}  // namespace

std::string effectiveValue(const NodeConfig& config, std::string_view parameter, std::string ours) {
  for (const auto& [name, given] : config.extra)
    if (toLower(name) == parameter) ours = given;
  return ours;
}

std::uint64_t effectiveMaxmemory(const NodeConfig& config) {
  return parseRedisMemory(effectiveValue(config, "maxmemory", std::to_string(config.maxmemory)));
}

Status checkNodeConfig(const NodeConfig& config) {
  if (config.dir.empty() || !config.dir.is_absolute())
    return fail(ErrorCode::usage, "a node's directory must be an absolute path, not \"{}\"",
                config.dir.string());
  if (config.socketPath().string().size() >= sizeof(sockaddr_un::sun_path))
    return fail(ErrorCode::usage,
                "the directory {} is too long for a Unix socket (107 bytes in all): name a shorter "
                "one with -dir",
                config.dir.string());
  if (config.port == 0) return fail(ErrorCode::usage, "a node needs a port from 1 to 65535");
  if (config.cluster && config.port > kHighestClusterPort)
    return fail(ErrorCode::usage,
                "port {} is too high for a cluster's node, which also needs port + 10000 for its "
                "bus: use 1 to {}",
                config.port, kHighestClusterPort);
  if (config.maxmemory == 0)
    return fail(ErrorCode::usage, "a node needs a maxmemory: without a limit it is not a cache");
  if (auto policy = checkPolicy(config.policy); !policy) return policy;
  for (const auto* list :
       {&config.cpus, &config.bioCpus, &config.bgsaveCpus, &config.aofRewriteCpus})
    if (!isCpuList(*list))
      return fail(ErrorCode::usage, "\"{}\" is not a list of CPUs: write 0, 0-3 or 1,3", *list);
  if (config.ioThreads == 0 || config.ioThreads > 128)
    return fail(ErrorCode::usage, "io-threads goes from 1 to 128, not {}", config.ioThreads);
  if (config.password.size() > kLongestPassword)
    return fail(ErrorCode::usage, "the password in REDLINE_PASSWORD is longer than {} bytes",
                kLongestPassword);
  for (const auto& [name, value] : config.extra)
    if (auto good = checkExtra(name, value); !good) return good;
  return {};
}

std::string configText(const NodeConfig& config) {
  std::string text =
      "# Written by redline for one run; thrown away with it. A password is never in here.\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    addLine(text, name, value);
  };
  const auto addIf = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) add(name, value);
  };
  add("bind", "127.0.0.1");
  addPort(text, config);
  add("unixsocket", configWord(config.socketPath().string()));
  add("unixsocketperm", "700");
  add("dir", configWord(config.dir.string()));
  add("logfile", configWord(config.logPath().string()));
  add("daemonize", "no");
  add("maxmemory", std::to_string(config.maxmemory));
  add("maxmemory-policy", config.policy);
  // The default save points would put a BGSAVE into every load.
  add("save", "\"\"");
  add("appendonly", "no");
  add("auto-aof-rewrite-percentage", "0");
  add("enable-debug-command", "local");
  add("latency-monitor-threshold", "5");
  add("slowlog-log-slower-than", "1000");
  addIf("server_cpulist", config.cpus);
  addIf("bio_cpulist", config.bioCpus);
  addIf("bgsave_cpulist", config.bgsaveCpus);
  addIf("aof_rewrite_cpulist", config.aofRewriteCpus);
  if (config.ioThreads > 1) {
    add("io-threads", std::to_string(config.ioThreads));
    add("io-threads-do-reads", "yes");
  }
  if (config.cluster) {
    add("cluster-enabled", "yes");
    add("cluster-config-file", "nodes.conf");
    add("cluster-node-timeout", "5000");
    add("cluster-require-full-coverage", config.fullCoverage ? "yes" : "no");
    // With it, a master whose last slot is moved away would turn into a replica of the new owner.
    add("cluster-allow-replica-migration", "no");
    add("repl-diskless-sync-delay", "0");
    add("repl-backlog-size", std::to_string(backlogOf(config)));
  }
  if (!config.passwordFile.empty()) add("include", configWord(config.passwordFile.string()));
  for (const auto& [name, value] : config.extra) add(name, value.empty() ? "\"\"" : value);
  return text;
}

std::string secretText(const NodeConfig& config) {
  if (config.password.empty()) return {};
  const std::string word = configWord(config.password);
  return fmt::format("requirepass {0}\nmasterauth {0}\n", word);
}

std::string configWord(std::string_view text) {
  std::string word = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      word.append({'\\', c});
    else if (c < ' ' || c > '~')
      word.append(fmt::format("\\x{:02x}", static_cast<unsigned char>(c)));
    else
      word.push_back(c);
  }
  return word + "\"";
}

std::string parseServerVersion(std::string_view printed) {
  for (const std::string_view word : splitWords(printed)) {
    if (!word.starts_with("v=")) continue;
    const std::string_view version = word.substr(2);
    if (version.empty() || version.find_first_not_of("0123456789.") != std::string_view::npos)
      return {};
    return std::string(version);
  }
  return {};
}

}  // namespace redline
