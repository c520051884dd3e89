#include "transport/socket.h"

#include <netdb.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace redline {

PeerAddress::PeerAddress(const void* address, socklen_t length) : length_(length) {
  std::memcpy(&storage_, address, length);
}

Result<PeerAddress> PeerAddress::ofUnix(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::usage, "the socket path '{}' is longer than {} bytes", path,
                sizeof address.sun_path - 1);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return PeerAddress(&address, sizeof address);
}

Endpoint PeerAddress::endpoint() const {
  if (family() == AF_UNIX) {
    sockaddr_un local;
    std::memcpy(&local, &storage_, sizeof local);
    return {{}, 0, local.sun_path};
  }
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  ::getnameinfo(get(), length_, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  return {host, toNumber<std::uint16_t>(port).value_or(0), {}};
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
