#include "server/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "os/fd.h"
#include "server/node_config.h"
#include "server/process.h"

namespace redline {
namespace {

/// Ports of these and their buses never meet, and both are outside of the kernel's
/// ip_local_port_range, 32768–60999.
constexpr unsigned kLowestFreePort = kBusOffset;
constexpr unsigned kFreePorts = kBusOffset;
constexpr unsigned kBlockSize = 50;
constexpr unsigned kBlocks = kFreePorts / kBlockSize;

/// A claim on a block for all redline processes of this network namespace: an abstract socket of
/// the block's name, which the kernel frees with its owner.
std::optional<Fd> claimBlock(unsigned block) {
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "redline-ports-" + std::to_string(block);
  std::memcpy(&address.sun_path[1], name.data(), name.size());  // [0] is 0: not a file
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
    return std::nullopt;
  return fd;
}

/// The blocks of this process, and the port that was given last.
class OwnPorts {
 public:
  std::optional<std::uint16_t> next() {
    const std::lock_guard lock(mutex_);
    for (unsigned tried = 0; tried < kBlockSize && !claims_.empty(); ++tried) {
      cursor_ = (cursor_ + 1) % kBlockSize;
      const auto port = static_cast<std::uint16_t>(kLowestFreePort + block_ * kBlockSize + cursor_);
      if (checkPortFree(port) && checkPortFree(static_cast<std::uint16_t>(port + kBusOffset)))
        return port;
    }
    return std::nullopt;
  }

  /// False: every block is another process's, or this one's already.
  bool claimAnother() {
    const std::lock_guard lock(mutex_);
    std::random_device device;
    const unsigned first = std::uniform_int_distribution<unsigned>(0, kBlocks - 1)(device);
    for (unsigned i = 0; i < kBlocks; ++i) {
      const unsigned block = (first + i) % kBlocks;
      auto claim = claimBlock(block);
      if (!claim) continue;
      claims_.push_back(std::move(*claim));
      block_ = block;
      cursor_ = kBlockSize - 1;
      return true;
    }
    return false;
  }

 private:
  std::mutex mutex_;
  std::vector<Fd> claims_;
  unsigned block_ = 0;   ///< the one that ports are taken from: the newest
  unsigned cursor_ = 0;  ///< in the block
};

}  // namespace

Status checkPortFree(std::uint16_t port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail(ErrorCode::io, "cannot make a socket: {}", errnoText(errno));
  const int on = 1;  // as redis-server does: a connection in TIME_WAIT does not block a listener
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  if (bound) return {};
  if (error == EADDRINUSE)
    return fail(ErrorCode::unreachable, "port {} is in use by {}: choose another with -port", port,
                portUser(port).value_or("another process"));
  return fail(ErrorCode::io, "cannot listen on port {}: {}", port, errnoText(error));
}

Result<std::uint16_t> freePort() {
  static OwnPorts ports;
  do {
    if (const auto port = ports.next()) return *port;
  } while (ports.claimAnother());
  return fail(ErrorCode::io, "cannot find a free port from {} to {}", kLowestFreePort,
              kLowestFreePort + kFreePorts - 1);
}

Result<std::vector<std::uint16_t>> freePorts(std::size_t count) {
  std::vector<std::uint16_t> ports;
  while (ports.size() < count) {
    const auto port = freePort();
    if (!port) return fail(port.error());
    if (std::ranges::find(ports, *port) == ports.end()) ports.push_back(*port);
  }
  return ports;
}

}  // namespace redline
