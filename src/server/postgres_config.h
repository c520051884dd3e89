#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "pg/pg_address.h"

namespace redline {

/// What a PostgreSQL of ours is started with. The paths are absolute.
struct PostgresConfig {
  std::filesystem::path dir;       ///< of its own: configuration, log, socket, and data/
  std::filesystem::path programs;  ///< the directory of postgres and initdb
  std::uint64_t sharedBuffers = 256ULL << 20;
  unsigned maxConnections = 100;
  std::string cpus;      ///< of all its processes, as taskset has them; empty: any
  std::string password;  ///< empty: whoever may open the socket may log in
  std::vector<std::pair<std::string, std::string>> extra;  ///< more parameters, which win

  std::filesystem::path dataDir() const { return dir / "data"; }
  std::filesystem::path configPath() const { return dir / "postgresql.conf"; }
  std::filesystem::path accessPath() const { return dir / "pg_hba.conf"; }
  std::filesystem::path logPath() const { return dir / "postgres.log"; }
  PgAddress address() const;
};

/// usage: a directory that is too long for the socket, a parameter that the stack relies on, a size
/// that PostgreSQL would not take.
Status checkPostgresConfig(const PostgresConfig& config);

/// The text of postgresql.conf; no password is in it.
std::string postgresConfigText(const PostgresConfig& config);
/// The text of pg_hba.conf.
std::string postgresAccessText(const PostgresConfig& config);

/// "15.20" from what `postgres --version` prints; empty when it prints something else.
std::string parsePostgresVersion(std::string_view printed);
/// Of a log or an output: the last line that says why a program of PostgreSQL ended, without its
/// time and severity; else the last line.
std::string_view postgresLastWords(std::string_view log);

}  // namespace redline
