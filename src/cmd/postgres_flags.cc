#include "cmd/postgres_flags.h"

#include <algorithm>

#include "base/text.h"

namespace redline {
namespace {

/// "work_mem = 8MB; wal_sync_method = fdatasync": parameters of postgresql.conf.
Result<std::vector<std::pair<std::string, std::string>>> parsePostgresConfig(
    std::string_view text) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const std::string_view piece : split(text, ';')) {
    const std::string_view line = trim(piece);
    if (line.empty()) continue;
    const auto equals = line.find('=');
    const std::string_view name = trim(line.substr(0, equals));
    const std::string_view value =
        equals == std::string_view::npos ? "" : trim(line.substr(equals + 1));
    if (name.empty() || value.empty())
      return fail(ErrorCode::usage,
                  "-postgres-config: '{}' is not of the form name = value, e.g. work_mem = 8MB",
                  line);
    settings.emplace_back(name, value);
  }
  return settings;
}

}  // namespace

std::vector<FlagSpec> postgresFlags() {
  constexpr std::string_view kGroup = "Store behind the cache";
  return {
      {.name = "backing",
       .kind = ValueKind::choice,
       .fallback = "none",
       .help = "also start a PostgreSQL 15, on a Unix socket alone, that the loader fills and the "
               "driver reads after a miss. For a stack that is up, start one if it has none",
       .example = "postgres",
       .group = kGroup,
       .choices = {"none", "postgres"}},
      {.name = "postgres-bin",
       .kind = ValueKind::path,
       .help = "the directory of postgres and initdb",
       .example = "/opt/postgresql/bin",
       .group = kGroup,
       .whenEmpty = "/usr/lib/postgresql/15/bin, or where postgres is on PATH"},
      {.name = "postgres-buffers",
       .kind = ValueKind::size,
       .fallback = "256MB",
       .help = "shared_buffers",
       .example = "1GB",
       .group = kGroup,
       .positive = true,
       .most = "8TB"},
      {.name = "postgres-connections",
       .kind = ValueKind::count,
       .fallback = "100",
       .help = "max_connections",
       .example = "300",
       .group = kGroup,
       .positive = true,
       .most = "10k"},
      {.name = "postgres-cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of all its processes",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "any"},
      {.name = "postgres-config",
       .help = "more parameters of postgresql.conf, separated by semicolons",
       .example = "synchronous_commit = off; max_wal_size = 4GB",
       .group = kGroup,
       .whenEmpty = "none"},
  };
}

Result<std::optional<BackingOptions>> backingOptions(const FlagValues& flags) {
  if (!flags.is("backing", "postgres")) {
    for (const auto* const flag : {"postgres-bin", "postgres-buffers", "postgres-connections",
                                   "postgres-cpus", "postgres-config"})
      if (flags.at(flag).source == FlagSource::commandLine)
        return fail(ErrorCode::usage, "-{} needs -backing=postgres", flag);
    return std::nullopt;
  }
  auto extra = parsePostgresConfig(flags.text("postgres-config"));
  if (!extra) return fail(extra.error());
  BackingOptions options;
  options.config.programs = flags.text("postgres-bin");
  options.config.sharedBuffers = flags.size("postgres-buffers");
  options.config.maxConnections = static_cast<unsigned>(flags.count("postgres-connections"));
  options.config.cpus = flags.text("postgres-cpus");
  options.config.extra = std::move(*extra);
  options.anyVersion = flags.on("any-version");
  return options;
}

}  // namespace redline
