#include "server/postgres_server.h"

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/text.h"
#include "os/fd.h"
#include "os/files.h"
#include "os/program.h"
#include "pg/pg_admin.h"
#include "server/owner_name.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDebianPrograms = "/usr/lib/postgresql/15/bin";
constexpr std::string_view kWantedVersion = "15.";
constexpr Nanos kPostgresVersionTimeout = 10 * kSecond;
constexpr Nanos kInitTimeout = 120 * kSecond;
constexpr auto kReadyPause = std::chrono::milliseconds(20);
constexpr Nanos kFastStop = 60 * kSecond;  ///< a checkpoint may have much to write
constexpr Nanos kImmediateStop = 10 * kSecond;
constexpr Nanos kKillWait = 60 * kSecond;
constexpr std::string_view kScopedPrefix = "redline-pg-";
constexpr std::string_view kStackPrefix = "redline-pg-stack-";

bool isPostgres(std::string_view command) {
  return command.starts_with("postgres");
}

bool isFull(std::string_view words) {
  return words.find("No space left on device") != std::string_view::npos;
}

/// Why a program of PostgreSQL ended.
tl::unexpected<Error> ended(std::string_view what, std::string_view words, const fs::path& dir) {
  if (isFull(words))
    return fail(ErrorCode::noSpace, "{}: the disk of {} is full: {}", what, dir.string(), words);
  return fail(ErrorCode::io, "{}: {}", what, words.empty() ? "it printed nothing" : words);
}

/// Whether that user may pass through the directory.
bool mayPass(const fs::path& directory, const RunAs& as) {
  struct stat about{};
  if (::stat(directory.c_str(), &about) != 0) return true;  // it is to be made
  const mode_t needed = about.st_uid == as.user    ? S_IXUSR
                        : about.st_gid == as.group ? S_IXGRP
                                                   : S_IXOTH;
  return (about.st_mode & needed) != 0;
}

bool isReachable(const fs::path& directory, const RunAs& as) {
  for (fs::path at = directory.parent_path();; at = at.parent_path()) {
    if (!mayPass(at, as)) return false;
    if (at == at.parent_path()) return true;
  }
}

Status giveTo(const fs::path& path, const std::optional<RunAs>& as) {
  if (!as || ::chown(path.c_str(), as->user, as->group) == 0) return {};
  return fail(ErrorCode::io, "cannot give {} to another user: {}", path.string(), errnoText(errno));
}

/// Makes the last directory of a path, which must be new or empty.
Status makeOwnDirectory(const fs::path& directory, const std::optional<RunAs>& as) {
  std::error_code problem;
  fs::create_directories(directory.parent_path(), problem);
  if (problem || ::mkdir(directory.c_str(), 0700) != 0)
    return fail(errno == ENOSPC ? ErrorCode::noSpace : ErrorCode::io, "cannot make {}: {}",
                directory.string(), problem ? problem.message() : errnoText(errno));
  return giveTo(directory, as);
}

Status writeSettings(const PostgresConfig& config, const std::optional<RunAs>& as) {
  for (const auto& [path, text] : {std::pair{config.configPath(), postgresConfigText(config)},
                                   std::pair{config.accessPath(), postgresAccessText(config)}}) {
    if (auto written = writeWholeFile(path, text); !written) return written;
    if (auto given = giveTo(path, as); !given) return given;
  }
  return {};
}

