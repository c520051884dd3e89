#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/gated_child.h"
#include "pg/pg_address.h"
#include "server/postgres_config.h"
#include "server/process.h"

namespace redline {

/// The directory of Debian's PostgreSQL 15, or `given`, after a look at the version. io: it is not
/// there, and how to get it; refused: another version than 15, unless `anyVersion`.
Result<std::filesystem::path> findPostgres(const std::filesystem::path& given,
                                           bool anyVersion = false);

/// As whom PostgreSQL runs, which refuses root: for root the user postgres, or nobody; none: as we
/// do ourselves. refused: we are root, and there is neither.
Result<std::optional<RunAs>> postgresUser();

/// Where a PostgreSQL's directory is to be: `wanted`, or, when the user that it runs as cannot get
/// there (below a home directory of root's), `elsewhere`. Makes nothing.
Result<std::filesystem::path> postgresPlace(const std::filesystem::path& wanted,
                                            const std::filesystem::path& elsewhere);

/// Where that of the stack in the directory `stack` is when it cannot be in there, told by its name
/// from those of other stacks: "/var/tmp/redline-pg-stack-lab-5e0c12a9".
std::filesystem::path postgresPlaceElsewhere(const std::filesystem::path& stack);
/// The servers, a process each, that are below `stacks` or elsewhere for a stack there whose own
/// directory was deleted; by the stack's name.
std::map<std::string, std::vector<ProcessId>> strayPostgres(const std::filesystem::path& stacks);

struct PostgresStartOptions {
  Nanos timeout = 60 * kSecond;  ///< until it accepts connections; after a crash it replays its WAL
  bool dieWithParent = false;    ///< for tests and for runs that own their servers
  bool keepData = false;         ///< it has run before: nothing is written but its log
  /// Called when the process exists and before it runs postgres. If it fails, no server starts.
  std::function<Status(const ProcessId&)> onSpawned;
};

/// Of stopPostgres().
enum class PostgresStop : std::uint8_t {
  fast,       ///< open transactions end, and a checkpoint is written
  immediate,  ///< as after a crash, but for what it leaves: for data that nobody needs
};

/// A PostgreSQL that this program started. Owning it does not stop it.
class PostgresServer {
 public:
  /// Makes the directory and the data in it (initdb) unless the data are kept, starts the server,
  /// and returns when it accepts connections and has the database of its address. On failure no
  /// process is left. noSpace: its disk is full.
  static Result<PostgresServer> start(PostgresConfig config,
                                      const PostgresStartOptions& options = {});

  Status stop(PostgresStop how = PostgresStop::fast);
  /// SIGKILL of all its processes; its data stay.
  Status kill();
  /// Starts it again after stop() or kill(), in its place.
  Status restart();
  bool alive() const { return isAlive(process_); }

  const ProcessId& process() const { return process_; }
  const PostgresConfig& config() const { return config_; }
  PgAddress address() const { return config_.address(); }

 private:
  PostgresServer(PostgresConfig config, PostgresStartOptions options)
      : config_(std::move(config)), options_(std::move(options)) {}
  Status launch(const std::optional<RunAs>& as);
  Status awaitReady(Nanos deadline);

  PostgresConfig config_;
  PostgresStartOptions options_;
  ProcessId process_;
};

/// Stops the server of `dir` (PostgresConfig::dir) and every process of it that a crash left, and
/// gives its shared memory back. Ok when there was none.
Status stopPostgres(const ProcessId& process, const std::filesystem::path& dir, PostgresStop how);
/// Whether what stands at the place of a PostgreSQL's directory may be touched: nothing (it may
/// have been deleted), or a directory. A link may lead to another's cluster; and where anybody may
/// make files, in /var/tmp, the directory must be of the user that would have made it.
bool mayBeOwnPostgres(const std::filesystem::path& directory);

/// Ends what runs in a directory that may have been deleted, as after a crash. Returns the pids;
/// none where not mayBeOwnPostgres().
std::vector<pid_t> endPostgresIn(const std::filesystem::path& directory);
/// SIGKILLs what runs in `directory`, gives its shared memory back, and removes its lock files.
/// Returns the pids; touches nothing where not mayBeOwnPostgres().
std::vector<pid_t> killPostgresIn(const std::filesystem::path& directory);

/// What the PostgreSQL of a stack is made with.
struct BackingOptions {
  PostgresConfig config;  ///< the directory is the stack's to choose; programs: empty: Debian's
  bool anyVersion = false;
};

/// A PostgreSQL that lives as long as this object, in a directory of its own; it dies with this
/// process, however that ends.
class ScopedPostgres {
 public:
  /// `config.dir`: in which its directory is to be, if the user that it runs as can get there; it
  /// and the programs may be left empty.
  static Result<ScopedPostgres> start(PostgresConfig config = {});
  ScopedPostgres(ScopedPostgres&& other) noexcept = default;
  ScopedPostgres& operator=(ScopedPostgres&&) = delete;
  ~ScopedPostgres();

  PostgresServer& server() { return *server_; }
  PgAddress address() const { return server_->address(); }

 private:
  explicit ScopedPostgres(std::unique_ptr<PostgresServer> server) : server_(std::move(server)) {}
  std::unique_ptr<PostgresServer> server_;
};

/// Removes the directories of ScopedPostgres whose processes are gone. Returns what it did, a line
/// each.
std::vector<std::string> clearLeftPostgres();

}  // namespace redline
