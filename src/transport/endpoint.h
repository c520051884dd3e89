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

/// Reads the forms text() writes.
Result<Endpoint> parseEndpoint(std::string_view text);

}  // namespace redline