Status initialise(const PostgresConfig& config, const std::optional<RunAs>& as) {
  ProgramStart start;
  // Not forced to the disk: a machine that crashes now has lost nothing.
  start.args = {(config.programs / "initdb").string(),
                "--pgdata=" + config.dataDir().string(),
                "--username=" + config.address().user,
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--auth=" + std::string(config.password.empty() ? "trust" : "scram-sha-256")};
  if (!config.password.empty()) start.args.emplace_back("--pwfile=/dev/stdin");
  start.directory = config.dir;
  start.as = as;
  auto done = runProgram(std::move(start), kInitTimeout, config.password);
  if (!done) return fail(std::move(done.error()));
  if (done->succeeded()) return {};
  return ended("initdb could not make PostgreSQL's data",
               postgresLastWords(done->errors.empty() ? done->output : done->errors), config.dir);
}

/// The System V segment that a server holds as a sign of life, from its postmaster.pid.
std::optional<int> sharedMemoryOf(const fs::path& pidFile) {
  const auto text = readWholeFile(pidFile);
  if (!text) return std::nullopt;
  constexpr std::size_t kLine = 6;
  const auto lines = splitLines(*text);
  if (lines.size() <= kLine) return std::nullopt;
  const auto words = splitWords(lines[kLine]);
  return words.size() == 2 ? toNumber<int>(words[1]) : std::nullopt;
}

/// A killed server cannot give it back. One that anybody is attached to, or that has another size
/// than PostgreSQL's, is not ours.
void removeSharedMemory(const fs::path& pidFile) {
  const auto id = sharedMemoryOf(pidFile);
  if (!id) return;
  constexpr std::size_t kMostBytes = 4096;
  shmid_ds about{};
  if (::shmctl(*id, IPC_STAT, &about) == 0 && about.shm_nattch == 0 &&
      about.shm_segsz <= kMostBytes)
    ::shmctl(*id, IPC_RMID, nullptr);
}

/// Of every server at most three levels below that no process belongs to any more: its shared
/// memory and its lock files. Where nobody reaps orphans (a container without an init) the number
/// of a dead server stays taken, and PostgreSQL would believe that it lives.
void clearDeadServersIn(const fs::path& directory) {
  constexpr int kDeepest = 3;
  std::error_code problem, ignored;
  std::vector<fs::path> locks;
  for (auto at = fs::recursive_directory_iterator(directory, problem);
       !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
    const std::string name = at->path().filename();
    const bool isPidFile = name == "postmaster.pid";
    if (isPidFile) removeSharedMemory(at->path());
    if (isPidFile || (name.starts_with(".s.PGSQL.") && name.ends_with(".lock")))
      locks.push_back(at->path());
    if (at.depth() >= kDeepest) at.disable_recursion_pending();
  }
  for (const fs::path& lock : locks) fs::remove(lock, ignored);
}

std::string scopedName(const ProcessId& owner) {
  static std::atomic<unsigned> count{0};
  return fmt::format("{}{}-{}", kScopedPrefix, ownerName(owner), ++count);
}

fs::path sharedTemporary() {
  std::error_code problem;
  return fs::is_directory("/var/tmp", problem) ? "/var/tmp" : "/tmp";
}

}  // namespace

Result<fs::path> findPostgres(const fs::path& given, bool anyVersion) {
  fs::path directory = given.empty() ? fs::path(kDebianPrograms) : fs::absolute(given);
  std::error_code problem;
  if (given.empty() && !fs::exists(directory / "postgres", problem))
    if (const auto onPath = findProgram("postgres")) directory = onPath->parent_path();
  for (const char* const program : {"postgres", "initdb"})
    if (!fs::exists(directory / program, problem))
      return fail(ErrorCode::io,
                  "-backing=postgres: there is no {}/{}: install PostgreSQL 15 (Debian: apt-get "
                  "install postgresql), or name the directory of its programs with -postgres-bin",
                  directory.string(), program);
  const std::string program = (directory / "postgres").string();
  auto printed = runProgram({program, "--version"}, kPostgresVersionTimeout);
  if (!printed) return fail(std::move(printed.error()));
  const std::string version = parsePostgresVersion(printed->output);
  if (version.empty())
    return fail(ErrorCode::refused, "{} is not PostgreSQL's: its --version says \"{}\"", program,
                lastLine(printed->errors.empty() ? printed->output : printed->errors));
  if (!version.starts_with(kWantedVersion) && !anyVersion)
    return fail(ErrorCode::refused,
                "{} is version {}, and redline is tested with PostgreSQL 15: insist with "
                "-any-version",
                program, version);
  return directory;
}

Result<std::optional<RunAs>> postgresUser() {
  if (::geteuid() != 0) return std::optional<RunAs>();
  for (const char* const name : {"postgres", "nobody"})
    if (const passwd* const entry = ::getpwnam(name); entry != nullptr && entry->pw_uid != 0)
      return std::optional(RunAs{entry->pw_uid, entry->pw_gid});
  return fail(ErrorCode::refused,
              "PostgreSQL does not run as root, and this machine has neither a user postgres nor "
              "nobody: run redline as another user");
}

Result<fs::path> postgresPlace(const fs::path& wanted, const fs::path& elsewhere) {
  const auto as = postgresUser();
  if (!as) return fail(as.error());
  return !*as || isReachable(wanted, **as) ? wanted : elsewhere;
}

