#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace redline {

/// Where a node of a cluster listens, as the cluster itself names it. (This room does no I/O, so it
/// does not know transport's Endpoint; the two have the same host and port.)
struct NodeAddress {
  std::string host;  ///< an IP address or a name; IPv6 without brackets
  std::uint16_t port = 0;

  /// "127.0.0.1:7600", "[::1]:7600".
  std::string text() const {
    const bool isV6 = host.find(':') != std::string::npos;
    return (isV6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
  }
  bool is(std::string_view otherHost, std::uint16_t otherPort) const {
    return port == otherPort && host == otherHost;
  }
  auto operator<=>(const NodeAddress&) const = default;
};

}  // namespace redline
