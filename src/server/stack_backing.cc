#include "server/stack_backing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "pg/cache_table.h"
#include "pg/pg_admin.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr Nanos kBackingStatusTimeout = 2 * kSecond;

PgAddress addressOf(const PostgresState& postgres, const std::string& password) {
  PostgresConfig config;
  config.dir = postgres.dir;
  config.password = password;
  return config.address();
}

PostgresStartOptions recorded(StackState& state, const std::function<Status()>& save) {
  PostgresStartOptions start;
  start.onSpawned = [&state, &save](const ProcessId& process) {
    state.backing->process = process;
    return save();
  };
  return start;
}

}  // namespace

Result<PostgresConfig> planBacking(const StackState& state, const BackingOptions& options) {
  PostgresConfig config = options.config;
  auto programs = findPostgres(config.programs, options.anyVersion);
  if (!programs) return fail(std::move(programs.error()));
  config.programs = std::move(*programs);
  auto place = postgresPlace(state.dir / "pg", postgresPlaceElsewhere(state.dir));
  if (!place) return fail(std::move(place.error()));
  config.dir = std::move(*place);
  if (auto good = checkPostgresConfig(config); !good) return fail(std::move(good.error()));
  std::error_code problem;
  if (fs::exists(config.dir, problem))
    return fail(ErrorCode::unsafe,
                "{} exists already and belongs to no stack that is known here: 'redline stack down "
                "{}' removes it",
                config.dir.string(), state.name);
  return config;
}

Status startBacking(StackState& state, const PostgresConfig& config,
                    const std::function<Status()>& save) {
  state.backing = PostgresState{config.dir, config.programs, config.cpus, {}};
  if (auto saved = save(); !saved) return saved;
  auto server = PostgresServer::start(config, recorded(state, save));
  return server ? Status{} : fail(std::move(server.error()));
}

Status restartBacking(StackState& state, const std::string& password,
                      const std::function<Status()>& save) {
  PostgresConfig config;
  config.dir = state.backing->dir;
  config.programs = state.backing->programs;
  config.cpus = state.backing->cpus;
  config.password = password;
  killPostgresIn(config.dir);  // of a server that was killed, children may be about to end
  PostgresStartOptions start = recorded(state, save);
  start.keepData = true;
  auto server = PostgresServer::start(std::move(config), start);
  return server ? Status{} : fail(std::move(server.error()));
}

Status removeBacking(const StackState& state, std::vector<std::string>& lines) {
  if (!state.backing) return {};
  const PostgresState& postgres = *state.backing;
  const bool lived = isAlive(postgres.process);
  if (auto stopped = stopPostgres(postgres.process, postgres.dir, PostgresStop::immediate);
      !stopped)
    return stopped;
  lines.push_back(lived ? fmt::format("stopped PostgreSQL (pid {})", postgres.process.pid)
                        : "PostgreSQL was not running");
  std::error_code problem;
  fs::remove_all(postgres.dir, problem);
  if (problem)
    return fail(ErrorCode::io, "cannot remove {}: {}", postgres.dir.string(), problem.message());
  if (postgres.dir.parent_path() != state.dir)
    lines.push_back(fmt::format("removed {}", postgres.dir.string()));
  return {};
}

void clearStrayBacking(const fs::path& directory, std::vector<std::string>& lines) {
  std::error_code problem;
  const fs::path elsewhere = postgresPlaceElsewhere(directory);
  for (const fs::path& place : {directory, elsewhere})
    if (const auto ended = endPostgresIn(place); !ended.empty())
      lines.push_back(fmt::format("ended a leftover PostgreSQL (pid {})", std::ranges::min(ended)));
  if (mayBeOwnPostgres(elsewhere) && fs::remove_all(elsewhere, problem) > 0 && !problem)
    lines.push_back(fmt::format("removed {}", elsewhere.string()));
}

BackingStatus backingStatus(const PostgresState& postgres, const std::string& password) {
  BackingStatus status;
  status.postgres = postgres;
  status.address = addressOf(postgres, password);
  status.alive = isAlive(postgres.process);
  if (!status.alive || isStopped(postgres.process)) {
    status.problem = status.alive ? "held by a SIGSTOP" : "not running";
    return status;
  }
  auto admin = PgAdmin::connect(status.address, kBackingStatusTimeout, kBackingStatusTimeout);
  if (!admin) {
    status.problem = admin.error().message;
    return status;
  }
  const auto figures = admin->row(
      "SELECT current_setting('server_version'),"
      " coalesce(pg_total_relation_size(to_regclass('cache_entries')), 0)");
  const auto rows = figures ? estimateCacheRows(*admin) : fail(figures.error());
  if (!rows) {
    status.problem = rows.error().message;
    return status;
  }
  status.version = figures->at(0).substr(0, figures->at(0).find(' '));
  status.bytes = toNumber<std::uint64_t>(figures->at(1)).value_or(0);
  status.rows = *rows;
  return status;
}

std::optional<PgAddress> backingAddress(const StackState& state, const std::string& password) {
  if (!state.backing) return std::nullopt;
  return addressOf(*state.backing, password);
}

}  // namespace redline
