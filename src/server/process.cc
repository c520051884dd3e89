#include "server/process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/text.h"
#include "os/fd.h"
#include "os/files.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

const std::string& bootId() {
  static const std::string id(trim(readWholeFile("/proc/sys/kernel/random/boot_id").value_or("")));
  return id;
}

/// The stat of that very process, a zombie included; none when it is gone.
std::optional<ProcessStat> statOf(const ProcessId& process) {
  if (process.pid <= 0 || process.bootId != bootId()) return std::nullopt;
  auto stat = readProcessStat(process.pid);
  if (!stat || stat->startTicks != process.startTicks) return std::nullopt;
  return stat;
}

/// The stat of that very process, none when it is gone or a zombie.
std::optional<ProcessStat> liveStat(const ProcessId& process) {
  auto stat = statOf(process);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return stat;
}

/// A handle that stays with one process even when its pid is reused.
class ProcessHandle {
 public:
  explicit ProcessHandle(const ProcessId& process)
      : fd_(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))) {
    // Compared after opening: from here on the handle can mean no other process.
    if (fd_.valid() && !statOf(process)) fd_.reset();
  }
  bool valid() const { return fd_.valid(); }
  int send(int signal) const {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0));
  }
  bool awaitExit(Nanos timeout) const {
    const Nanos end = SteadyClock::read() + timeout;
    for (;;) {
      const Nanos left = std::max<Nanos>(0, end - SteadyClock::read());
      const timespec wait{static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond)};
      pollfd waiting{fd_.get(), POLLIN, 0};
      if (::ppoll(&waiting, 1, &wait, nullptr) > 0) return true;
      if (left == 0) return false;
    }
  }

 private:
  Fd fd_;
};

bool isNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Pids of all processes, as /proc lists them now.
std::vector<pid_t> allPids() {
  std::vector<pid_t> pids;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator("/proc", problem))
    if (const std::string name = entry.path().filename(); isNumber(name))
      pids.push_back(static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10)));
  return pids;
}

bool isInside(const fs::path& path, const fs::path& directory) {
  const auto [end, ignored] =
      std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return end == directory.end();
}

}  // namespace

std::optional<ProcessStat> parseProcessStat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  ProcessStat stat;
  stat.command = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 1);
  for (int field = 3; field <= 22; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word.empty()) return std::nullopt;
    if (field == 3) stat.state = word.front();
    std::uint64_t* const number = field == 4    ? &stat.parent
                                  : field == 10 ? &stat.minorFaults
                                  : field == 22 ? &stat.startTicks
                                                : nullptr;
    if (number != nullptr &&
        std::from_chars(word.data(), word.data() + word.size(), *number).ec != std::errc{})
      return std::nullopt;
    rest.remove_prefix(word.size());
  }
  return stat;
}

std::optional<ProcessStat> readProcessStat(pid_t pid) {
  const auto text = readWholeFile(fmt::format("/proc/{}/stat", pid));
  return text ? parseProcessStat(*text) : std::nullopt;
}

std::optional<ProcessId> identify(pid_t pid) {
  const auto stat = readProcessStat(pid);
  if (!stat) return std::nullopt;
  return ProcessId{pid, stat->startTicks, bootId()};
}

bool isAlive(const ProcessId& process) {
  return liveStat(process).has_value();
}

bool isStopped(const ProcessId& process) {
  const auto stat = liveStat(process);
  return stat && (stat->state == 'T' || stat->state == 't');
}

Status sendSignal(const ProcessId& process, int signal) {
  const ProcessHandle handle(process);
  if (handle.valid() && isAlive(process) && handle.send(signal) == 0) return {};
  if (!handle.valid() || !isAlive(process))
    return fail(ErrorCode::unreachable, "process {} is gone", process.pid);
  return fail(ErrorCode::io, "cannot signal process {}: {}", process.pid, errnoText(errno));
}

