#include "os/session.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "os/files.h"

namespace redline {
namespace {

constexpr const char* kOwn = "/proc/self/autogroup";

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
  std::array<char, 8> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), nice).ptr;
  const int fd = ::open(kOwn, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t put = ::write(fd, text.data(), static_cast<std::size_t>(end - text.data()));
  const int refused = put < 0 ? errno : 0;
  ::close(fd);
  return refused;
}

bool sessionsGoFirst() noexcept {
  return ::getenv("REDLINE_SESSIONS_FIRST") != nullptr;
}

void startSession() noexcept {
  ::setsid();
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (nice != 0 && sessionsGoFirst()) setSessionNice(nice);
}

}  // namespace redline
