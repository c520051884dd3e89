#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "os/fd.h"

namespace redline::test {

/// A TCP connection to a port of loopback that sends whatever it is told. Nothing blocks for more
/// than ten seconds.
class HttpConnection {
 public:
  explicit HttpConnection(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      fd_.reset();
  }

  bool connected() const { return fd_.valid(); }
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// All that comes until the server closes the connection; none when it does not.
  std::optional<std::string> readToEnd() const {
    std::string all;
    std::array<char, 4096> block;
    for (;;) {
      const ssize_t got = ::recv(fd_.get(), block.data(), block.size(), 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return all;
      if (got < 0) return std::nullopt;
      all.append(block.data(), static_cast<std::size_t>(got));
    }
  }
  /// What comes until `text` is among it, or the server closes; none when neither happens.
  std::optional<std::string> readUntil(std::string_view text) const {
    std::string all;
    std::array<char, 4096> block;
    while (all.find(text) == std::string::npos) {
      const ssize_t got = ::recv(fd_.get(), block.data(), block.size(), 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return all;
      if (got < 0) return std::nullopt;
      all.append(block.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  Fd fd_;
};

struct HttpReply {
  int status = 0;
  std::string head;  ///< the status line and the headers
  std::string body;
};

inline std::optional<HttpReply> parseHttpReply(const std::string& text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || end == std::string::npos) return std::nullopt;
  return HttpReply{std::atoi(text.c_str() + sizeof "HTTP/1.1"), text.substr(0, end + 2),
                   text.substr(end + 4)};
}

/// The answer to one request on a connection of its own.
inline std::optional<HttpReply> httpRequest(std::uint16_t port, std::string_view method,
                                            std::string_view target,
                                            std::string_view headers = {}) {
  const HttpConnection connection(port);
  std::string request{method};
  request.append(" ").append(target).append(" HTTP/1.0\r\n").append(headers).append("\r\n");
  if (!connection.connected() || !connection.send(request)) return std::nullopt;
  const auto text = connection.readToEnd();
  return text ? parseHttpReply(*text) : std::nullopt;
}

inline std::optional<HttpReply> httpGet(std::uint16_t port, std::string_view target,
                                        std::string_view headers = {}) {
  return httpRequest(port, "GET", target, headers);
}

/// `text` as the value of a parameter in a target.
inline std::string urlEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    encoded += std::isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c) : code;
  }
  return encoded;
}

}  // namespace redline::test