/// Not isAlive(): a process whose main thread is a zombie may have other threads that still hold
/// its port. The handle becomes readable when all of it is gone.
bool awaitExit(const ProcessId& process, Nanos timeout) {
  const ProcessHandle handle(process);
  if (handle.valid() && !handle.awaitExit(timeout)) return false;
  if (handle.valid()) ::waitpid(process.pid, nullptr, WNOHANG);  // ECHILD: not ours to reap
  return true;
}

std::vector<ProcessId> processesIn(const fs::path& directory,
                                   const std::function<bool(std::string_view)>& wanted) {
  std::vector<ProcessId> found;
  std::error_code problem;
  const fs::path root = fs::weakly_canonical(directory, problem);
  if (problem || root.empty() || root == root.root_path()) return found;
  for (const pid_t pid : allPids()) {
    const fs::path cwd = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), problem);
    if (problem || !isInside(cwd, root)) continue;
    const auto stat = readProcessStat(pid);
    if (!stat || !wanted(stat->command)) continue;
    ProcessId process{pid, stat->startTicks, bootId()};
    if (isAlive(process)) found.push_back(std::move(process));
  }
  return found;
}

std::string nameBelow(const fs::path& directory, const ProcessId& process) {
  std::error_code problem;
  const fs::path root = fs::weakly_canonical(directory, problem);
  const fs::path place = fs::read_symlink(fmt::format("/proc/{}/cwd", process.pid), problem);
  if (problem) return {};
  const fs::path relative = place.lexically_relative(root);
  return relative.empty() || *relative.begin() == ".." ? "" : relative.begin()->string();
}

std::vector<pid_t> killAllIn(const fs::path& directory,
                             const std::function<bool(std::string_view)>& wanted, Nanos wait) {
  constexpr int kRounds = 10;  // one may fork between the listing and its end
  std::vector<pid_t> killed;
  for (int round = 0; round < kRounds; ++round) {
    const auto found = processesIn(directory, wanted);
    if (found.empty()) break;
    for (const ProcessId& process : found) {
      if (!sendSignal(process, SIGKILL)) continue;
      awaitExit(process, wait);
      killed.push_back(process.pid);
    }
  }
  return killed;
}

bool worksIn(pid_t pid, const fs::path& directory) {
  std::error_code problem;
  const fs::path cwd = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), problem);
  return !problem && isInside(cwd, fs::weakly_canonical(directory, problem));
}

std::vector<ProcessId> processesNamed(std::string_view name) {
  std::vector<ProcessId> found;
  for (const pid_t pid : allPids()) {
    const auto stat = readProcessStat(pid);
    if (!stat || !stat->command.starts_with(name)) continue;
    ProcessId process{pid, stat->startTicks, bootId()};
    if (isAlive(process)) found.push_back(std::move(process));
  }
  return found;
}

namespace {

/// The inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6.
std::vector<std::string> listeningInodes(std::string_view table, std::uint16_t port) {
  std::vector<std::string> inodes;
  const std::string ending = fmt::format(":{:04X}", port);
  for (const std::string_view line : splitLines(table)) {
    const auto words = splitWords(line);
    constexpr std::string_view kListen = "0A";
    if (words.size() > 9 && words[1].ends_with(ending) && words[3] == kListen)
      inodes.emplace_back(words[9]);
  }
  return inodes;
}

bool holdsSocket(pid_t pid, const std::vector<std::string>& links) {
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid), problem)) {
    std::error_code unreadable;
    const std::string link = fs::read_symlink(entry.path(), unreadable);
    if (std::find(links.begin(), links.end(), link) != links.end()) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> portUser(std::uint16_t port) {
  std::vector<std::string> links;
  for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"})
    for (const std::string& inode : listeningInodes(readWholeFile(table).value_or(""), port))
      links.push_back(fmt::format("socket:[{}]", inode));
  if (links.empty()) return std::nullopt;
  for (const pid_t pid : allPids())
    if (holdsSocket(pid, links))
      if (const auto stat = readProcessStat(pid))
        return fmt::format("{} (pid {})", stat->command, pid);
  return "another process";
}

}  // namespace redline
