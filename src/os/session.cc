#include "os/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "os/child.h"
#include "os/files.h"

namespace redline {
namespace {

constexpr const char* kOwn = "/proc/self/autogroup";

/// File numbers of the guard.
constexpr int kLineFd = 3;
constexpr int kSessionFd = 4;

int writeNice(int fd, int nice) noexcept {
  std::array<char, 8> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), nice).ptr;
  const ssize_t put = ::write(fd, text.data(), static_cast<std::size_t>(end - text.data()));
  return put < 0 ? errno : 0;
}

/// The guard's life, in a process of its own: async-signal-safe calls only.
void guardSession(int before) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "redline-guard", 0, 0, 0);
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
  // By its leader's name, which outlives this process.
  const Fd session(
      ::open(fmt::format("/proc/{}/autogroup", ::getsid(0)).c_str(), O_WRONLY | O_CLOEXEC));
  if (!session.valid()) return fail(ErrorCode::refused, "{}", errnoText(errno));
  auto line = socketPair();
  if (!line) return fail(std::move(line.error()));
  const std::array descriptors{line->first.get(), session.get()};
  const auto guard = forkHelper(descriptors, guardSession, *before);
  if (!guard) return fail(guard.error());
  SessionPriority raised(std::move(line->second), *guard);
  if (const int refused = setSessionNice(nice); refused != 0)
    return fail(ErrorCode::refused, "{}", errnoText(refused));
  return raised;
}

SessionPriority::SessionPriority(SessionPriority&& other) noexcept
    : line_(std::move(other.line_)), guard_(std::exchange(other.guard_, -1)) {}

SessionPriority& SessionPriority::operator=(SessionPriority&& other) noexcept {
  line_ = std::move(other.line_);
  std::swap(guard_, other.guard_);
  return *this;
}

SessionPriority::~SessionPriority() {
  line_.reset();
  if (guard_ > 0) reapChild(guard_);
}

}  // namespace redline
