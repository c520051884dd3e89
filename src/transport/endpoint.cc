#include "transport/endpoint.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::string_view kForms =
    "expected HOST:PORT, [IPV6]:PORT or unix:/PATH, as in 127.0.0.1:7600";

struct AddressesDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

/// The bytes of an IPv4 or IPv6 address; an IPv4-mapped IPv6 address becomes IPv4.
std::string bytesOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr};
  }
  if (address->sa_family != AF_INET6) return {};
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  std::string bytes(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr);
  return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? bytes.substr(12) : bytes;
}

bool isLoopbackAddress(const std::string& address) {
  if (address.size() == 4) return static_cast<unsigned char>(address[0]) == 127;
  return address == std::string(15, '\0') + '\1';
}

/// "0.0.0.0" and "::" connect to this machine.
bool isUnspecified(const std::string& address) {
  return address.find_first_not_of('\0') == std::string::npos;
}

Result<std::vector<std::string>> interfaceAddresses() {
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0)
    return fail(ErrorCode::io, "cannot list this machine's addresses: {}", errnoText(errno));
  const std::unique_ptr<ifaddrs, AddressesDeleter> list(raw);
  std::vector<std::string> addresses;
  for (const ifaddrs* each = raw; each != nullptr; each = each->ifa_next)
    if (each->ifa_addr != nullptr)
      if (auto bytes = bytesOf(each->ifa_addr); !bytes.empty()) addresses.push_back(bytes);
  return addresses;
}

Result<std::vector<std::string>> addressBytes(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  if (const int problem = getaddrinfo(host.c_str(), nullptr, &hints, &raw); problem != 0)
    return fail(ErrorCode::unreachable, "cannot resolve the host {}: {}", host,
                gai_strerror(problem));
  const std::unique_ptr<addrinfo, AddressesDeleter> list(raw);
  std::vector<std::string> addresses;
  for (const addrinfo* each = raw; each != nullptr; each = each->ai_next)
    if (auto bytes = bytesOf(each->ai_addr); !bytes.empty()) addresses.push_back(bytes);
  return addresses;
}

}  // namespace

std::string Endpoint::text() const {
  if (isUnix()) return "unix:" + unixPath;
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Endpoint> parseEndpoint(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::usage, "cannot read the address \"{}\": {}: {}", text, why, kForms);
  };
  Endpoint endpoint;
  if (text.starts_with("unix:")) {
    endpoint.unixPath = text.substr(5);
    if (endpoint.unixPath.empty()) return wrong("the path is missing");
    if (endpoint.unixPath.size() >= sizeof(sockaddr_un::sun_path))
      return wrong("the path of a Unix socket has at most 107 bytes");
    if (endpoint.unixPath.find('\0') != std::string::npos)
      return wrong("the path contains a NUL byte");
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (host.size() < 3 || !host.ends_with(']')) return wrong("the bracket does not close");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address goes in brackets");
  }
  if (host.empty()) return wrong("the host is missing");
  if (host.find_first_of(" \t\r\n[]/@") != std::string_view::npos) return wrong("no such host");
  const auto number = toNumber<std::uint16_t>(port);
  if (number.value_or(0) == 0) return wrong("a port is a number from 1 to 65535");
  endpoint.host = host;
  endpoint.port = *number;
  return endpoint;
}

Result<bool> isLocal(const Endpoint& endpoint) {
  if (endpoint.isUnix()) return true;
  auto addresses = addressBytes(endpoint.host);
  if (!addresses) return fail(std::move(addresses.error()));
  std::vector<std::string> ours;
  for (const std::string& address : *addresses) {
    if (isLoopbackAddress(address) || isUnspecified(address)) continue;
    if (ours.empty()) {
      auto listed = interfaceAddresses();
      if (!listed) return fail(std::move(listed.error()));
      ours = std::move(*listed);
    }
    if (std::find(ours.begin(), ours.end(), address) == ours.end()) return false;
  }
  return !addresses->empty();
}

bool isLoopback(const Endpoint& endpoint) {
  if (endpoint.isUnix()) return true;
  const auto addresses = addressBytes(endpoint.host);
  return addresses && !addresses->empty() && std::ranges::all_of(*addresses, isLoopbackAddress);
}

}  // namespace redline
