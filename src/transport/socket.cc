#include "transport/socket.h"

#include <netdb.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

namespace redline {
namespace {

Result<SocketAddress> unixAddress(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::usage, "the socket path '{}' is longer than {} bytes", path,
                sizeof address.sun_path - 1);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof address);
  result.length = sizeof address;
  return result;
}

}  // namespace

Result<SocketAddress> resolve(const Endpoint& endpoint) {
  if (endpoint.isUnix()) return unixAddress(endpoint.unixPath);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int rc = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
  if (rc != 0)
    return fail(ErrorCode::unreachable, "cannot resolve '{}': {}", endpoint.host,
                ::gai_strerror(rc));
  SocketAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

Result<Fd> makeSocket(int family, bool nonBlocking) {
  const int flags = SOCK_STREAM | SOCK_CLOEXEC | (nonBlocking ? SOCK_NONBLOCK : 0);
  Fd fd(::socket(family, flags, 0));
  if (!fd.valid())
    return fail(ErrorCode::io, "cannot make a socket: {}{}", errnoText(errno),
                errno == EMFILE ? " (raise the limit with `ulimit -n`, or use fewer -conns)" : "");
  if (family != AF_UNIX) {
    const int one = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  return fd;
}

}  // namespace redline
