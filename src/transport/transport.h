#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "transport/buffer.h"
#include "transport/endpoint.h"
#include "transport/tls.h"
#include "transport/waker.h"

namespace redline {

/// One connection of one transport. Numbers are reused after close().
using ConnId = std::uint32_t;

struct TransportEvent {
  enum class Kind : std::uint8_t {
    connected,  ///< the connection is open; bytes may be queued
    received,   ///< inbound(conn) has grown
    closed,  ///< the peer is gone, or was never reached: `error` is an errno, 0 for an orderly end
  };
  ConnId conn;
  Kind kind;
  int error = 0;
};

/// Non-blocking byte streams over TCP and Unix sockets, for one thread. The loop is
///   events = wait(timeout); consume inbound(); fill outbound(); flush(); repeat.
/// Nothing is sent until flush(); an io_uring transport puts all of a pass's sends and receives
/// into one system call inside wait().
class Transport {
 public:
  virtual ~Transport() = default;

  /// Starts to connect; `connected` or `closed` follows from wait(). The host is an address, since
  /// a name would have to be looked up. Fails if no socket can be created, and as admit() does.
  virtual Result<ConnId> open(const Endpoint& endpoint) = 0;
  /// Drops the connection and what it has queued. No event follows.
  virtual void close(ConnId conn) = 0;

  /// Bytes received and not yet consumed.
  virtual InBuffer& inbound(ConnId conn) = 0;
  /// Bytes to send with the next flush(); append to it. Keeps its address until close(conn).
  virtual OutBuffer& outbound(ConnId conn) = 0;
  /// Queues all of outbound(conn) for sending. What cannot be sent now is sent later, in order.
  virtual void flush(ConnId conn) = 0;

  /// Submits what is queued, then returns what happened, waiting up to `timeout` for the first
  /// event: 0 polls, negative waits for ever. The span is good until the next call.
  virtual std::span<const TransportEvent> wait(Nanos timeout) = 0;
  /// From now on a wake() also ends a wait(), with what events there are, none perhaps. One waker
  /// at most; it outlives the transport.
  virtual Status watch(const Waker& waker) = 0;

  /// "uring" or "epoll".
  virtual std::string_view name() const = 0;
};

enum class IoChoice { automatic, uring, epoll };

/// The transport asked for. `automatic` is io_uring, or epoll where the kernel refuses the ring.
/// `tls`: null, or what TCP is encrypted with. Call it on the thread that will use it.
Result<std::unique_ptr<Transport>> makeTransport(IoChoice choice, const Tls& tls = nullptr);

}  // namespace redline
