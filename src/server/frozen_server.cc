#include "server/frozen_server.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "os/files.h"
#include "server/rdb_pipe.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr Nanos kFreeing = 5 * kSecond;
constexpr auto kFreeingPoll = std::chrono::milliseconds(5);

fs::path procOf(pid_t pid) {
  return fmt::format("/proc/{}", pid);
}

/// The kernel's function in which its main thread waits; empty where the kernel does not say.
std::string waitsIn(pid_t pid) {
  const auto text = readWholeFile(procOf(pid) / "wchan");
  return text && *text != "0" ? std::string(trim(*text)) : std::string();
}

bool holdsFifo(const fs::path& directory) {
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, problem))
    if (entry.is_fifo(problem)) return true;
  return false;
}

bool waitsForFifo(pid_t server, const fs::path& directory) {
  const std::string where = waitsIn(server);
  return where.empty() ? holdsFifo(directory) : where == "wait_for_partner" || where == "fifo_open";
}

/// The pipes among the descriptors of a process, as "pipe:[4711]".
std::set<std::string> pipesOf(pid_t pid) {
  std::set<std::string> pipes;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(procOf(pid) / "fd", problem)) {
    std::string target = fs::read_symlink(entry.path(), problem).native();
    if (target.starts_with("pipe:")) pipes.insert(std::move(target));
  }
  return pipes;
}

/// A process of ours that has one of the server's pipes too, and that a SIGSTOP holds.
std::optional<pid_t> stoppedWriter(pid_t server) {
  const std::set<std::string> pipes = pipesOf(server);
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", problem)) {
    const auto pid = toNumber<pid_t>(entry.path().filename().native());
    if (!pid || *pid == server) continue;
    const auto stat = readProcessStat(*pid);
    if (!stat || stat->state != 'T') continue;
    for (const std::string& pipe : pipesOf(*pid))
      if (pipes.contains(pipe)) return pid;
  }
  return std::nullopt;
}

}  // namespace

std::string heldUpBy(const ProcessId& server, const fs::path& directory) {
  if (!isAlive(server)) return {};
  if (isStopped(server)) return fmt::format("held by a SIGSTOP: kill -CONT {}", server.pid);
  if (waitsForFifo(server.pid, directory))
    return "waiting for the other end of a FIFO: redline stack heal frees it";
  if (!waitsIn(server.pid).ends_with("pipe_read")) return {};
  const auto writer = stoppedWriter(server.pid);
  if (!writer) return {};
  return fmt::format("waiting for data of process {}, which is stopped: kill -CONT {}, or end it",
                     *writer, *writer);
}

// One that is stopped and continued looks its file up again, and there is none.
Result<bool> freeFromFifo(const ProcessId& server, const fs::path& directory) {
  if (!isAlive(server) || isStopped(server) || !waitsForFifo(server.pid, directory)) return false;
  removeLeftPipes(directory);
  const Nanos end = SteadyClock::read() + kFreeing;
  if (auto held = sendSignal(server, SIGSTOP); !held) return fail(held.error());
  while (isAlive(server) && !isStopped(server) && SteadyClock::read() < end)
    std::this_thread::sleep_for(kFreeingPoll);
  if (auto released = sendSignal(server, SIGCONT); !released) return fail(released.error());
  while (waitsForFifo(server.pid, directory)) {
    if (SteadyClock::read() > end)
      return fail(ErrorCode::timeout, "process {} still waits for a FIFO: end it", server.pid);
    std::this_thread::sleep_for(kFreeingPoll);
  }
  return true;
}

}  // namespace redline
