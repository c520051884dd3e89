#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"
#include "transport/endpoint.h"

namespace redline {

enum class NameLookup : std::uint8_t;

/// An address that the gate (transport/gate.h) has let through, ready for connect(2).
class PeerAddress {
 public:
  PeerAddress() = default;  ///< of nobody
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  /// Its host is an address.
  Endpoint endpoint() const;

 private:
  friend Result<std::vector<PeerAddress>> admit(const Endpoint& endpoint, NameLookup lookup);
  PeerAddress(const void* address, socklen_t length);
  static Result<PeerAddress> ofUnix(const std::string& path);

  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

/// A stream socket for the family, close-on-exec, TCP_NODELAY on TCP.
Result<Fd> makeSocket(int family, bool nonBlocking);

}  // namespace redline
