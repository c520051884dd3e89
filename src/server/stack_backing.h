#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/postgres_server.h"
#include "server/stack_state.h"

namespace redline {

/// `options` as the configuration of that stack's PostgreSQL, with everything checked that can be
/// before a file or a process exists.
Result<PostgresConfig> planBacking(const StackState& state, const BackingOptions& options);

/// Starts the PostgreSQL of a stack and enters it into the state; `save` is called before and after
/// its process exists. On failure a part may be left.
Status startBacking(StackState& state, const PostgresConfig& config,
                    const std::function<Status()>& save);
/// Starts one that has died, in its place. `password`: of the stack's servers.
Status restartBacking(StackState& state, const std::string& password,
                      const std::function<Status()>& save);
/// Stops it, with all that a crash left of it, and removes its files. Adds what it did to `lines`.
Status removeBacking(const StackState& state, std::vector<std::string>& lines);

/// Ends the PostgreSQL of a stack whose directory was deleted, wherever its own is, and removes its
/// files. Adds what it did to `lines`.
void clearStrayBacking(const std::filesystem::path& directory, std::vector<std::string>& lines);

struct BackingStatus {
  PostgresState postgres;
  PgAddress address;
  bool alive = false;
  std::string version;
  std::uint64_t rows = 0;   ///< by the planner's statistics
  std::uint64_t bytes = 0;  ///< of the table, with its index
  std::string problem;      ///< why nothing could be read
};
BackingStatus backingStatus(const PostgresState& postgres, const std::string& password);

/// Where a stack's PostgreSQL listens; none: it has none.
std::optional<PgAddress> backingAddress(const StackState& state, const std::string& password);

}  // namespace redline
