#include "server/process_pause.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "os/child.h"

namespace redline {
namespace {

constexpr char kHeld = 'h';
constexpr char kReleased = 'r';
constexpr Nanos kPatience = 5 * kSecond;
constexpr auto kStopPoll = std::chrono::microseconds(200);

/// File numbers of the guard.
constexpr int kOrdersFd = 3;
constexpr int kProcessFd = 4;

/// The guard's life, in a process of its own: async-signal-safe calls only.
void guard(int longestMs) {
  outliveSignals("redline-guard");
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
    if (ready != 0) return;  // our side is closed
    held = false;            // it lasted too long
  }
}

/// Waits until `process` is stopped, or is not; false: it did not happen.
bool awaitStopped(const ProcessId& process, bool stopped) {
  for (const Nanos end = SteadyClock::read() + kPatience; SteadyClock::read() < end;) {
    if (isStopped(process) == stopped) return true;
    std::this_thread::sleep_for(kStopPoll);
  }
  return false;
}

}  // namespace

Result<ProcessPause> ProcessPause::prepare(const ProcessId& process, Nanos longest) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // Compared after opening: from here on the handle can mean no other process.
  if (!handle.valid() || !isAlive(process))
    return fail(ErrorCode::unreachable, "process {} is gone", process.pid);
  auto orders = socketPair();
  if (!orders) return fail(std::move(orders.error()));
  const std::array descriptors{orders->first.get(), handle.get()};
  const auto child = forkHelper(descriptors, guard, static_cast<int>(longest / kMillisecond));
  if (!child) return fail(child.error());
  return ProcessPause(process, std::move(orders->second), *child);
}

ProcessPause::ProcessPause(ProcessPause&& other) noexcept
    : process_(std::move(other.process_)),
      orders_(std::move(other.orders_)),
      guard_(std::exchange(other.guard_, -1)),
      held_(std::exchange(other.held_, false)) {}

ProcessPause::~ProcessPause() {
  (void)release();
  orders_.reset();  // ends the guard
  if (guard_ > 0) reapChild(guard_);
}

void ProcessPause::order(char what) const {
  [[maybe_unused]] const ssize_t told = ::send(orders_.get(), &what, 1, MSG_NOSIGNAL);
}

Status ProcessPause::hold() {
  order(kHeld);  // first: from now on the guard would resume it
  held_ = true;
  if (auto sent = sendSignal(process_, SIGSTOP); !sent) return sent;
  if (awaitStopped(process_, true)) return {};
  return fail(ErrorCode::timeout, "process {} does not stop after SIGSTOP", process_.pid);
}

Status ProcessPause::release() {
  if (!std::exchange(held_, false)) return {};
  auto sent = sendSignal(process_, SIGCONT);
  if (!sent && sent.error().code == ErrorCode::unreachable) sent = {};
  const bool goesOn = sent && awaitStopped(process_, false);
  if (goesOn) order(kReleased);
  if (!sent || goesOn) return sent;
  return fail(ErrorCode::timeout, "process {} does not continue after SIGCONT", process_.pid);
}

}  // namespace redline
