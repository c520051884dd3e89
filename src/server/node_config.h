#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace redline {

/// A cluster's node also listens on port + kBusOffset, for the other nodes.
inline constexpr std::uint16_t kBusOffset = 10000;
inline constexpr std::uint16_t kHighestClusterPort = 65535 - kBusOffset;

/// How one redis-server is set up. What is not here is as docs/overview.md says of every lab
/// server: no persistence, no default save points, latency monitor and slow log on, loopback only.
struct NodeConfig {
  std::string binary = "redis-server";  ///< a name on PATH or a path
  std::filesystem::path dir;            ///< its own directory; absolute
  std::uint16_t port = 7600;
  std::uint64_t maxmemory = 0;         ///< bytes; must be given: a cache without a limit is none
  std::string policy = "allkeys-lru";  ///< any but noeviction
  /// CPUs of the main thread, of background threads, and of the two kinds of children: "0", "0-3",
  /// "1,3"; empty: any.
  std::string cpus, bioCpus, bgsaveCpus, aofRewriteCpus;
  unsigned ioThreads = 1;  ///< above 1, reads go to them too
  bool cluster = false;    ///< cluster-enabled, with the lab's time-outs
  /// Of a cluster's node: refuses everything while any slot is without an owner.
  bool fullCoverage = true;
  /// Holds its certificates (transport/certificates.h): clients, replicas and the cluster's bus
  /// speak TLS with it, and its Unix socket is plain; empty: nothing is encrypted.
  std::filesystem::path certificates;
  /// For the server's default user. It never reaches a command line, nor a file of a process:
  /// redis-server reads it from its standard input, after redis.conf.
  std::string password;
  /// Where that is impossible, in a container: a file of that name holds secretText(), readable by
  /// the user of this process alone, and redis.conf includes it. Empty: there is none.
  std::filesystem::path passwordFile = {};
  std::vector<std::pair<std::string, std::string>> extra;  ///< parameters, last: they win
  bool anyVersion = false;

  std::filesystem::path configPath() const { return dir / "redis.conf"; }
  std::filesystem::path logPath() const { return dir / "redis.log"; }
  /// What it prints before its log is open: the place of configuration errors.
  std::filesystem::path outputPath() const { return dir / "output.txt"; }
  std::filesystem::path socketPath() const { return dir / "redis.sock"; }
};

/// Refuses settings that would falsify measurements or do harm: usage, with the parameter's name.
Status checkNodeConfig(const NodeConfig& config);

/// What the server will have of a parameter for which redline gives `ours`: the last line of
/// `extra` wins.
std::string effectiveValue(const NodeConfig& config, std::string_view parameter, std::string ours);
/// The same of maxmemory, bytes; 0: none, or it cannot be read, and checkNodeConfig() refuses both.
std::uint64_t effectiveMaxmemory(const NodeConfig& config);

/// The text of redis.conf; the password is not in it.
std::string configText(const NodeConfig& config);
/// The lines for redis-server's standard input; empty without a password.
std::string secretText(const NodeConfig& config);
/// `text` as one word of redis.conf, quoted and escaped.
std::string configWord(std::string_view text);

/// "7.0.15" from what `redis-server --version` prints; empty when it prints something else.
std::string parseServerVersion(std::string_view printed);

}  // namespace redline