fs::path postgresPlaceElsewhere(const fs::path& stack) {
  std::error_code problem;
  const fs::path known = fs::weakly_canonical(stack, problem);
  return sharedTemporary() / fmt::format("{}{}-{:08x}", kStackPrefix, known.filename().string(),
                                         nameHash(known.native()));
}

std::map<std::string, std::vector<ProcessId>> strayPostgres(const fs::path& stacks) {
  constexpr std::size_t kHash = 9;  // "-5e0c12a9"
  std::map<std::string, std::vector<ProcessId>> strays;
  std::error_code problem;
  const auto add = [&](const std::string& name, const ProcessId& process) {
    if (!name.empty() && !fs::exists(stacks / name, problem)) strays[name].push_back(process);
  };
  for (const ProcessId& process : processesIn(stacks, isPostgres))
    add(nameBelow(stacks, process), process);
  for (const ProcessId& process : processesIn(sharedTemporary(), isPostgres)) {
    const std::string place = nameBelow(sharedTemporary(), process);
    if (!place.starts_with(kStackPrefix) || place.size() < kStackPrefix.size() + kHash) continue;
    const std::string name =
        place.substr(kStackPrefix.size(), place.size() - kStackPrefix.size() - kHash);
    if (postgresPlaceElsewhere(stacks / name).filename() == place) add(name, process);
  }
  return strays;
}

Result<PostgresServer> PostgresServer::start(PostgresConfig config,
                                             const PostgresStartOptions& options) {
  if (auto good = checkPostgresConfig(config); !good) return fail(std::move(good.error()));
  const auto as = postgresUser();
  if (!as) return fail(as.error());
  const Nanos deadline = SteadyClock::read() + options.timeout;
  if (!options.keepData) {
    Status made = makeOwnDirectory(config.dir, *as);
    if (made) made = writeSettings(config, *as);
    if (made) made = initialise(config, *as);
    if (!made) return fail(std::move(made.error()));
  }
  PostgresServer server(std::move(config), options);
  Status started = server.launch(*as);
  if (started) started = server.awaitReady(deadline);
  if (started) return server;
  (void)server.kill();
  return fail(std::move(started.error()));
}

Status PostgresServer::launch(const std::optional<RunAs>& as) {
  const auto log = openToAppend(config_.logPath());
  if (!log) return fail(log.error());
  ProgramStart start;
  if (!config_.cpus.empty()) start.args = {"taskset", "-c", config_.cpus};
  for (std::string& word : std::vector<std::string>{(config_.programs / "postgres").string(), "-D",
                                                    config_.dataDir().string(), "-c",
                                                    "config_file=" + config_.configPath().string()})
    start.args.push_back(std::move(word));
  start.directory = config_.dir;
  start.output = start.errors = log->get();
  start.dieWithParent = options_.dieWithParent;
  start.as = as;
  auto child = GatedChild::spawn(start);
  if (!child) return fail(std::move(child.error()));
  process_ = identify(child->pid()).value_or(ProcessId{child->pid(), 0, {}});
  if (options_.onSpawned)
    if (auto noted = options_.onSpawned(process_); !noted) return noted;
  return child->release();
}

Status PostgresServer::awaitReady(Nanos deadline) {
  PgAddress first = address();
  first.database = "postgres";  // ours may have to be made
  while (!PgAdmin::answers(first)) {
    const std::string log = readWholeFile(config_.logPath()).value_or("");
    if (!alive()) {
      awaitExit(process_, kSecond);  // reaps it
      return ended("PostgreSQL ended while starting", postgresLastWords(log), config_.dir);
    }
    if (SteadyClock::read() >= deadline)
      return fail(ErrorCode::timeout,
                  "PostgreSQL did not accept connections in time; the last line of its log: {}",
                  lastLine(log));
    std::this_thread::sleep_for(kReadyPause);
  }
  if (options_.keepData) return {};
  auto admin = PgAdmin::connect(first);
  if (!admin) return fail(std::move(admin.error()));
  return admin->run(fmt::format("CREATE DATABASE {}", address().database));
}

Status PostgresServer::stop(PostgresStop how) {
  return stopPostgres(process_, config_.dir, how);
}

Status PostgresServer::kill() {
  if (auto sent = sendSignal(process_, SIGKILL);
      !sent && sent.error().code != ErrorCode::unreachable)
    return sent;
  if (!awaitExit(process_, kKillWait))
    return fail(ErrorCode::timeout, "process {} has survived SIGKILL", process_.pid);
  killPostgresIn(config_.dir);
  return {};
}

