#include "server/postgres_config.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/units.h"

namespace redline {
namespace {

/// What stack.json, `stack down` and the driver rely on, and what has a flag of its own.
constexpr std::array<std::string_view, 14> kPostgresOurs{"listen_addresses",
                                                         "unix_socket_directories",
                                                         "unix_socket_permissions",
                                                         "unix_socket_group",
                                                         "port",
                                                         "data_directory",
                                                         "hba_file",
                                                         "config_file",
                                                         "external_pid_file",
                                                         "dynamic_shared_memory_type",
                                                         "log_destination",
                                                         "logging_collector",
                                                         "shared_buffers",
                                                         "max_connections"};
constexpr std::uint64_t kLeastBuffers = 128ULL << 10;
constexpr std::uint64_t kMostBuffers = 8ULL << 40;
constexpr unsigned kMostConnections = 10'000;

/// A value of postgresql.conf, quoted.
std::string quotedValue(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += c;
    text += c;
  }
  return text + "'";
}

Status checkPostgresExtra(const std::string& name, const std::string& value) {
  const std::string lower = toLower(name);
  if (std::ranges::find(kPostgresOurs, lower) != kPostgresOurs.end())
    return fail(ErrorCode::usage, "{} cannot be overridden: the stack relies on it{}", lower,
                lower == "shared_buffers"    ? ", and -postgres-buffers sets it"
                : lower == "max_connections" ? ", and -postgres-connections sets it"
                                             : "");
  if (lower.empty() ||
      lower.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") != std::string::npos ||
      lower.starts_with("include"))
    return fail(ErrorCode::usage, "\"{}\" is not the name of a parameter of postgresql.conf", name);
  if (value.find_first_of("\r\n") != std::string::npos || value.find('\0') != std::string::npos)
    return fail(ErrorCode::usage, "the value of {} contains a line break", name);
  return {};
}

}  // namespace

PgAddress PostgresConfig::address() const {
  PgAddress address;
  address.directory = dir;
  address.password = password;
  return address;
}

Status checkPostgresConfig(const PostgresConfig& config) {
  const std::string socket = config.address().socketPath().string();
  if (socket.size() >= sizeof(sockaddr_un::sun_path))
    return fail(
        ErrorCode::usage,
        "the directory {} is too long for PostgreSQL's Unix socket ({} bytes, and 107 fit): "
        "name a shorter one with -dir, or a shorter REDLINE_HOME",
        config.dir.string(), socket.size());
  if (config.sharedBuffers < kLeastBuffers || config.sharedBuffers > kMostBuffers)
    return fail(ErrorCode::usage, "-postgres-buffers={}: use {} to {}",
                formatSize(config.sharedBuffers), formatSize(kLeastBuffers),
                formatSize(kMostBuffers));
  if (config.maxConnections < 5 || config.maxConnections > kMostConnections)
    return fail(ErrorCode::usage,
                "-postgres-connections={}: use 5 to {}; 3 of them are for administrators",
                config.maxConnections, kMostConnections);
  for (const auto& [name, value] : config.extra)
    if (auto good = checkPostgresExtra(name, value); !good) return good;
  return {};
}

std::string postgresConfigText(const PostgresConfig& config) {
  constexpr std::uint64_t kBlock = 8192;
  std::string text =
      "# Written by redline. What is not here is at PostgreSQL's default: fsync,\n"
      "# synchronous_commit, full_page_writes and autovacuum are on, max_wal_size is 1GB.\n";
  const auto add = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{} = {}\n", name, value);
  };
  add("listen_addresses", "''");
  add("unix_socket_directories", quotedValue(config.dir.string()));
  add("unix_socket_permissions", "0700");
  add("port", std::to_string(config.address().port));
  add("hba_file", quotedValue(config.accessPath().string()));
  add("max_connections", std::to_string(config.maxConnections));
  add("shared_buffers", std::to_string(config.sharedBuffers / kBlock));
  text += "# In the data directory: nothing is left in /dev/shm by a server that is killed.\n";
  add("dynamic_shared_memory_type", "mmap");
  text +=
      "# No replication: a table that is filled in the transaction that makes it needs no WAL.\n";
  add("wal_level", "minimal");
  add("max_wal_senders", "0");
  add("log_destination", "stderr");
  add("log_line_prefix", "'%m [%p] '");
  add("log_timezone", "'UTC'");
  add("lc_messages", "'C'");
  for (const auto& [name, value] : config.extra) add(toLower(name), quotedValue(value));
  return text;
}

std::string postgresAccessText(const PostgresConfig& config) {
  return fmt::format(
      "# Written by redline. The Unix socket is its owner's alone.\nlocal all all {}\n",
      config.password.empty() ? "trust" : "scram-sha-256");
}

std::string parsePostgresVersion(std::string_view printed) {
  constexpr std::string_view kName = "postgres (PostgreSQL) ";
  const std::string_view line = trim(printed);
  if (!line.starts_with(kName)) return {};
  const std::string_view rest = line.substr(kName.size());
  const auto end = rest.find_first_not_of("0123456789.");
  return std::string(rest.substr(0, end));
}

std::string_view postgresLastWords(std::string_view log) {
  const auto lines = splitLines(log);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    for (const std::string_view mark : {"PANIC:  ", "FATAL:  ", "error: "})
      if (const auto at = line->find(mark); at != std::string_view::npos)
        return trim(line->substr(at + mark.size()));
  return lastLine(log);
}

}  // namespace redline
