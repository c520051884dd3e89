#include "os/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/fd.h"
#include "os/session.h"

namespace redline {
namespace {

constexpr int kFirstHelperFd = 3;
constexpr std::size_t kMostHelperFds = 8;

}  // namespace

/// All are copied to scratch numbers first, so that no dup2 overwrites one that is still needed.
bool placeDescriptors(std::span<int> descriptors, int first) {
  for (int& fd : descriptors) {
    fd = ::fcntl(fd, F_DUPFD, kScratchFdBase);
    if (fd < 0) return false;
  }
  int to = first;
  for (const int fd : descriptors)
    if (::dup2(fd, to++) < 0) return false;
  ::syscall(SYS_close_range, to, ~0U, 0);
  return true;
}

Result<pid_t> forkHelper(std::span<const int> descriptors, void (*run)(int), int argument) {
  std::array<int, kMostHelperFds> copies{};
  if (descriptors.size() > copies.size())
    return fail(ErrorCode::usage, "more than {} descriptors for a process", copies.size());
  const std::span wanted(copies.data(), descriptors.size());
  std::ranges::copy(descriptors, wanted.begin());
  const pid_t child = ::fork();
  if (child < 0) return fail(ErrorCode::io, "cannot start a process: {}", errnoText(errno));
  if (child > 0) return child;
  startSession();  // a Ctrl-C at our terminal is not for it
  if (!placeDescriptors(wanted, kFirstHelperFd)) ::_exit(1);
  ::syscall(SYS_close_range, 0, kFirstHelperFd - 1, 0);
  run(argument);
  ::_exit(0);
}

void outliveSignals(const char* name) noexcept {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, name, 0, 0, 0);
}

std::optional<int> awaitChild(pid_t child, Nanos timeout) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const Nanos end = SteadyClock::read() + timeout;
  for (Nanos left = timeout; handle.valid(); left = end - SteadyClock::read()) {
    left = std::max<Nanos>(left, 0);
    const timespec wait{static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond)};
    pollfd waiting{handle.get(), POLLIN, 0};
    if (::ppoll(&waiting, 1, &wait, nullptr) > 0) break;
    if (left == 0) return std::nullopt;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return std::nullopt;
  return status;
}

void endChild(pid_t child, Nanos patience) {
  ::kill(child, SIGKILL);
  awaitChild(child, patience);
}

void reapChild(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace redline
