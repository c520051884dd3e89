#include "engine/thread_usage.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace redline {
namespace {

Nanos toNanos(const timeval& t) {
  return t.tv_sec * kSecond + t.tv_usec * kMicrosecond;
}

/// The second number of "cpu-time run-delay slices", nanoseconds.
Nanos readRunDelay() {
  const int file = ::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 128> bytes;
  const ssize_t got = ::read(file, bytes.data(), bytes.size());
  ::close(file);
  const std::string_view text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  const std::size_t blank = text.find(' ');
  Nanos delay = 0;
  if (blank != std::string_view::npos)
    std::from_chars(text.data() + blank + 1, text.data() + text.size(), delay);
  return delay;
}

}  // namespace

ThreadUsage readThreadUsage() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return {toNanos(usage.ru_utime), toNanos(usage.ru_stime), readRunDelay()};
}

}  // namespace redline
