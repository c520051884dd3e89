#include "base/run_delay.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace redline {

std::optional<Nanos> parseRunDelay(std::string_view schedstat) {
  const std::size_t blank = schedstat.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  Nanos delay = 0;
  const char* const end = schedstat.data() + schedstat.size();
  if (std::from_chars(schedstat.data() + blank + 1, end, delay).ec != std::errc{})
    return std::nullopt;
  return delay;
}

std::optional<Nanos> readRunDelay(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::array<char, 128> bytes;
  const ssize_t got = ::read(file, bytes.data(), bytes.size());
  ::close(file);
  return parseRunDelay({bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
}

}  // namespace redline
