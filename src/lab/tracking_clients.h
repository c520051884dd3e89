#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "resp/scanner.h"
#include "transport/transport.h"

namespace redline::lab {

/// How the connections of a client-side cache have its keys tracked.
enum class TrackingMode : std::uint8_t {
  off,
  keysRead,  ///< CLIENT TRACKING ON: the server remembers which keys each connection has read
  broadcast  ///< CLIENT TRACKING ON BCAST: every write below a prefix, and the server remembers
             ///< none
};

/// Many connections of one thread, each of which could be a cache of its own, and one that writes:
/// for what the server pushes, and when. RESP3, no TLS, no password.
class TrackingClients {
 public:
  /// Somebody's copy of a key is gone.
  using OnPush = std::function<void(std::size_t client, std::string_view key, Nanos at)>;

  /// Returns when all have greeted. `prefix`: of the keys that broadcasts are about.
  static Result<TrackingClients> connect(const Endpoint& endpoint, std::size_t clients,
                                         TrackingMode mode, std::string_view prefix);

  std::size_t size() const { return links_.size() - 1; }
  void onPush(OnPush onPush) { onPush_ = std::move(onPush); }

  /// Each client sends all of these, some at a time, and has its replies when this returns.
  Status sendFromEach(std::span<const std::vector<std::string>> commands);
  /// The writer sends it; returns when its reply was read, with that moment. Pushes are read before
  /// and after in whatever order they come.
  Result<Nanos> write(const std::vector<std::string>& command);
  /// Reads what comes until `done` holds or the time is over; whether it held.
  Result<bool> readUntil(const std::function<bool()>& done, Nanos limit);

 private:
  struct Link {
    ConnId conn = 0;
    ReplyScanner scanner;
    std::uint64_t awaited = 0;  ///< replies to come
    std::size_t next = 0;       ///< command to send next
    Nanos repliedAt = 0;
  };

  TrackingClients() = default;
  Status open(const Endpoint& endpoint, std::size_t links);
  void send(std::size_t link, std::span<const std::vector<std::string>> commands);
  Status pass(Nanos timeout);
  Status read(std::size_t link);

  std::unique_ptr<Transport> transport_;
  std::vector<Link> links_;          ///< the writer last
  std::vector<std::size_t> ofConn_;  ///< place of a link by the number of its connection
  std::size_t connected_ = 0;
  OnPush onPush_;
};

}  // namespace redline::lab
