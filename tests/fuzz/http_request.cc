// Requests to the metrics server, over a real connection each: it answers with one whole response
// that says how long it is, or closes, and its pages are its own bytes and no others.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <set>
#include <string>

#include "fuzz/target.h"
#include "metrics/http_server.h"
#include "metrics/page_files.h"
#include "os/fd.h"

namespace {

using namespace redline;

const std::string& page() {
  static const std::string kPage = "redline_up 1\n";
  return kPage;
}

const MetricsServer& server() {
  static const auto kServer = [] {
    auto made = MetricsServer::start("127.0.0.1", 0,
                                     {.files = pageFiles(), .metrics = [] { return page(); }});
    require(made.has_value(), "the server does not start");
    return std::move(*made);
  }();
  return *kServer;
}

Fd connected() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
          "no connection");
  const linger reset{1, 0};  // or the system runs out of ports
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  const timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

std::string answerTo(std::string_view request) {
  const Fd fd = connected();
  std::size_t written = 0;
  (void)writeAll(fd.get(), request, written);
  ::shutdown(fd.get(), SHUT_WR);
  std::string answer;
  const int problem = readAll(fd.get(), answer);
  require(problem == 0 || problem == ECONNRESET || problem == EPIPE, "no answer in ten seconds");
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string answer = answerTo(textOf(data, size));
  if (answer.empty()) return 0;
  require(answer.starts_with("HTTP/1.1 "), "an answer that is not HTTP");
  static const std::set<std::string> kStatuses{"200", "400", "404", "405", "431"};
  require(kStatuses.contains(answer.substr(9, 3)), "a status that is never given");
  const std::size_t end = answer.find("\r\n\r\n");
  require(end != std::string::npos, "a head without an end");
  const std::string body = answer.substr(end + 4);
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  // The answer to HEAD says how long a body would be, and has none.
  const bool isHead = textOf(data, size).starts_with("HEAD ") && body.empty();
  require(isHead || answer.substr(0, end + 2).find(length) != std::string::npos,
          "another length than said");
  const bool isPage = answer.find("version=") < end;
  require(!isPage || body == page(), "a page with other bytes");
  return 0;
}
