#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace redline {

/// Where a server listens: TCP host and port, or the path of a Unix socket.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string unixPath;  ///< not empty: a Unix socket, and host and port are unused

  bool isUnix() const { return !unixPath.empty(); }
  /// "127.0.0.1:7600", "[::1]:7600" or "unix:/run/redis.sock".
  std::string text() const;
  auto operator<=>(const Endpoint&) const = default;
};

/// Reads the forms text() writes. No error repeats what may be a password.
Result<Endpoint> parseEndpoint(std::string_view text);

/// A server's address as clients write it, with who logs in.
struct ServerAddress {
  Endpoint endpoint;
  std::string user, password;  ///< of a URL; empty: it has none
  bool tls = false;            ///< a rediss:// URL
};

/// An endpoint, or a URL as in redis://user:password@127.0.0.1:7600/0, whose user and password are
/// percent-encoded and whose port may be left out (6379); rediss:// is the same with TLS. usage:
/// another database than 0, or a malformed one; no error repeats the user and the password.
Result<ServerAddress> parseServerAddress(std::string_view text);

/// `text` with "***" instead of user and password where it holds a URL that has them: for whatever
/// repeats what a user typed.
std::string withoutPassword(std::string_view text);

}  // namespace redline
