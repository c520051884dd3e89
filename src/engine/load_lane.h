#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/fifo.h"
#include "resp/scanner.h"
#include "transport/endpoint.h"
#include "transport/transport.h"

namespace redline {

/// A key that a load has taken and that is not known to be stored.
struct LoadKey {
  std::uint64_t id = 0;
  std::uint16_t slot = 0;      ///< in a cluster
  std::uint8_t redirects = 0;  ///< MOVED and ASK that it has followed
  std::uint8_t retries = 0;    ///< waits after TRYAGAIN and the like; 255 at the most
  bool asking = false;         ///< ASKING goes before it
  bool sent = false;           ///< once before
};

/// Keys written as one unit on a connection, and what has been heard of them. In a cluster replies
/// come in the order of the keys; MSETs leave no such order.
struct LoadParcel {
  std::vector<LoadKey> keys;
  std::uint64_t repliesDue = 0;
  std::size_t answered = 0;     ///< in a cluster: keys that have their reply
  std::size_t stored = 0;       ///< in a cluster: of these, by its node
  bool askingAnswered = false;  ///< of the next key
};

struct LoadConnection {
  enum class State : std::uint8_t { down, connecting, handshaking, open };
  ConnId id = 0;
  State state = State::down;
  ReplyScanner scanner;
  std::vector<LoadParcel> ring;  ///< the oldest at `head`
  std::size_t head = 0, count = 0;
  unsigned losses = 0;  ///< since the last parcel that it brought home
  Nanos reopenAt = 0;

  bool hasRoom() const { return state == State::open && count < ring.size(); }
  LoadParcel& oldest() { return ring[head]; }
  LoadParcel& add() { return ring[(head + count++) % ring.size()]; }
  void dropOldest() {
    head = head + 1 == ring.size() ? 0 : head + 1;
    --count;
  }
};

/// One destination of a load's worker: a node, the connections to it, and the keys that wait for
/// room on one.
struct LoadLane {
  LoadLane(std::uint16_t laneNumber, Endpoint to, std::size_t conns, unsigned inFlight)
      : number(laneNumber), endpoint(std::move(to)), connections(conns) {
    for (LoadConnection& c : connections) c.ring.resize(inFlight);
  }

  std::uint16_t number;
  Endpoint endpoint;
  std::vector<LoadConnection> connections;
  Fifo<LoadKey> waiting;
  std::uint64_t stored = 0;      ///< keys; in a cluster
  std::uint64_t redirected = 0;  ///< MOVED and ASK that its node answered
};

}  // namespace redline
