#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "metrics/event_feed.h"

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

  // Streams of events, which have no deadline as a whole.
  /// For one more, the stream that has been open longest is closed.
  std::size_t streams = 64;
  /// A piece that is not with the client by then ends its stream; the client may come back.
  Nanos pieceDeadline = 10 * kSecond;
  /// Bytes written to a stream at a time. No more than that is kept for a reader, however slow.
  std::size_t pieceSize = 256 << 10;
  /// How often streams are looked after …
  Nanos tick = 250 * kMillisecond;
  /// … and how many bytes all of them together get each time.
  std::size_t bytesPerTick = 512 << 10;
  /// A stream without events gets a comment after this time, so that both ends notice when the
  /// other has gone.
  Nanos heartbeat = 10 * kSecond;
  /// How long the end of the server waits for readers to get the last events.
  Nanos farewell = 300 * kMillisecond;
};

/// What the server answers with.
struct Site {
  struct File {
    std::string_view type;  ///< as Content-Type has it
    std::string_view body;
  };

  std::map<std::string_view, File> files = {};  ///< by path: "/page.css"
  /// The body of GET /metrics. Called on the server's thread.
  std::function<std::string()> metrics;
  const EventFeed* feed = nullptr;  ///< behind GET /events; null: there are none
  /// Where it listens on loopback, the name or address by which it was asked to: a request that
  /// names any host but this one, localhost or an address is refused. A page elsewhere whose name
  /// comes to stand for loopback could otherwise read it. Empty: whoever gets here may read.
  std::string host = {};
};

/// Answers GET requests for a Site, on one thread of its own. A connection carries one request,
/// which has no body and gets the whole answer: no ranges, no compression, no keep-alive; or it
/// becomes a stream of server-sent events. No client, however slow, keeps another from its answer
/// or the server from its end.
class MetricsServer {
 public:
  /// Listens on host:port (port 0: any that is free) and serves until destruction, which closes
  /// every connection. io: it cannot listen there, because the port is in use or the address is not
  /// on this machine.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& host, std::uint16_t port,
                                                      Site site, HttpLimits limits = {});
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
