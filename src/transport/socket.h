#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/result.h"
#include "os/fd.h"
#include "transport/endpoint.h"

namespace redline {

/// A resolved address, ready for connect(2).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

/// Resolves the endpoint (the first address where a name has several).
Result<SocketAddress> resolve(const Endpoint& endpoint);

/// A stream socket for the family, close-on-exec, TCP_NODELAY on TCP.
Result<Fd> makeSocket(int family, bool nonBlocking);

}  // namespace redline