Status PostgresServer::restart() {
  if (auto gone = kill(); !gone) return gone;
  PostgresStartOptions again = options_;
  again.keepData = true;
  auto started = start(config_, again);
  if (!started) return fail(std::move(started.error()));
  process_ = started->process_;
  return {};
}

Status stopPostgres(const ProcessId& process, const fs::path& dir, PostgresStop how) {
  if (isStopped(process)) (void)sendSignal(process, SIGCONT);
  const bool fast = how == PostgresStop::fast;
  if (isAlive(process)) (void)sendSignal(process, fast ? SIGINT : SIGQUIT);
  if (!awaitExit(process, fast ? kFastStop : kImmediateStop)) {
    (void)sendSignal(process, SIGKILL);
    if (!awaitExit(process, kKillWait))
      return fail(ErrorCode::timeout, "process {} has survived SIGKILL", process.pid);
  }
  killPostgresIn(dir);
  return {};
}

bool mayBeOwnPostgres(const fs::path& directory) {
  struct stat about{};
  if (::lstat(directory.c_str(), &about) != 0) return true;
  if (!S_ISDIR(about.st_mode)) return false;
  if (directory.parent_path() != sharedTemporary() || about.st_uid == ::geteuid()) return true;
  const auto as = postgresUser();
  return as && *as && about.st_uid == (*as)->user;
}

std::vector<pid_t> endPostgresIn(const fs::path& directory) {
  std::vector<pid_t> ended;
  if (!mayBeOwnPostgres(directory)) return ended;
  for (const ProcessId& process : processesIn(directory, isPostgres)) {
    if (isStopped(process)) (void)sendSignal(process, SIGCONT);
    // Its file says no more which shared memory is its own: only itself can give that back.
    (void)sendSignal(process, SIGQUIT);
    ended.push_back(process.pid);
  }
  const Nanos end = SteadyClock::read() + kImmediateStop;
  for (const ProcessId& process : processesIn(directory, isPostgres))
    awaitExit(process, std::max<Nanos>(end - SteadyClock::read(), 0));
  killPostgresIn(directory);
  return ended;
}

std::vector<pid_t> killPostgresIn(const fs::path& directory) {
  if (!mayBeOwnPostgres(directory)) return {};
  auto killed = killAllIn(directory, isPostgres, kKillWait);
  if (processesIn(directory, isPostgres).empty()) clearDeadServersIn(directory);
  return killed;
}

Result<ScopedPostgres> ScopedPostgres::start(PostgresConfig config) {
  if (config.programs.empty()) {
    auto programs = findPostgres({});
    if (!programs) return fail(std::move(programs.error()));
    config.programs = std::move(*programs);
  }
  const auto self = identify(::getpid());
  if (!self) return fail(ErrorCode::io, "cannot read /proc/self/stat: is /proc mounted?");
  const std::string name = scopedName(*self);
  if (config.dir.empty()) config.dir = sharedTemporary();
  auto place = postgresPlace(fs::absolute(config.dir) / name, sharedTemporary() / name);
  if (!place) return fail(std::move(place.error()));
  config.dir = std::move(*place);
  PostgresStartOptions options;
  options.dieWithParent = true;
  const fs::path dir = config.dir;
  auto server = PostgresServer::start(std::move(config), options);
  if (server) return ScopedPostgres(std::make_unique<PostgresServer>(std::move(*server)));
  std::error_code problem;
  fs::remove_all(dir, problem);
  return fail(std::move(server.error()));
}

ScopedPostgres::~ScopedPostgres() {
  if (!server_) return;  // moved from
  (void)server_->stop(PostgresStop::immediate);
  std::error_code problem;
  fs::remove_all(server_->config().dir, problem);
}

std::vector<std::string> clearLeftPostgres() {
  std::vector<std::string> lines;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(sharedTemporary(), none)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kScopedPrefix)) continue;
    const auto owner = ownerOfName(std::string_view(name).substr(kScopedPrefix.size()));
    if (!owner || ownerLives(*owner) || !mayBeOwnPostgres(entry.path())) continue;
    killPostgresIn(entry.path());
    fs::remove_all(entry.path(), none);
    if (!fs::exists(entry.path(), none))
      lines.push_back(fmt::format("removed the PostgreSQL that process {} left in {}", owner->pid,
                                  entry.path().native()));
  }
  return lines;
}

}  // namespace redline
