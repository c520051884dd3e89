#include "os/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/clock.h"
#include "os/child.h"
#include "os/files.h"

namespace redline {
namespace {

constexpr const char* kOwn = "/proc/self/autogroup";

/// File numbers of the guard.
constexpr int kLineFd = 3;
constexpr int kSessionFd = 4;

/// Without CAP_SYS_ADMIN the kernel takes one such write each tenth of a second, whoever's, and
/// refuses the others with EAGAIN.
int writeNice(int fd, int nice) noexcept {
  constexpr int kTries = 40;
  constexpr timespec kPause{0, 50 * kMillisecond};
  std::array<char, 8> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), nice).ptr;
  const auto size = static_cast<std::size_t>(end - text.data());
  for (int i = 0; ::write(fd, text.data(), size) < 0; ++i) {
    if (errno != EAGAIN || i == kTries) return errno;
    ::nanosleep(&kPause, nullptr);
  }
  return 0;
}

/// The guard's life, in a process of its own: async-signal-safe calls only.
void guardSession(int before) {
  outliveSignals("redline-guard");
  char none = 0;
  while (::read(kLineFd, &none, 1) < 0 && errno == EINTR) continue;
  writeNice(kSessionFd, before);
}

}  // namespace

std::optional<int> parseSessionNice(std::string_view autogroup) {
  constexpr std::string_view kName = " nice ";
  const std::size_t at = autogroup.find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view number = autogroup.substr(at + kName.size());
  int nice = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), nice);
  return read.ec == std::errc{} ? std::optional(nice) : std::nullopt;
}

std::optional<int> sessionNice() {
  const auto line = readWholeFile(kOwn);
  return line ? parseSessionNice(*line) : std::nullopt;
}

int setSessionNice(int nice) noexcept {
  const int fd = ::open(kOwn, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int refused = writeNice(fd, nice);
  ::close(fd);
  return refused;
}

void startSession() noexcept {
  ::setsid();
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (nice != 0) setSessionNice(nice);
}

Result<SessionPriority> SessionPriority::raise(int nice) {
  const auto before = sessionNice();
  if (!before || *before <= nice) return SessionPriority();
  // By its leader's name, which outlives this process. Where the leader is gone, or is not of our
  // PID namespace, by our own: then nothing puts it back when we are killed.
  Fd session(::open(fmt::format("/proc/{}/autogroup", ::getsid(0)).c_str(), O_WRONLY | O_CLOEXEC));
  if (!session.valid()) session = Fd(::open(kOwn, O_WRONLY | O_CLOEXEC));
  if (!session.valid()) return fail(ErrorCode::refused, "{}", errnoText(errno));
  auto line = socketPair();
  if (!line) return fail(std::move(line.error()));
  const std::array descriptors{line->first.get(), session.get()};
  const auto guard = forkHelper(descriptors, guardSession, *before);
  if (!guard) return fail(guard.error());
  SessionPriority raised(std::move(line->second), *guard, *before);
  if (const int refused = setSessionNice(nice); refused != 0)
    return fail(ErrorCode::refused, "{}", errnoText(refused));
  return raised;
}

SessionPriority::SessionPriority(SessionPriority&& other) noexcept
    : line_(std::move(other.line_)),
      guard_(std::exchange(other.guard_, -1)),
      before_(other.before_) {}

SessionPriority& SessionPriority::operator=(SessionPriority&& other) noexcept {
  line_ = std::move(other.line_);
  std::swap(guard_, other.guard_);
  std::swap(before_, other.before_);
  return *this;
}

SessionPriority::~SessionPriority() {
  if (guard_ <= 0) return;
  setSessionNice(before_);  // not the guard's work alone: somebody may have killed or stopped it
  line_.reset();
  endChild(guard_, kSecond);
}

}  // namespace redline
