#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

/// Bounds on what clients can take from the server, which runs beside a measurement.
struct HttpLimits {
  /// From the moment a connection is accepted until its answer is with the client; then it is
  /// closed, however far it has come.
  Nanos deadline = 2 * kSecond;
  /// For one more, the connection that has been open longest is closed.
  std::size_t connections = 64;
  /// A request line with its headers, bytes.
  std::uint32_t requestSize = 8'192;
};

/// Answers GET /metrics, on one thread of its own. A connection carries one request, which has no
/// body and gets the whole page: no ranges, no compression, no keep-alive. No client, however slow,
/// keeps another from its answer or the server from its end.
class MetricsServer {
 public:
  /// The body of /metrics. Called on the server's thread.
  using Page = std::function<std::string()>;

  /// Listens on host:port (port 0: any that is free) and serves until destruction, which closes
  /// every connection. io: it cannot listen there, because the port is in use or the address is not
  /// on this machine.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& host, std::uint16_t port,
                                                      Page page, HttpLimits limits = {});
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  std::uint16_t port() const;

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace redline
