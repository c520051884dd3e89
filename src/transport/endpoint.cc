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
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::string_view kForms =
    "expected HOST:PORT, [IPV6]:PORT, unix:/PATH or a redis:// URL, as in 127.0.0.1:7600";
constexpr std::string_view kUrl = "redis://";
constexpr std::string_view kTlsUrl = "rediss://";
constexpr std::string_view kSchemeEnd = "://";

/// For errors: of an address with an @ only what follows it, since what precedes it may be part of
/// a password.
std::string shownAddress(std::string_view text) {
  const std::size_t at = text.rfind('@');
  return std::string(at == std::string_view::npos ? "" : "***") +
         std::string(text.substr(at == std::string_view::npos ? 0 : at));
}

tl::unexpected<Error> unreadable(std::string_view text, std::string_view why) {
  return fail(ErrorCode::usage, "cannot read the address \"{}\": {}: {}", shownAddress(text), why,
              kForms);
}

/// A URL's user or password; none: its escapes are malformed.
std::optional<std::string> percentDecoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (text.front() != '%') {
      decoded += text.front();
      text.remove_prefix(1);
      continue;
    }
    unsigned code = 0;
    const std::string_view digits = text.substr(1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(code);
    text.remove_prefix(3);
  }
  return decoded;
}

/// A URL without its scheme, in its parts.
struct UrlParts {
  std::string_view user, password, host, path;
};

UrlParts partsOf(std::string_view rest) {
  UrlParts parts;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    parts.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    if (const std::size_t colon = parts.user.find(':'); colon != std::string_view::npos) {
      parts.password = parts.user.substr(colon + 1);
      parts.user = parts.user.substr(0, colon);
    }
  }
  const std::size_t slash = rest.find_first_of("/?#");
  parts.host = rest.substr(0, slash);
  if (slash != std::string_view::npos) parts.path = rest.substr(slash);
  return parts;
}

/// "127.0.0.1" and "[::1]" get the port that a URL may leave out.
std::string withPort(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool given =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return fmt::format("{}{}", host, given ? "" : ":6379");
}

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
  const auto wrong = [&](std::string_view why) { return unreadable(text, why); };
  Endpoint endpoint;
  if (text.find('@') != std::string_view::npos && !text.starts_with("unix:"))
    return wrong("a user goes into -user, or with a password into a redis:// URL");
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

Result<ServerAddress> parseServerAddress(std::string_view text) {
  const std::string_view scheme = text.substr(0, text.find(kSchemeEnd) + kSchemeEnd.size());
  if (text.find(kSchemeEnd) == std::string_view::npos) {
    auto endpoint = parseEndpoint(text);
    if (!endpoint) return fail(std::move(endpoint.error()));
    return ServerAddress{std::move(*endpoint), {}, {}};
  }
  const std::string name = toLower(scheme);
  if (name == kTlsUrl)
    return fail(ErrorCode::usage,
                "rediss:// asks for TLS, which redline does not speak: use redis:// and a port of "
                "the server without TLS");
  if (name != kUrl) return fail(ErrorCode::usage, "a URL that is not a redis:// one: {}", kForms);
  const UrlParts parts = partsOf(text.substr(scheme.size()));
  if (parts.host.empty()) return unreadable(kUrl, "the host is missing");
  if (!parts.path.empty() && parts.path != "/" && parts.path != "/0")
    return fail(ErrorCode::usage,
                "\"{}\" behind the address of a redis:// URL: redline uses database 0 and takes no "
                "options there",
                parts.path);
  auto endpoint = parseEndpoint(withPort(parts.host));
  if (!endpoint)  // its error would repeat a password that lacks its @
    return fail(ErrorCode::usage, "cannot read the host and the port of a redis:// URL: {}",
                kForms);
  auto user = percentDecoded(parts.user);
  auto password = percentDecoded(parts.password);
  if (!user || !password)
    return fail(ErrorCode::usage,
                "the user or the password of a redis:// URL has a % that is not followed by two "
                "hexadecimal digits: write a % as %25");
  return ServerAddress{std::move(*endpoint), std::move(*user), std::move(*password)};
}

std::string withoutPassword(std::string_view text) {
  const std::string lower = toLower(text);
  std::size_t begin = lower.find(kUrl);
  if (begin != std::string::npos) begin += kUrl.size();
  if (const std::size_t tls = lower.find(kTlsUrl); tls != std::string::npos)
    begin = std::min(begin, tls + kTlsUrl.size());
  const std::size_t at = text.rfind('@');
  if (begin == std::string::npos || at == std::string_view::npos || at < begin)
    return std::string(text);
  return fmt::format("{}***{}", text.substr(0, begin), text.substr(at));
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
