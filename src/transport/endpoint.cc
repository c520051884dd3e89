#include "transport/endpoint.h"

#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>

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
    return ServerAddress{std::move(*endpoint), {}, {}, false};
  }
  const std::string name = toLower(scheme);
  const bool tls = name == kTlsUrl;
  if (!tls && name != kUrl)
    return fail(ErrorCode::usage, "a URL that is not a redis:// one: {}", kForms);
  const UrlParts parts = partsOf(text.substr(scheme.size()));
  if (parts.host.empty()) return unreadable(kUrl, "the host is missing");
  if (!parts.path.empty() && parts.path != "/" && parts.path != "/0")  // it may be of a password
    return fail(
        ErrorCode::usage,
        "a redis:// URL ends with its address, or with /0: redline uses database 0 and takes "
        "no options there");
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
  return ServerAddress{std::move(*endpoint), std::move(*user), std::move(*password), tls};
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

}  // namespace redline
