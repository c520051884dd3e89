#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redline::bench {

/// One clear line on standard error, and exit 1.
[[noreturn]] inline void die(std::string_view line) {
  fmt::print(stderr, "{}\n", line);
  std::exit(1);
}

[[noreturn]] inline void dieOfErrno(std::string_view what) {
  die(fmt::format("{}: {}", what, std::strerror(errno)));
}

/// The flags of a small tool: -name value, -name=value, with one dash or two.
class Arguments {
 public:
  Arguments(int argc, char** argv, std::string usage) : usage_(std::move(usage)) {
    for (int i = 1; i < argc; ++i) {
      std::string_view word = argv[i];
      if (word == "-h" || word == "--help") {
        fmt::print("{}\n", usage_);
        std::exit(0);
      }
      if (!word.starts_with('-')) wrong(fmt::format("'{}' is not a flag", word));
      word.remove_prefix(word.starts_with("--") ? 2 : 1);
      const auto equals = word.find('=');
      if (equals != std::string_view::npos)
        given_.emplace_back(word.substr(0, equals), word.substr(equals + 1));
      else if (++i < argc)
        given_.emplace_back(word, argv[i]);
      else
        wrong(fmt::format("-{} needs a value", word));
    }
  }

  std::string text(std::string_view name, std::string_view fallback) {
    for (auto flag = given_.begin(); flag != given_.end(); ++flag) {
      if (flag->first != name) continue;
      std::string value = std::move(flag->second);
      given_.erase(flag);
      return value;
    }
    return std::string(fallback);
  }

  template <typename Number>
  Number number(std::string_view name, Number fallback) {
    const std::string value = text(name, "");
    if (value.empty()) return fallback;
    Number result{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc{} || end != value.data() + value.size())
      wrong(fmt::format("-{}={} is not a number", name, value));
    return result;
  }

  /// To be called after the last flag has been read: refuses unknown flags.
  void done() const {
    if (!given_.empty()) wrong(fmt::format("there is no flag -{}", given_.front().first));
  }

  [[noreturn]] void wrong(std::string_view why) const {
    fmt::print(stderr, "{}\n{}\n", why, usage_);
    std::exit(2);
  }

 private:
  std::string usage_;
  std::vector<std::pair<std::string, std::string>> given_;
};

/// Keeps the calling thread on one CPU; a negative number leaves it where it may be.
inline void pinTo(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    dieOfErrno(fmt::format("cannot run on CPU {}", cpu));
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// No Nagle, and the plainest congestion control: BBR, some machines' default, paces by timers,
/// which on loopback measures the timers.
inline void plainTcp(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

}  // namespace redline::bench
