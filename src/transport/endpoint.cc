#include "transport/endpoint.h"

#include <sys/un.h>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::string_view kForms =
    "expected HOST:PORT, [IPV6]:PORT or unix:/PATH, as in 127.0.0.1:7600";

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

}  // namespace redline
