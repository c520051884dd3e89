#include "server/process_pause.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace redline {
namespace {

constexpr char kHeld = 'h';
constexpr char kReleased = 'r';
constexpr Nanos kPatience = 5 * kSecond;
constexpr auto kPause = std::chrono::microseconds(200);

/// File numbers of the guard; everything else is closed.
constexpr int kOrdersFd = 3;
constexpr int kProcessFd = 4;
/// Above both, so that no dup2 overwrites what is still needed.
constexpr int kParked = 16;

/// The guard's life. After fork() and with threads about: async-signal-safe calls only.
[[noreturn]] void guard(int orders, int process, int longestMs) {
  ::setsid();  // a Ctrl-C at our terminal is not for it
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "redline-guard", 0, 0, 0);
  const int parkedOrders = ::fcntl(orders, F_DUPFD, kParked);
  const int parkedProcess = ::fcntl(process, F_DUPFD, kParked);
  if (::dup2(parkedOrders, kOrdersFd) < 0 || ::dup2(parkedProcess, kProcessFd) < 0) ::_exit(1);
  ::syscall(SYS_close_range, 0, kOrdersFd - 1, 0);
  ::syscall(SYS_close_range, kProcessFd + 1, ~0U, 0);
  bool held = false;
  for (;;) {
    pollfd waiting{kOrdersFd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, held ? longestMs : -1);
    if (ready < 0 && errno == EINTR) continue;
    char what = 0;
    const ssize_t got = ready > 0 ? ::read(kOrdersFd, &what, 1) : 0;
    if (ready > 0 && got < 0 && errno == EINTR) continue;
    if (got == 1) {
      held = what == kHeld;
      continue;
    }
    if (held) ::syscall(SYS_pidfd_send_signal, kProcessFd, SIGCONT, nullptr, 0);
    if (ready != 0) ::_exit(0);  // our side is closed
    held = false;                // it lasted too long
  }
}

/// Waits until `process` is stopped, or is not; false: it did not happen.
bool awaitStopped(const ProcessId& process, bool stopped) {
  for (const Nanos end = SteadyClock::read() + kPatience; SteadyClock::read() < end;) {
    if (isStopped(process) == stopped) return true;
    std::this_thread::sleep_for(kPause);
  }
  return false;
}

}  // namespace

Result<ProcessPause> ProcessPause::prepare(const ProcessId& process, Nanos longest) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  // Compared after opening: from here on the handle can mean no other process.
  if (handle < 0 || !isAlive(process)) {
    if (handle >= 0) ::close(handle);
    return fail(ErrorCode::unreachable, "process {} is gone", process.pid);
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    ::close(handle);
    return fail(ErrorCode::io, "cannot make a pair of sockets: {}", errnoText(errno));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[1]);
    guard(ends[0], handle, static_cast<int>(longest / kMillisecond));
  }
  const int error = errno;
  ::close(handle);
  ::close(ends[0]);
  if (child > 0) return ProcessPause(process, ends[1], child);
  ::close(ends[1]);
  return fail(ErrorCode::io, "cannot start the guard of a pause: {}", errnoText(error));
}

ProcessPause::ProcessPause(ProcessPause&& other) noexcept
    : process_(std::move(other.process_)),
      orders_(std::exchange(other.orders_, -1)),
      guard_(std::exchange(other.guard_, -1)),
      held_(std::exchange(other.held_, false)) {}

ProcessPause::~ProcessPause() {
  (void)release();
  if (orders_ >= 0) ::close(orders_);
  while (guard_ > 0 && ::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void ProcessPause::order(char what) const {
  [[maybe_unused]] const ssize_t told = ::send(orders_, &what, 1, MSG_NOSIGNAL);
}

Status ProcessPause::hold() {
  order(kHeld);  // first: from now on the guard would let it go on
  held_ = true;
  if (auto sent = sendSignal(process_, SIGSTOP); !sent) return sent;
  if (awaitStopped(process_, true)) return {};
  return fail(ErrorCode::timeout, "process {} does not stop at a SIGSTOP", process_.pid);
}

Status ProcessPause::release() {
  if (!std::exchange(held_, false)) return {};
  auto sent = sendSignal(process_, SIGCONT);
  if (!sent && sent.error().code == ErrorCode::unreachable) sent = {};
  const bool goesOn = sent && awaitStopped(process_, false);
  if (goesOn) order(kReleased);
  if (!sent || goesOn) return sent;
  return fail(ErrorCode::timeout, "process {} does not go on at a SIGCONT", process_.pid);
}

}  // namespace redline
